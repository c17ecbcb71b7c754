"""What a refusal by Kite tells about an order, as one table (sources and dates: README.md)."""

from dataclasses import dataclass, replace

from order_router.adapter import errors

CLIENT_ERRORS = frozenset(range(400, 500)) - {408}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error answer: its HTTP status, Kite's `error_type` and its words."""

    status: int
    error_type: str
    message: str

    def without(self, secret: str) -> "Refusal":
        """Return the refusal with every mention of a secret taken out of its words."""
        return replace(self, message=self.message.replace(secret, "***"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a refusal means if all that is given here fits it."""

    means: type[errors.BrokerError]
    error_type: str | None = None
    status: int | None = None
    words: str = ""
    names_an_order: bool | None = None

    def fits(self, refusal: Refusal, *, names_an_order: bool) -> bool:
        """Return whether the refusal is one of these."""
        return (
            self.error_type in {None, refusal.error_type}
            and self.status in {None, refusal.status}
            and self.words in refusal.message.lower()
            and self.names_an_order in {None, names_an_order}
        )


# the first that fits decides
RULES = (
    Rule(words="order request timed out", means=errors.OutcomeUnknown),
    Rule(words="check the order book", means=errors.OutcomeUnknown),
    Rule(words="kitetrade-oms", means=errors.OutcomeUnknown),
    Rule(words="maximum allowed order requests exceeded", means=errors.Rejected),
    Rule(error_type="NetworkException", status=429, means=errors.RateLimited),
    Rule(status=429, means=errors.OutcomeUnknown),
    Rule(words="couldn't find that `order_id`", names_an_order=True, means=errors.OrderNotFound),
    Rule(error_type="OrderException", status=404, names_an_order=True, means=errors.OrderNotFound),
    Rule(
        error_type="InputException", words="has either expired or does not exist", means=errors.InvalidSymbol
    ),
    Rule(
        error_type="OrderException", words="has either expired or does not exist", means=errors.InvalidSymbol
    ),
    Rule(error_type="TokenException", status=403, means=errors.SessionExpired),
    Rule(error_type="PermissionException", means=errors.PermissionDenied),
    Rule(error_type="UserException", means=errors.PermissionDenied),
    Rule(error_type="MarginException", means=errors.InsufficientFunds),
    Rule(error_type="HoldingException", means=errors.InsufficientFunds),
    Rule(error_type="InputException", means=errors.InvalidOrder),
    Rule(error_type="OrderException", means=errors.Rejected),
)


def read_refusal(refusal: Refusal, *, names_an_order: bool) -> errors.BrokerError:
    """Return the error that a refusal means: a definite no only where Kite documents it as one."""
    rules = RULES if refusal.status in CLIENT_ERRORS else ()
    fitting = (rule.means for rule in rules if rule.fits(refusal, names_an_order=names_an_order))
    kind = next(fitting, errors.OutcomeUnknown)
    return kind(refusal.message, broker_code=refusal.error_type)
