"""After-market orders end to end: placed on a Friday evening, kept by the broker, filled on Monday."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from infra.calendar.build import SHIPPED
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.session import Surroundings
from order_router.domain.account import Account
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.trading_calendar import parse_calendar
from order_router.domain.vocabulary import Source
from order_router.service.change import cancel_order, modify_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.listings import MemoryListings
from tests.fakes.settings import MemorySessions
from tests.fakes.world import World
from tests.faults.kotak_neo_side import LISTINGS, SECRETS
from tests.faults.played_brokers import PlayedZerodha
from tests.simulators.kotak_neo_vendor import KotakNeo, answer

CALENDAR = parse_calendar(SHIPPED.read_text(encoding="utf-8"))
FRIDAY_EVENING = datetime(2026, 11, 20, 12, 45, tzinfo=UTC)
"""18:15 in Kolkata, when a book has the last word on that Friday's orders."""
MONDAY_MORNING = datetime(2026, 11, 23, 3, 45, tzinfo=UTC)
"""09:15 in Kolkata."""
MONDAY_EVENING = datetime(2026, 11, 23, 12, 45, tzinfo=UTC)


class Vendor:
    """A broker's simulator behind a world's desk, its market closed."""

    def __init__(self, world: World, played: Any) -> None:
        self.world, self.simulator = world, played
        self.tell(market="closed")

    def tell(self, **told: Any) -> None:
        self.simulator.control(told)

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        return list(self.simulator.book.orders.values())


def kotak_neo(world: World) -> KotakNeo:
    """Put Kotak Neo's simulator behind the world's desk."""
    neo, endpoint = KotakNeo(world.clock.now), "https://kotak.example"
    world.handlers[endpoint] = partial(answer, neo, endpoint)
    world.settings.put_account(Account(name="paper", broker="kotak_neo"))
    world.listings["kotak_neo"] = MemoryListings(LISTINGS)
    world.sessions = MemorySessions(endpoint)
    around = Surroundings(now=world.clock.now, listings=world.listings["kotak_neo"])
    world.sessions.log_in("paper", SECRETS, around=around)
    world.desk = replace(world.desk, sessions=world.sessions)
    return neo


VENDORS: Mapping[str, Callable[[World], Any]] = {
    "zerodha": lambda world: PlayedZerodha(world)._kite,
    "kotak_neo": kotak_neo,
}


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    world = World(calendar=CALENDAR)
    at(world, FRIDAY_EVENING)
    return Vendor(world, VENDORS[request.param](world))


def at(world: World, moment: datetime) -> None:
    world.clock.advance((moment - world.clock.now()).total_seconds())


def place(vendor: Vendor, **changes: Any) -> Order:
    return vendor.world.place(after_market=True, limit_price="1490", **changes).order


def look(vendor: Vendor, client_order_id: str) -> Order:
    reconcile_account(vendor.world.desk, "paper")
    return stored(vendor, client_order_id)


def stored(vendor: Vendor, client_order_id: str) -> Order:
    order = vendor.world.store.get(client_order_id)
    assert order is not None
    return order


def test_an_order_of_the_evening_rests_over_the_weekend_and_fills_when_the_market_opens(
    vendor: Vendor,
) -> None:
    placed = place(vendor)
    overnight = set()
    for day in (20, 21, 22):
        at(vendor.world, max(vendor.world.clock.now(), datetime(2026, 11, day, 13, 30, tzinfo=UTC)))
        overnight.add(look(vendor, placed.client_order_id).state)

    at(vendor.world, MONDAY_MORNING)
    vendor.tell(prices={"NSE:INFY": "1489.5"})
    waiting = look(vendor, placed.client_order_id)
    vendor.tell(market="open")
    filled = look(vendor, placed.client_order_id)

    assert placed.broker_order_id is not None
    assert overnight | {waiting.state} == {State.OPEN}
    assert (filled.state, filled.filled_quantity, filled.average_price) == (
        State.FILLED,
        5,
        Decimal("1489.5"),
    )
    assert len(vendor.rows) == 1
    assert vendor.world.notifier.notices == []


def test_a_lost_answer_is_adopted_by_its_tag_and_never_sent_again(vendor: Vendor) -> None:
    vendor.tell(behave="accept_then_drop")
    lost = place(vendor)

    adopted = look(vendor, lost.client_order_id)

    assert (lost.state, lost.broker_order_id) == (State.UNKNOWN, None)
    assert (adopted.state, len(vendor.rows)) == (State.OPEN, 1)
    assert adopted.broker_order_id is not None


def test_that_evening_s_books_do_not_close_one_that_they_lack_and_monday_s_book_adopts_it(
    vendor: Vendor,
) -> None:
    vendor.tell(behave="accept_then_drop")
    lost = place(vendor)
    kept_apart, vendor.simulator.book.orders = vendor.simulator.book.orders, {}

    for _ in range(12):
        vendor.world.clock.advance(20 * 60)
        assert look(vendor, lost.client_order_id).state is State.UNKNOWN
    vendor.simulator.book.orders = kept_apart
    at(vendor.world, MONDAY_MORNING)
    vendor.tell(market="open")

    assert look(vendor, lost.client_order_id).state is State.OPEN
    assert not stored(vendor, lost.client_order_id).has(EventKind.ABSENT_AT_DAY_END)


