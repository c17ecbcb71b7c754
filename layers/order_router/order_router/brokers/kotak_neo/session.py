"""One call to Kotak: the headers that prove the session, one `send`, and what the answer means."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from order_router.adapter.decode import read_json, read_object
from order_router.adapter.errors import OutcomeUnknown, SessionExpired
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.session import BrokerSession
from order_router.brokers.kotak_neo.profile import profile
from order_router.brokers.kotak_neo.refusals import OK, UNAUTHORISED, find_refusal, is_ok, read_refusal

HEADER_TEXT = re.compile(r"[\x21-\x7e]+")
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
AS_JSON = MappingProxyType({"content-type": JSON, "accept": JSON})
AS_ANYTHING = MappingProxyType({"content-type": FORM, "accept": "*/*"})
"""How the vendor's own client asks for holdings."""
SERVER_FAULT = 500


def change(
    send: Send, session: BrokerSession, path: str, fields: dict[str, Any], *, names_an_order: bool = False
) -> dict[str, Any]:
    """Make one call that writes, and return what Kotak acknowledged."""
    headers = {
        "authorization": secret(session, "access_token"),
        **session_headers(session),
        "content-type": FORM,
        "accept": JSON,
    }
    request = HttpRequest(
        method="POST", url=session.endpoint + path, headers=headers, body=as_form(fields), is_write=True
    )
    return require_ok(read_answer(send(request), session, names_an_order=names_an_order, is_write=True))


def ask(
    send: Send,
    session: BrokerSession,
    path: str,
    *,
    kinds: Mapping[str, str] = AS_JSON,
    names_an_order: bool = False,
) -> dict[str, Any]:
    """Make one call that reads by the session, and return the answer."""
    headers = {**session_headers(session), **kinds}
    request = HttpRequest(method="GET", url=session.endpoint + path, headers=headers)
    answer = read_answer(send(request), session, names_an_order=names_an_order)
    return read_object(answer, "an answer")


def ask_by_form(send: Send, session: BrokerSession, path: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Make one call that reads, but sends what it asks in a form, and return the answer."""
    headers = {**session_headers(session), "content-type": FORM, "accept": JSON}
    body = as_form(fields)
    request = HttpRequest(method="POST", url=session.endpoint + path, headers=headers, body=body)
    return require_ok(read_answer(send(request), session))


def ask_market(send: Send, session: BrokerSession, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """Make one call for market data, which the access token alone opens, and return the answer."""
    request = HttpRequest(method="GET", url=session.endpoint + path, headers=market_headers(session))
    return read_answer(send(request), session)


def market_headers(session: BrokerSession) -> dict[str, str]:
    """Return the headers of market data and of the list of instruments."""
    return {"authorization": secret(session, "access_token"), "content-type": FORM, "accept": JSON}


def session_headers(session: BrokerSession) -> dict[str, str]:
    """Return the headers that prove the session."""
    return {"sid": secret(session, "sid"), "auth": secret(session, "trade_token")}


def secret(session: BrokerSession, name: str) -> str:
    """Return a secret of the session; SessionExpired if there is none that a header can hold."""
    text = session.secret(name)
    if not HEADER_TEXT.fullmatch(text):
        raise SessionExpired(f"account {session.account} has an unusable {name} stored: log in again")
    return text


def as_form(fields: dict[str, Any]) -> bytes:
    """Return the body of Kotak's forms: one field that holds JSON."""
    return urlencode({"jData": json.dumps(fields)}).encode()


def read_answer(
    response: HttpResponse, session: BrokerSession, *, names_an_order: bool = False, is_write: bool = False
) -> Any:  # noqa: ANN401
    """Return an answer's JSON; raise what a refusal means for the order, OutcomeUnknown if it is neither.

    A read that HTTP 401 or 403 answers met a dead session, whatever else the answer says.
    """
    if response.status >= SERVER_FAULT:
        raise OutcomeUnknown(f"Kotak answered HTTP {response.status}")
    is_dead = response.status in UNAUTHORISED and not is_write
    dead = f"Kotak answered a read with HTTP {response.status}"
    try:
        answer = read_json(response.body)
        refusal = find_refusal(response.status, answer)
    except OutcomeUnknown:
        if is_dead:
            raise SessionExpired(dead) from None
        raise
    if refusal is not None:
        for name in profile.session_fields:
            refusal = refusal.without(session.secret(name))
        raise read_refusal(refusal, names_an_order=names_an_order, is_write=is_write)
    if is_dead:
        raise SessionExpired(dead)
    if response.status != OK:
        raise OutcomeUnknown(f"Kotak answered HTTP {response.status} in an undocumented shape")
    return answer


def require_ok(answer: object) -> dict[str, Any]:
    """Return an answer that says in word and code that all is well; OutcomeUnknown otherwise."""
    found = read_object(answer, "an answer")
    complaints = {"errMsg", "emsg", "error"} & found.keys()
    if not is_ok({"stat": found.get("stat")}) or not is_ok({"stCode": found.get("stCode")}) or complaints:
        raise OutcomeUnknown("Kotak's answer says neither clearly yes nor clearly no")
    return found
