"""A day at the Kite simulator beside its orders: login, session death, quotes, margins, the dump, postbacks."""

import http.client
import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

import pytest

from order_router.adapter.errors import RateLimited, SessionExpired, Unsupported
from order_router.adapter.http import HttpRequest, Send
from order_router.adapter.login import Credentials, CredentialsRefused, LoginFailed, NewSession
from order_router.adapter.master import MasterUnavailable
from order_router.adapter.port import OrderTarget, PlaceIntent
from order_router.adapter.postback import PostbackRefused
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers import zerodha
from order_router.brokers.zerodha import instruments, login, postback
from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import InstrumentType
from order_router.domain.reports import ReportedState
from order_router.domain.request import OrderRequest, parse_request
from order_router.transport.http_transport import HttpTransport
from tests.fakes.clock import FakeClock
from tests.simulators.kite import ACCESS_TOKEN, API_KEY, API_SECRET, KiteServer, running

NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
STATE = "S7K2M4QX5ZB3TDLW6A"
TAG = "ORD7K2M4QX5ZB3TDLW6A"
INFY = parse_instrument("NSE:INFY")


class Trader:
    """A trader at the simulator, with a browser."""

    def __init__(self, server: KiteServer) -> None:
        self.server = server
        self.clock = FakeClock(NOON)
        self.transport = HttpTransport(self.clock)
        self.send: Send = self.transport.sender(server.url, not_after=None)
        self.credentials = self.with_secret(API_SECRET)
        self.session = self.of(ACCESS_TOKEN)

    def with_secret(self, api_secret: str) -> Credentials:
        return Credentials(
            account="main",
            endpoint=self.server.url,
            secrets={"api_key": Secret(API_KEY), "api_secret": Secret(api_secret)},
            around=Surroundings(now=self.clock.now),
        )

    def of(self, access_token: str) -> BrokerSession:
        secrets = {"api_key": Secret(API_KEY), "access_token": Secret(access_token)}
        return BrokerSession(account="main", endpoint=self.server.url, secrets=secrets)

    def tell(self, **told: Any) -> None:
        self.http("POST", "/_control", json.dumps(told))

    def open_page(self) -> dict[str, str]:
        page = login.login_page(self.credentials, STATE)
        answer = self.http("GET", page.removeprefix(self.server.url))
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    def log_in(self) -> NewSession:
        return login.redeem_login(self.send, self.credentials, self.open_page())

    def place(self, **fields: Any) -> OrderTarget:
        request = asked(**fields)
        intent = PlaceIntent(client_order_id=TAG, client_tag=TAG, request=request)
        placed = zerodha.place_order(self.send, self.session, intent)
        return OrderTarget(broker_order_id=placed.broker_order_id, request=request)

    def http(self, method: str, path: str, body: str | None = None) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=5)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            answer.read()
            return answer
        finally:
            connection.close()

    @contextmanager
    def download(self, request: HttpRequest) -> Iterator[BinaryIO]:
        answer = self.send(request)
        if answer.status != 200:
            raise MasterUnavailable(f"HTTP {answer.status}")
        yield BytesIO(answer.body)


def asked(**fields: Any) -> OrderRequest:
    usual = {
        "account": "main",
        "instrument": "NSE:INFY",
        "side": "BUY",
        "quantity": 10,
        "order_type": "LIMIT",
        "limit_price": "1490",
        "product": "MIS",
    }
    return parse_request(usual | fields)


@pytest.fixture
def trader() -> Iterator[Trader]:
    with running(now=FakeClock(NOON).now) as server:
        trader = Trader(server)
        yield trader
        trader.transport.close()


def test_a_login_gives_a_session_that_trades_until_six_in_the_morning(trader: Trader) -> None:
    answer = trader.open_page()

    new = login.redeem_login(trader.send, trader.credentials, answer)

    assert answer["state"] == STATE
    assert new.expires_at == datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
    assert zerodha.read_orders(trader.send, trader.of(new.secrets["access_token"].reveal())).reports == ()


def test_a_second_login_ends_the_session_of_the_first(trader: Trader) -> None:
    first, second = trader.log_in(), trader.log_in()

    with pytest.raises(SessionExpired):
        zerodha.read_orders(trader.send, trader.of(first.secrets["access_token"].reveal()))
    zerodha.read_orders(trader.send, trader.of(second.secrets["access_token"].reveal()))


def test_a_request_token_works_once(trader: Trader) -> None:
    answer = trader.open_page()
    login.redeem_login(trader.send, trader.credentials, answer)

    with pytest.raises(LoginFailed, match="invalid or has expired"):
        login.redeem_login(trader.send, trader.credentials, answer)


def test_a_wrong_secret_is_named_as_one_and_leaves_the_old_session_alone(trader: Trader) -> None:
    with pytest.raises(CredentialsRefused, match="checksum"):
        login.redeem_login(trader.send, trader.with_secret("of-another-app"), trader.open_page())

    zerodha.read_orders(trader.send, trader.session)


def test_a_login_that_was_left_unfinished_sends_nothing(trader: Trader) -> None:
    trader.tell(login={"page_status": "cancelled"})

    with pytest.raises(LoginFailed, match="not finished"):
        trader.log_in()

    assert [one["call"] for one in trader.server.kite.requests] == ["login_page"]


def test_a_session_that_the_broker_ends_is_dead_until_the_next_login(trader: Trader) -> None:
    trader.tell(session={"access_token": None})
    with pytest.raises(SessionExpired):
        trader.place()

    zerodha.read_orders(trader.send, trader.of(trader.log_in().secrets["access_token"].reveal()))


