"""The stack's HTTP API as its callers reach it: one call, one answer, no redirect and no second try."""

import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from infra.cli.asking import AnswerLost, ApiRefused
from infra.cli.refusal import Misuse, Refusal

TIMEOUT_S = 35
"""API Gateway gives up after 30 s."""

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
NEVER_LEFT = (ConnectionRefusedError, socket.gaierror, ssl.SSLError)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as it came."""

    status: int
    text: str


class _AnyStatus(urllib.request.HTTPErrorProcessor):
    """Takes every answer as it is: no status is an error, and no redirect is followed, for the key would go with it."""

    def http_response(self, request: object, response: Any) -> Any:  # noqa: ANN401, ARG002 - urllib's own
        return response

    https_response = http_response


def _send(request: urllib.request.Request) -> Reply:
    handlers: list[urllib.request.BaseHandler] = [_AnyStatus()]
    if urlsplit(request.full_url).hostname in LOOPBACK:
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return Reply(answer.status, answer.read().decode(errors="replace"))
    except urllib.error.URLError as error:
        raise _unreachable(request, error.reason, has_left=not isinstance(error.reason, NEVER_LEFT)) from None
    except (OSError, http.client.HTTPException) as error:
        # urllib names so what fails once the request is out
        raise _unreachable(request, error, has_left=True) from None


def _unreachable(request: urllib.request.Request, reason: object, *, has_left: bool) -> Refusal:
    where = urlsplit(request.full_url).netloc
    if has_left and _changes_something(request):
        return AnswerLost(f"the answer of {where} was lost ({type(reason).__name__}): it may have been done")
    return Refusal(
        f"{where} does not answer ({type(reason).__name__}): is the stack up (make up), the address right?"
    )


def _changes_something(request: urllib.request.Request) -> bool:
    return request.get_method() != "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The API at `url`, under a key that shows in no repr. `send` is how a request gets there."""

    url: str
    key: str = field(repr=False)
    send: Callable[[urllib.request.Request], Reply] = field(default=_send, repr=False)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | None] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the answer's JSON object; ApiRefused for a problem, AnswerLost, or Refusal if nothing was sent."""
        _require_private(self.url)
        given = {name: value for name, value in (query or {}).items() if value is not None}
        address = self.url.rstrip("/") + path + (f"?{urlencode(given)}" if given else "")
        data = None if body is None else json.dumps(body).encode()
        sent = {"X-API-Key": self.key, "Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(address, data=data, headers=sent, method=method)  # noqa: S310 - judged above
        reply = self.send(request)
        content = _content(reply)
        if content is not None and _is_good(reply):
            return content
        raise _failed(reply, content, self.url, is_write=_changes_something(request))


def _require_private(url: str) -> None:
    """Refuse an address to which the key would travel in the clear."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return
    raise Misuse("the API's address must begin with https:// (or be on this machine)")


def _content(reply: Reply) -> dict[str, Any] | None:
    try:
        content = json.loads(reply.text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _is_good(reply: Reply) -> bool:
    return 200 <= reply.status < 300  # noqa: PLR2004 - HTTP's own


def _failed(reply: Reply, content: Mapping[str, Any] | None, url: str, *, is_write: bool) -> Refusal:
    """Return what an answer that is none says; of a server's error without a code nobody knows what was done."""
    if content is not None and "code" in content:
        return _refused(content)
    said = f"{url} answered HTTP {reply.status}"
    words = "" if content is None else str(content.get("message", ""))[:200]
    if is_write and reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AnswerLost(f"{said}{words and f': {words}'}: it may have been done")
    if content is None:
        return Refusal(f"{said} without JSON: is it the address of a router's API?")
    return Refusal(f"{said}: {words}")


def _refused(problem: Mapping[str, Any]) -> ApiRefused:
    code = str(problem["code"])
    errors = problem.get("errors")
    if errors:
        words = "; ".join(f"{line['field']}: {line['message']}" for line in errors)
    else:
        words = str(problem.get("detail", ""))
    order = problem.get("order")
    if order:
        words += f" (order {order['client_order_id']} is {order['state']})"
    return ApiRefused(f"{code}: {words}", code=code, problem=problem)
