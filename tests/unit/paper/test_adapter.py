"""The adapter and the exchange understand each other: every call of the port, over the exchange itself."""

from decimal import Decimal

import pytest

from order_router.adapter.errors import InsufficientFunds, OrderNotFound, OutcomeUnknown, Rejected
from order_router.adapter.port import Broker, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.brokers import paper
from order_router.brokers.paper import wire
from order_router.brokers.registry import load_broker
from order_router.domain.reports import ReportedState
from order_router.domain.request import OrderRequest, parse_request
from order_router.paper.book import Status
from order_router.paper.errors import RefusalCode
from tests.unit.paper.market import INFY, Desk

TAG = "Q2N7DKX4PLZ3ABCDEFGH"


def request(**fields: object) -> OrderRequest:
    """Return a limit order for INFY, changed in these fields."""
    base = {"account": "paper", "instrument": "NSE:INFY", "side": "BUY", "quantity": 5, "product": "CNC"}
    return parse_request(base | {"order_type": "LIMIT", "limit_price": "1490"} | fields)


class Caller:
    """A caller of the adapter."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.send = self.desk.exchange.handle
        self.session = BrokerSession("paper", paper.profile.endpoint)

    def place(self, wanted: OrderRequest) -> str:
        """Place an order; return its id."""
        intent = PlaceIntent(client_order_id=TAG, client_tag=TAG, request=wanted)
        return paper.place_order(self.send, self.session, intent).broker_order_id


def test_the_package_is_a_broker() -> None:
    broker: Broker = load_broker("paper")

    assert broker.profile is paper.profile


def test_an_order_is_placed_changed_filled_and_found_by_its_tag() -> None:
    caller = Caller()
    broker_order_id = caller.place(request())
    changed = request(quantity=8, limit_price="1495.5")
    intent = ModifyIntent(broker_order_id=broker_order_id, before=request(), request=changed)

    paper.modify_order(caller.send, caller.session, intent)
    caller.desk.price(INFY, "1495")

    (report,) = paper.read_orders(caller.send, caller.session).reports
    assert (report.broker_order_id, report.client_tag) == (broker_order_id, TAG)
    assert (report.state, report.quantity, report.filled_quantity) == (ReportedState.FILLED, 8, 8)
    assert (report.limit_price, report.average_price) == (Decimal("1495.5"), Decimal(1495))
    assert report.placed_at == caller.desk.clock.now()
    (trade,) = paper.read_trades(caller.send, caller.session)
    assert (trade.broker_order_id, trade.quantity, trade.price) == (broker_order_id, 8, Decimal(1495))


def test_an_order_is_cancelled_once() -> None:
    caller = Caller()
    target = OrderTarget(broker_order_id=caller.place(request()), request=request())

    paper.cancel_order(caller.send, caller.session, target)

    assert paper.read_order(caller.send, caller.session, target).state is ReportedState.CANCELLED
    with pytest.raises(Rejected):
        paper.cancel_order(caller.send, caller.session, target)


def test_a_refusal_is_definite_and_keeps_the_brokers_words() -> None:
    caller = Caller()

    with pytest.raises(InsufficientFunds, match="insufficient funds") as refused:
        caller.place(request(quantity=1000))

    assert refused.value.broker_code == "SHORT_OF_FUNDS"


def test_an_order_that_is_not_there_is_not_found() -> None:
    caller = Caller()
    target = OrderTarget(broker_order_id="../funds?x=1", request=request())

    with pytest.raises(OrderNotFound):
        paper.read_order(caller.send, caller.session, target)


def test_a_store_that_does_not_answer_leaves_the_outcome_unknown() -> None:
    caller = Caller()
    caller.desk.store.fail_next_save = "after"

    with pytest.raises(OutcomeUnknown):
        caller.place(request())

    assert [one.client_tag for one in paper.read_orders(caller.send, caller.session).reports] == [TAG]


def test_positions_holdings_and_funds_are_read() -> None:
    caller = Caller()
    caller.place(request(order_type="MARKET", limit_price=None))
    caller.desk.price(INFY, "1510")

    (position,) = paper.read_positions(caller.send, caller.session).positions
    (funds,) = paper.read_funds(caller.send, caller.session)
    assert (position.quantity, position.average_price, position.unrealised_pnl) == (
        5,
        Decimal(1500),
        Decimal(50),
    )
    assert (funds.available, funds.used, funds.cash) == (Decimal(992500), Decimal(0), Decimal(992500))

    caller.desk.sleep_until_tomorrow()
    (holding,) = paper.read_holdings(caller.send, caller.session)
    assert (holding.quantity, holding.average_price, holding.pnl) == (5, Decimal(1500), Decimal(50))


def test_every_word_of_the_exchange_is_in_the_adapters_tables() -> None:
    assert set(wire.ERRORS) == set(RefusalCode)
    assert set(wire.STATES) == set(Status)
