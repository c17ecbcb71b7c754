"""One API Gateway event (payload 2.0) as a typed request, and one answer as the gateway wants it."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from order_router.adapter.decode import strict_json
from order_router.domain.account import Caller, Scope
from order_router.domain.errors import RouterError

MAX_BODY = 64 * 1024
EMPTY: Mapping[str, Any] = MappingProxyType({})


class BodyUnreadable(RouterError):
    """The body is not the strict JSON object that was expected."""

    code = "BODY_UNREADABLE"


class BodyTooLarge(RouterError):
    """The body is over 64 KiB."""

    code = "BODY_TOO_LARGE"


class Unauthenticated(RouterError):
    """Nobody is known behind the call."""

    code = "API_KEY_UNKNOWN"


class Forbidden(RouterError):
    """The caller is known and may not do this."""

    code = "FORBIDDEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """What a caller sent. Headers are lower case; the body is raw bytes and shows in no repr.

    `address` is the base URL by which the API was called.
    """

    route: str
    path: Mapping[str, str] = field(default=EMPTY, repr=False)
    query: Mapping[str, str] = field(default=EMPTY, repr=False)
    headers: Mapping[str, str] = field(default=EMPTY, repr=False)
    cookies: Mapping[str, str] = field(default=EMPTY, repr=False)
    body: bytes = field(default=b"", repr=False)
    source_ip: str = ""
    address: str = ""
    received_at: datetime
    caller: Caller | None = None

    def require(self, scope: Scope) -> Caller:
        """Return the caller if it has the scope; Unauthenticated or Forbidden otherwise."""
        if self.caller is None:
            raise Unauthenticated("send a valid API key in the X-API-Key header")
        if not self.caller.may(scope):
            raise Forbidden(f"this key lacks the scope {scope}", code="SCOPE_MISSING")
        return self.caller

    def require_account(self, scope: Scope, account: str) -> Caller:
        """Return the caller if it has the scope and may see the account."""
        caller = self.require(scope)
        if not caller.may_see(account):
            raise Forbidden(f"this key is not for account {account}", code="ACCOUNT_FORBIDDEN")
        return caller

    def json_object(self) -> dict[str, Any]:
        """Return the body as a JSON object with exact numbers; BodyUnreadable says why it is none."""
        try:
            value = strict_json(self.body)
        except ValueError as error:
            raise BodyUnreadable(f"the body is not readable as JSON: {_words(error)}") from error
        if not isinstance(value, dict):
            raise BodyUnreadable("expected a JSON object")
        return value


def _words(error: ValueError) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def read_event(event: Mapping[str, Any]) -> ApiRequest:
    """Read an API Gateway event; BodyTooLarge or BodyUnreadable if its body cannot be taken."""
    context = event["requestContext"]
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return ApiRequest(
        route=event["routeKey"],
        path=event.get("pathParameters") or EMPTY,
        query=event.get("queryStringParameters") or EMPTY,
        headers=headers,
        # AWS takes them out of the headers; an emulator may leave them there
        cookies=_cookies(event.get("cookies") or [headers.get("cookie", "")]),
        body=_body(event),
        source_ip=context["http"]["sourceIp"],
        address=f"https://{context.get('domainName', '')}",
        received_at=datetime.fromtimestamp(context["timeEpoch"] / 1000, UTC),
        caller=_caller(context.get("authorizer") or {}),
    )


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    if len(text) > 2 * MAX_BODY:
        raise BodyTooLarge(f"a body may have {MAX_BODY} bytes")
    try:
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except (binascii.Error, UnicodeEncodeError) as error:
        raise BodyUnreadable("the body is not readable text") from error
    if len(body) > MAX_BODY:
        raise BodyTooLarge(f"a body may have {MAX_BODY} bytes, received {len(body)}")
    return body


def _cookies(texts: Iterable[str]) -> dict[str, str]:
    pairs = [pair.strip().partition("=") for text in texts for pair in text.split(";")]
    return {name: value for name, _, value in pairs if name}


def _caller(authorizer: Mapping[str, Any]) -> Caller | None:
    context = authorizer.get("lambda") or {}
    if not context.get("key_id"):
        return None
    return Caller(
        key_id=context["key_id"],
        scopes=frozenset(Scope(word) for word in context["scopes"].split()),
        accounts=frozenset((context.get("accounts") or "").split()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back: a status, JSON content or a text in its place, and headers."""

    status: int = 200
    content: Mapping[str, Any] = EMPTY
    text: str | None = None
    headers: Mapping[str, str] = EMPTY
    content_type: str = "application/json"

    def to_gateway(self) -> dict[str, Any]:
        """Return the answer as API Gateway's payload 2.0 response."""
        return {
            "statusCode": self.status,
            "headers": {"content-type": self.content_type, "cache-control": "no-store", **self.headers},
            "body": json.dumps(dict(self.content), separators=(",", ":")) if self.text is None else self.text,
        }
