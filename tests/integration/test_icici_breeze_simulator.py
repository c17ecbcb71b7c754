"""The icici_breeze adapter against the Breeze simulator, over sockets: what each failure leaves at the broker."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

import pytest

from order_router.adapter import errors
from order_router.adapter.http import HttpRequest, Send
from order_router.adapter.login import Credentials, CredentialsRefused, LoginFailed, NewSession
from order_router.adapter.port import ChainQuery, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers import icici_breeze
from order_router.brokers.icici_breeze import instruments, login
from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import InstrumentType
from order_router.domain.reports import OrderReport, ReportedState
from order_router.domain.request import OrderRequest, parse_request
from order_router.transport.http_transport import HttpTransport, Limits
from tests.fakes.clock import FakeClock
from tests.fakes.listings import MemoryListings
from tests.simulators.icici_breeze import BreezeServer, running
from tests.simulators.icici_breeze_dialect import API_KEY, SECRET_KEY, SESSION_TOKEN

TAG = "ORD7K2M4QX5ZB3TDLW6A"
ROOT = Path(__file__).parents[2]
OPTION = {"instrument": "NFO:NIFTY26NOV24500CE", "quantity": 75, "limit_price": "112.35", "product": "NRML"}
FUTURE = {"instrument": "NFO:BANKNIFTY26NOVFUT", "quantity": 30, "limit_price": "58200.2", "product": "NRML"}


class Desk:
    """A trader at the simulator, with the list of instruments that it serves: places, looks, tells it how to behave."""

    def __init__(self, server: BreezeServer, clock: FakeClock) -> None:
        self.server, self.clock = server, clock
        self.transport = HttpTransport(clock, limits=Limits(write_answer_timeout_s=0.5))
        self.send: Send = self.transport.sender(server.url, not_after=None)
        bare = BrokerSession(account="main", endpoint=server.url)
        listings = MemoryListings(instruments.read_instruments(self.download, bare))
        self.around = Surroundings(now=clock.now, listings=listings)
        self.session = self.session_of(SESSION_TOKEN)

    def session_of(self, session_token: str) -> BrokerSession:
        texts = {"api_key": API_KEY, "secret_key": SECRET_KEY, "session_token": session_token}
        secrets = {name: Secret(text) for name, text in texts.items()}
        return BrokerSession("main", self.server.url, secrets, self.around)

    @contextmanager
    def download(self, request: HttpRequest) -> Iterator[BinaryIO]:
        yield BytesIO(self.send(request).body)

    def tell(self, **told: Any) -> None:
        _http(self.server, "POST", "/_control", json.dumps(told))

    def taken_in(self) -> list[dict[str, Any]]:
        orders: list[dict[str, Any]] = _http(self.server, "GET", "/_control/orders")
        return orders

    def place(self, **fields: Any) -> OrderTarget:
        request = _request(**fields)
        intent = PlaceIntent(client_order_id=TAG, client_tag=TAG, request=request)
        placed = icici_breeze.place_order(self.send, self.session, intent)
        return OrderTarget(broker_order_id=placed.broker_order_id, request=request)

    def look(self, target: OrderTarget) -> OrderReport:
        return icici_breeze.read_order(self.send, self.session, target)

    def book(self) -> tuple[OrderReport, ...]:
        book = icici_breeze.read_orders(self.send, self.session)
        assert book.is_complete
        return book.reports


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = FakeClock()
    with running(now=clock.now) as server:
        desk = Desk(server, clock)
        yield desk
        desk.transport.close()


def test_an_order_fills_at_the_last_price_and_shows_everywhere(desk: Desk) -> None:
    target = desk.place(quantity=10)

    report = desk.look(target)
    (trade,) = icici_breeze.read_trades(desk.send, desk.session)
    (position,) = icici_breeze.read_positions(desk.send, desk.session).positions
    equity = icici_breeze.read_funds(desk.send, desk.session)[0]

    assert (report.state, report.filled_quantity) == (ReportedState.FILLED, 10)
    assert report.average_price == trade.price == position.average_price == Decimal("1500.05")
    assert (position.instrument, position.quantity) == (parse_instrument("NSE:INFY"), 10)
    assert (equity.segment, equity.available) == ("equity", Decimal(1000000) - 10 * Decimal("1500.05"))
    assert desk.book() == (report,)


def test_one_book_holds_shares_futures_and_options_of_both_exchanges(desk: Desk) -> None:
    for terms in (
        {},
        OPTION,
        FUTURE | {"side": "SELL"},
        {"instrument": "BSE:RELIANCE", "limit_price": "1400"},
    ):
        desk.place(**terms)

    shown = {(str(report.instrument), report.side, report.state) for report in desk.book()}

    assert shown == {
        ("NSE:INFY", "BUY", ReportedState.FILLED),
        ("NFO:NIFTY26NOV24500CE", "BUY", ReportedState.FILLED),
        ("NFO:BANKNIFTY26NOVFUT", "SELL", ReportedState.FILLED),
        ("BSE:RELIANCE", "BUY", ReportedState.OPEN),
    }
    book = icici_breeze.read_positions(desk.send, desk.session)
    held = {str(one.instrument): one.quantity for one in book.positions}
    assert held == {"NSE:INFY": 5, "NFO:NIFTY26NOV24500CE": 75, "NFO:BANKNIFTY26NOVFUT": -30}


def test_a_flat_account_has_an_empty_book_and_no_positions(desk: Desk) -> None:
    assert desk.book() == ()
    assert icici_breeze.read_positions(desk.send, desk.session).positions == ()


def test_a_limit_order_rests_until_the_price_crosses(desk: Desk) -> None:
    target = desk.place(limit_price="1490")
    assert desk.look(target).state is ReportedState.OPEN

    desk.tell(prices={"NSE:INFTEC": "1489.5"})

    report = desk.look(target)
    assert (report.state, report.average_price) == (ReportedState.FILLED, Decimal("1489.5"))


def test_a_stop_order_waits_for_its_trigger(desk: Desk) -> None:
    target = desk.place(order_type="SL", limit_price="1512", trigger_price="1510")
    report = desk.look(target)
    assert (report.state, report.trigger_price) == (ReportedState.OPEN, Decimal(1510))

    desk.tell(prices={"NSE:INFTEC": "1510.1"})

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
    "behaviour", ["accept_then_drop", "accept_then_fail", "accept_then_garbage", "accept_slowly"]
)
def test_a_lost_answer_leaves_one_order_that_the_book_shows_by_its_attributes(
    desk: Desk, behaviour: str
) -> None:
    desk.tell(behave=behaviour)

    with pytest.raises(errors.OutcomeUnknown):
        desk.place(limit_price="1490")

    (taken,) = desk.taken_in()
    (row,) = desk.book()
    assert taken["tag"] == TAG
    assert (row.instrument, row.quantity, row.limit_price) == (
        parse_instrument("NSE:INFY"),
        5,
        Decimal(1490),
    )
    assert row.client_tag is None
    assert row.placed_at is not None
    # a share's time has no seconds: it is read as the last of its minute
    assert timedelta(0) <= row.placed_at - desk.clock.now() < timedelta(minutes=1)


def test_a_remark_that_comes_back_is_reported(desk: Desk) -> None:
    desk.tell(shows_remark=True)
    desk.place()

    assert [row.client_tag for row in desk.book()] == [TAG]


def test_an_order_can_be_rejected_after_it_was_acknowledged(desk: Desk) -> None:
    desk.tell(behave="reject_after_acknowledging", match={"quantity": "13"})

    assert desk.look(desk.place(quantity=13)).state is ReportedState.REJECTED
    assert desk.look(desk.place(quantity=12)).state is ReportedState.FILLED


def test_a_dead_session_is_refused_on_every_call(desk: Desk) -> None:
    desk.tell(session={"session_token": "VE9NT1JST1c="})

    for read in (icici_breeze.read_orders, icici_breeze.read_positions, icici_breeze.read_funds):
        with pytest.raises(errors.SessionExpired):
            read(desk.send, desk.session)
    with pytest.raises(errors.SessionExpired):
        desk.place()
    assert icici_breeze.read_orders(desk.send, desk.session_of("VE9NT1JST1c=")).reports == ()


def test_too_many_calls_in_a_minute_are_a_limit_and_no_dead_session(desk: Desk) -> None:
    desk.tell(per_minute=2)
    desk.place()
    desk.place()

    with pytest.raises(errors.RateLimited):
        desk.place()

    desk.clock.advance(61)
    desk.place()
    assert len(desk.taken_in()) == 3


def test_a_wrong_secret_or_a_clock_that_is_off_is_a_definite_no(desk: Desk) -> None:
    wrong = replace(desk.session, secrets={**desk.session.secrets, "secret_key": Secret("other-secret")})
    late = replace(desk.around, now=lambda: desk.clock.now() - timedelta(seconds=90))

    for session in (wrong, replace(desk.session, around=late)):
        with pytest.raises(errors.PermissionDenied, match="Invalid Checksum"):
            icici_breeze.read_funds(desk.send, session)


def test_a_partly_filled_order_can_be_cancelled_and_keeps_its_fill(desk: Desk) -> None:
    desk.tell(behave="fill_partially", quantity=2)
    target = desk.place(limit_price="1490")
    assert desk.look(target).state is ReportedState.PARTIALLY_FILLED

    icici_breeze.cancel_order(desk.send, desk.session, target)

    report = desk.look(target)
    assert (report.state, report.filled_quantity) == (ReportedState.CANCELLED, 2)
    assert report.status == "Partially Executed And Cancelled"


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
        with pytest.raises(errors.Rejected):
            icici_breeze.cancel_order(desk.send, desk.session, target)
    else:
        icici_breeze.cancel_order(desk.send, desk.session, target)

    assert desk.look(target).state is ReportedState.FILLED


def test_a_change_that_is_acknowledged_and_not_made_shows_when_it_is_read_again(desk: Desk) -> None:
    target = desk.place(limit_price="1490")
    desk.tell(behave="acknowledge_without_effect", on="cancel")

    icici_breeze.cancel_order(desk.send, desk.session, target)

    assert desk.look(target).state is ReportedState.OPEN


def test_a_modified_order_meets_the_market_on_its_new_terms(desk: Desk) -> None:
    target = desk.place(limit_price="1490", quantity=5)
    changed = _request(limit_price="1501", quantity=4)

    icici_breeze.modify_order(desk.send, desk.session, _modify(target, changed))

    report = desk.look(target)
    assert (report.state, report.quantity, report.limit_price) == (ReportedState.FILLED, 4, Decimal(1501))
    with pytest.raises(errors.Rejected):
        icici_breeze.modify_order(desk.send, desk.session, _modify(target, changed))


def test_an_order_that_is_not_there_is_not_found(desk: Desk) -> None:
    nobody = OrderTarget(broker_order_id="20261123N300009999", request=_request())

    for call in (icici_breeze.read_order, icici_breeze.cancel_order):
        with pytest.raises(errors.OrderNotFound):
            call(desk.send, desk.session, nobody)


def test_a_price_off_the_tick_is_refused_by_the_broker_in_its_words(desk: Desk) -> None:
    with pytest.raises(errors.InvalidOrder, match="multiples of"):
        desk.place(limit_price="1500.03")


def test_what_is_not_listed_or_not_claimed_never_leaves(desk: Desk) -> None:
    for terms in (
        {"instrument": "NSE:NOWHERE"},
        {"product": "MIS"},
        {"order_type": "MARKET", "limit_price": None},
    ):
        with pytest.raises(errors.Unsupported):
            desk.place(**terms)

    assert _http(desk.server, "GET", "/_control/requests") == []


def test_quotes_chain_and_margin_are_read(desk: Desk) -> None:
    names = [parse_instrument(name) for name in ("NSE:INFY", "NFO:BANKNIFTY26NOVFUT", "NSE:NIFTY 50")]
    query = ChainQuery(underlying=parse_instrument("NSE:NIFTY 50"), expiry=date(2026, 11, 24))

    quotes = icici_breeze.read_quotes(desk.send, desk.session, names)
    chain = icici_breeze.read_option_chain(desk.send, desk.session, query)
    margin = icici_breeze.read_order_margin(desk.send, desk.session, _request(**FUTURE))

    assert [quote.instrument for quote in quotes] == names
    assert [quote.last_price for quote in quotes] == [
        Decimal("1500.05"),
        Decimal("58200.2"),
        Decimal("24480.55"),
    ]
    assert [(one.strike, one.right) for one in chain] == [
        (Decimal(24500), InstrumentType.CE),
        (Decimal(24500), InstrumentType.PE),
    ]
    assert margin.required == Decimal(100000)


def test_a_person_logs_in_and_the_session_trades_until_midnight(desk: Desk) -> None:
    desk.tell(redirect_url="http://127.0.0.1:1/v1/callback")

    new = _log_in(desk, _credentials(desk))

    assert new.expires_at == datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
    session = BrokerSession("main", desk.server.url, new.secrets, desk.around)
    assert icici_breeze.read_orders(desk.send, session).reports == ()


def test_a_wrong_secret_key_is_found_at_the_login(desk: Desk) -> None:
    with pytest.raises(CredentialsRefused, match="Invalid Checksum"):
        _log_in(desk, _credentials(desk, secret_key="other-secret"))


def test_an_answer_that_is_too_old_begins_no_session(desk: Desk) -> None:
    with pytest.raises(LoginFailed) as failure:
        login.redeem_login(desk.send, _credentials(desk), {"apisession": "11111111"})

    assert type(failure.value) is LoginFailed


def test_a_broker_that_is_not_running_was_sent_nothing() -> None:
    clock = FakeClock()
    with running(now=clock.now) as server:
        gone = Desk(server, clock)
        gone.transport.close()

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
        "product": "CNC",
    }
    return parse_request(usual | fields)


def _modify(target: OrderTarget, request: OrderRequest) -> ModifyIntent:
    return ModifyIntent(broker_order_id=target.broker_order_id, before=target.request, request=request)


def _credentials(desk: Desk, **changes: str) -> Credentials:
    texts = {"api_key": API_KEY, "secret_key": SECRET_KEY} | changes
    secrets = {name: Secret(text) for name, text in texts.items()}
    return Credentials(account="main", endpoint=desk.server.url, secrets=secrets, around=desk.around)


def _log_in(desk: Desk, credentials: Credentials) -> NewSession:
    """Open the page as a browser does, and follow where it sends us."""
    page = urlsplit(login.login_page(credentials, "st4te"))
    connection = http.client.HTTPConnection(page.netloc, timeout=5)
    try:
        connection.request("GET", f"{page.path}?{page.query}")
        answer = connection.getresponse()
        answer.read()
        back = urlsplit(answer.getheader("Location", ""))
    finally:
        connection.close()
    return login.redeem_login(desk.send, credentials, dict(parse_qsl(back.query)))


def _http(server: BreezeServer, method: str, path: str, body: str | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        connection.request(method, path, body)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
