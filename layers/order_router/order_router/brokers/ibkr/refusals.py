"""What a refusal by the Web API tells about an order, as one table (sources and dates: README.md)."""

from dataclasses import dataclass

from order_router.adapter import errors

UNCLEAR = range(500, 600)
"""The vendor gives up on its own order system after about ten seconds with 503: a write may still land."""


KEPT_OUT_S = 900
"""How long the vendor keeps an address out that was too fast, at most: every user behind it (field reports: 10 to 15
minutes)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error answer: its HTTP status (200 too) and the words in `error`."""

    status: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a refusal means if all that is given here fits it."""

    means: type[errors.BrokerError]
    words: str = ""
    status: int | None = None
    is_write: bool | None = None
    names_an_order: bool | None = None

    def fits(self, refusal: Refusal, *, is_write: bool, names_an_order: bool) -> bool:
        """Return whether the refusal is one of these."""
        return (
            self.words in refusal.message.lower()
            and self.status in {None, refusal.status}
            and self.is_write in {None, is_write}
            and self.names_an_order in {None, names_an_order}
        )


# the first that fits decides; what fits none is an unknown outcome
RULES = (
    # the order is there: look it up by its cOID
    Rule(words="local order id=", means=errors.OutcomeUnknown),
    # a question that has lapsed: whether our answer came in time only the book tells
    Rule(words="reply id not found", means=errors.OutcomeUnknown),
    Rule(words="order not confirmed", means=errors.OutcomeUnknown),
    Rule(words="no bridge", status=400, means=errors.SessionExpired),
    Rule(words="please query /accounts first", status=400, means=errors.SessionExpired),
    Rule(status=429, means=errors.RateLimited),
    Rule(words="doesn't exist", names_an_order=True, means=errors.OrderNotFound),
    Rule(status=404, names_an_order=True, means=errors.OrderNotFound),
    Rule(
        words="order not found", status=503, is_write=False, names_an_order=True, means=errors.OrderNotFound
    ),
    Rule(words="order is inactive", status=400, means=errors.Rejected),
    Rule(words="accountid", status=400, means=errors.InvalidOrder),
    Rule(words="no security definition", status=200, means=errors.InvalidSymbol),
    Rule(words="insufficient", status=200, means=errors.InsufficientFunds),
    Rule(words="available funds", status=200, means=errors.InsufficientFunds),
    Rule(words="margin", status=200, means=errors.InsufficientFunds),
    Rule(words="trading permission", status=200, means=errors.PermissionDenied),
    Rule(status=200, means=errors.Rejected),
)


def read_refusal(refusal: Refusal, *, is_write: bool, names_an_order: bool) -> errors.BrokerError:
    """Return the error that a refusal means: a definite no only where it is documented as one."""
    rules = (rule for rule in RULES if refusal.status not in UNCLEAR or rule.status == refusal.status)
    fitting = (
        rule.means for rule in rules if rule.fits(refusal, is_write=is_write, names_an_order=names_an_order)
    )
    kind = next(fitting, errors.OutcomeUnknown)
    if kind is errors.RateLimited:
        return errors.RateLimited(refusal.message, broker_code="429", keeps_out_s=KEPT_OUT_S)
    return kind(refusal.message, broker_code=str(refusal.status))
