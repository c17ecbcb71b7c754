"""What a caller may rely on in any answer: the documented shape, a documented code, and no secret anywhere."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from random import Random
from typing import Any, Self

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from order_router.api.problems import STATUS_OF_CODE
from tests.simulation.process import CRASHED
from tests.simulation.stack import Stack

REFUSED = 422
REFUSALS = {
    "ABOVE_FREEZE_QUANTITY",
    "ACCOUNT_DISABLED",
    "ACCOUNT_UNKNOWN",
    "ALERT_REFUSED",
    "BROKER_CIRCUIT_OPEN",
    "DAILY_LIMIT_REACHED",
    "IDEMPOTENCY_KEY_INVALID",
    "IDEMPOTENCY_KEY_REUSED",
    "INSTRUMENT_DENIED",
    "INSTRUMENT_EXPIRED",
    "INSTRUMENT_UNKNOWN",
    "INVALID_REQUEST",
    "KILL_SWITCH_ON",
    "OPEN_ORDERS_LIMIT",
    "ORDER_REJECTED",
    "PRODUCT_NOT_ALLOWED",
    "QUANTITY_LIMIT",
    "STATEMENT_REFUSED",
    "STRATEGY_DISABLED",
    "STRATEGY_UNKNOWN",
    "UNSUPPORTED",
    "WRONG_LOT_SIZE",
    "WRONG_TICK_SIZE",
}
"""Codes that the table of statuses leaves to its default."""

PASSING = {
    "STORE_UNAVAILABLE",
    "LISTINGS_UNAVAILABLE",
    "SECRET_UNAVAILABLE",
    "BROKER_UNREACHABLE",
    "BROKER_SESSION_EXPIRED",
    "BROKER_RATE_LIMITED",
    "BROKER_OUTCOME_UNKNOWN",
    "BROKER_NOT_READ",
    "DEADLINE_PASSED",
    "SLOT_LAPSED",
    "ORDER_IN_PROGRESS",
    "CONFLICT",
    "RATE_LIMITED",
}
"""What a fault may bring, whatever was asked."""

KEYLESS = {"POST /v1/webhooks/tradingview", "POST /v1/webhooks/tradingview/{token}"}
NEVER_FROM_A_WEBHOOK = {429, 504}
OF_A_PAGE = {200, 403, 503}


@dataclass(frozen=True)
class Reply:
    """One answer as it came; `status` None: none came in time, and no `content`: the gateway's own."""

    status: int | None
    content: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Return whether a function answered."""
        return bool(self.headers)

    @property
    def is_success(self) -> bool:
        """Return whether it says yes."""
        return self.status is not None and self.status < 300

    @property
    def code(self) -> str:
        """Return the problem's code, OK for a success, NONE where no function answered."""
        if not self.is_ours:
            return "NONE"
        return "OK" if self.is_success else str(self.content["code"])


def read_reply(route: str, raw: dict[str, Any] | None) -> Reply:
    """Return the answer of a route, once all that holds for every answer was seen to hold."""
    if raw is None:
        return Reply(None)
    if raw is CRASHED:
        return Reply(500)
    content = json.loads(raw["body"], parse_constant=_no_constant)
    reply = Reply(raw["statusCode"], content, raw["headers"])
    if route in KEYLESS:
        assert reply.status not in NEVER_FROM_A_WEBHOOK, f"a webhook answered {reply.status}"
    _check_shape(route, reply)
    return reply


def read_page(raw: dict[str, Any] | None) -> tuple[int | None, str]:
    """Return the status and the text of a page, once all that holds for every page was seen to hold."""
    if raw is None or raw is CRASHED:
        return None, ""
    headers, status = raw["headers"], int(raw["statusCode"])
    assert status in OF_A_PAGE, f"a page was answered with {status}"
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    return status, str(raw["body"])


def _no_constant(word: str) -> None:
    raise AssertionError(f"{word} in an answer")


def _check_shape(route: str, reply: Reply) -> None:
    kind = "application/json" if reply.is_success else "application/problem+json"
    if route == "GET /v1/health":
        kind = "application/json"
    assert reply.headers["content-type"] == kind
    assert reply.headers["cache-control"] == "no-store"
    wrong = [
        f"{error.json_path}: {error.message}"
        for error in _validator(route, reply.status).iter_errors(reply.content)
    ]
    assert wrong == [], f"{route} answered what its contract does not say: {wrong}"
    if kind == "application/problem+json":
        _check_problem(reply)


def _check_problem(reply: Reply) -> None:
    code = reply.content["code"]
    assert code != "INTERNAL_ERROR", f"a defect: {reply.content}"
    assert code in STATUS_OF_CODE or code in REFUSALS, f"{code} is not documented"
    documented = STATUS_OF_CODE.get(code, REFUSED)
    assert reply.status == reply.content["status"] == documented, f"{code} was answered with {reply.status}"
    assert (reply.status != 429) or "retry-after" in reply.headers


@cache
def document() -> dict[str, Any]:
    """Return the contract that the health function serves."""
    stack = Stack(Random(0))  # noqa: S311 - a schedule, not a secret
    answers: list[Any] = []
    route = "GET /v1/openapi.json"
    stack.hub.run_through(
        stack.hub.spawn("client", lambda: answers.append(stack.gateway.exchange("health", route)))
    )
    stack.hub.close()
    found: dict[str, Any] = json.loads(answers[0]["body"])
    validate(found)
    return found


@cache
def _validator(route: str, status: int | None) -> Any:
    method, _, path = route.partition(" ")
    responses = document()["paths"][path][method.lower()]["responses"]
    is_documented = str(status) in responses
    assert is_documented or (status is not None and status >= 400), f"{route} does not document {status}"
    described = responses[str(status) if is_documented else "default"]
    schema = next(iter(described["content"].values()))["schema"]
    return OAS31Validator({**schema, "components": document()["components"]})


class Canaries:
    """Secrets that must not be seen, and every line that the shipped code logs while this is entered."""

    def __init__(self, *secrets: str) -> None:
        self.secrets = secrets
        self.hidden: list[str] = []
        """What a page may show and nothing else."""
        self._handler = _Lines()
        self._logger = logging.getLogger("order_router")

    def __enter__(self) -> Self:
        self._level, self._propagate = self._logger.level, self._logger.propagate
        self._logger.setLevel(logging.DEBUG)
        self._logger.propagate = False
        self._logger.addHandler(self._handler)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self._handler)
        self._logger.setLevel(self._level)
        self._logger.propagate = self._propagate

    def check(self, text: str, where: str) -> None:
        """Require that no secret is in a text."""
        for secret in self.secrets:
            assert secret not in text, f"a secret is in {where}: {text[:300]}"

    def check_log(self) -> None:
        """Require that no secret was logged since the last look."""
        lines, self._handler.lines = self._handler.lines, []
        for line in lines:
            self.check_kept(line, "a log line")

    def check_kept(self, text: str, where: str) -> None:
        """Require that no secret, and nothing that a page alone may show, is in a text that is kept."""
        self.check(text, where)
        for secret in self.hidden:
            assert secret not in text, f"a link's token is in {where}: {text[:300]}"


class _Lines(logging.Handler):
    """Keeps each line as Lambda would have it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(LambdaPowertoolsFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def moment(text: str) -> datetime:
    """Return a time of an answer; AssertionError unless it is ISO 8601 with a Z."""
    assert text.endswith("Z"), text
    return datetime.fromisoformat(text)
