"""What a refusal by Kotak tells about an order, as one table (sources and dates: README.md)."""

from dataclasses import dataclass, replace
from typing import Any

from order_router.adapter import errors
from order_router.adapter.decode import read_text

DEFINITE = frozenset({200, *range(400, 500)}) - {408}
OK = 200
UNAUTHORISED = (401, 403)


class NoData(errors.OutcomeUnknown):
    """Kotak has nothing to show: an empty list, where a list was asked for."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error answer: its HTTP status, Kotak's code (None where it gives none) and its words."""

    status: int
    code: str | None
    message: str

    def without(self, secret: str) -> "Refusal":
        """Return the refusal with every mention of a secret taken out of its words."""
        code = None if self.code is None else self.code.replace(secret, "***")
        return replace(self, code=code, message=self.message.replace(secret, "***"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a refusal means if all that is given here fits it."""

    means: type[errors.BrokerError]
    code: str | None = None
    status: int | None = None
    words: str = ""
    names_an_order: bool | None = None
    is_write: bool | None = None

    def fits(self, refusal: Refusal, *, names_an_order: bool, is_write: bool) -> bool:
        """Return whether the refusal is one of these."""
        return (
            self.code in {None, refusal.code}
            and self.status in {None, refusal.status}
            and self.words in refusal.message.lower()
            and self.names_an_order in {None, names_an_order}
            and self.is_write in {None, is_write}
        )


# the first that fits decides
RULES = (
    # of the address, not of the session: a new login from the same address would be refused too
    Rule(code="100008", means=errors.PermissionDenied),
    Rule(code="1037", means=errors.PermissionDenied),
    *(Rule(status=status, is_write=False, means=errors.SessionExpired) for status in UNAUTHORISED),
    Rule(code="100022", means=errors.SessionExpired),
    # after a write the order is sent again: only in the words that the pages on orders have for this code
    Rule(code="1003", words="session", means=errors.SessionExpired),
    Rule(code="1003", is_write=False, means=errors.SessionExpired),
    # no page on orders has it
    Rule(code="100010", is_write=False, means=errors.SessionExpired),
    Rule(code="5203", means=NoData),
    Rule(code="5204", words="no data", means=NoData),
    Rule(code="1002", means=errors.InvalidOrder),
    Rule(code="1004", means=errors.InsufficientFunds),
    Rule(code="1006", words="not found", names_an_order=True, means=errors.OrderNotFound),
    Rule(code="1006", names_an_order=True, means=errors.Rejected),
    Rule(code="1021", names_an_order=True, means=errors.Rejected),
    Rule(code="1008", means=errors.MarketClosed),
    Rule(code="1009", words="symbol", means=errors.InvalidSymbol),
    Rule(code="1009", words="instrument", means=errors.InvalidSymbol),
    Rule(code="1009", means=errors.InvalidOrder),
    # at a cancel "Order not found", at a placement and a change "Quantity not allowed / contract expired"
    Rule(code="1010", words="not found", names_an_order=True, means=errors.OrderNotFound),
    Rule(code="1010", words="not found", means=errors.OutcomeUnknown),
    Rule(code="1010", means=errors.InvalidOrder),
    Rule(code="1017", means=errors.Rejected),
    Rule(words="market order with algo id not allowed", means=errors.Rejected),
    Rule(code="10300", means=errors.InvalidOrder),
    Rule(code="400", means=errors.InvalidOrder),
    # also the answer to a tag that was used before: then the order is there
    Rule(code="32", means=errors.OutcomeUnknown),
    Rule(status=429, means=errors.RateLimited),
    *(Rule(status=status, means=errors.SessionExpired) for status in UNAUTHORISED),
)


def find_refusal(status: int, answer: object) -> Refusal | None:
    """Return the refusal that an answer is, in any of Kotak's four shapes; None if it is none of them."""
    if not isinstance(answer, dict) or is_ok(answer):
        return None
    return next((found for shape in SHAPES if (found := shape(status, answer)) is not None), None)


def is_ok(answer: dict[str, Any]) -> bool:
    """Return whether an answer says that all is well, in a word or in a code."""
    return str(answer.get("stat")).lower() == "ok" or answer.get("stCode") in (OK, str(OK))


def read_refusal(refusal: Refusal, *, names_an_order: bool, is_write: bool) -> errors.BrokerError:
    """Return the error that a refusal means: a definite no only where Kotak is known to mean one."""
    rules = RULES if refusal.status in DEFINITE else ()
    fitting = (
        rule.means for rule in rules if rule.fits(refusal, names_an_order=names_an_order, is_write=is_write)
    )
    kind = next(fitting, errors.OutcomeUnknown)
    return kind(refusal.message, broker_code=refusal.code)


def _by_st_code(status: int, answer: dict[str, Any]) -> Refusal | None:
    name = next((name for name in ("errMsg", "emsg", "message") if answer.get(name)), None)
    has_code = "stCode" in answer
    if name is None or not (has_code or str(answer.get("stat")).lower() == "not_ok"):
        return None
    return Refusal(status, read_text(answer, "stCode") if has_code else None, read_text(answer, name))


def _by_list(status: int, answer: dict[str, Any]) -> Refusal | None:
    found = answer.get("error")
    if not isinstance(found, list) or not found or not isinstance(found[0], dict):
        return None
    return Refusal(status, read_text(found[0], "code"), read_text(found[0], "message"))


def _by_status(status: int, answer: dict[str, Any]) -> Refusal | None:
    if answer.get("status") != "error":
        return None
    return Refusal(status, read_text(answer, "errorCode"), read_text(answer, "message"))


def _by_fault(status: int, answer: dict[str, Any]) -> Refusal | None:
    fault = answer.get("fault")
    if answer.get("status") != "ERROR" or not isinstance(fault, dict):
        return None
    return Refusal(status, read_text(fault, "code"), read_text(fault, "message"))


SHAPES = (_by_st_code, _by_list, _by_status, _by_fault)
