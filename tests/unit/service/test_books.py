"""Whose row is whose, and what a book of another day or half a book proves: nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.domain.exchange_time import exchange_day
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.reports import OrderBook, UnreadableRow, book_of
from order_router.service import day_orders
from order_router.service.reconcile import reconcile_account
from tests.fakes.books import showing, tagged, without_tags
from tests.fakes.transport import Fault
from tests.fakes.world import World

DAY_S = 24 * 3600
UNTIL_EVENING_S = 8.5 * 3600
"""From 10:00 in Kolkata to 18:30."""


@pytest.fixture
def world() -> World:
    return World()


def state_of(world: World, client_order_id: str) -> State:
    order = world.store.get(client_order_id)
    assert order is not None
    return order.state


def lost(world: World, key: str = "k-1") -> str:
    world.transport.writes = [Fault.REQUEST_LOST]
    return world.place(key).order.client_order_id


def test_the_evening_book_of_another_day_closes_nothing(world: World) -> None:
    client_order_id = lost(world)
    world.clock.advance(DAY_S + UNTIL_EVENING_S)

    for _ in range(3):
        reconcile_account(world.desk, "paper")
        world.clock.advance(900)

    assert state_of(world, client_order_id) is State.UNKNOWN


def test_a_resting_order_of_yesterday_does_not_expire_by_a_book_that_cannot_be_read(world: World) -> None:
    client_order_id = world.place(limit_price="1400").order.client_order_id
    world.clock.advance(DAY_S)
    world.transport.reads = [Fault.ANSWER_LOST]

    reconcile_account(world.desk, "paper")

    assert state_of(world, client_order_id) is State.OPEN


def test_a_resting_order_that_today_s_book_lacks_stays_as_it_is(world: World) -> None:
    client_order_id = world.place(limit_price="1400").order.client_order_id
    showing(world, lambda book: replace(book, reports=()))

    reconcile_account(world.desk, "paper")

    assert state_of(world, client_order_id) is State.OPEN


def test_an_order_without_a_tag_is_not_ours_where_tags_come_back(world: World) -> None:
    client_order_id = lost(world)
    world.place("by hand")
    showing(world, without_tags)

    reconcile_account(world.desk, "paper")

    assert state_of(world, client_order_id) is State.UNKNOWN


def cut_tags(book: OrderBook) -> OrderBook:
    return tagged(book, lambda tag: (tag or "")[:8].lower())


@pytest.mark.parametrize("change", [without_tags, cut_tags])
def test_an_order_whose_row_may_have_lost_its_tag_is_not_closed(
    world: World, change: Callable[[OrderBook], OrderBook]
) -> None:
    world.transport.writes = [Fault.ANSWER_LOST]
    client_order_id = world.place().order.client_order_id
    showing(world, change)
    world.clock.advance(UNTIL_EVENING_S)

    for _ in range(3):
        reconcile_account(world.desk, "paper")
        world.clock.advance(900)

    assert state_of(world, client_order_id) is State.UNKNOWN


def test_a_row_of_the_same_terms_under_another_s_tag_keeps_no_order_open(world: World) -> None:
    client_order_id = lost(world)
    world.place("by hand")
    showing(world, lambda book: tagged(book, lambda _: "BYSOMEBODYELSE"))
    world.clock.advance(UNTIL_EVENING_S)

    for _ in range(3):
        reconcile_account(world.desk, "paper")
        world.clock.advance(900)

    assert state_of(world, client_order_id) is State.REJECTED


@pytest.mark.parametrize("terms", [{"quantity": 6}, {"side": "SELL"}, {"instrument": "NSE:RELIANCE"}])
def test_an_untagged_row_of_other_terms_keeps_no_order_open(world: World, terms: dict[str, Any]) -> None:
    client_order_id = lost(world)
    world.place("by hand", **{"order_type": "MARKET", "limit_price": None} | terms)
    showing(world, without_tags)
    world.clock.advance(UNTIL_EVENING_S)

    for _ in range(3):
        reconcile_account(world.desk, "paper")
        world.clock.advance(900)

    assert state_of(world, client_order_id) is State.REJECTED


@pytest.mark.parametrize(("not_ours", "state"), [("exchange MCX", State.REJECTED), (None, State.UNKNOWN)])
def test_an_order_made_elsewhere_keeps_no_order_open(
    world: World, not_ours: str | None, state: State
) -> None:
    client_order_id = lost(world)
    row = UnreadableRow("M-1", None, "unknown word in exchange: 'MCX'", not_ours)
    showing(world, lambda book: book_of([*book.reports, row]))
    world.clock.advance(UNTIL_EVENING_S)

    for _ in range(3):
        reconcile_account(world.desk, "paper")
        world.clock.advance(900)

    assert state_of(world, client_order_id) is state


def test_an_order_is_followed_in_its_own_row(world: World) -> None:
    first = world.place("first", limit_price="1400").order.client_order_id
    second = world.place("second", limit_price="1450").order.client_order_id
    world.set_price("NSE:INFY", "1449.95")

    reconcile_account(world.desk, "paper")

    assert (state_of(world, first), state_of(world, second)) == (State.OPEN, State.FILLED)


def test_claims_are_read_to_the_last_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_orders, "PAGE", 1)
    showing(world, without_tags, is_echoed=False)
    world.place("first")
    world.clock.advance(1)
    client_order_id = lost(world, "second")
    world.clock.advance(10)

    reconcile_account(world.desk, "paper")

    assert state_of(world, client_order_id) is State.UNKNOWN


def judged_late(world: World, seconds: float) -> None:
    """Let each book take that long from being asked for to being judged."""

    def late(book: OrderBook) -> OrderBook:
        world.clock.advance(seconds)
        return replace(book, reports=())

    showing(world, late)


def test_a_book_that_was_asked_for_in_the_session_has_no_last_word_however_late_it_is_judged(
    world: World,
) -> None:
    client_order_id = lost(world)
    world.clock.advance(UNTIL_EVENING_S - 1801)
    judged_late(world, 3600)

    reconcile_account(world.desk, "paper")

    order = world.store.get(client_order_id)
    assert order is not None
    assert not order.has(EventKind.ABSENT_AT_DAY_END)


def test_a_book_of_the_day_that_is_judged_after_midnight_is_still_one_of_the_day(world: World) -> None:
    client_order_id = world.place(limit_price="1400").order.client_order_id
    world.clock.advance(UNTIL_EVENING_S + 5.4 * 3600)
    judged_late(world, 3600)

    reconcile_account(world.desk, "paper")

    assert state_of(world, client_order_id) is State.OPEN


def test_what_the_last_books_lacked_stands_in_the_history(world: World) -> None:
    client_order_id = lost(world)
    world.clock.advance(UNTIL_EVENING_S)

    reconcile_account(world.desk, "paper")

    order = world.store.get(client_order_id)
    assert order is not None
    notes = {step.event.kind: step.event.note for step in order.history}
    assert notes[EventKind.ABSENT_AT_DAY_END] == "not among the 0 orders of the day's book"
    assert (notes[EventKind.PERSON_TOLD] or "").startswith("the outcome of BUY 5 NSE:INFY is not known")


def test_without_tags_an_order_of_ours_that_the_broker_has_named_is_no_rival(world: World) -> None:
    showing(world, without_tags, is_echoed=False)
    world.place("resting", limit_price="1400")
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place("lost", limit_price="1400").order
    world.clock.advance(10)

    reconcile_account(world.desk, "paper")

    assert state_of(world, order.client_order_id) is State.OPEN


def test_without_tags_a_row_that_fits_two_lost_orders_is_nobody_s(world: World) -> None:
    showing(world, without_tags, is_echoed=False)
    world.transport.writes = [Fault.REQUEST_LOST, Fault.ANSWER_LOST]
    orders = [world.place(key).order for key in ("lost", "arrived")]

    reconcile_account(world.desk, "paper")

    assert {state_of(world, order.client_order_id) for order in orders} == {State.UNKNOWN}


class Interrupted:
    """Calls something once: before the next request leaves, or when a write is done and its answer is on the way."""

    def __init__(self, world: World, meanwhile: Callable[[], object], *, by_write: bool) -> None:
        self.inner = world.desk.transport
        self.waiting = [meanwhile]
        self.by_write = by_write

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        send = self.inner.sender(endpoint, not_after=not_after)

        def interrupted(request: HttpRequest) -> HttpResponse:
            if not self.by_write:
                self.happens()
            response = send(request)
            if self.by_write and request.is_write:
                self.happens()
            return response

        return interrupted

    def happens(self) -> None:
        while self.waiting:
            self.waiting.pop()()


def meanwhile(world: World, what: Callable[[], object], *, by_write: bool) -> None:
    world.desk = replace(world.desk, transport=Interrupted(world, what, by_write=by_write))


def test_without_tags_a_row_of_an_order_that_is_being_sent_is_not_taken(world: World) -> None:
    def look_late() -> None:
        world.clock.advance(10)
        reconcile_account(world.desk, "paper")

    showing(world, without_tags, is_echoed=False)
    first = lost(world, "lost")
    meanwhile(world, look_late, by_write=True)

    again = world.place("again").order
    reconcile_account(world.desk, "paper")

    assert (state_of(world, first), again.state) == (State.UNKNOWN, State.FILLED)


def test_without_tags_a_row_of_an_order_that_is_placed_as_the_book_is_asked_for_is_not_taken(
    world: World,
) -> None:
    showing(world, without_tags, is_echoed=False)
    first = lost(world, "lost")
    meanwhile(world, lambda: world.place("again"), by_write=False)

    reconcile_account(world.desk, "paper")

    assert len(world.at_broker()) == 1
    assert state_of(world, first) is State.UNKNOWN


def test_without_tags_a_like_order_that_never_left_is_no_rival(world: World) -> None:
    showing(world, without_tags, is_echoed=False)
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place("lost").order
    world.transport.writes = [Fault.REFUSED] * 99
    world.place("never left")
    world.clock.advance(10)

    reconcile_account(world.desk, "paper")

    assert state_of(world, order.client_order_id) is State.FILLED


def by_hand(world: World) -> None:
    """Place in the broker's own app what was lost."""
    world.exchange.handle(world.transport.sent[0])


