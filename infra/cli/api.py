"""The stack's HTTP API as its callers reach it: one call, one answer, no redirect and no second try."""

import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the key would go with it."""

    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - urllib's own
        return None


def _send(request: urllib.request.Request) -> Reply:
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if urlsplit(request.full_url).hostname in LOOPBACK:
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return Reply(answer.status, answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return Reply(error.code, error.read().decode(errors="replace"))
    except urllib.error.URLError as error:
        raise _unreachable(request, error.reason) from None
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(request, error) from None


def _unreachable(request: urllib.request.Request, reason: object) -> Refusal:
    where = urlsplit(request.full_url).netloc
    if isinstance(reason, NEVER_LEFT) or request.get_method() == "GET":
        return Refusal(
            f"{where} does not answer ({type(reason).__name__}): is the stack up (make up), the address right?"
        )
    return AnswerLost(f"the answer of {where} was lost ({type(reason).__name__}): it may have been done")


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
        return _content(self.send(request), self.url)


def _require_private(url: str) -> None:
    """Refuse an address to which the key would travel in the clear."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return
    raise Misuse("the API's address must begin with https:// (or be on this machine)")


def _content(reply: Reply, url: str) -> dict[str, Any]:
    try:
        content = json.loads(reply.text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Refusal(
            f"{url} answered HTTP {reply.status} without JSON: is it the address of a router's API?"
        )
    if 200 <= reply.status < 300:  # noqa: PLR2004 - HTTP's own
        return content
    if "code" not in content:
        raise Refusal(f"{url} answered HTTP {reply.status}: {str(content.get('message', ''))[:200]}")
    raise _refused(content)


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
