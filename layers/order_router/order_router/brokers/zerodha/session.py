"""The vendor's own client over our transport: it builds the requests and names the errors, `send` moves them.

Only the REST half of `kiteconnect` is loaded, under nobody's name: the package's `__init__` would import its
websocket ticker, and Twisted and autobahn with it.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from requests import Request

from order_router.adapter.decode import read_json, read_object, read_text
from order_router.adapter.errors import BrokerError, OutcomeUnknown, SessionExpired
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.session import BrokerSession
from order_router.brokers.zerodha.profile import profile
from order_router.brokers.zerodha.refusals import Refusal, read_refusal

HEADER_TEXT = re.compile(r"[\x21-\x7e]+")
ERROR_TYPE = re.compile(r"[A-Z][A-Za-z]{0,40}Exception")
DUMPS = frozenset({"market.instruments", "market.instruments.all"})
"""The routes that the sandbox serves without its `/oms` (sandbox page, read 2026-11-21)."""


def _load_rest_half() -> tuple[Any, Any]:
    spec = PathFinder.find_spec("kiteconnect")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("the zerodha adapter needs the package kiteconnect")
    package = ModuleType("kiteconnect")
    package.__path__ = list(spec.submodule_search_locations)
    others = _forget_kiteconnect()
    sys.modules["kiteconnect"] = package
    try:
        connect, exceptions = import_module("kiteconnect.connect"), import_module("kiteconnect.exceptions")
        return connect.KiteConnect, exceptions.KiteException
    finally:
        _forget_kiteconnect()
        sys.modules.update(others)


def _forget_kiteconnect() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == "kiteconnect"]
    return {name: sys.modules.pop(name) for name in names}


_KiteConnect, _KiteException = _load_rest_half()


class _Client(_KiteConnect):  # type: ignore[misc, valid-type]  # the vendor ships no types
    _routes: dict[str, str]

    def _format_response(self, data: Any) -> Any:  # noqa: ANN401
        """Leave rows as they came: the vendor would guess at times, without a zone and from today's date."""
        return data

    def go_under(self, path: str) -> None:
        """Put a path before every route but the dumps'; the vendor's way to join both would lose it."""
        if path:
            self._routes = {
                name: route if name in DUMPS else path + route for name, route in self._routes.items()
            }

    def place_and_tell(self, **parameters: Any) -> Any:  # noqa: ANN401
        """Place an order and return all of the acknowledgement: the vendor's own hands on the order id alone."""
        self.place_order(**parameters)
        return self.reqsession.answer.json()["data"]


class KiteAnswer:
    """What the client asks of a response, read strictly and with exact numbers."""

    def __init__(self, response: HttpResponse) -> None:
        self.status_code = response.status
        self.content = response.body
        self.headers = {"content-type": "", **response.headers}

    def json(self) -> dict[str, Any]:
        """Return Kite's envelope; OutcomeUnknown unless it is a success or a refusal as documented."""
        envelope = read_object(read_json(self.content), "Kite's answer")
        if envelope.get("status") == "error":
            read_text(envelope, "message")
            if not ERROR_TYPE.fullmatch(read_text(envelope, "error_type")):
                raise OutcomeUnknown(f"Kite answered HTTP {self.status_code} with an unreadable error_type")
            return envelope
        is_success = (
            envelope.get("status") == "success" and "data" in envelope and "error_type" not in envelope
        )
        if not is_success or self.status_code != 200:  # noqa: PLR2004
            raise OutcomeUnknown(f"Kite answered HTTP {self.status_code} in an undocumented shape")
        return envelope

    def refusal(self) -> Refusal:
        """Return the refusal that a well-formed error answer holds."""
        envelope = self.json()
        return Refusal(self.status_code, str(envelope.get("error_type")), str(envelope.get("message")))


class KiteTransport:
    """The session object that the client sends through: each request becomes one `send`.

    `only_asks`: what is sent changes nothing at Kite, though it is a POST.
    """

    def __init__(self, send: Send, *, only_asks: bool = False) -> None:
        self.answer: KiteAnswer | None = None
        self.has_sent = False
        self._send = send
        self._only_asks = only_asks

    def request(self, method: str, url: str, **options: Any) -> KiteAnswer:  # noqa: ANN401
        """Send what the client asks for; its timeouts, proxies and redirects are our transport's business."""
        request = _encoded(method, url, options)
        if self._only_asks:
            request = replace(request, is_write=False)
        self.has_sent = True
        self.answer = KiteAnswer(self._send(request))
        return self.answer


