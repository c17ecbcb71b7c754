"""The ibkr adapter against its simulator, over sockets: logins, questions, what a failure leaves at the broker."""

import base64
import http.client
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from order_router.adapter import errors
from order_router.adapter.http import Send
from order_router.adapter.login import Credentials, CredentialsRefused, LoginUnclear
from order_router.adapter.port import ChainQuery, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers import ibkr
from order_router.brokers.ibkr import instruments, login
from order_router.domain.instrument import parse_instrument
from order_router.domain.meter import GROSS, LOSS, NET, base_of
from order_router.domain.reports import OrderBook, OrderReport, ReportedState
from order_router.domain.request import OrderRequest, parse_request
from order_router.transport.http_transport import HttpTransport, Limits
from tests.fakes.clock import FakeClock
from tests.fakes.listings import MemoryListings
from tests.simulators.ibkr import IbkrServer, running
from tests.simulators.ibkr_login import CREDENTIALS, SESSION
from tests.simulators.ibkr_market import BY_NAME, LISTINGS

TAG = "ORD7K2M4QX5ZB3TDLW6A"
ROOT = Path(__file__).parents[2]


class Desk:
    """A trader at the simulator: logs in, places, looks, and tells it how to behave."""

    def __init__(self, server: IbkrServer, clock: FakeClock) -> None:
        self.server, self.clock = server, clock
        self.around = Surroundings(now=clock.now, listings=MemoryListings(LISTINGS))
        self.session = self.session_of(SESSION)
        self.transport = HttpTransport(clock, limits=Limits(write_answer_timeout_s=0.5))
        self.send: Send = self.transport.sender(server.url, not_after=None)

    def session_of(self, texts: dict[str, str]) -> BrokerSession:
        secrets = {name: Secret(text) for name, text in texts.items()}
        return BrokerSession("main", self.server.url, secrets, self.around)

    def log_in(self, **changes: str) -> BrokerSession:
        secrets = {name: Secret(text) for name, text in (CREDENTIALS | changes).items()}
        stored = Credentials(account="main", endpoint=self.server.url, secrets=secrets, around=self.around)
        return BrokerSession("main", self.server.url, login.log_in(self.send, stored).secrets, self.around)

    def tell(self, **told: Any) -> None:
        _http(self.server, "POST", "/_control", json.dumps(told))

    def taken_in(self) -> list[dict[str, Any]]:
        orders: list[dict[str, Any]] = _http(self.server, "GET", "/_control/orders")
        return orders

    def calls(self) -> list[str]:
        return [request["call"] for request in _http(self.server, "GET", "/_control/requests")]

    def place(self, tag: str = TAG, **fields: Any) -> OrderTarget:
        request = _request(**fields)
        intent = PlaceIntent(client_order_id=tag, client_tag=tag, request=request)
        placed = ibkr.place_order(self.send, self.session, intent)
        return OrderTarget(broker_order_id=placed.broker_order_id, request=request)

    def modify(self, target: OrderTarget, **fields: Any) -> None:
        request = _request(**fields)
        intent = ModifyIntent(broker_order_id=target.broker_order_id, before=target.request, request=request)
        ibkr.modify_order(self.send, self.session, intent)

    def look(self, target: OrderTarget) -> OrderReport:
        return ibkr.read_order(self.send, self.session, target)

    def book(self) -> OrderBook:
        return ibkr.read_orders(self.send, self.session)

    def orders(self) -> tuple[OrderReport, ...]:
        """Return the book's rows, after the first read of the session, which has none."""
        self.tell(warm=True)
        book = self.book()
        assert book.is_complete
        return book.reports


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = FakeClock()
    with running(now=clock.now) as server:
        desk = Desk(server, clock)
        yield desk
        desk.transport.close()


def test_a_login_gives_a_session_that_trades_and_ends_the_one_before(desk: Desk) -> None:
    before, desk.session = desk.session, desk.log_in()

    target = desk.place()

    assert desk.look(target).state is ReportedState.OPEN
    with pytest.raises(errors.SessionExpired):
        ibkr.read_funds(desk.send, before)
    calls = desk.calls()
    assert calls[:5] == ["live_session_token", "init", "accounts", "portfolios", "suppress"]


