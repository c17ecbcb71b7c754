"""What DynamoDB refuses."""

from typing import Any

from botocore.exceptions import ParamValidationError


class Refusal(Exception):
    """A call is refused: `code` and message as AWS gives them, `more` is what stands beside them."""

    def __init__(self, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.more = more


class Invalid(Refusal):
    """The request breaks a rule, whatever the table holds."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class ConditionFailed(Refusal):
    """The stored item is not what the condition says; `stored` is it."""

    def __init__(self, stored: dict[str, Any] | None) -> None:
        more = {} if stored is None else {"Item": stored}
        super().__init__("ConditionalCheckFailedException", "The conditional request failed", **more)


def parameters(message: str) -> Invalid:
    """Return the refusal of a parameter's value."""
    return Invalid(f"One or more parameter values were invalid: {message}")


def unsendable(message: str) -> ParamValidationError:
    """Return botocore's own error for a request that it would not send."""
    return ParamValidationError(report=message)
