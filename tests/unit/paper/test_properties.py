"""Whatever a trader and the market do, the books add up."""

from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from order_router.domain.instrument import Instrument
from order_router.domain.vocabulary import SIGNS, Product
from order_router.paper.book import ZERO, Book, PaperHolding, PaperPosition, Status
from order_router.paper.ledger import is_paid_in_full, unrealised_pnl
from order_router.paper.margin import money
from order_router.paper.market import Market
from order_router.paper.store import StoredBook
from tests.unit.paper.market import CALL, FUTURE, INFY, LISTED, TICK, Desk

LOTS = {listed.instrument: listed.lot_size for listed in LISTED}
START = {listed.instrument: listed.last_price for listed in LISTED}
INSTRUMENTS = (INFY, FUTURE, CALL)
PRODUCTS = {INFY: ("CNC", "MIS"), FUTURE: ("NRML", "MIS"), CALL: ("NRML", "MIS")}


class Trader(RuleBasedStateMachine):
    """Random orders, prices, changes, cancels and days, each checked against the plain sums of the fills."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.dead: dict[str, int] = {}

    @initialize()
    def hold_shares(self) -> None:
        self.desk.place(INFY, "BUY", 80)
        self.desk.sleep_until_tomorrow()

    @rule(
        instrument=st.sampled_from(INSTRUMENTS),
        side=st.sampled_from(["BUY", "SELL"]),
        lots=st.integers(1, 260),
        product=st.integers(0, 1),
        order_type=st.sampled_from(["MARKET", "LIMIT", "SL", "SL_M"]),
        validity=st.sampled_from(["DAY", "DAY", "IOC"]),
        steps=st.tuples(st.integers(-20, 20), st.integers(-20, 20)),
    )
    def place(
        self, instrument: Instrument, lots: int, product: int, steps: tuple[int, int], **words: str
    ) -> None:
        lots = lots if instrument == INFY else 1 + lots % 4
        before = self._available()
        status, _ = self.desk.try_place(
            instrument,
            words["side"],
            lots * LOTS[instrument],
            product=PRODUCTS[instrument][product],
            order_type=words["order_type"],
            validity=words["validity"],
            **self._prices(instrument, words["order_type"], steps),
        )
        assert status in {201, 422}
        assert self._available() >= min(before, ZERO)

    @rule(instrument=st.sampled_from(INSTRUMENTS), step=st.integers(-20, 20))
    def price(self, instrument: Instrument, step: int) -> None:
        self.desk.exchange.set_price(instrument, START[instrument] + step * self._step(instrument))

    @precondition(lambda self: self._book().resting)
    @rule(
        choice=st.integers(0, 1000),
        lots=st.integers(1, 260),
        steps=st.tuples(st.integers(-20, 20), st.integers(-20, 20)),
    )
    def modify(self, choice: int, lots: int, steps: tuple[int, int]) -> None:
        order = self._book().resting[choice % len(self._book().resting)]
        instrument, order_type = order.request.instrument, order.request.order_type
        lots = lots if instrument == INFY else 1 + lots % 4
        before = self._available()
        status, _ = self.desk.modify(
            order.broker_order_id,
            quantity=lots * LOTS[instrument],
            order_type=order_type,
            validity="DAY",
            **self._prices(instrument, order_type, steps),
        )
        assert status in {200, 422}
        assert self._available() >= min(before, ZERO)

    @precondition(lambda self: self._book().resting)
    @rule(choice=st.integers(0, 1000))
    def cancel(self, choice: int) -> None:
        order = self._book().resting[choice % len(self._book().resting)]
        before = self._available()
        assert self.desk.cancel(order.broker_order_id)[0] == 200
        assert self._available() >= before

    @rule()
    def sleep(self) -> None:
        self.desk.sleep_until_tomorrow()
        self.desk.rows("orders")

    @invariant()
    def cash_is_what_was_paid_and_earned(self) -> None:
        book, market = self._book(), self._market()
        paid = sum((one.cost for one in book.positions if _is_paid(one, market)), ZERO)
        paid += sum((one.cost for one in book.holdings), ZERO)
        realised = sum((one.realised_pnl for one in book.positions), ZERO) + book.closed_pnl
        assert book.opening_cash + realised == book.cash + paid

    @invariant()
    def profit_is_cash_flow_plus_market_value(self) -> None:
        book, market = self._book(), self._market()
        trades = self.desk.store.all_trades("paper")
        flow = sum((-SIGNS[one.side] * one.quantity * one.price for one in trades), ZERO)
        held: list[PaperPosition | PaperHolding] = [*book.positions, *book.holdings]
        value = sum((one.quantity * market[one.instrument].last_price for one in held), ZERO)
        realised = sum((one.realised_pnl for one in book.positions), ZERO) + book.closed_pnl
        unrealised = sum((unrealised_pnl(one, market[one.instrument].last_price) for one in held), ZERO)
        assert realised + unrealised == flow + value

    @invariant()
    def positions_are_the_signed_sums_of_the_fills(self) -> None:
        book = self._book()
        sums: dict[tuple[Instrument, Product], int] = {}
        for trade in self.desk.store.all_trades("paper"):
            key = (trade.instrument, trade.product)
            sums[key] = sums.get(key, 0) + SIGNS[trade.side] * trade.quantity
        for (instrument, product), quantity in sums.items():
            held = book.position(instrument, product).quantity
            held += book.holding(instrument).quantity if product is Product.CNC else 0
            assert held == quantity

    @invariant()
    def delivery_is_never_short(self) -> None:
        book = self._book()
        assert all(one.quantity >= 0 for one in book.positions if one.product is Product.CNC)
        assert all(one.quantity > 0 for one in book.holdings)

    @invariant()
    def funds_add_up(self) -> None:
        funds = self.desk.funds()
        assert funds["available"] + funds["used"] == funds["cash"] == self._book().cash
        assert funds["used"] >= 0
        if not self._book().resting and all(one.quantity == 0 for one in self._book().positions):
            assert funds["used"] == 0

    @invariant()
    def orders_are_what_their_fills_say(self) -> None:
        filled: dict[str, int] = {}
        value: dict[str, Decimal] = {}
        for trade in self.desk.store.all_trades("paper"):
            filled[trade.broker_order_id] = filled.get(trade.broker_order_id, 0) + trade.quantity
            value[trade.broker_order_id] = (
                value.get(trade.broker_order_id, ZERO) + trade.quantity * trade.price
            )
        for order in self.desk.store.all_orders("paper"):
            assert order.filled_quantity == filled.get(order.broker_order_id, 0) <= order.request.quantity
            assert order.filled_value == value.get(order.broker_order_id, ZERO)
            assert (order.status is Status.COMPLETE) == (order.filled_quantity == order.request.quantity)
            if not order.status.is_resting:
                assert (
                    self.dead.setdefault(order.broker_order_id, order.filled_quantity)
                    == order.filled_quantity
                )

    @invariant()
    def no_order_both_rests_and_has_ended(self) -> None:
        ids = [order.broker_order_id for order in self.desk.store.all_orders("paper")]
        assert len(ids) == len(set(ids))

    def _book(self) -> Book:
        stored: StoredBook | None = self.desk.store.load("paper")
        assert stored is not None
        return stored.book

    def _market(self) -> Market:
        market: Market = self.desk.store.market(INSTRUMENTS)
        return market

    def _available(self) -> Decimal:
        return money(self._book(), self._market()).available

    def _step(self, instrument: Instrument) -> Decimal:
        return (START[instrument] / 50 // TICK + 1) * TICK

    def _prices(self, instrument: Instrument, order_type: str, steps: tuple[int, int]) -> dict[str, Any]:
        limit, trigger = (str(START[instrument] + one * self._step(instrument)) for one in steps)
        named = {"limit_price": limit, "trigger_price": trigger}
        wanted = {
            "MARKET": (),
            "LIMIT": ("limit_price",),
            "SL": ("limit_price", "trigger_price"),
            "SL_M": ("trigger_price",),
        }
        return {name: named[name] for name in wanted[order_type]}


def _is_paid(position: PaperPosition, market: Market) -> bool:
    kind = market[position.instrument].kind
    return is_paid_in_full(kind, position.product, is_long=position.quantity > 0)


TestTrader = Trader.TestCase
TestTrader.settings = settings(
    max_examples=settings().max_examples * 3 // 5, stateful_step_count=40, database=None
)
