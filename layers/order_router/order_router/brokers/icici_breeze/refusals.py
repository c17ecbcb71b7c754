"""What a refusal by Breeze tells about an order, as one table (sources and dates: README.md)."""

from dataclasses import dataclass, field

from order_router.adapter import errors

OK = 200
UNAUTHORIZED = 401
BUSINESS = 500
"""The `Status` inside an answer that Breeze gives most of its refusals, under HTTP 200 as well."""

READABLE = frozenset({200, *range(400, 500)}) - {408}
"""HTTP statuses under which a refusal in words may be believed: the others say that a server failed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error answer: its HTTP status, the `Status` inside it and its words; `shown` are those without a secret."""

    http_status: int
    status: int
    words: str = field(repr=False)
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a refusal means if all that is given here fits it."""

    means: type[errors.BrokerError]
    words: str = ""
    status: int | None = None
    http_status: int | None = None
    names_an_order: bool | None = None

    def fits(self, refusal: Refusal, *, names_an_order: bool) -> bool:
        """Return whether the refusal is one of these."""
        return (
            self.words in refusal.words.lower()
            and self.status in {None, refusal.status}
            and self.http_status in {None, refusal.http_status}
            and self.names_an_order in {None, names_an_order}
        )


# words of a server that did not finish its work, whatever it did before: none of them is a no
UNFINISHED = (
    "timeout",
    "timed out",
    "time out",
    "try again",
    "try after",
    "unable to",
    "unavailable",
    "not responding",
    "internal",
    "exception",
    "technical",
    "check the order book",
    "check order book",
    "invalid user details",
)

# the first that fits decides
RULES = (
    Rule(words="limit exceed: api call", means=errors.RateLimited),
    Rule(http_status=429, means=errors.RateLimited),
    Rule(words="invalid checksum", means=errors.PermissionDenied),
    Rule(words="invalid session", means=errors.SessionExpired),
    Rule(words="public key does not exist", means=errors.SessionExpired),
    Rule(http_status=UNAUTHORIZED, means=errors.SessionExpired),
    *(Rule(words=words, means=errors.OutcomeUnknown) for words in UNFINISHED),
    Rule(words="price should be in multiples", means=errors.InvalidOrder),
    Rule(words="invalid market/limit indicator", means=errors.InvalidOrder),
    Rule(words="cannot be empty", means=errors.InvalidOrder),
    Rule(words="should be either", means=errors.InvalidOrder),
    Rule(words="no data found", names_an_order=True, means=errors.OrderNotFound),
    Rule(words="insufficient", means=errors.InsufficientFunds),
    Rule(words="invalid stock", means=errors.InvalidSymbol),
    Rule(words="market is closed", means=errors.MarketClosed),
    Rule(status=403, means=errors.PermissionDenied),
    Rule(status=400, means=errors.InvalidOrder),
    Rule(status=404, means=errors.Rejected),
    Rule(status=BUSINESS, http_status=OK, means=errors.Rejected),
)


def read_refusal(refusal: Refusal, *, names_an_order: bool) -> errors.BrokerError:
    """Return the error that a refusal means: a definite no only where the table has it as one."""
    rules = RULES if refusal.http_status in READABLE else ()
    fitting = (rule.means for rule in rules if rule.fits(refusal, names_an_order=names_an_order))
    kind = next(fitting, errors.OutcomeUnknown)
    return kind(refusal.shown, broker_code=str(refusal.status))


def is_nothing_found(refusal: Refusal) -> bool:
    """Return whether a list was asked for and there is nothing on it."""
    return (
        refusal.http_status in {200, 404}
        and refusal.status in {404, BUSINESS}
        and "no data found" in refusal.words.lower()
    )