@pytest.mark.parametrize(
    "name", ["signature_key", "access_token_secret", "dh_prime", "account_id", "consumer_key"]
)
def test_what_is_stored_wrongly_is_refused_as_such(desk: Desk, name: str) -> None:
    wrong = {
        "signature_key": CREDENTIALS["encryption_key"],
        "access_token_secret": CREDENTIALS["access_token_secret"][:-8] + "AAAAAAA=",
        "dh_prime": CREDENTIALS["dh_prime"][:-4] + "ffef",
        "account_id": "U7654321",
        "consumer_key": "WRONGONES",
    }

    with pytest.raises(CredentialsRefused):
        desk.log_in(**{name: wrong[name]})


def test_diffie_hellman_parameters_may_be_a_pem_file(desk: Desk) -> None:
    prime = b"\0" + bytes.fromhex(CREDENTIALS["dh_prime"])
    content = _element(0x02, prime) + _element(0x02, b"\x02")
    lines = base64.encodebytes(_element(0x30, content)).decode()
    pem = f"-----BEGIN DH PARAMETERS-----\n{lines}-----END DH PARAMETERS-----\n"

    desk.session = desk.log_in(dh_prime=pem)

    assert desk.look(desk.place()).state is ReportedState.OPEN


def test_a_login_takes_the_brokerage_session_from_whoever_holds_it(desk: Desk) -> None:
    desk.tell(session={"is_competing": True, "has_bridge": False})
    with pytest.raises(errors.SessionExpired, match="another login"):
        login.keep_alive(desk.send, desk.session)

    desk.session = desk.log_in()

    login.keep_alive(desk.send, desk.session)
    desk.place()


def test_a_dead_brokerage_session_sends_nothing_and_a_login_mends_it(desk: Desk) -> None:
    desk.tell(session={"has_bridge": False})
    with pytest.raises(errors.SessionExpired, match="no bridge"):
        desk.place()
    with pytest.raises(errors.SessionExpired):
        login.keep_alive(desk.send, desk.session)
    assert desk.taken_in() == []

    desk.session = desk.log_in()

    assert desk.look(desk.place()).quantity == 5


def test_a_dead_key_sends_nothing(desk: Desk) -> None:
    desk.tell(session={"live_token": None})

    with pytest.raises(errors.SessionExpired):
        desk.place()
    assert desk.taken_in() == []


def test_a_request_that_another_key_signed_is_refused(desk: Desk) -> None:
    desk.session = desk.session_of({**SESSION, "live_session_token": "b3RoZXI="})

    with pytest.raises(errors.SessionExpired):
        desk.place()


def test_an_old_request_that_comes_again_is_refused(desk: Desk) -> None:
    desk.session = replace(desk.session, around=replace(desk.around, nonce=lambda: "0123456789abcdef"))
    ibkr.read_funds(desk.send, desk.session)

    with pytest.raises(errors.SessionExpired):
        ibkr.read_funds(desk.send, desk.session)


def test_a_clock_that_is_off_is_refused(desk: Desk) -> None:
    late = desk.clock.now() - timedelta(minutes=2)
    desk.session = replace(desk.session, around=replace(desk.around, now=lambda: late))

    with pytest.raises(errors.SessionExpired):
        ibkr.read_funds(desk.send, desk.session)


def test_an_order_lives_through_change_partial_fill_and_cancel(desk: Desk) -> None:
    target = desk.place()
    desk.modify(target, limit_price="1405", quantity=6)
    desk.tell(fill={"order_id": target.broker_order_id, "quantity": 2})
    (shown,) = desk.orders()
    assert (shown.state, shown.filled_quantity, shown.quantity) == (ReportedState.PARTIALLY_FILLED, 2, 6)
    assert (shown.client_tag, shown.limit_price) == (TAG, Decimal(1405))

    ibkr.cancel_order(desk.send, desk.session, target)

    ended = desk.look(target)
    assert (ended.state, ended.filled_quantity, ended.average_price) == (
        ReportedState.CANCELLED,
        2,
        Decimal("1500.05"),
    )
    (trade,) = ibkr.read_trades(desk.send, desk.session)
    assert (trade.quantity, trade.broker_order_id) == (2, target.broker_order_id)


