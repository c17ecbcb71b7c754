"""What went wrong as one line that says what to do, and the exit code: 2 for wrong input, 1 for a refusal."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import typer

from infra.cli.asking import ApiRefused
from infra.cli.output import plain
from infra.cli.refusal import Refusal
from order_router.domain.errors import RouterError

NAME = "lower case letters, digits, - and _, at most 32"
ORDER_TYPES = {"MARKET", "LIMIT", "SL", "SL_M"}
TOO_MANY = "Got unexpected extra argument"


@dataclass(frozen=True, slots=True)
class Failure:
    """One line, its stable code and the exit code."""

    line: str
    code: str
    exit_code: int = 1
    problem: Mapping[str, Any] | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The failure as JSON, with the API's whole answer where that refused."""
        told = {"code": self.code, "message": self.line}
        return {"error": told if self.problem is None else {**told, "problem": dict(self.problem)}}


def failure_of(error: Exception) -> Failure:
    """Return the line for an error; none of ours holds a secret, and no other's words are repeated unknown."""
    failure = _failure_of(error)
    return replace(failure, line=plain(" ".join(failure.line.split())))


def _failure_of(error: Exception) -> Failure:
    if isinstance(error, typer.TyperException):
        return Failure(_usage(error), "USAGE", error.exit_code)
    if isinstance(error, typer.Abort | EOFError):
        return Failure("stopped: nothing was changed", "STOPPED")
    if isinstance(error, ApiRefused):
        return Failure(error.message, error.code, error.exit_code, error.problem)
    if isinstance(error, RouterError):
        return Failure(_ours(error), error.code, error.exit_code if isinstance(error, Refusal) else 1)
    return _foreign(error)


def _ours(error: RouterError) -> str:
    words = error.reason.message
    return f"{words}: is the stack up (make up)?" if error.code == "STORE_UNAVAILABLE" else words


def _usage(error: typer.TyperException) -> str:
    words = error.format_message()
    # a secret that was typed where it does not belong is not repeated
    if not words:
        # no command was named, and the help stands there already
        return ""
    words = "too many arguments" if words.startswith(TOO_MANY) else words.rstrip(".")
    context = getattr(error, "ctx", None)
    path = "router" if context is None else context.command_path
    return f"{words} (see {path} --help)"


def _foreign(error: Exception) -> Failure:
    """Name an error that is not ours; its own words are shown only where they cannot hold a secret."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only a failure pays for it
    from pydantic import ValidationError  # noqa: PLC0415 - the same

    if isinstance(error, ValidationError):
        return Failure("; ".join(_invalid(line) for line in _lines(error)), "INVALID_REQUEST", 2)
    if isinstance(error, ClientError):
        return Failure(_aws_words(error), "AWS_REFUSED")
    if isinstance(error, BotoCoreError):
        return Failure(BOTOCORE.get(type(error).__name__, f"AWS: {type(error).__name__}"), "AWS_UNREACHABLE")
    if isinstance(error, OSError) and error.strerror:
        where = "" if error.filename is None else f": {error.filename}"
        return Failure(f"{error.strerror}{where}", "FILE_UNREADABLE")
    return Failure(
        f"this should not happen ({type(error).__name__}): ROUTER_TRACEBACK=1 shows where", "INTERNAL_ERROR"
    )


def _lines(error: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - pydantic comes when it is needed
    return list(error.errors(include_url=False, include_input=False))


def _invalid(line: dict[str, Any]) -> str:
    # the first part of an order's field names the order type that it is judged by
    field = ".".join(str(part) for part in line["loc"] if part not in ORDER_TYPES) or "input"
    if line["type"] == "string_pattern_mismatch":
        return f"{field}: expected {NAME}"
    return f"{field}: {line['msg'].removeprefix('Value error, ')}"


BOTOCORE = {
    "NoCredentialsError": "no AWS credentials: aws configure, or name a profile with --profile",
    "NoRegionError": "no AWS region: give --region, or set one in your profile",
    "ProfileNotFound": "there is no such AWS profile: see aws configure list-profiles",
    "EndpointConnectionError": "the stack does not answer: make up (or is --region right?)",
    "ConnectionClosedError": "the stack does not answer: make up (or is --region right?)",
}


def _aws_words(error: Any) -> str:  # noqa: ANN401 - botocore comes when it is needed
    """Return AWS's own words: of a client's refusal, which never repeats what was sent."""
    found = error.response.get("Error", {})
    return f"AWS refused {error.operation_name}: {found.get('Code')}: {found.get('Message')}"


class _OneLine(logging.Formatter):
    """A warning as one line: the trace belongs to who debugs."""

    def format(self, record: logging.LogRecord) -> str:
        words = record.getMessage()
        found = record.exc_info[1] if record.exc_info else None
        return plain(f"{words}: {found.message}" if isinstance(found, RouterError) else words)


def log_in_lines() -> None:
    """Have the errors that the layer logs come as single lines on stderr; what a command raises it tells itself."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    logging.basicConfig(level=logging.ERROR, handlers=[handler])
