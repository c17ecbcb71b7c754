"""The root of every error that this project raises on purpose, and the refusals of our own rules."""

from dataclasses import dataclass

MAX_WORDS = 500
"""How much of a broker's words is kept: an order's record has a limit, and a page of HTML says no more."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an order is where it is: a stable code of ours and words for a person."""

    code: str
    message: str


class RouterError(Exception):
    """An error with a stable code that an API answer may show."""

    code = "INTERNAL_ERROR"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code if code is not None else type(self).code

    @property
    def reason(self) -> Reason:
        """Return the code and the words as one value."""
        return Reason(self.code, self.message)


class SettingUnreadable(RouterError):
    """A stored setting is not one that this release can read: of a newer one, or damaged."""

    code = "SETTING_UNREADABLE"


class CursorInvalid(RouterError):
    """The cursor is not one that an earlier page gave."""

    code = "INVALID_CURSOR"

    def __init__(self) -> None:
        super().__init__("this cursor is not one that a page gave")


class OrderDenied(RouterError):
    """Our own rules refuse the order: nothing was sent, nothing will be."""

    code = "ORDER_REFUSED"


class IllegalTransition(RouterError):
    """An event does not fit the state that an order is in."""

    code = "ILLEGAL_TRANSITION"
