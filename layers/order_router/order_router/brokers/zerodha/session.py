"""The vendor's own client over our transport: it builds the requests and names the errors, `send` moves them.

Only the REST half of `kiteconnect` is loaded, under nobody's name: the package's `__init__` would import its
websocket ticker, and Twisted and autobahn with it.
"""

import re
import sys
from collections.abc import Callable, Mapping
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
        """Put a path before every route: the vendor joins address and route so that one would be lost."""
        if path:
            self._routes = {name: path + route for name, route in self._routes.items()}


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
    """The session object that the client sends through: each request becomes one `send`."""

    def __init__(self, send: Send) -> None:
        self.answer: KiteAnswer | None = None
        self.has_sent = False
        self._send = send

    def request(self, method: str, url: str, **options: Any) -> KiteAnswer:  # noqa: ANN401
        """Send what the client asks for; its timeouts, proxies and redirects are our transport's business."""
        request = _encoded(method, url, options)
        self.has_sent = True
        self.answer = KiteAnswer(self._send(request))
        return self.answer


def call(
    send: Send,
    session: BrokerSession,
    action: Callable[[Any], Any],
    *,
    names_an_order: bool = False,
) -> Any:  # noqa: ANN401
    """Let the client do one action and return its `data`; raise what the answer means for the order."""
    transport = KiteTransport(send)
    try:
        return action(_client(transport, session))
    except BrokerError:
        raise
    except _KiteException:
        failure = _failure(transport, session, names_an_order=names_an_order)
    except Exception as error:
        if not transport.has_sent:
            raise
        failure = OutcomeUnknown(f"Kite's answer is not as documented ({type(error).__name__})")
    # raised out here, without the vendor's error as its context: that one may quote the whole answer
    raise failure


def _client(transport: KiteTransport, session: BrokerSession) -> Any:  # noqa: ANN401
    secrets = {name: session.secret(name) for name in profile.session_fields}
    for name, text in secrets.items():
        if not HEADER_TEXT.fullmatch(text):
            raise SessionExpired(f"account {session.account} has an unusable {name} stored: log in again")
    client = _Client(**secrets, root=session.endpoint, debug=False)
    client.reqsession = transport
    client.go_under(urlsplit(session.endpoint).path)
    return client


def _failure(transport: KiteTransport, session: BrokerSession, *, names_an_order: bool) -> BrokerError:
    if transport.answer is None or "json" not in transport.answer.headers["content-type"]:
        status = "nothing" if transport.answer is None else f"HTTP {transport.answer.status_code}"
        return OutcomeUnknown(f"Kite answered {status} without JSON")
    refusal = transport.answer.refusal()
    for name in profile.session_fields:
        refusal = refusal.without(session.secret(name))
    return read_refusal(refusal, names_an_order=names_an_order)


def _encoded(method: str, url: str, options: Mapping[str, Any]) -> HttpRequest:
    prepared = Request(
        method,
        url,
        headers=options["headers"],
        params=options["params"],
        data=options["data"],
        json=options["json"],
    ).prepare()
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
