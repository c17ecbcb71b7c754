"""What we send to Kite is what the vendor's own client sends, byte by byte, from a socket's point of view."""

import importlib
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest

from order_router.adapter.errors import BrokerError
from order_router.adapter.port import ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret
from order_router.brokers import zerodha
from order_router.domain.request import OrderRequest, parse_request
from order_router.transport.clock import SystemClock
from order_router.transport.http_transport import HttpTransport

TAG = "ORD7K2M4QX5ZB3TDLW6A"
ORDER_ID = "1990345678901234567"
# who carries the message, not what it says; the vendor's client frames a DELETE without a body in its own way
CARRIERS = frozenset({"accept", "accept-encoding", "connection", "host", "user-agent", "content-length"})
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
        with suppress(BrokerError):
            call(self.send, self.session, *arguments)
        return self._last()

    def theirs(self, call: str, **parameters: Any) -> Seen:
        with suppress(TypeError, AttributeError):
            getattr(self.kite, call)(**parameters)
        return self._last()

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


def _request(symbol: str, terms: str) -> OrderRequest:
    names = {
        "account": "main",
        "instrument": f"NSE:{symbol}",
        "side": "SELL",
        "quantity": 5,
        "product": "MIS",
    }
    return parse_request(names | TERMS[terms][0])