@pytest.mark.parametrize(
    ("terms", "state"),
    [
        ({"order_type": "MARKET", "limit_price": None}, ReportedState.FILLED),
        ({"order_type": "LIMIT", "limit_price": "1600"}, ReportedState.FILLED),
        ({"order_type": "SL", "limit_price": "1600", "trigger_price": "1550"}, ReportedState.OPEN),
        ({"order_type": "SL_M", "limit_price": None, "trigger_price": "1550"}, ReportedState.OPEN),
        ({"validity": "IOC"}, ReportedState.CANCELLED),
    ],
)
def test_each_order_type_says_what_it_is(desk: Desk, terms: dict[str, Any], state: ReportedState) -> None:
    target = desk.place(**terms)

    looked, (shown,) = desk.look(target), desk.orders()

    assert looked.state is shown.state is state
    wanted = target.request
    for report in (looked, shown):
        assert (report.order_type, report.limit_price, report.trigger_price) == (
            wanted.order_type,
            wanted.limit_price,
            wanted.trigger_price,
        )


def test_a_future_names_its_operator_on_every_call(desk: Desk) -> None:
    terms = {"instrument": "CME:ESZ6", "product": "NRML", "limit_price": "6000"}

    target = desk.place(**terms)
    desk.modify(target, **(terms | {"limit_price": "6001.25"}))
    ibkr.cancel_order(desk.send, desk.session, target)

    assert desk.look(target).state is ReportedState.CANCELLED


# ------------------------------------------------------------ questions


@pytest.mark.parametrize(("behaviour", "answers"), [("ask", 1), ("ask_twice", 2)])
def test_a_question_that_may_be_answered_places_the_order_once(
    desk: Desk, behaviour: str, answers: int
) -> None:
    desk.tell(behave=behaviour, on="place")

    target = desk.place()

    assert desk.calls() == ["place", *["reply"] * answers]
    assert [row["order_id"] for row in desk.taken_in()] == [target.broker_order_id]


@pytest.mark.parametrize(
    ("behaviour", "words"), [("ask_a_guard", "Percentage"), ("ask_a_guard_second", "Value Limit")]
)
def test_a_question_that_guards_refuses_the_order_in_its_words(
    desk: Desk, behaviour: str, words: str
) -> None:
    desk.tell(behave=behaviour, on="place")

    with pytest.raises(errors.InvalidOrder, match=words):
        desk.place()
    assert desk.taken_in() == []
    desk.place()


def test_a_login_suppresses_the_questions_that_would_be_answered_anyway(desk: Desk) -> None:
    desk.session = desk.log_in()
    desk.tell(behave="ask_twice", on="place")

    desk.place()

    assert "reply" not in desk.calls()


def test_a_broker_that_asks_for_ever_leaves_the_outcome_open(desk: Desk) -> None:
    desk.tell(behave="ask_for_ever", on="place")

    with pytest.raises(errors.OutcomeUnknown):
        desk.place()
    assert desk.taken_in() == []


@pytest.mark.parametrize(
    ("behaviour", "held"), [("accept_then_drop", 1), ("accept_then_time_out", 1), ("time_out_unseen", 0)]
)
def test_an_answer_whose_answer_was_lost_may_have_placed_the_order(
    desk: Desk, behaviour: str, held: int
) -> None:
    desk.tell(behave="ask", on="place")
    desk.tell(behave=behaviour, on="reply")

    with pytest.raises(errors.OutcomeUnknown):
        desk.place()
    assert len(desk.taken_in()) == held
    assert [row.client_tag for row in desk.orders()] == [TAG] * held


def test_a_question_about_a_change_is_answered_too(desk: Desk) -> None:
    target = desk.place()
    desk.tell(behave="ask", on="modify")

    desk.modify(target, limit_price="1406")

    assert desk.look(target).limit_price == Decimal(1406)


# ------------------------------------------------------------ failures


