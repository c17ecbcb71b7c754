"""What SQS refuses."""

MISSING_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"


class Refusal(Exception):
    """A call is refused with this code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def invalid_value(parameter: str, reason: str) -> Refusal:
    """Return the refusal of a parameter's value."""
    return Refusal("InvalidParameterValue", f"Value for parameter {parameter} is invalid. Reason: {reason}")
