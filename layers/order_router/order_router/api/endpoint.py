"""Turn a function from request to answer into a Lambda handler that never shows a stack trace."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from order_router.api.answers import order_json
from order_router.api.http import Answer, ApiRequest, read_event
from order_router.api.problems import problem, problem_of, problem_of_validation
from order_router.domain.errors import RouterError, SettingUnreadable
from order_router.service.change import ChangeRefused

logger = logging.getLogger(__name__)

Handle = Callable[[ApiRequest], Answer]
Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]


def endpoint(handle: Handle) -> Handler:
    """Make a Lambda handler of a function that answers requests."""

    def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
        return answer_event(event, handle).to_gateway()

    return handler


def answer_event(event: Mapping[str, Any], handle: Handle) -> Answer:
    """Answer an API Gateway event; every error becomes a problem with a stable code."""
    try:
        return handle(read_event(event))
    except ValidationError as error:
        return problem_of_validation(error)
    except ChangeRefused as error:
        return problem_of(error, {"order": order_json(error.order)})
    except RouterError as error:
        log_refusal("refused", error)
        return problem_of(error)
    except Exception:  # the edge: whatever went wrong, the caller gets an answer and the log the trace
        logger.exception("unexpected error")
        return problem("INTERNAL_ERROR", "something went wrong on our side; the log has the details")


def log_refusal(words: str, error: RouterError) -> None:
    """Log a refusal; one that a caller can do nothing about is an error, for the alarm of those nobody expected."""
    if isinstance(error, SettingUnreadable):
        logger.error(words, extra={"code": error.code, "words": error.message})
    else:
        logger.info(words, extra={"code": error.code})


def route(table: Mapping[str, Handle]) -> Handler:
    """Make one Lambda handler of several routes (keys as API Gateway writes them, such as `GET /v1/orders`)."""

    def handle(request: ApiRequest) -> Answer:
        found = table.get(request.route)
        return problem("NOT_FOUND", "there is no such route") if found is None else found(request)

    return endpoint(handle)
