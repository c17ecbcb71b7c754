"""An order's record: any order comes back equal, and a damaged record says so."""

import copy
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.aws.order_record import RecordUnreadable, order_item, read_order
from order_router.domain.errors import Reason
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Event, Order, Step
from order_router.domain.vocabulary import Product, Side, Source, Validity
from tests.fakes.orders import a_request, a_submitting_order

TIMES = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WORDS = st.text(max_size=30)
MONEY = st.decimals(min_value="0.0001", max_value="99999999", places=4)
TYPES: dict[str, tuple[str, ...]] = {
    "MARKET": (),
    "LIMIT": ("limit_price",),
    "SL": ("limit_price", "trigger_price"),
    "SL_M": ("trigger_price",),
}
PRICES = ("limit_price", "trigger_price")


@st.composite
def requests(draw: st.DrawFn) -> Any:
    order_type = draw(st.sampled_from(sorted(TYPES)))
    prices = {name: str(draw(MONEY)) if name in TYPES[order_type] else None for name in PRICES}
    quantity = draw(st.integers(1, 10_000_000))
    return a_request(
        instrument=draw(st.sampled_from(["NSE:M&M", "NFO:NIFTY26NOV26500CE", "BSE:3M INDIA"])),
        side=draw(st.sampled_from(Side)),
        product=draw(st.sampled_from(Product)),
        validity=draw(st.sampled_from(Validity)),
        quantity=quantity,
        disclosed_quantity=draw(st.none() | st.integers(1, quantity)),
        strategy=draw(st.none() | st.just("demo")),
        order_type=order_type,
        **prices,
    )


REASONS = st.builds(Reason, WORDS, WORDS)
STEPS = st.builds(
    Step,
    state=st.sampled_from(State),
    event=st.builds(
        Event,
        kind=st.sampled_from(EventKind),
        at=TIMES,
        broker_order_id=st.none() | WORDS,
        exchange_order_id=st.none() | WORDS,
        filled_quantity=st.none() | st.integers(0, 10_000_000),
        average_price=st.none() | MONEY,
        request=st.none() | requests(),
        reason=st.none() | REASONS,
        note=st.none() | WORDS,
    ),
)
ORDERS = st.builds(
    Order,
    client_order_id=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=20, max_size=20),
    request=requests(),
    request_digest=WORDS,
    broker=WORDS,
    source=st.sampled_from(Source),
    received_at=TIMES,
    deadline=TIMES,
    updated_at=TIMES,
    state=st.sampled_from(State),
    owner=st.none() | WORDS,
    lease_until=st.none() | TIMES,
    broker_order_id=st.none() | WORDS,
    exchange_order_id=st.none() | WORDS,
    filled_quantity=st.integers(0, 10_000_000),
    average_price=st.none() | MONEY,
    reason=st.none() | REASONS,
    history=st.lists(STEPS, max_size=3).map(tuple),
    version=st.integers(0, 1000),
)


@given(ORDERS)
def test_any_order_comes_back_equal(order: Order) -> None:
    assert read_order(order_item(order, "w")) == order


@given(ORDERS)
def test_only_an_order_that_has_not_ended_asks_for_attention(order: Order) -> None:
    item = order_item(order, "w")

    assert ("attention_account" in item) is not order.state.is_final
    assert ("attention_at" in item) is not order.state.is_final


@given(TIMES, TIMES)
def test_records_sort_as_their_times_do(first: datetime, second: datetime) -> None:
    keys = [order_item(a_submitting_order(at=at), "w")["created_key"]["S"] for at in (first, second)]

    assert (keys[0] < keys[1]) is (first < second)


DAMAGE: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"S": "nonsense"},
        {"N": "-1.5"},
        {"L": []},
        {"L": [{"S": "x"}]},
        {"M": {}},
        {"NULL": True},
        {"BOOL": True},
        {"SS": ["x"]},
        {"S": "2026-11-23T04:30:00"},
        {},
    ]
)


@given(ORDERS, st.data())
def test_a_damaged_record_is_read_or_refused_in_our_words(order: Order, data: st.DataObject) -> None:
    item = copy.deepcopy(order_item(order, "w"))
    name = data.draw(st.sampled_from(sorted(item)))
    if data.draw(st.booleans()):
        del item[name]
    else:
        item[name] = data.draw(DAMAGE)

    with suppress(RecordUnreadable):
        read_order(item)


@pytest.mark.parametrize("schema", [{"N": "2"}, {"N": "0"}, {"S": "1"}, None])
def test_a_record_of_an_unknown_release_is_refused(schema: dict[str, str] | None) -> None:
    item = order_item(a_submitting_order(), "w")
    if schema is None:
        del item["schema"]
    else:
        item["schema"] = schema

    with pytest.raises(RecordUnreadable):
        read_order(item)


def test_a_time_without_a_zone_is_refused() -> None:
    item = order_item(a_submitting_order(), "w") | {"deadline": {"S": "2026-11-23T04:30:00"}}

    with pytest.raises(RecordUnreadable):
        read_order(item)


def test_a_price_that_is_whole_stays_a_decimal() -> None:
    order = a_submitting_order(limit_price="1500")

    read = read_order(order_item(order, "w"))

    assert read.request.limit_price == Decimal(1500)
    assert isinstance(read.request.limit_price, Decimal)
