"""The zerodha adapter against the Kite simulator, over sockets: what each failure leaves at the broker."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from order_router.adapter import errors
from order_router.adapter.http import Send
from order_router.adapter.port import ChainQuery, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers import zerodha
from order_router.brokers.zerodha.instruments import read_instruments
from order_router.domain.instrument import parse_instrument
from order_router.domain.meter import LOSS, base_of
from order_router.domain.reports import OrderReport, ReportedState
from order_router.domain.request import OrderRequest, parse_request
from order_router.transport.download import HttpDownload
from order_router.transport.http_transport import HttpTransport, Limits
from tests.fakes.clock import FakeClock
from tests.fakes.listings import MemoryListings
from tests.simulators.kite import ACCESS_TOKEN, API_KEY, KiteServer, running

TAG = "ORD7K2M4QX5ZB3TDLW6A"
ROOT = Path(__file__).parents[2]


class Desk:
    """A trader at the simulator: places, looks, and tells it how to behave."""

    def __init__(self, server: KiteServer) -> None:
        self.server = server
        self.session = _session(server, ACCESS_TOKEN)
        self.transport = HttpTransport(FakeClock(), limits=Limits(write_answer_timeout_s=0.5))
        self.send: Send = self.transport.sender(server.url, not_after=None)

    def tell(self, **told: Any) -> None:
        _http(self.server, "POST", "/_control", json.dumps(told))

    def taken_in(self) -> list[dict[str, Any]]:
        orders: list[dict[str, Any]] = _http(self.server, "GET", "/_control/orders")
        return orders

    def place(self, tag: str = TAG, **fields: Any) -> OrderTarget:
        request = _request(**fields)
        intent = PlaceIntent(client_order_id=tag, client_tag=tag, request=request)
        placed = zerodha.place_order(self.send, self.session, intent)
        return OrderTarget(broker_order_id=placed.broker_order_id, request=request)

    def look(self, target: OrderTarget) -> OrderReport:
        return zerodha.read_order(self.send, self.session, target)

    def book(self) -> tuple[OrderReport, ...]:
        book = zerodha.read_orders(self.send, self.session)
        assert book.is_complete
        return book.reports


@pytest.fixture
def desk() -> Iterator[Desk]:
    with running(now=FakeClock().now) as server:
        desk = Desk(server)
        yield desk
        desk.transport.close()


def test_a_market_order_fills_at_the_last_price_and_shows_everywhere(desk: Desk) -> None:
    target = desk.place(order_type="MARKET", limit_price=None, quantity=10)

    report = desk.look(target)
    (trade,) = zerodha.read_trades(desk.send, desk.session)
    (position,) = zerodha.read_positions(desk.send, desk.session).positions
    (funds,) = zerodha.read_funds(desk.send, desk.session)

    assert (report.state, report.filled_quantity, report.client_tag) == (ReportedState.FILLED, 10, TAG)
    assert report.average_price == trade.price == position.average_price == Decimal("1500.05")
    assert (position.quantity, position.unrealised_pnl) == (10, Decimal(0))
    assert funds.available == Decimal(1000000) - 10 * Decimal("1500.05")
    assert desk.book() == (report,)


def test_an_average_that_does_not_divide_is_shown_in_paise_and_leaves_no_residue(desk: Desk) -> None:
    for price, quantity in (("1500.05", 1), ("1400.5", 2)):
        desk.tell(prices={"NSE:INFY": price})
        desk.place(order_type="MARKET", limit_price=None, quantity=quantity)
    desk.place(order_type="MARKET", limit_price=None, quantity=1, side="SELL")

    (position,) = zerodha.read_positions(desk.send, desk.session).positions

    assert (position.quantity, position.average_price) == (2, Decimal("1433.68"))
    assert (position.unrealised_pnl, position.realised_pnl) == (Decimal("-66.36"), Decimal("-33.19"))


def test_a_carried_position_says_what_it_made_today_and_what_since_its_entry(desk: Desk) -> None:
    bought = {"exchange": "NSE", "tradingsymbol": "INFY", "product": "MTF", "transaction_type": "BUY"}
    desk.tell(carried=[{**bought, "quantity": 10, "average_price": "3500.05", "close_price": "1510"}])
    desk.place(order_type="MARKET", limit_price=None, quantity=4, side="SELL", product="MTF")

    (position,) = zerodha.read_positions(desk.send, desk.session).positions

    assert (position.quantity, position.unrealised_pnl) == (6, Decimal(-12000))
    assert position.day_pnl == 10 * Decimal("-9.95")
    assert base_of([position], {})[LOSS] == Decimal("99.5")


def test_shares_sold_out_of_holdings_show_below_zero_and_are_told_from_a_short_position(desk: Desk) -> None:
    for product in ("CNC", "MIS"):
        desk.place(order_type="MARKET", limit_price=None, quantity=3, side="SELL", product=product)

    positions = zerodha.read_positions(desk.send, desk.session).positions

    assert [(one.product, one.quantity) for one in positions] == [("CNC", -3), ("MIS", -3)]
    assert [zerodha.profile.is_sale_of_holdings(one) for one in positions] == [True, False]


def test_a_limit_order_rests_until_the_price_crosses(desk: Desk) -> None:
    target = desk.place(limit_price="1490")
    assert desk.look(target).state is ReportedState.OPEN

    desk.tell(prices={"NSE:INFY": "1489.5"})

    report = desk.look(target)
    assert (report.state, report.average_price) == (ReportedState.FILLED, Decimal("1489.5"))


def test_a_stop_order_waits_for_its_trigger(desk: Desk) -> None:
    target = desk.place(order_type="SL_M", limit_price=None, trigger_price="1510")
    assert desk.look(target).status == "TRIGGER PENDING"

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
        ("expired_token", errors.SessionExpired),
        ("too_many_requests", errors.RateLimited),
        ("drop_unseen", errors.OutcomeUnknown),
        ("time_out_unseen", errors.OutcomeUnknown),
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
    ["accept_then_drop", "accept_then_time_out", "accept_then_fail", "accept_then_garbage", "accept_slowly"],
)
def test_a_lost_answer_leaves_one_order_that_the_book_shows_by_its_tag(desk: Desk, behaviour: str) -> None:
    desk.tell(behave=behaviour, match={"tag": TAG})

    with pytest.raises(errors.OutcomeUnknown):
        desk.place()

    assert [order["tag"] for order in desk.taken_in()] == [TAG]
    assert [report.client_tag for report in desk.book()] == [TAG]


def test_an_order_can_be_rejected_after_it_was_acknowledged(desk: Desk) -> None:
    desk.tell(behave="reject_after_acknowledging", match={"quantity": "13"})

    report = desk.look(desk.place(quantity=13))

    assert (report.state, report.message) == (ReportedState.REJECTED, "Rejected by the risk checks.")
    assert desk.look(desk.place(quantity=12)).state is ReportedState.FILLED


def test_an_order_beyond_the_margin_is_rejected_after_it_was_acknowledged(desk: Desk) -> None:
    report = desk.look(desk.place(quantity=10_000))

    assert report.state is ReportedState.REJECTED
    assert "Insufficient funds" in str(report.message)


def test_a_dead_token_is_refused_on_every_call(desk: Desk) -> None:
    desk.tell(session={"access_token": "tomorrow"})

    for read in (zerodha.read_orders, zerodha.read_positions, zerodha.read_funds):
        with pytest.raises(errors.SessionExpired):
            read(desk.send, desk.session)
    with pytest.raises(errors.SessionExpired):
        desk.place()
    assert zerodha.read_orders(desk.send, _session(desk.server, "tomorrow")).reports == ()


def test_a_partly_filled_order_can_be_cancelled_and_keeps_its_fill(desk: Desk) -> None:
    desk.tell(behave="fill_partially", quantity=2)
    target = desk.place(limit_price="1490")
    assert desk.look(target).state is ReportedState.PARTIALLY_FILLED

    zerodha.cancel_order(desk.send, desk.session, target)

    report = desk.look(target)
    assert (report.state, report.filled_quantity) == (ReportedState.CANCELLED, 2)


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
            zerodha.cancel_order(desk.send, desk.session, target)
    else:
        zerodha.cancel_order(desk.send, desk.session, target)

    assert desk.look(target).state is ReportedState.FILLED


def test_a_modified_order_meets_the_market_on_its_new_terms(desk: Desk) -> None:
    target = desk.place(limit_price="1490", quantity=5)
    changed = _request(limit_price="1501", quantity=4)

    zerodha.modify_order(desk.send, desk.session, _modify(target, changed))

    report = desk.look(target)
    assert (report.state, report.quantity, report.limit_price) == (ReportedState.FILLED, 4, Decimal(1501))
    with pytest.raises(errors.Rejected):
        zerodha.modify_order(desk.send, desk.session, _modify(target, changed))


def test_an_order_that_is_not_there_is_not_found(desk: Desk) -> None:
    nobody = OrderTarget(broker_order_id="1990345678900009999", request=_request())

    for call in (zerodha.read_order, zerodha.cancel_order):
        with pytest.raises(errors.OrderNotFound):
            call(desk.send, desk.session, nobody)


def test_an_instrument_that_is_not_there_is_an_invalid_symbol(desk: Desk) -> None:
    with pytest.raises(errors.InvalidSymbol):
        desk.place(instrument="NSE:NOWHERE")


def test_a_broker_that_is_not_running_was_sent_nothing() -> None:
    with running() as server:
        gone = Desk(server)

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


def _modify(target: OrderTarget, request: OrderRequest) -> ModifyIntent:
    return ModifyIntent(broker_order_id=target.broker_order_id, before=target.request, request=request)


def _session(server: KiteServer, access_token: str) -> BrokerSession:
    secrets = {"api_key": Secret(API_KEY), "access_token": Secret(access_token)}
    return BrokerSession(account="main", endpoint=server.url, secrets=secrets)


def test_a_chain_is_made_of_what_is_listed_and_quoted(desk: Desk) -> None:
    names = (
        "NFO:NIFTY26NOV26400CE",
        "NFO:NIFTY26NOV26500CE",
        "NFO:NIFTY26NOV26500PE",
        "NFO:NIFTY26DEC26500CE",
    )
    desk.tell(prices=dict.fromkeys(names, "102.35"))
    listed = read_instruments(HttpDownload(FakeClock()), desk.session)
    desk.session = replace(desk.session, around=Surroundings(listings=MemoryListings(listed)))
    query = ChainQuery(underlying=parse_instrument("NSE:NIFTY 50"), expiry=date(2026, 11, 24))

    whole = zerodha.read_option_chain(desk.send, desk.session, query)
    one_strike = zerodha.read_option_chain(desk.send, desk.session, replace(query, strikes=1))

    assert [str(option.quote.instrument) for option in whole] == list(names[:3])
    assert [(option.strike, option.right) for option in one_strike] == [
        (Decimal(26500), "CE"),
        (Decimal(26500), "PE"),
    ]
    assert [request["call"] for request in desk.server.kite.requests[-2:]] == ["quote", "quote"]


def _http(server: KiteServer, method: str, path: str, body: str | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        connection.request(method, path, body)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
