"""What is told of an order: each step that is news, once, in words that a trader can act on."""

from datetime import timedelta
from decimal import Decimal

import pytest

from order_router.domain.errors import Reason
from order_router.domain.history import Event
from order_router.domain.lifecycle import TRANSITIONS, EventKind
from order_router.domain.notices import KINDS, notice_key
from order_router.domain.order import Order, apply, new_order
from order_router.domain.order_news import NEWS, news_of
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_submitting_order, an_order

AT = MONDAY_MORNING


def after(order: Order, *kinds: EventKind, **fields: object) -> Order:
    for kind in kinds:
        order = apply(order, Event(kind=kind, at=AT + timedelta(seconds=1), **fields))  # type: ignore[arg-type]
    return order


def told(order: Order, known_steps: int = 0) -> list[tuple[str, str]]:
    return [(notice.kind, notice.message) for notice in news_of(order, known_steps=known_steps)]


def test_a_fill_says_what_and_at_which_price() -> None:
    order = after(a_submitting_order(), EventKind.OPENED)
    order = after(order, EventKind.FILLED, filled_quantity=5, average_price=Decimal("1500.05"))

    assert told(order) == [("fill", "BUY 5 NSE:INFY is filled at 1500.05")]


def test_a_part_says_how_much_of_it() -> None:
    order = after(a_submitting_order(strategy="breakout"), EventKind.OPENED)
    order = after(order, EventKind.PARTIALLY_FILLED, filled_quantity=2, average_price=Decimal("1500.05"))

    assert told(order) == [("partial", "BUY 5 NSE:INFY (breakout) is filled 2 of 5 at 1500.05")]


def test_a_rejection_and_a_refusal_give_their_reasons() -> None:
    reason = Reason("ORDER_REJECTED", "RMS: margin exceeds")

    rejected = after(a_submitting_order(), EventKind.REJECTED, reason=reason)
    refused = after(
        an_order(), EventKind.REFUSED, reason=Reason("KILL_SWITCH_ON", "switch kill#global is on")
    )

    assert told(rejected) == [
        ("rejected", "BUY 5 NSE:INFY is rejected: RMS: margin exceeds (ORDER_REJECTED)")
    ]
    assert told(refused) == [
        ("refused", "BUY 5 NSE:INFY is refused: switch kill#global is on (KILL_SWITCH_ON)")
    ]


def test_a_cancelled_order_says_what_had_filled() -> None:
    order = after(a_submitting_order(), EventKind.OPENED)
    order = after(order, EventKind.PARTIALLY_FILLED, filled_quantity=2)

    assert told(after(order, EventKind.CANCELLED))[-1] == (
        "cancelled",
        "BUY 5 NSE:INFY is cancelled, 2 of 5 filled",
    )


def test_an_end_that_brings_a_fill_says_so() -> None:
    order = after(a_submitting_order(), EventKind.OPENED)

    assert told(after(order, EventKind.CANCELLED, filled_quantity=2)) == [
        ("cancelled", "BUY 5 NSE:INFY is cancelled, 2 of 5 filled")
    ]


def test_what_fills_after_the_end_changes_no_word_of_it() -> None:
    order = after(a_submitting_order(), EventKind.OPENED)
    order = after(order, EventKind.CANCELLED, filled_quantity=2)

    assert told(after(order, EventKind.LATE_FILL, filled_quantity=3)) == [
        ("cancelled", "BUY 5 NSE:INFY is cancelled, 2 of 5 filled"),
        ("late_fill", "BUY 5 NSE:INFY is filled 3 of 5"),
    ]


def test_an_order_that_is_new_as_a_whole_is_told_from_its_first_step() -> None:
    refused = after(an_order(), EventKind.REFUSED)

    assert [notice.kind for notice in news_of(refused)] == ["refused"]


def test_an_unknown_outcome_is_told_in_the_words_that_are_kept() -> None:
    order = after(a_submitting_order(), EventKind.OUTCOME_LOST)

    assert told(order) == []
    assert told(after(order, EventKind.PERSON_TOLD, note="check the order book")) == [
        ("unknown", "BUY 5 NSE:INFY check the order book")
    ]


def test_steps_that_stood_there_before_are_no_news() -> None:
    order = after(a_submitting_order(), EventKind.OPENED)
    order = after(order, EventKind.PARTIALLY_FILLED, filled_quantity=2)
    known = len(order.history)

    order = after(order, EventKind.FILLED, filled_quantity=5)

    assert [kind for kind, _ in told(order, known)] == ["fill"]
    assert told(order, known + 1) == []


def test_an_order_that_waits_again_is_told_once() -> None:
    waiting = Reason("ENTRY_HELD", "an order is unknown")
    order = after(new_order(an_order()), EventKind.HELD, reason=waiting)
    known = len(order.history)

    assert [kind for kind, _ in told(order)] == ["held"]
    assert told(after(order, EventKind.HELD, reason=waiting), known) == []


def test_a_step_is_the_same_news_whenever_it_is_found() -> None:
    order = after(a_submitting_order(), EventKind.OPENED)
    order = after(order, EventKind.PARTIALLY_FILLED, filled_quantity=2)
    first = news_of(order)
    later = news_of(after(order, EventKind.PARTIALLY_FILLED, filled_quantity=3))

    assert notice_key(first[0]) == notice_key(later[0])
    assert len({notice_key(one) for one in later}) == len(later) == 2


def test_a_second_part_of_the_same_size_is_other_news() -> None:
    order = after(a_submitting_order(), EventKind.OPENED)
    order = after(order, EventKind.PARTIALLY_FILLED, filled_quantity=2)
    order = after(order, EventKind.PARTIALLY_FILLED, filled_quantity=2)

    assert len({notice_key(one) for one in news_of(order)}) == 2


def test_news_carries_when_it_happened_and_to_which_order() -> None:
    order = after(a_submitting_order(), EventKind.REJECTED)
    (notice,) = news_of(order)

    assert (notice.at, notice.client_order_id, notice.account) == (
        AT + timedelta(seconds=1),
        order.client_order_id,
        "paper",
    )


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in NEWS.values()}))
def test_what_the_stream_tells_nobody_else_queues(kind: str) -> None:
    assert KINDS[kind].is_streamed


def test_every_event_that_ends_an_order_is_news() -> None:
    ends = {
        kind
        for state, following in TRANSITIONS.items()
        for kind, after_it in following.items()
        if after_it.is_final and not state.is_final
    }

    assert EventKind.CLOSED_ABSENT in ends
    assert ends <= NEWS.keys()
