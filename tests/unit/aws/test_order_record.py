"""An order's record: any order comes back equal, and a damaged record says so."""

import copy
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.aws.order_record import RecordUnreadable, order_item, read_order
from order_router.domain.order import Order
from tests.fakes.generated import moments, orders
from tests.fakes.orders import a_submitting_order, an_order


@given(orders())
def test_any_order_comes_back_equal(order: Order) -> None:
    assert read_order(order_item(order, "w")) == order


@given(orders())
def test_only_an_order_that_has_not_ended_asks_for_attention(order: Order) -> None:
    item = order_item(order, "w")

    assert ("attention_account" in item) is not order.state.is_final
    assert ("attention_at" in item) is not order.state.is_final


@given(moments(), moments())
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


@given(orders(), st.data())
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


@pytest.mark.parametrize(
    "name", ["state", "history", "request", "version", "filled_quantity", "source", "updated_at", "reason"]
)
def test_an_unreadable_record_names_its_order_and_shows_nothing_of_it(name: str) -> None:
    order = a_submitting_order()
    item = order_item(order, "w") | {name: {"S": "canary-7741"}}

    with pytest.raises(RecordUnreadable, match=order.client_order_id) as caught:
        read_order(item)
    assert caught.value.code == "RECORD_UNREADABLE"
    assert "canary" not in caught.value.message


@pytest.mark.parametrize("name", ["broker", "owner", "request_digest", "version", "filled_quantity"])
@pytest.mark.parametrize("value", [{"N": "1.5"}, {"BOOL": True}, {"L": []}, {"M": {}}])
def test_a_field_of_another_kind_is_refused_and_not_carried_along(name: str, value: dict[str, Any]) -> None:
    with pytest.raises(RecordUnreadable):
        read_order(order_item(a_submitting_order(), "w") | {name: value})


def test_what_an_order_lacks_its_record_lacks() -> None:
    item = order_item(an_order(), "w")

    assert not {
        "owner",
        "lease_until",
        "broker_order_id",
        "exchange_order_id",
        "average_price",
        "reason",
    } & set(item)
    assert "NULL" not in str(item)


def test_a_time_without_a_zone_is_refused() -> None:
    item = order_item(a_submitting_order(), "w") | {"deadline": {"S": "2026-11-23T04:30:00"}}

    with pytest.raises(RecordUnreadable):
        read_order(item)


def test_a_price_that_is_whole_stays_a_decimal() -> None:
    order = a_submitting_order(limit_price="1500")

    read = read_order(order_item(order, "w"))

    assert read.request.limit_price == Decimal(1500)
    assert isinstance(read.request.limit_price, Decimal)
