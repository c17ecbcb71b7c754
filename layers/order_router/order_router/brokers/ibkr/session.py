"""One call of the Web API: signed, sent once, and its answer read strictly (sources and dates: README.md)."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from order_router.adapter.decode import read_json, strict_json
from order_router.adapter.errors import OutcomeUnknown, SessionExpired
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr.refusals import Refusal, read_refusal
from order_router.brokers.ibkr.signing import authorization

OK = 200
DEAD = frozenset({401, 410})
"""The live session token is dead, or the front end is: whatever the words, our order system call was not let in."""

ACCOUNT_ID = re.compile(r"[A-Z]{1,3}[0-9]{5,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call: `path` with its query, `content` as JSON values (None: no body)."""

    method: str
    path: str
    content: Any = None
    is_write: bool = False
    names_an_order: bool = False


def call(send: Send, session: BrokerSession, ask: Ask) -> Any:  # noqa: ANN401 - JSON is any value until it is read
    """Make the call and return the JSON of its answer; raise what a refusal means for the order."""
    url = session.endpoint + ask.path
    signed = authorization(session, ask.method, url)
    response = send(signed_request(signed, url, ask))
    return read_content(response, ask, secrets_of(session))


def signed_request(authorized: str, url: str, ask: Ask) -> HttpRequest:
    """Build the request (a User-Agent, without which the vendor answers 403, is the transport's)."""
    headers = {"accept": "application/json", "authorization": authorized}
    body = b"" if ask.content is None else exact_json(ask.content).encode()
    if body:
        headers["content-type"] = "application/json"
    return HttpRequest(method=ask.method, url=url, headers=headers, body=body, is_write=ask.is_write)


def read_content(response: HttpResponse, ask: Ask, secrets: Iterable[str]) -> Any:  # noqa: ANN401
    """Return the JSON of an answer that is no refusal; what a refusal means is raised."""
    if response.status in DEAD:
        raise SessionExpired(
            f"Interactive Brokers does not take the session: HTTP {response.status}",
            broker_code=str(response.status),
        )
    words = _error_of(response)
    if words is not None:
        refusal = Refusal(response.status, cleaned(words, secrets))
        raise read_refusal(refusal, is_write=ask.is_write, names_an_order=ask.names_an_order)
    if response.status != OK:
        raise OutcomeUnknown(f"Interactive Brokers answered HTTP {response.status} without words for it")
    return read_json(response.body)


def cleaned(words: str, secrets: Iterable[str]) -> str:
    """Return the vendor's words on one line, every mention of a secret taken out."""
    for secret in secrets:
        words = words.replace(secret, "***")
    return " ".join(words.split()).encode("utf-8", "replace").decode()


def secrets_of(session: BrokerSession) -> tuple[str, ...]:
    """Return the texts of the session that no message may hold, the longest first."""
    return tuple(sorted((one.reveal() for one in session.secrets.values()), key=len, reverse=True))


def account_id(session: BrokerSession) -> str:
    """Return the account as it stands in paths; SessionExpired if what is stored is none."""
    text = session.secret("account_id")
    if not ACCOUNT_ID.fullmatch(text):
        raise SessionExpired(f"account {session.account} has an unusable account_id stored: log in again")
    return text


def exact_json(value: object) -> str:
    """Write JSON, every Decimal with its own digits."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{exact_json(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(exact_json(item) for item in value) + "]"
    return json.dumps(value)


def _error_of(response: HttpResponse) -> str | None:
    """Return the text in `error` at the top of an answer: IBKR refuses with HTTP 200 too."""
    try:
        content = strict_json(response.body)
    except ValueError:
        return None
    error = content.get("error") if isinstance(content, dict) else None
    return error if isinstance(error, str) and error else None