def test_without_tags_what_the_trader_placed_once_he_was_told_is_not_taken_for_the_lost_order(
    world: World,
) -> None:
    showing(world, without_tags, is_echoed=False)
    client_order_id = lost(world)
    world.clock.advance(5)
    reconcile_account(world.desk, "paper")
    assert [notice.kind for notice in world.notifier.notices] == ["unknown"]

    world.clock.advance(40)
    by_hand(world)
    for _ in range(3):
        world.clock.advance(60)
        reconcile_account(world.desk, "paper")

    assert len(world.at_broker()) == 1
    assert state_of(world, client_order_id) is State.UNKNOWN


@pytest.mark.parametrize(
    ("terms", "filled"), [({}, 5), ({"side": "SELL"}, 0), ({"instrument": "NSE:RELIANCE"}, 0)]
)
def test_a_copied_tag_makes_no_fill_of_an_order_that_was_rejected(
    world: World, terms: dict[str, Any], filled: int
) -> None:
    rejected = world.place("rejected", quantity=100_000).order
    assert rejected.state is State.REJECTED
    by_hand = world.place(
        "by hand", **{"order_type": "MARKET", "limit_price": None, "product": "MIS"} | terms
    )
    assert by_hand.order.state is State.FILLED
    world.place("resting", limit_price="1400")
    showing(world, lambda book: tagged(book, lambda _: rejected.client_order_id))

    reconcile_account(world.desk, "paper", is_asked=False)

    after = world.store.get(rejected.client_order_id)
    assert after is not None
    assert after.filled_quantity == filled


