"""What we know about an order when a broker call fails: each class answers that one question."""

from order_router.domain.errors import MAX_WORDS, Reason, RouterError


class BrokerError(RouterError):
    """A broker call failed. `broker_code` and the message keep the broker's own words."""

    code = "BROKER_ERROR"

    def __init__(self, message: str, *, code: str | None = None, broker_code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.broker_code = broker_code

    @property
    def reason(self) -> Reason:
        """Return our code and the broker's words."""
        words = self.message if self.broker_code is None else f"{self.broker_code}: {self.message}"
        return Reason(self.code, words[:MAX_WORDS])


class NotSent(BrokerError):
    """Nothing reached the broker's order system: it may be sent again within the deadline."""

    code = "BROKER_UNREACHABLE"


class DeadlinePassed(NotSent):
    """The order became too old, or its owner lost it, before the request left."""

    code = "DEADLINE_PASSED"


class SlotLapsed(NotSent):
    """The call that was taken of its second was not made in time: it takes another before it leaves."""

    code = "SLOT_LAPSED"


class SessionExpired(NotSent):
    """The broker refused our session before its order system: renew, then send again."""

    code = "BROKER_SESSION_EXPIRED"


class RateLimited(NotSent):
    """The broker documents this refusal as before its order system: wait, then send again.

    `keeps_out_s`: for how long it refuses whoever goes on, whatever is asked.
    """

    code = "BROKER_RATE_LIMITED"

    def __init__(self, message: str, *, broker_code: str | None = None, keeps_out_s: float = 0) -> None:
        super().__init__(message, broker_code=broker_code)
        self.keeps_out_s = keeps_out_s


class Unsupported(BrokerError):
    """The broker lacks what was asked; found before anything was sent."""

    code = "UNSUPPORTED"


class Rejected(BrokerError):
    """The broker's definite no: the order does not exist there, or the change was not made."""

    code = "ORDER_REJECTED"


class InsufficientFunds(Rejected):
    """The broker refused for want of money, margin or holdings."""


class InvalidSymbol(Rejected):
    """The broker does not know the instrument."""


class InvalidOrder(Rejected):
    """The broker found a field wrong: lot, tick, price band, product."""


class MarketClosed(Rejected):
    """The broker refused because the market is closed."""


class PermissionDenied(Rejected):
    """The broker refused this user, plan or address, whatever the order."""


class OrderNotFound(Rejected):
    """The broker does not know the order that was named."""


class OutcomeUnknown(BrokerError):
    """The request may have reached the broker: never send it again, look it up."""

    code = "BROKER_OUTCOME_UNKNOWN"


class AdapterDefect(BrokerError):
    """A broker's adapter failed with an error that is none of ours: by itself it proves nothing."""

    code = "ADAPTER_DEFECT"