def test_one_that_never_arrived_is_closed_by_the_books_of_its_session_s_evening(vendor: Vendor) -> None:
    vendor.tell(behave="drop_unseen")
    lost = place(vendor)
    at(vendor.world, MONDAY_EVENING)

    once = look(vendor, lost.client_order_id)
    vendor.world.clock.advance(600)
    twice = look(vendor, lost.client_order_id)

    assert (once.state, twice.state) == (State.UNKNOWN, State.REJECTED)
    assert vendor.rows == []


def test_one_that_waits_is_changed_and_cancelled_as_what_it_is(vendor: Vendor) -> None:
    placed = place(vendor)

    changed = modify_order(vendor.world.desk, placed.client_order_id, {"limit_price": "1480"})
    cancelled = cancel_order(vendor.world.desk, placed.client_order_id)

    assert (changed.order.state, changed.order.request.limit_price) == (State.OPEN, Decimal(1480))
    assert (cancelled.order.state, cancelled.is_settled) == (State.CANCELLED, True)
    assert [row["price"] for row in vendor.rows] == [Decimal(1480)]


def test_one_that_went_to_the_exchange_is_changed_and_cancelled_like_any_other(vendor: Vendor) -> None:
    placed = place(vendor)
    at(vendor.world, MONDAY_MORNING)
    vendor.tell(market="open")

    changed = modify_order(vendor.world.desk, placed.client_order_id, {"limit_price": "1480"})
    cancelled = cancel_order(vendor.world.desk, placed.client_order_id)

    assert (changed.order.state, changed.order.request.limit_price) == (State.OPEN, Decimal(1480))
    assert (cancelled.order.state, cancelled.is_settled) == (State.CANCELLED, True)


def test_a_cancel_gets_out_though_the_read_before_it_takes_longer_than_a_call_is_good(vendor: Vendor) -> None:
    placed = place(vendor)
    read_slowly(vendor, seconds=0.5)

    cancelled = cancel_order(vendor.world.desk, placed.client_order_id)

    assert (cancelled.order.state, cancelled.is_settled) == (State.CANCELLED, True)


def read_slowly(vendor: Vendor, seconds: float) -> None:
    handlers, clock = vendor.world.handlers, vendor.world.clock
    ((endpoint, handle),) = [item for item in handlers.items() if item[0].startswith("https")]

    def slowly(request: HttpRequest) -> HttpResponse:
        clock.advance(0 if request.is_write else seconds)
        return handle(request)

    handlers[endpoint] = slowly


def test_one_that_the_session_left_unfilled_is_told_to_be_gone_only_after_its_day(vendor: Vendor) -> None:
    placed = place(vendor)
    at(vendor.world, MONDAY_EVENING)
    vendor.simulator.book.orders = {}

    evening = look(vendor, placed.client_order_id)
    at(vendor.world, datetime(2026, 11, 23, 18, 30, tzinfo=UTC))
    midnight = look(vendor, placed.client_order_id)

    assert (evening.state, midnight.state) == (State.OPEN, State.EXPIRED)
    assert midnight.reason is not None
    assert midnight.reason.code == "DAY_ENDED_UNSEEN"


def alert(vendor: Vendor, key: str, **changes: Any) -> Order:
    wanted = {"strategy": "demo", "limit_price": "1490"} | changes
    return vendor.world.place(key, source=Source.ALERT, **wanted).order


@pytest.mark.parametrize(
    ("moment", "changes", "is_held"),
    [
        (FRIDAY_EVENING, {"after_market": True}, True),
        (datetime(2026, 11, 21, 6, 0, tzinfo=UTC), {"after_market": True}, True),
        (MONDAY_MORNING, {}, True),
        (MONDAY_MORNING, {"position_effect": "CLOSE"}, False),
        # the day that the lost one was for is over; Tuesday is a holiday
        (datetime(2026, 11, 25, 3, 45, tzinfo=UTC), {}, False),
    ],
)
def test_one_that_is_lost_holds_its_strategy_s_entries_up_to_its_session_s_end(
    vendor: Vendor, moment: datetime, changes: dict[str, Any], is_held: bool
) -> None:
    vendor.tell(behave="drop_unseen")
    lost = alert(vendor, "lost", after_market=True)
    at(vendor.world, moment)
    if moment >= MONDAY_MORNING:
        vendor.tell(market="open")

    order = alert(vendor, "next", **changes)

    assert lost.state is State.UNKNOWN
    assert (order.is_held, order.state) == (is_held, State.RECEIVED if is_held else State.OPEN)


def test_a_held_entry_of_monday_is_released_once_the_lost_one_is_found(vendor: Vendor) -> None:
    vendor.tell(behave="accept_then_drop")
    alert(vendor, "lost", after_market=True)
    at(vendor.world, MONDAY_MORNING)
    vendor.tell(market="open")
    entry = alert(vendor, "next")

    reconcile_account(vendor.world.desk, "paper")

    assert entry.is_held
    assert [order.client_order_id for order in vendor.world.order_queue.resumed] == [entry.client_order_id]
    assert not alert(vendor, "third").is_held


def test_by_day_it_is_refused_and_nothing_is_sent(vendor: Vendor) -> None:
    at(vendor.world, MONDAY_MORNING)

    order = place(vendor)

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "MARKET_OPEN")
    assert vendor.simulator.requests == []
