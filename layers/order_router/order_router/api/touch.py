"""Calls from inside the stack that ask a function for nothing of a trader's: is it there, and from which address."""

from collections.abc import Callable, Mapping
from typing import Any

from order_router.domain.errors import RouterError

TOUCH, ADDRESS = "touch", "address"

Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]


def touchable(handler: Handler, seen_address: Callable[[], str]) -> Handler:
    """Make a handler answer the call before the open and the question for its address; the rest as it did.

    API Gateway and SQS send no event with a `source` of its own: only who may invoke the function can ask.
    """

    def answer(event: Mapping[str, Any], context: object) -> dict[str, Any]:
        source = event.get("source")
        if source == TOUCH:
            return {"touched": True}
        return _address(seen_address) if source == ADDRESS else handler(event, context)

    return answer


def _address(seen_address: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"address": seen_address()}
    except RouterError as error:
        return {"error": {"code": error.code, "message": error.message}}
