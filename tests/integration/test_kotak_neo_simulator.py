"""The kotak_neo adapter against its simulator, over sockets: logins, and what each failure leaves at the broker."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from order_router.adapter import errors
from order_router.adapter.http import HttpRequest, Send
from order_router.adapter.login import (
    AddressRefused,
    CodeRefused,
    Credentials,
    CredentialsRefused,
    LoginFailed,
    LoginUnclear,
)
from order_router.adapter.port import ChainQuery, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers import kotak_neo
from order_router.brokers.kotak_neo import instruments, login
from order_router.domain.instrument import parse_instrument
from order_router.domain.reports import OrderReport, PositionBook, ReportedState
from order_router.domain.request import OrderRequest, parse_request
from order_router.transport.http_transport import HttpTransport, Limits
from tests.fakes.clock import FakeClock
from tests.fakes.listings import MemoryListings
from tests.simulators import kotak_neo_login as user
from tests.simulators.kotak_neo import KotakNeoServer, running
from tests.simulators.kotak_neo_market import LISTINGS

TAG = "ORD7K2M4QX5ZB3TDLW6A"
ROOT = Path(__file__).parents[2]
STORED = {
    "access_token": user.ACCESS_TOKEN,
    "mobile_number": user.MOBILE_NUMBER,
    "ucc": user.UCC,
    "totp_secret": user.TOTP_SECRET,
    "mpin": user.MPIN,
}


class Desk:
    """A trader at the simulator: logs in, places, looks, and tells it how to behave."""

    def __init__(self, server: KotakNeoServer, clock: FakeClock) -> None:
        self.server, self.clock = server, clock
        self.around = Surroundings(now=clock.now, listings=MemoryListings(LISTINGS))
        self.session = self.session_of(user.TRADE_TOKEN, user.SID)
        self.transport = HttpTransport(clock, limits=Limits(write_answer_timeout_s=0.5))
        self.send: Send = self.transport.sender(server.url, not_after=None)

    def session_of(self, trade_token: str, sid: str) -> BrokerSession:
        texts = {"access_token": user.ACCESS_TOKEN, "trade_token": trade_token, "sid": sid}
        secrets = {name: Secret(text) for name, text in texts.items()}
        return BrokerSession("main", self.server.url, secrets, self.around)

    def credentials(self, **changes: str) -> Credentials:
        secrets = {name: Secret(text) for name, text in (STORED | changes).items()}
        return Credentials(account="main", endpoint=self.server.url, secrets=secrets, around=self.around)

    def tell(self, **told: Any) -> None:
        _http(self.server, "POST", "/_control", json.dumps(told))

    def taken_in(self) -> list[dict[str, Any]]:
        orders: list[dict[str, Any]] = _http(self.server, "GET", "/_control/orders")
        return orders

    def place(self, tag: str = TAG, **fields: Any) -> OrderTarget:
        request = _request(**fields)
        intent = PlaceIntent(client_order_id=tag, client_tag=tag, request=request)
        placed = kotak_neo.place_order(self.send, self.session, intent)
        return OrderTarget(broker_order_id=placed.broker_order_id, request=request)

    def modify(self, target: OrderTarget, **fields: Any) -> None:
        request = _request(**fields)
        intent = ModifyIntent(broker_order_id=target.broker_order_id, before=target.request, request=request)
        kotak_neo.modify_order(self.send, self.session, intent)

    def look(self, target: OrderTarget) -> OrderReport:
        return kotak_neo.read_order(self.send, self.session, target)

    def book(self) -> tuple[OrderReport, ...]:
        book = kotak_neo.read_orders(self.send, self.session)
        assert book.is_complete
        return book.reports

    @contextmanager
    def download(self, request: HttpRequest) -> Iterator[BinaryIO]:
        yield BytesIO(self.send(request).body)


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = FakeClock()
    with running(now=clock.now) as server:
        desk = Desk(server, clock)
        yield desk
        desk.transport.close()


def test_a_login_gives_a_session_that_trades_and_ends_the_one_before(desk: Desk) -> None:
    new = login.log_in(desk.send, desk.credentials())

    session = BrokerSession("main", str(new.endpoint), new.secrets, desk.around)
    assert kotak_neo.read_orders(desk.send, session).reports == ()
    with pytest.raises(errors.SessionExpired):
        kotak_neo.read_orders(desk.send, desk.session)
    assert new.endpoint == desk.server.url
    # midnight in Kolkata
    assert new.expires_at == datetime(2026, 11, 23, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stored", "failure", "words"),
    [
        ({"totp_secret": "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK"}, CodeRefused, "totp_secret"),
        ({"mobile_number": "+919812345679"}, CodeRefused, "mobile_number"),
        ({"totp_secret": "123456"}, CredentialsRefused, "setup key"),
        ({"mpin": "000000"}, CredentialsRefused, "Invalid MPIN"),
        ({"mpin": "12"}, CredentialsRefused, "six digits"),
        ({"ucc": "ZZ9ZZ"}, CredentialsRefused, "Invalid UCC"),
        ({"access_token": "of-another-app"}, CredentialsRefused, "access_token"),
        ({"mobile_number": "9812345678"}, CredentialsRefused, "country code"),
    ],
)
def test_a_login_with_wrong_credentials_says_what_to_store_anew(
    desk: Desk, stored: dict[str, str], failure: type[LoginFailed], words: str
) -> None:
    with pytest.raises(failure, match=words):
        login.log_in(desk.send, desk.credentials(**stored))

    assert kotak_neo.read_orders(desk.send, desk.session).reports == ()


@pytest.mark.parametrize(("clock_off_s", "said"), [(90, "90 s behind"), (-90, "90 s ahead of")])
def test_a_login_with_our_clock_off_names_the_clock(desk: Desk, clock_off_s: int, said: str) -> None:
    desk.tell(login={"clock_off_s": clock_off_s})

    with pytest.raises(CodeRefused, match=f"our clock is {said} Kotak's"):
        login.log_in(desk.send, desk.credentials())


@pytest.mark.parametrize("step", ["login", "validate"])
@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        ("address_not_registered", AddressRefused),
        ("address_of_another_session", AddressRefused),
        ("too_many_requests", LoginUnclear),
        ("fail_unseen", LoginUnclear),
        ("accept_then_garbage", LoginUnclear),
    ],
)
def test_a_login_that_is_answered_badly_is_not_tried_again(
    desk: Desk, step: str, behaviour: str, failure: type[errors.BrokerError]
) -> None:
    desk.tell(behave=behaviour, on=step)

    with pytest.raises(failure):
        login.log_in(desk.send, desk.credentials())

    steps = [request["call"] for request in _http(desk.server, "GET", "/_control/requests")]
    assert steps == ["login", "validate"][: steps.index(step) + 1]


def test_a_login_that_is_not_answered_gives_no_session(desk: Desk) -> None:
    desk.tell(behave="drop_unseen", on="login")

    with pytest.raises(errors.OutcomeUnknown):
        login.log_in(desk.send, desk.credentials())


def test_an_old_code_is_refused(desk: Desk) -> None:
    late = replace(desk.around, now=lambda: desk.clock.now() - timedelta(minutes=2))

    with pytest.raises(CodeRefused):
        login.log_in(desk.send, replace(desk.credentials(), around=late))


def test_the_masters_files_list_what_the_simulator_trades(desk: Desk) -> None:
    found = instruments.read_instruments(desk.download, desk.session)

    assert set(found) == set(LISTINGS)


def test_a_market_order_becomes_a_limit_fills_and_shows_everywhere(desk: Desk) -> None:
    target = desk.place(order_type="MARKET", limit_price=None, quantity=10)

    report = desk.look(target)
    (trade,) = kotak_neo.read_trades(desk.send, desk.session)
    (position,) = kotak_neo.read_positions(desk.send, desk.session).positions
    (funds,) = kotak_neo.read_funds(desk.send, desk.session)

    assert (report.state, report.filled_quantity, report.client_tag) == (ReportedState.FILLED, 10, TAG)
    # half a percent above the last price, on tick
    assert (str(report.order_type), report.limit_price) == ("LIMIT", Decimal("1507.55"))
    assert report.average_price == trade.price == position.average_price == Decimal("1500.05")
    assert (position.quantity, position.last_price) == (10, Decimal("1500.05"))
    assert funds.available == Decimal(1000000) - 10 * Decimal("1500.05")
    assert report.placed_at == trade.traded_at == desk.clock.now()
    assert desk.book() == (report,)


def test_an_empty_account_is_no_error(desk: Desk) -> None:
    assert desk.book() == ()
    for read in (kotak_neo.read_trades, kotak_neo.read_holdings):
        assert read(desk.send, desk.session) == ()
    assert kotak_neo.read_positions(desk.send, desk.session) == PositionBook(positions=())


def test_a_limit_order_rests_until_the_price_crosses(desk: Desk) -> None:
    target = desk.place(limit_price="1490")
    assert desk.look(target).state is ReportedState.OPEN

    desk.tell(prices={"NSE:INFY": "1489.5"})

    report = desk.look(target)
    assert (report.state, report.average_price) == (ReportedState.FILLED, Decimal("1489.5"))


def test_a_stop_order_waits_for_its_trigger(desk: Desk) -> None:
    target = desk.place(order_type="SL", limit_price="1511", trigger_price="1510")
    assert desk.look(target).status == "trigger pending"

    desk.tell(prices={"NSE:INFY": "1510.1"})

    assert desk.look(target).state is ReportedState.FILLED


def test_an_order_that_cannot_fill_at_once_is_cancelled_if_it_may_not_rest(desk: Desk) -> None:
    target = desk.place(limit_price="1490", validity="IOC")

    assert desk.look(target).state is ReportedState.CANCELLED


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        ("reject_at_door", errors.InvalidOrder),
        ("no_margin_at_door", errors.InsufficientFunds),
        ("expired_session", errors.SessionExpired),
        ("invalid_session", errors.SessionExpired),
        ("market_closed", errors.MarketClosed),
        ("address_not_registered", errors.PermissionDenied),
        ("address_of_another_session", errors.PermissionDenied),
        ("too_many_requests", errors.RateLimited),
        ("drop_unseen", errors.OutcomeUnknown),
        ("fail_unseen", errors.OutcomeUnknown),
    ],
)
def test_a_refusal_at_the_door_leaves_no_order(
    desk: Desk, behaviour: str, failure: type[errors.BrokerError]
) -> None:
    desk.tell(behave=behaviour)

    with pytest.raises(failure):
        desk.place()

    assert desk.taken_in() == []


@pytest.mark.parametrize(
    "behaviour",
    [
        "accept_then_drop",
        "accept_then_fail",
        "accept_then_garbage",
        "accept_then_error_from_core",
        "accept_slowly",
    ],
)
def test_a_lost_answer_leaves_one_order_that_the_book_shows_by_its_tag(desk: Desk, behaviour: str) -> None:
    desk.tell(behave=behaviour, match={"ig": TAG})

    with pytest.raises(errors.OutcomeUnknown):
        desk.place()

    assert [order["tag"] for order in desk.taken_in()] == [TAG]
    assert [report.client_tag for report in desk.book()] == [TAG]


def test_a_tag_that_was_used_is_refused_so_that_nobody_can_tell(desk: Desk) -> None:
    desk.place(limit_price="1490")

    with pytest.raises(errors.OutcomeUnknown, match="error from core"):
        desk.place(limit_price="1490")

    assert len(desk.taken_in()) == 1


def test_an_order_can_be_rejected_after_it_was_acknowledged(desk: Desk) -> None:
    desk.tell(behave="reject_after_acknowledging", match={"qt": "13"})

    report = desk.look(desk.place(quantity=13))

    assert (report.state, report.message) == (ReportedState.REJECTED, "Rejected by the risk checks.")
    assert desk.look(desk.place("ORD7K2M4QX5ZB3TDLW6B", quantity=12)).state is ReportedState.FILLED


def test_an_order_beyond_the_margin_is_rejected_after_it_was_acknowledged(desk: Desk) -> None:
    report = desk.look(desk.place(quantity=10_000))

    assert report.state is ReportedState.REJECTED
    assert "Insufficient funds" in str(report.message)


def test_a_dead_session_is_refused_on_every_call(desk: Desk) -> None:
    desk.tell(session={"trade_token": "tomorrow", "sid": "tomorrows-sid"})

    for read in (kotak_neo.read_orders, kotak_neo.read_positions, kotak_neo.read_funds):
        with pytest.raises(errors.SessionExpired):
            read(desk.send, desk.session)
    with pytest.raises(errors.SessionExpired):
        desk.place()
    tomorrow = desk.session_of("tomorrow", "tomorrows-sid")
    assert kotak_neo.read_orders(desk.send, tomorrow).reports == ()


def test_a_partly_filled_order_can_be_cancelled_and_keeps_fill_and_tag(desk: Desk) -> None:
    desk.tell(behave="fill_partially", quantity=2)
    target = desk.place(limit_price="1490")
    assert desk.look(target).state is ReportedState.PARTIALLY_FILLED

    kotak_neo.cancel_order(desk.send, desk.session, target)

    report = desk.look(target)
    assert (report.state, report.filled_quantity, report.client_tag) == (ReportedState.CANCELLED, 2, TAG)


def test_a_fill_by_hand_completes_an_order_that_rests(desk: Desk) -> None:
    desk.tell(behave="rest")
    target = desk.place()

    desk.tell(fill={"order_id": target.broker_order_id, "quantity": 4})
    assert desk.look(target).filled_quantity == 4
    desk.tell(fill={"order_id": target.broker_order_id})

    assert desk.look(target).state is ReportedState.FILLED


@pytest.mark.parametrize("behaviour", ["filled_before_cancel", "cancel_acknowledged_but_filled"])
def test_a_fill_can_overtake_a_cancel(desk: Desk, behaviour: str) -> None:
    target = desk.place(limit_price="1490")
    desk.tell(behave=behaviour, on="cancel")

    if behaviour == "filled_before_cancel":
        with pytest.raises(errors.Rejected, match="order is completed"):
            kotak_neo.cancel_order(desk.send, desk.session, target)
    else:
        kotak_neo.cancel_order(desk.send, desk.session, target)

    assert desk.look(target).state is ReportedState.FILLED


def test_a_modified_order_meets_the_market_on_its_new_terms_and_loses_its_tag(desk: Desk) -> None:
    target = desk.place(limit_price="1490", quantity=5)

    desk.modify(target, limit_price="1501", quantity=4)

    report = desk.look(target)
    assert (report.state, report.quantity, report.limit_price) == (ReportedState.FILLED, 4, Decimal(1501))
    assert report.client_tag is None
    with pytest.raises(errors.Rejected):
        desk.modify(target, limit_price="1502", quantity=4)


def test_an_order_that_is_not_there_is_not_found(desk: Desk) -> None:
    nobody = OrderTarget(broker_order_id="1990345678900009999", request=_request())

    for call in (kotak_neo.read_order, kotak_neo.cancel_order):
        with pytest.raises(errors.OrderNotFound):
            call(desk.send, desk.session, nobody)


def test_an_instrument_that_is_not_listed_is_never_sent(desk: Desk) -> None:
    with pytest.raises(errors.Unsupported, match="NSE:NOWHERE"):
        desk.place(instrument="NSE:NOWHERE")

    assert _http(desk.server, "GET", "/_control/requests") == []


def test_quotes_a_chain_and_a_margin_come_from_the_market(desk: Desk) -> None:
    infy, nifty = parse_instrument("NSE:INFY"), parse_instrument("NSE:NIFTY 50")
    query = ChainQuery(underlying=nifty, expiry=LISTINGS[-2].expiry or desk.clock.now().date())

    quote, index = kotak_neo.read_quotes(desk.send, desk.session, [infy, nifty])
    chain = kotak_neo.read_option_chain(desk.send, desk.session, query)
    margin = kotak_neo.read_order_margin(desk.send, desk.session, _request(quantity=10))

    assert (quote.last_price, quote.bid_price, quote.ask_price) == (
        Decimal("1500.05"),
        Decimal(1500),
        Decimal("1500.1"),
    )
    assert (quote.quoted_at, index.instrument, index.bid_price) == (desk.clock.now(), nifty, None)
    assert [str(option.quote.instrument) for option in chain] == [
        "NFO:NIFTY26NOV26500CE",
        "NFO:NIFTY26NOV26500PE",
    ]
    assert (margin.required, margin.available) == (Decimal("15000.5"), Decimal(1000000))


def test_a_broker_that_is_not_running_was_sent_nothing() -> None:
    with running() as server:
        gone = Desk(server, FakeClock())

    with pytest.raises(errors.NotSent):
        gone.place()


def _request(**fields: Any) -> OrderRequest:
    usual = {
        "account": "main",
        "instrument": "NSE:INFY",
        "side": "BUY",
        "quantity": 5,
        "order_type": "LIMIT",
        "limit_price": "1500.05",
        "product": "MIS",
    }
    return parse_request(usual | fields)


def _http(server: KotakNeoServer, method: str, path: str, body: str | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        connection.request(method, path, body)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