def let_indexes_lag(world: World) -> None:
    """Let what lists orders show only what is there now, as an index does that lags behind."""
    unsettled = world.store.list_unsettled("paper")
    page = world.store.list_day("paper", exchange_day(world.clock.now()), limit=200)
    world.store.list_unsettled = lambda account: unsettled  # type: ignore[method-assign]
    world.store.list_day = lambda *_, **__: page  # type: ignore[method-assign]


def let_indexes_catch_up(world: World) -> None:
    del world.store.list_unsettled, world.store.list_day


def test_without_tags_the_row_of_an_order_that_no_index_shows_yet_is_not_taken(world: World) -> None:
    showing(world, without_tags, is_echoed=False)
    first = lost(world, "never arrived")
    let_indexes_lag(world)
    second = world.place("acknowledged").order
    world.clock.advance(5)

    reconcile_account(world.desk, "paper")
    let_indexes_catch_up(world)
    world.clock.advance(5)
    reconcile_account(world.desk, "paper")

    assert state_of(world, first) is State.UNKNOWN
    assert (second.state, len(world.at_broker())) == (State.FILLED, 1)
    assert [notice.kind for notice in world.notifier.notices] == ["unknown"]


@pytest.mark.parametrize(("age_s", "state"), [(9.999, State.UNKNOWN), (10, State.FILLED)])
def test_without_tags_a_row_is_taken_once_every_index_shows_whose_it_is(
    world: World, age_s: float, state: State
) -> None:
    showing(world, without_tags, is_echoed=False)
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place().order
    world.clock.advance(age_s)

    reconcile_account(world.desk, "paper")

    assert state_of(world, order.client_order_id) is state
    assert world.notifier.notices == [], "nobody is asked before the next look"
    assert world.reconcile.asked


def test_a_row_with_our_tag_is_taken_however_young_it_is(world: World) -> None:
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place().order

    reconcile_account(world.desk, "paper")

    assert state_of(world, order.client_order_id) is State.FILLED
