"""What can come of asking the stack's API, and how its paths are written."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from infra.cli.refusal import Refusal

USAGE = {"INVALID_REQUEST", "BODY_UNREADABLE", "IDEMPOTENCY_KEY_INVALID", "INVALID_CURSOR"}


class ApiRefused(Refusal):
    """The API's own refusal; `problem` is its whole answer."""

    def __init__(self, message: str, *, code: str, problem: Mapping[str, Any]) -> None:
        super().__init__(message, code=code)
        self.problem = problem
        self.exit_code = 2 if code in USAGE else 1


class AnswerLost(Refusal):
    """The API did not answer: what was asked may have been done."""

    code = "ANSWER_LOST"


def path_of(*parts: str) -> str:
    """Return a path of the API: each part becomes one, whatever is in it."""
    return "/".join(["/v1", *(quote(part, safe="") for part in parts)])
