"""What every store of the paper broker must do: a test class inherits this and offers `store`."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from order_router.domain.request import parse_request
from order_router.domain.vocabulary import Product, Side
from order_router.paper.book import (
    Book,
    Change,
    PaperHolding,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    Status,
    open_book,
)
from order_router.paper.errors import PaperConflict
from order_router.paper.store import PaperStore, StoredBook
from tests.unit.paper.market import CALL, INFY, LISTED, TCS

AT = datetime(2026, 11, 23, 4, 30, 0, 123456, tzinfo=UTC)
DAY = date(2026, 11, 23)


def new_book(account: str = "paper") -> Book:
    """Return the book of a new account."""
    return open_book(account, cash=Decimal("1000000.50"), at=AT)


def order(number: int, status: Status = Status.OPEN, day: str = "261123") -> PaperOrder:
    """Return one order with every field set."""
    fields = {"account": "paper", "instrument": "NSE:INFY", "side": "BUY", "quantity": 5, "product": "CNC"}
    return PaperOrder(
        broker_order_id=f"{day}{number:06d}",
        client_tag="ABCDEFGHIJKLMNOPQRST",
        request=parse_request(
            {**fields, "order_type": "SL", "limit_price": "1510.05", "trigger_price": "1510"}
        ),
        placed_at=AT,
        updated_at=AT + timedelta(seconds=1),
        status=status,
        is_triggered=True,
        filled_quantity=2,
        filled_value=Decimal("3000.10"),
        filled_at_event=7,
        message="a message",
    )


def trade(number: int, day: str = "261123") -> PaperTrade:
    """Return one trade."""
    return PaperTrade(
        trade_id=f"{day}{number:06d}",
        broker_order_id="261123000001",
        instrument=INFY,
        side=Side.BUY,
        product=Product.CNC,
        quantity=2,
        price=Decimal("1500.05"),
        traded_at=AT,
    )


class PaperStoreContract:
    """The behaviour that the exchange relies on."""

    @pytest.fixture
    def store(self) -> PaperStore:
        raise NotImplementedError

    def test_a_book_comes_back_exactly_as_it_was_written(self, store: PaperStore) -> None:
        book = replace(
            new_book(),
            closed_pnl=Decimal("-0.0001"),
            next_order=3,
            resting=(order(1), replace(order(2, Status.TRIGGER_PENDING), client_tag=None, message=None)),
            positions=(
                PaperPosition(
                    instrument=CALL, product=Product.NRML, quantity=-75, cost=Decimal("-7500.0001")
                ),
            ),
            holdings=(PaperHolding(instrument=TCS, quantity=3, cost=Decimal("9000.15")),),
        )

        store.open_account(book)

        assert _loaded(store).book == book

    def test_an_account_is_opened_once(self, store: PaperStore) -> None:
        assert store.open_account(new_book()) is True
        assert store.open_account(replace(new_book(), cash=Decimal(1))) is False
        assert _loaded(store).book == new_book()

    def test_an_account_that_is_not_there_is_none(self, store: PaperStore) -> None:
        assert store.load("nobody") is None

    def test_accounts_are_listed_by_name(self, store: PaperStore) -> None:
        for name in ("second", "first"):
            store.open_account(new_book(name))

        assert store.accounts() == ("first", "second")

    def test_a_change_is_stored_whole(self, store: PaperStore) -> None:
        store.open_account(new_book())
        book = replace(new_book(), cash=Decimal("99.95"))
        ended = order(1, Status.COMPLETE)

        store.save(Change(book, (ended,), (trade(1), trade(2))), _loaded(store))

        assert _loaded(store).book == book
        assert store.ended_order("paper", "261123000001") == ended
        assert store.ended_orders("paper", DAY) == (ended,)
        assert store.trades("paper", DAY) == (trade(1), trade(2))

    def test_the_largest_change_fits(self, store: PaperStore) -> None:
        store.open_account(new_book())
        orders = tuple(order(number, Status.COMPLETE) for number in range(1, 41))
        trades = tuple(trade(number) for number in range(1, 41))

        store.save(Change(new_book(), orders, trades), _loaded(store))

        assert store.ended_orders("paper", DAY) == orders
        assert store.trades("paper", DAY) == trades

    def test_whoever_comes_second_meets_a_conflict_and_writes_nothing(self, store: PaperStore) -> None:
        store.open_account(new_book())
        seen = _loaded(store)
        store.save(Change(replace(new_book(), cash=Decimal(1))), seen)

        with pytest.raises(PaperConflict):
            store.save(
                Change(replace(new_book(), cash=Decimal(2)), (order(1, Status.CANCELLED),), (trade(1),)), seen
            )

        assert _loaded(store).book.cash == Decimal(1)
        assert store.ended_order("paper", "261123000001") is None
        assert store.trades("paper", DAY) == ()

    def test_saves_follow_each_other(self, store: PaperStore) -> None:
        store.open_account(new_book())

        for rupees in range(60):
            store.save(Change(replace(new_book(), cash=Decimal(rupees))), _loaded(store))

        assert _loaded(store).book.cash == Decimal(59)

    def test_a_day_holds_only_its_own_orders_and_trades(self, store: PaperStore) -> None:
        store.open_account(new_book())
        later = order(1, Status.EXPIRED, day="261124")
        change = Change(new_book(), (order(1, Status.EXPIRED), later), (trade(1), trade(1, day="261124")))

        store.save(change, _loaded(store))

        assert store.ended_orders("paper", date(2026, 11, 24)) == (later,)
        assert store.trades("paper", date(2026, 11, 24)) == (trade(1, day="261124"),)
        assert store.ended_order("paper", later.broker_order_id) == later

    def test_accounts_do_not_see_each_other(self, store: PaperStore) -> None:
        store.open_account(new_book())
        store.open_account(new_book("second"))
        store.save(Change(new_book(), (order(1, Status.EXPIRED),), (trade(1),)), _loaded(store))

        assert store.ended_order("second", "261123000001") is None
        assert store.ended_orders("second", DAY) == ()
        assert store.trades("second", DAY) == ()

    def test_an_instrument_is_listed_once_and_keeps_its_price(self, store: PaperStore) -> None:
        assert store.list_instrument(LISTED[0]) is True
        store.set_last_price(INFY, Decimal("1555.05"))
        assert store.list_instrument(LISTED[0]) is False

        assert store.market([INFY])[INFY].last_price == Decimal("1555.05")

    def test_the_market_holds_what_is_listed_of_what_is_asked(self, store: PaperStore) -> None:
        for listed in LISTED:
            store.list_instrument(listed)

        assert store.market([CALL, INFY, CALL]) == {CALL: LISTED[3], INFY: LISTED[0]}
        assert store.market([]) == {}

    def test_an_instrument_that_is_not_listed_has_no_price(self, store: PaperStore) -> None:
        assert store.market([INFY]) == {}
        assert store.set_last_price(INFY, Decimal(1500)) is None
        assert store.market([INFY]) == {}

    def test_each_price_is_one_event_more_even_at_the_same_price(self, store: PaperStore) -> None:
        store.list_instrument(LISTED[0])

        events = [store.set_last_price(INFY, Decimal(1500)) for _ in range(2)]

        assert [one.price_event for one in events if one is not None] == [2, 3]
        assert store.market([INFY])[INFY].price_event == 3


def _loaded(store: PaperStore) -> StoredBook:
    stored = store.load("paper")
    assert stored is not None
    return stored