def test_a_token_is_exchanged_by_a_call_that_can_be_told_to_fail(trader: Trader) -> None:
    trader.tell(behave="too_many_requests", on="token")

    with pytest.raises(LoginFailed, match="Too many requests"):
        trader.log_in()
    trader.log_in()


def test_quotes_follow_the_market_and_leave_out_what_is_not_there(trader: Trader) -> None:
    trader.tell(prices={"NSE:INFY": "1510.5"})
    names = ("NSE:INFY", "NSE:NOSUCHSHARE", "NSE:NIFTY 50")

    infy, index = zerodha.read_quotes(trader.send, trader.session, [parse_instrument(name) for name in names])

    assert (infy.instrument, infy.last_price, infy.quoted_at) == (INFY, Decimal("1510.5"), NOON)
    assert (infy.bid_price, infy.ask_price) == (Decimal("1510.45"), Decimal("1510.55"))
    assert (infy.lower_circuit, infy.upper_circuit) == (Decimal("1359.45"), Decimal("1661.55"))
    assert (index.instrument.tradingsymbol, index.bid_price, index.upper_circuit) == ("NIFTY 50", None, None)


def test_quotes_beyond_what_one_call_takes_are_asked_for_in_several(trader: Trader) -> None:
    many = [parse_instrument(f"NSE:SHARE{number}") for number in range(1000)]

    quotes = zerodha.read_quotes(trader.send, trader.session, [*many, INFY])

    assert [quote.instrument for quote in quotes] == [INFY]
    sizes = [len(one["i"].split(",")) for one in trader.server.kite.requests if one["call"] == "quote"]
    assert sizes == [500, 500, 1]


def test_no_quotes_of_nothing_ask_nothing(trader: Trader) -> None:
    assert zerodha.read_quotes(trader.send, trader.session, []) == ()
    assert trader.server.kite.requests == []


def test_an_order_s_margin_is_asked_for_and_nothing_is_placed(trader: Trader) -> None:
    margin = zerodha.read_order_margin(trader.send, trader.session, asked(limit_price="1490.05"))

    assert (margin.required, margin.charges) == (Decimal("14900.50"), Decimal("5.96"))
    assert trader.server.kite.book.orders == {}


def test_a_margin_that_came_too_often_is_asked_for_again_later(trader: Trader) -> None:
    trader.tell(behave="too_many_requests", on="order_margins")

    with pytest.raises(RateLimited):
        zerodha.read_order_margin(trader.send, trader.session, asked())


def test_every_instrument_of_the_dump_is_listed_with_what_an_order_must_fit(trader: Trader) -> None:
    listed = {
        str(one.instrument): one for one in instruments.read_instruments(trader.download, trader.session)
    }

    option = listed["NFO:NIFTY26NOV26500CE"]
    assert (option.instrument_type, option.underlying, option.strike) == (
        InstrumentType.CE,
        "NIFTY",
        Decimal(26500),
    )
    assert (option.lot_size, option.tick_size, str(option.expiry)) == (75, Decimal("0.05"), "2026-11-24")
    assert listed["BSE:SENSEX"].instrument_type is InstrumentType.INDEX
    assert trader.server.kite.book.prices.keys() <= listed.keys()


def test_a_dump_that_is_cut_short_is_no_list(trader: Trader) -> None:
    whole = trader.server.kite.market.instruments(trader.server.kite.book.prices)
    trader.tell(instruments=whole[: whole.rindex(",")])

    with pytest.raises(MasterUnavailable, match="expected 12 values"):
        list(instruments.read_instruments(trader.download, trader.session))


def test_what_happens_to_an_order_is_posted_with_a_checksum(trader: Trader) -> None:
    with listening() as (url, next_body):
        trader.tell(postbacks={"url": url})
        trader.tell(behave="fill_partially", quantity=4)
        target = trader.place()
        part = postback.read_postback(trader.credentials, {}, next_body())
        zerodha.cancel_order(trader.send, trader.session, target)
        end = postback.read_postback(trader.credentials, {}, next_body())

    assert (part.state, part.filled_quantity, part.status) == (ReportedState.PARTIALLY_FILLED, 4, "UPDATE")
    assert (end.state, end.filled_quantity, end.client_tag) == (ReportedState.CANCELLED, 4, TAG)
    assert part.broker_order_id == end.broker_order_id == target.broker_order_id


def test_a_postback_that_is_signed_with_another_secret_is_refused(trader: Trader) -> None:
    with listening() as (url, next_body):
        trader.tell(postbacks={"url": url, "api_secret": "of-another-app"})
        trader.place(limit_price="1600")

        with pytest.raises(PostbackRefused, match="checksum"):
            postback.read_postback(trader.credentials, {}, next_body())


def test_postbacks_can_come_again_and_late(trader: Trader) -> None:
    with listening() as (url, next_body):
        trader.tell(postbacks={"url": url})
        trader.place(limit_price="1600", quantity=1)
        trader.place(limit_price="1600", quantity=2)
        first, second = next_body(), next_body()

        trader.tell(postbacks_again=True)

        assert (next_body(), next_body()) == (second, first)


def test_what_kite_has_no_call_for_is_not_offered(trader: Trader) -> None:
    with pytest.raises(Unsupported):
        zerodha.read_quotes(trader.send, trader.session, [parse_instrument("MCX:GOLD26DECFUT")])
    assert trader.server.kite.requests == []


@contextmanager
def listening() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the URL of a server that takes postbacks, and what waits for the next one."""
    bodies: queue.Queue[bytes] = queue.Queue()

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.put(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Taker) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield (
            f"http://127.0.0.1:{server.server_port}/v1/postbacks/zerodha/main",
            lambda: bodies.get(timeout=5),
        )
        server.shutdown()
        thread.join(timeout=5)
