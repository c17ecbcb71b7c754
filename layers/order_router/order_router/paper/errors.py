"""What the paper broker refuses, in its own words, and what its store cannot do."""

from enum import StrEnum

from order_router.domain.errors import RouterError


class RefusalCode(StrEnum):
    """The paper broker's codes, as they stand in its answers."""

    BAD_INPUT = "BAD_INPUT"
    NOT_LOGGED_IN = "NOT_LOGGED_IN"
    NO_SUCH_ACCOUNT = "NO_SUCH_ACCOUNT"
    NO_SUCH_PAGE = "NO_SUCH_PAGE"
    NO_SUCH_INSTRUMENT = "NO_SUCH_INSTRUMENT"
    WRONG_PRODUCT = "WRONG_PRODUCT"
    WRONG_LOT = "WRONG_LOT"
    WRONG_TICK = "WRONG_TICK"
    WRONG_TRIGGER = "WRONG_TRIGGER"
    WRONG_QUANTITY = "WRONG_QUANTITY"
    TOO_MANY_ORDERS = "TOO_MANY_ORDERS"
    SHORT_OF_FUNDS = "SHORT_OF_FUNDS"
    SHORT_OF_HOLDINGS = "SHORT_OF_HOLDINGS"
    NO_SUCH_ORDER = "NO_SUCH_ORDER"
    ORDER_HAS_ENDED = "ORDER_HAS_ENDED"
    BUSY = "BUSY"


class PaperRefusal(RouterError):
    """The paper broker's definite no: nothing changed."""

    def __init__(self, refusal: RefusalCode, message: str) -> None:
        super().__init__(message, code=refusal)
        self.refusal = refusal


class PaperConflict(RouterError):
    """The stored account is not the one that a write replaces: nothing was written, read it again."""

    code = "CONFLICT"

    def __init__(self) -> None:
        super().__init__("the paper account was changed meanwhile")


class PaperStoreUnavailable(RouterError):
    """The paper broker's store did not answer: whether a write happened is not known."""

    code = "STORE_UNAVAILABLE"