@pytest.mark.parametrize(
    "behaviour", ["accept_then_drop", "accept_then_time_out", "accept_then_fail", "accept_then_garbage"]
)
def test_a_lost_answer_is_unknown_and_the_book_has_the_order(desk: Desk, behaviour: str) -> None:
    desk.tell(behave=behaviour, on="place")

    with pytest.raises(errors.OutcomeUnknown):
        desk.place()

    assert [row.client_tag for row in desk.orders()] == [TAG]


def test_the_same_tag_again_is_one_order_and_no_refusal(desk: Desk) -> None:
    desk.place()

    with pytest.raises(errors.OutcomeUnknown, match="already registered"):
        desk.place()

    assert len(desk.taken_in()) == 1


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("reject_at_door", errors.Rejected),
        ("no_margin_at_door", errors.InsufficientFunds),
        ("too_many_requests", errors.RateLimited),
        ("dead_token", errors.SessionExpired),
        ("no_bridge", errors.SessionExpired),
    ],
)
def test_a_definite_no_is_one(desk: Desk, behaviour: str, kind: type[errors.BrokerError]) -> None:
    desk.tell(behave=behaviour, on="place")

    with pytest.raises(kind):
        desk.place()
    assert desk.taken_in() == []


def test_a_refusal_after_the_acknowledgement_shows_in_the_book(desk: Desk) -> None:
    desk.tell(behave="reject_after_acknowledging", on="place")
    target = desk.place()

    with pytest.raises(errors.OutcomeUnknown):
        desk.look(target)
    (shown,) = desk.orders()
    assert (shown.state, shown.message) == (ReportedState.REJECTED, "Rejected by the risk checks.")


def test_a_cancel_that_a_fill_overtook_is_refused(desk: Desk) -> None:
    target = desk.place()
    desk.tell(behave="filled_before_cancel", on="cancel")

    with pytest.raises(errors.Rejected):
        ibkr.cancel_order(desk.send, desk.session, target)
    assert desk.look(target).state is ReportedState.FILLED


def test_an_order_that_nobody_has_is_not_found(desk: Desk) -> None:
    target = OrderTarget(broker_order_id="42", request=_request())

    for call in (ibkr.cancel_order, ibkr.read_order):
        with pytest.raises(errors.OrderNotFound):
            call(desk.send, desk.session, target)


def test_no_call_ever_cancels_every_order(desk: Desk) -> None:
    desk.place()

    with pytest.raises(errors.Unsupported):
        ibkr.cancel_order(desk.send, desk.session, OrderTarget(broker_order_id="-1", request=_request()))
    assert "cancel" not in desk.calls()


# ------------------------------------------------------------ the book


def test_the_first_book_of_a_session_proves_nothing(desk: Desk) -> None:
    desk.place()

    first, second = desk.book(), desk.book()

    assert (first.reports, first.is_complete) == ((), False)
    assert (len(second.reports), second.is_complete) == (1, True)


def test_an_order_that_a_new_session_forgot_is_told_by_its_fills(desk: Desk) -> None:
    target = desk.place(order_type="MARKET", limit_price=None)
    desk.session = desk.log_in()
    desk.book()

    book = desk.book()

    assert (book.reports, book.is_complete) == ((), False)
    assert [(row.broker_order_id, row.client_tag) for row in book.unreadable] == [
        (target.broker_order_id, TAG)
    ]
    with pytest.raises(errors.OrderNotFound):
        desk.look(target)


# ------------------------------------------------------------ portfolio, quotes, instruments


def test_a_fill_shows_as_position_holding_and_funds(desk: Desk) -> None:
    desk.place(order_type="MARKET", limit_price=None)

    (position,) = ibkr.read_positions(desk.send, desk.session).positions
    (holding,) = ibkr.read_holdings(desk.send, desk.session)
    (funds,) = ibkr.read_funds(desk.send, desk.session)

    assert (str(position.instrument), position.quantity) == ("NSE:INFY", 5)
    assert (holding.quantity, holding.average_price) == (5, Decimal("1500.05"))
    assert (funds.available, funds.segment) == (Decimal("992499.75"), "INR")


