"""What we send to Kite is what the vendor's own client sends, byte by byte, from a socket's point of view."""

import importlib
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import pytest

from order_router.adapter.errors import BrokerError
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.login import Credentials
from order_router.adapter.port import ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret
from order_router.brokers import zerodha
from order_router.brokers.zerodha import instruments, login
from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.request import OrderRequest, parse_request
from order_router.transport.clock import SystemClock
from order_router.transport.http_transport import HttpTransport

TAG = "ORD7K2M4QX5ZB3TDLW6A"
ORDER_ID = "1990345678901234567"
# who carries the message, not what it says; the vendor's client frames a DELETE without a body in its own way
CARRIERS = frozenset({"accept", "accept-encoding", "connection", "host", "user-agent", "content-length"})
REQUEST_TOKEN, API_SECRET = "Hx9sPzQ2vLk7wNcE4tRyU1mBaGdJf0oi", "s3cr3t-of-the-app"
DUMP = Path(zerodha.__path__[0]) / "samples" / "instruments.csv"
ANSWER = b'{"status":"success","data":{"order_id":"' + ORDER_ID.encode() + b'"}}'


@dataclass(frozen=True)
class Seen:
    """One request as it came in."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@cache
def vendors_client() -> Any:
    """Return the client that the vendor's package offers; its ticker and Twisted (half a second) stay out."""
    ticker = ModuleType("kiteconnect.ticker")
    ticker.KiteTicker = None  # type: ignore[attr-defined]
    with patch.dict(sys.modules, {ticker.__name__: ticker}):
        return importlib.import_module("kiteconnect").KiteConnect


class Recorder(socketserver.StreamRequestHandler):
    """Reads one request, notes it, and answers that all is well."""

    def handle(self) -> None:
        line = self.rfile.readline().decode().rstrip()
        headers: dict[str, str] = {}
        while text := self.rfile.readline().decode().strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        kept = tuple(sorted((name, value) for name, value in headers.items() if name not in CARRIERS))
        self.server.seen.append(Seen(line, kept, body))  # type: ignore[attr-defined]
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(ANSWER)}\r\n"
        self.wfile.write(f"{head}Connection: close\r\n\r\n".encode() + ANSWER)


class Wire:
    """Both clients at one recording server."""

    def __init__(self, server: socketserver.TCPServer) -> None:
        self.server = server
        url = f"http://127.0.0.1:{server.server_address[1]}"
        secrets = {"api_key": Secret("k1abc"), "access_token": Secret("T0kEn")}
        self.session = BrokerSession(account="main", endpoint=url, secrets=secrets)
        self.send = HttpTransport(SystemClock()).sender(url, not_after=None)
        self.kite = vendors_client()(api_key="k1abc", access_token="T0kEn", root=url)

    def ours(self, call: Callable[..., Any], *arguments: Any) -> Seen:
        return self.sent_by(lambda: call(self.send, self.session, *arguments))

    def ours_at(self, status: str, call: Callable[..., Any], *arguments: Any) -> Seen:
        """Return what is sent beside the question how the order stands, of which this is the newest status."""

        def send(request: HttpRequest) -> HttpResponse:
            if request.method != "GET":
                return self.send(request)
            assert request.url.endswith(f"/orders/{ORDER_ID}")
            body = f'{{"status":"success","data":[{{"status":"AMO"}},{{"status":"{status}"}}]}}'.encode()
            return HttpResponse(status=200, headers={"content-type": "application/json"}, body=body)

        return self.sent_by(lambda: call(send, self.session, *arguments))

    def sent_by(self, action: Callable[[], Any]) -> Seen:
        with suppress(BrokerError):
            action()
        return self._last()

    def theirs(self, call: str, *values: Any, **parameters: Any) -> Seen:
        return self.sent_by_client(self.kite, call, *values, **parameters)

    def sent_by_client(self, kite: Any, call: str, *values: Any, **parameters: Any) -> Seen:
        # the recorder's one answer fits few calls: what they make of it does not matter here
        with suppress(TypeError, AttributeError, KeyError, NameError):
            getattr(kite, call)(*values, **parameters)
        return self._last()

    @contextmanager
    def download(self, request: HttpRequest) -> Iterator[BinaryIO]:
        yield BytesIO(self.send(request).body)

    def _last(self) -> Seen:
        (seen,) = self.server.seen  # type: ignore[attr-defined]
        self.server.seen.clear()  # type: ignore[attr-defined]
        assert isinstance(seen, Seen)
        return seen


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Recorder) as server:
        server.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield Wire(server)
        server.shutdown()
        thread.join(timeout=5)


TERMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "market": (
        {"order_type": "MARKET"},
        {"order_type": "MARKET", "market_protection": -1, "validity": "DAY"},
    ),
    "limit": (
        {"order_type": "LIMIT", "limit_price": "1500.05", "disclosed_quantity": 1},
        {"order_type": "LIMIT", "price": 1500.05, "validity": "DAY", "disclosed_quantity": 1},
    ),
    "stop limit": (
        {"order_type": "SL", "limit_price": "1499.5", "trigger_price": "1500", "validity": "IOC"},
        {"order_type": "SL", "price": 1499.5, "trigger_price": 1500, "validity": "IOC"},
    ),
    "stop market": (
        {"order_type": "SL_M", "trigger_price": "1510.25"},
        {"order_type": "SL-M", "trigger_price": 1510.25, "market_protection": -1, "validity": "DAY"},
    ),
}


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("symbol", ["INFY", "M&M", "NIFTY 50"])
def test_place_is_what_the_vendors_client_sends(wire: Wire, terms: str, symbol: str) -> None:
    request, theirs = _request(symbol, terms), TERMS[terms][1]
    intent = PlaceIntent(client_order_id=TAG, client_tag=TAG, request=request)

    sent = wire.ours(zerodha.place_order, intent)

    names = {"exchange": "NSE", "tradingsymbol": symbol, "transaction_type": "SELL", "product": "MIS"}
    assert sent == wire.theirs("place_order", variety="regular", quantity=5, tag=TAG, **names, **theirs)
    assert b"order_type=" in sent.body


@pytest.mark.parametrize("terms", TERMS)
def test_modify_is_what_the_vendors_client_sends(wire: Wire, terms: str) -> None:
    request, theirs = _request("INFY", terms), TERMS[terms][1]
    intent = ModifyIntent(broker_order_id=ORDER_ID, before=_request("INFY", "limit"), request=request)

    sent = wire.ours(zerodha.modify_order, intent)

    assert sent == wire.theirs("modify_order", variety="regular", order_id=ORDER_ID, quantity=5, **theirs)


def test_cancel_is_what_the_vendors_client_sends(wire: Wire) -> None:
    target = OrderTarget(broker_order_id=ORDER_ID, request=_request("INFY", "limit"))

    sent = wire.ours(zerodha.cancel_order, target)

    assert sent == wire.theirs("cancel_order", variety="regular", order_id=ORDER_ID)
    assert sent.line == f"DELETE /orders/regular/{ORDER_ID} HTTP/1.1"


AFTER_MARKET_TERMS = [name for name, (ours, _) in TERMS.items() if "validity" not in ours]
# by the status of its newest row an after-market order is one still, or is at the exchange
BY_STATUS = [("AMO REQ RECEIVED", "amo"), ("MODIFY AMO REQ RECEIVED", "amo"), ("OPEN", "regular")]


@pytest.mark.parametrize("terms", AFTER_MARKET_TERMS)
def test_an_after_market_order_is_placed_as_the_vendors_client_does(wire: Wire, terms: str) -> None:
    request, theirs = _request("INFY", terms, after_market=True), TERMS[terms][1]
    intent = PlaceIntent(client_order_id=TAG, client_tag=TAG, request=request)

    sent = wire.ours(zerodha.place_order, intent)

    names = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "SELL", "product": "MIS"}
    assert sent == wire.theirs("place_order", variety="amo", quantity=5, tag=TAG, **names, **theirs)
    assert sent.line == "POST /orders/amo HTTP/1.1"


@pytest.mark.parametrize("terms", AFTER_MARKET_TERMS)
@pytest.mark.parametrize(("status", "variety"), BY_STATUS)
def test_an_after_market_order_is_modified_by_the_variety_that_it_has_now(
    wire: Wire, terms: str, status: str, variety: str
) -> None:
    request, theirs = _request("INFY", terms, after_market=True), TERMS[terms][1]
    before = _request("INFY", "limit", after_market=True)
    intent = ModifyIntent(broker_order_id=ORDER_ID, before=before, request=request)

    sent = wire.ours_at(status, zerodha.modify_order, intent)

    assert sent == wire.theirs("modify_order", variety=variety, order_id=ORDER_ID, quantity=5, **theirs)


@pytest.mark.parametrize(("status", "variety"), BY_STATUS)
def test_an_after_market_order_is_cancelled_by_the_variety_that_it_has_now(
    wire: Wire, status: str, variety: str
) -> None:
    target = OrderTarget(broker_order_id=ORDER_ID, request=_request("INFY", "limit", after_market=True))

    sent = wire.ours_at(status, zerodha.cancel_order, target)

    assert sent == wire.theirs("cancel_order", variety=variety, order_id=ORDER_ID)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (zerodha.read_orders, "orders"),
        (zerodha.read_trades, "trades"),
        (zerodha.read_positions, "positions"),
        (zerodha.read_holdings, "holdings"),
        (zerodha.read_funds, "margins"),
    ],
)
def test_a_read_is_what_the_vendors_client_sends(wire: Wire, ours: Callable[..., Any], theirs: str) -> None:
    assert wire.ours(ours) == wire.theirs(theirs)