class _Kept(BaseException):
    """The request is made, and shall not be sent."""


def call(
    send: Send,
    session: BrokerSession,
    action: Callable[[Any], Any],
    *,
    names_an_order: bool = False,
    only_asks: bool = False,
) -> Any:  # noqa: ANN401
    """Let the client do one action and return its `data`; raise what the answer means for the order."""
    transport = KiteTransport(send, only_asks=only_asks)
    found = ask(transport, lambda: action(_client(transport, session)))
    if isinstance(found, Refusal):
        raise _failure(found, session, names_an_order=names_an_order)
    return found


def ask(transport: KiteTransport, action: Callable[[], Any]) -> Any | Refusal:  # noqa: ANN401
    """Return the `data` of what an action of the client asked for, or Kite's refusal; OutcomeUnknown otherwise."""
    failure: BrokerError | None = None
    try:
        return action()
    except BrokerError:
        raise
    except _KiteException:
        pass
    except Exception as error:
        if not transport.has_sent:
            raise
        failure = OutcomeUnknown(f"Kite's answer is not as documented ({type(error).__name__})")
    # raised out here, without the vendor's error as its context: that one may quote the whole answer
    if failure is not None:
        raise failure
    return _refusal(transport)


def request_of(session: BrokerSession, action: Callable[[Any], Any]) -> HttpRequest:
    """Return the request that an action of the client would send."""
    kept: list[HttpRequest] = []

    def keep(request: HttpRequest) -> HttpResponse:
        kept.append(request)
        raise _Kept

    with suppress(_Kept):
        action(_client(KiteTransport(keep), session))
    return kept[0]


def make_client(transport: KiteTransport, endpoint: str, **secrets: str) -> Any:  # noqa: ANN401
    """Return the vendor's client, sending through our transport."""
    client = _Client(**secrets, root=endpoint, debug=False)
    client.reqsession = transport
    client.go_under(urlsplit(endpoint).path)
    return client


def _client(transport: KiteTransport, session: BrokerSession) -> Any:  # noqa: ANN401
    secrets = {name: session.secret(name) for name in profile.session_fields}
    for name, text in secrets.items():
        if not HEADER_TEXT.fullmatch(text):
            raise SessionExpired(f"account {session.account} has an unusable {name} stored: log in again")
    return make_client(transport, session.endpoint, **secrets)


def _refusal(transport: KiteTransport) -> Refusal:
    if transport.answer is None or "json" not in transport.answer.headers["content-type"]:
        status = "nothing" if transport.answer is None else f"HTTP {transport.answer.status_code}"
        raise OutcomeUnknown(f"Kite answered {status} without JSON")
    return transport.answer.refusal()


def _failure(refusal: Refusal, session: BrokerSession, *, names_an_order: bool) -> BrokerError:
    for name in profile.session_fields:
        refusal = refusal.without(session.secret(name))
    return read_refusal(refusal, names_an_order=names_an_order)


def _encoded(method: str, url: str, options: Mapping[str, Any]) -> HttpRequest:
    headers, data = options["headers"], options["data"]
    if options["json"] is not None:
        headers, data = (
            {**headers, "Content-Type": "application/json"},
            _exact_json(options["json"]).encode(),
        )
    prepared = Request(method, url, headers=headers, params=options["params"], data=data).prepare()
    body = prepared.body if isinstance(prepared.body, bytes) else str(prepared.body or "").encode()
    return HttpRequest(
        method=method,
        url=str(prepared.url),
        headers={
            name.lower(): str(value) for name, value in prepared.headers.items() if name != "Content-Length"
        },
        body=body,
        is_write=method != "GET",
    )


def _exact_json(value: object) -> str:
    """Write JSON as the vendor's client does, but decimals as they are: it would write floats."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json.dumps(name)}: {_exact_json(item)}" for name, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_exact_json(item) for item in value) + "]"
    return json.dumps(value)