def test_a_round_trip_of_today_shows_at_zero_with_its_loss_and_is_no_holding(desk: Desk) -> None:
    desk.place(order_type="MARKET", limit_price=None)
    desk.tell(prices={"NSE:INFY": "1490.05"})
    desk.place(TAG[::-1], order_type="MARKET", limit_price=None, side="SELL")

    (position,) = ibkr.read_positions(desk.send, desk.session).positions

    assert (position.quantity, position.realised_pnl) == (0, Decimal(-50))
    base = base_of([position], {})
    assert [base[GROSS], base[NET], base[LOSS]] == [0, 0, 50]
    assert ibkr.read_holdings(desk.send, desk.session) == ()


def test_a_position_that_nobody_listed_is_named_by_the_broker(desk: Desk) -> None:
    option = {"instrument": "OPRA:AAPL261218C00200000", "product": "NRML", "order_type": "MARKET"}
    desk.place(**option, limit_price=None, quantity=2)
    desk.session = replace(desk.session, around=replace(desk.around, listings=MemoryListings(())))

    (position,) = ibkr.read_positions(desk.send, desk.session).positions

    assert (str(position.instrument), position.quantity) == ("OPRA:AAPL261218C00200000", 2)


def test_the_first_snapshot_of_a_contract_is_taken_twice(desk: Desk) -> None:
    (quote,) = ibkr.read_quotes(desk.send, desk.session, [parse_instrument("CME:ESZ6")])

    assert quote.last_price == Decimal("6640.25")
    assert desk.calls() == ["snapshot", "snapshot"]


def test_a_preview_says_what_an_order_binds_and_places_nothing(desk: Desk) -> None:
    margin = ibkr.read_order_margin(desk.send, desk.session, _request())

    assert (margin.required, margin.charges) == (Decimal("1400.00"), Decimal(1))
    assert desk.taken_in() == []


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_instrument_is_found_as_it_is_listed(desk: Desk, name: str) -> None:
    found = instruments.find_listing(desk.send, desk.session, parse_instrument(name))

    assert found == BY_NAME[name]


@pytest.mark.parametrize(
    "name", ["NASDAQ:NOSUCH", "NYSE:AAPL", "OPRA:AAPL261218P00200000", "CME:ESH7", "IDEALPRO:GBP.USD"]
)
def test_an_instrument_that_is_not_listed_is_not_found(desk: Desk, name: str) -> None:
    assert instruments.find_listing(desk.send, desk.session, parse_instrument(name)) is None


@pytest.mark.parametrize(
    ("price", "strikes", "names"),
    [
        ("197.93", 1, ["C00200000"]),
        ("203", 1, ["C00205000", "P00205000"]),
        ("203", None, ["C00200000", "C00205000", "P00205000"]),
    ],
)
def test_an_option_chain_is_read_around_the_last_price(
    desk: Desk, price: str, strikes: int | None, names: list[str]
) -> None:
    desk.tell(prices={"NASDAQ:AAPL": price})
    share = parse_instrument("NASDAQ:AAPL")
    query = ChainQuery(underlying=share, expiry=date(2026, 12, 18), strikes=strikes)

    chain = ibkr.read_option_chain(desk.send, desk.session, query)

    assert [str(one.quote.instrument) for one in chain] == [f"OPRA:AAPL261218{name}" for name in names]
    assert all(BY_NAME[str(one.quote.instrument)].strike == one.strike for one in chain)
    assert desk.calls()[:2] == ["search", "strikes"]


def test_an_init_that_must_wait_is_unclear(desk: Desk) -> None:
    desk.tell(behave="no_bridge", on="init")

    with pytest.raises(LoginUnclear):
        desk.log_in()


def _request(**fields: Any) -> OrderRequest:
    usual = {
        "account": "main",
        "instrument": "NSE:INFY",
        "side": "BUY",
        "quantity": 5,
        "order_type": "LIMIT",
        "limit_price": "1400",
        "product": "CNC",
    }
    return parse_request(usual | fields)


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    head = bytes([length]) if length < 0x80 else bytes([0x82, length >> 8, length & 0xFF])
    return bytes([tag]) + head + content


def _http(server: IbkrServer, method: str, path: str, body: str | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
    connection.request(method, path, body)
    content = connection.getresponse().read()
    connection.close()
    return json.loads(content)