def test_reading_one_order_is_what_the_vendors_client_sends(wire: Wire) -> None:
    target = OrderTarget(broker_order_id=ORDER_ID, request=_request("INFY", "limit"))

    assert wire.ours(zerodha.read_order, target) == wire.theirs("order_history", order_id=ORDER_ID)


def test_a_login_is_what_the_vendors_client_sends(wire: Wire) -> None:
    credentials, kite = _credentials(wire.session.endpoint), _client_without_session(wire)
    answer = {"status": "success", "request_token": REQUEST_TOKEN}

    sent = wire.sent_by(lambda: login.redeem_login(wire.send, credentials, answer))

    assert sent == wire.sent_by_client(kite, "generate_session", REQUEST_TOKEN, api_secret=API_SECRET)
    assert sent.line == "POST /session/token HTTP/1.1"
    assert b"checksum=" in sent.body
    assert API_SECRET.encode() not in sent.body


def test_the_login_page_is_the_vendors_with_our_state_beside_its_parameters(wire: Wire) -> None:
    ours = urlsplit(login.login_page(_credentials(zerodha.profile.endpoint), "our state"))
    theirs = urlsplit(_client_without_session(wire).login_url())

    assert (ours.scheme, ours.netloc, ours.path) == (theirs.scheme, theirs.netloc, theirs.path)
    assert parse_qs(ours.query) == {**parse_qs(theirs.query), "redirect_params": ["state=our+state"]}


@pytest.mark.parametrize("names", [["NSE:INFY"], ["NSE:M&M", "NSE:NIFTY 50", "NFO:NIFTY26NOV26500CE"]])
def test_quotes_are_asked_for_as_the_vendors_client_does(wire: Wire, names: list[str]) -> None:
    sent = wire.ours(zerodha.read_quotes, [parse_instrument(name) for name in names])

    assert sent == wire.theirs("quote", *names)
    assert sent.line.startswith("GET /quote?i=")


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("variety", ["regular", "amo"])
def test_a_margin_is_asked_for_as_the_vendors_client_does(wire: Wire, terms: str, variety: str) -> None:
    names = {"exchange": "NSE", "tradingsymbol": "M&M", "transaction_type": "SELL", "variety": variety}
    changes = {"after_market": True, "validity": "DAY"} if variety == "amo" else {}
    theirs = TERMS[terms][1]
    prices = {name: theirs.get(name, 0) for name in ("price", "trigger_price")}
    asked = {**names, "product": "MIS", "order_type": theirs["order_type"], "quantity": 5, **prices}

    sent = wire.ours(zerodha.read_order_margin, _request("M&M", terms, **changes))

    assert sent == wire.theirs("order_margins", [asked])
    assert sent.line == "POST /margins/orders HTTP/1.1"


def test_the_dump_is_asked_for_as_the_vendors_client_does(wire: Wire) -> None:
    sent = wire.sent_by(lambda: list(instruments.read_instruments(wire.download, wire.session)))

    assert sent == wire.theirs("instruments")
    assert sent.line == "GET /instruments HTTP/1.1"


def test_the_dump_says_to_us_what_it_says_to_the_vendors_client(wire: Wire) -> None:
    @contextmanager
    def download(_: HttpRequest) -> Iterator[BinaryIO]:
        yield BytesIO(DUMP.read_bytes())

    theirs = {
        (row["exchange"], row["tradingsymbol"]): row
        for row in wire.kite._parse_instruments(DUMP.read_bytes())
    }

    listed = list(instruments.read_instruments(download, wire.session))

    assert len(listed) > 8
    for one in listed:
        row = theirs[one.instrument.exchange, one.instrument.tradingsymbol]
        assert _as_theirs(one) == {name: row[name] for name in _as_theirs(one)}


def _as_theirs(one: Listing) -> dict[str, Any]:
    found: dict[str, Any] = {"tradingsymbol": one.broker_symbol, "tick_size": float(one.tick_size)}
    if one.instrument_type is InstrumentType.INDEX:
        return {**found, "segment": "INDICES"}
    terms = {"strike": None if one.strike is None else float(one.strike), "expiry": one.expiry}
    found |= {name: value for name, value in terms.items() if value is not None}
    return {**found, "lot_size": one.lot_size, "instrument_type": str(one.instrument_type)}


def _credentials(endpoint: str) -> Credentials:
    secrets = {"api_key": Secret("k1abc"), "api_secret": Secret(API_SECRET)}
    return Credentials(account="main", endpoint=endpoint, secrets=secrets)


def _client_without_session(wire: Wire) -> Any:
    return vendors_client()(api_key="k1abc", root=wire.session.endpoint)


def _request(symbol: str, terms: str, **changes: Any) -> OrderRequest:
    names = {
        "account": "main",
        "instrument": f"NSE:{symbol}",
        "side": "SELL",
        "quantity": 5,
        "product": "MIS",
    }
    return parse_request(names | TERMS[terms][0] | changes)
