"""The errors that botocore's clients raise, in the shape that AWS's answers give them."""

from typing import Any

from botocore.exceptions import ClientError, ParamValidationError


def client_error(operation: str, code: str, message: str, **more: Any) -> ClientError:
    """Return the ClientError of an answer with status 400; `more` is what stands beside its code."""
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400, "HTTPHeaders": {}, "RetryAttempts": 0},
        "message": message,
        **more,
    }
    return ClientError(response, operation)


def answer(**fields: Any) -> dict[str, Any]:
    """Return a successful answer."""
    return {**fields, "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}}


def require_known(request: dict[str, Any], required: frozenset[str], optional: frozenset[str]) -> None:
    """Raise ParamValidationError, as botocore does before it sends, for a name that is missing or not known.

    A name that AWS knows and the fake does not is refused in the same way: a fake must not ignore what it is asked.
    """
    if not required <= request.keys() or not request.keys() <= required | optional:
        missing, unknown = sorted(required - request.keys()), sorted(request.keys() - required - optional)
        raise ParamValidationError(report=f"missing: {missing}, unknown: {unknown}")
