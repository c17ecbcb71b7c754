"""Orders that an earlier release stored stay readable, and a long life fits in an item."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from order_router.aws.order_record import SCHEMA, order_item, read_order
from order_router.domain.errors import Reason
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, apply, ask_change, witnessed
from tests.fakes.orders import a_request, a_submitting_order

SAMPLES = Path(__file__).parents[2] / "samples" / "records"
ITEM_LIMIT = 400 * 1024
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html, read 2026-11-21."""

AT = datetime(2026, 11, 23, 4, 30, 0, 123456, tzinfo=UTC)


def after(order: Order, *events: Event) -> Order:
    for event in events:
        order = apply(order, event)
    return order


def filled_order() -> Order:
    """Return an order that was lost, found, changed and filled: every kind of field has a value."""
    order = a_submitting_order(at=AT, order_type="SL", trigger_price="1499.5", strategy="breakout")
    wanted = a_request(order_type="SL", trigger_price="1499.5", strategy="breakout", limit_price="1510")
    lost = Reason("BROKER_OUTCOME_UNKNOWN", "the answer did not come within 10 s")
    seconds = (AT + timedelta(seconds=number) for number in range(1, 9))
    return after(
        order,
        Event(kind=EventKind.OUTCOME_LOST, at=next(seconds), reason=lost),
        Event(kind=EventKind.PERSON_TOLD, at=next(seconds)),
        Event(
            kind=EventKind.OPENED,
            at=next(seconds),
            broker_order_id="261123000001",
            exchange_order_id="1100000",
        ),
        Event(kind=EventKind.MODIFY_REQUESTED, at=next(seconds)),
        Event(kind=EventKind.MODIFIED, at=next(seconds), request=wanted),
        Event(kind=EventKind.CANCEL_REJECTED, at=next(seconds), note="ORDER_REJECTED: बाज़ार बंद है"),
        Event(
            kind=EventKind.PARTIALLY_FILLED,
            at=next(seconds),
            filled_quantity=3,
            average_price=Decimal("1500.0166667"),
        ),
        Event(kind=EventKind.FILLED, at=next(seconds), filled_quantity=5, average_price=Decimal(1501)),
    )


def refused_order() -> Order:
    """Return an order with as few fields as an order can have."""
    born = replace(
        a_submitting_order(at=AT), state=State.RECEIVED, owner=None, lease_until=None, history=(), version=0
    )
    return apply(
        born,
        Event(kind=EventKind.REFUSED, at=AT, reason=Reason("KILL_SWITCH_ON", "switch kill#global is on")),
    )


def before_evidence() -> Order:
    """Return the filled order as releases kept it that wrote down no evidence."""
    order = filled_order()
    bare = (replace(step, event=replace(step.event, evidence=())) for step in order.history)
    return replace(order, history=tuple(bare))


def with_evidence_of_all() -> Order:
    """Return the filled order with what stands behind its events, one of them in letters that are not ASCII."""
    order = witnessed(filled_order(), (("seen_in", "the broker's book"), ("session", "4f53cda18c2b")))
    return witnessed(order, (("asked_by", "key बाज़ार"),))


def for_after_the_market() -> Order:
    """Return an order of a Friday evening that is for the Monday after it."""
    evening = datetime(2026, 11, 20, 12, 45, tzinfo=UTC)
    order = a_submitting_order(at=evening, after_market=True)
    opened = Event(kind=EventKind.OPENED, at=evening, broker_order_id="261120000001")
    return replace(after(order, opened), session_day=date(2026, 11, 23))


def with_a_change_under_way() -> Order:
    """Return an order that is counted, and that a change was asked for which takes it to the market."""
    order = replace(a_submitting_order(at=AT), counted_price=Decimal("1500.05"))
    opened = after(order, Event(kind=EventKind.OPENED, at=AT, broker_order_id="261123000001"))
    return ask_change(opened, Event(kind=EventKind.MODIFY_REQUESTED, at=AT), Decimal("1610.5"))


STORED = {
    "order-1-filled": before_evidence,
    "order-1-refused": refused_order,
    "order-1-first-days": before_evidence,
    "order-1-evidence": with_evidence_of_all,
    "order-1-after-market": for_after_the_market,
    "order-1-changing": with_a_change_under_way,
}
"""What each sample holds. `first-days`: numbers for average prices, times with an offset."""


@pytest.mark.parametrize("name", STORED)
def test_what_an_earlier_release_stored_is_read(name: str) -> None:
    item: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))

    assert read_order(item) == STORED[name]()


def test_every_sample_is_read() -> None:
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(STORED)


@pytest.mark.parametrize("kind", ["evidence", "after-market", "changing"])
def test_this_release_writes_what_its_sample_shows(kind: str) -> None:
    name = f"order-{SCHEMA}-{kind}"
    sample = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))

    assert order_item(STORED[name](), "w-1") == sample


def test_evidence_is_the_same_in_whatever_order_a_table_gives_it_back() -> None:
    item = order_item(with_evidence_of_all(), "w-1")
    *_, last = item["history"]["L"]
    pairs = last["M"]["evidence"]["M"]
    last["M"]["evidence"]["M"] = dict(reversed(pairs.items()))

    assert len(pairs) > 1
    assert read_order(item) == with_evidence_of_all()


def weight(attribute: dict[str, Any]) -> int:
    """Return what DynamoDB counts for a value.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html, read 2026-11-21.
    """
    [(kind, value)] = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return len(value) // 2 + 2
        case "L":
            return 3 + sum(1 + weight(one) for one in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + weight(one) for name, one in value.items())
    return 1


@pytest.mark.parametrize("steps", [200, 1000])
def test_a_long_life_fits_in_an_item(steps: int) -> None:
    changed = Event(
        kind=EventKind.MODIFIED, at=AT, request=a_request(limit_price="1510.05"), note="a broker's words" * 5
    )
    opened = after(a_submitting_order(), Event(kind=EventKind.OPENED, at=AT, broker_order_id="261123000001"))
    busy = after(opened, *[changed] * (steps - len(opened.history)))

    assert busy.version == steps
    assert weight({"M": order_item(busy, "w-1")}) < ITEM_LIMIT


def test_an_average_price_of_any_precision_comes_back_exactly() -> None:
    price = Decimal("1500." + "3" * 60)  # a number in DynamoDB holds 38 digits
    order = replace(filled_order(), average_price=price)

    item = order_item(order, "w-1")

    assert read_order(item).average_price == price
    assert item["average_price"] == {"S": str(price)}
