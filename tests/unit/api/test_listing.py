"""Pages of orders: complete, in order, and only of accounts that the caller may see."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from order_router.api.endpoint import answer_event
from order_router.api.http import Answer, ApiRequest
from order_router.api.listing import MAX_READS, list_orders
from order_router.domain.lifecycle import State
from order_router.ports import OrderPage
from tests.fakes.orders import an_order
from tests.fakes.world import World
from tests.unit.api.events import ADMIN, NOBODY, READER, event


@pytest.fixture
def world() -> World:
    world = World()
    world.open_account("second")
    return world


def ask(world: World, query: dict[str, Any] | None = None, caller: dict[str, str] = ADMIN) -> Answer:
    def handle(request: ApiRequest) -> Answer:
        return list_orders(request, world.store, world.settings)

    return answer_event(
        event("GET /v1/orders", query=query or {}, caller=caller, at=world.clock.now()), handle
    )


def placed(world: World, count: int, account: str = "paper", **changes: Any) -> list[str]:
    ids = []
    for number in range(count):
        world.clock.advance(1)
        ids.append(world.place(f"{account}-{number}", account=account, **changes).order.client_order_id)
    return ids


def walk(world: World, query: dict[str, Any]) -> list[str]:
    ids: list[str] = []
    cursor = None
    for _ in range(50):
        page = ask(world, query if cursor is None else {**query, "cursor": cursor}).content
        ids += [order["client_order_id"] for order in page["orders"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return ids
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("limit", ["1", "2", "3", "50"])
def test_the_pages_together_hold_every_order_once(world: World, limit: str) -> None:
    ids = placed(world, 5) + placed(world, 4, "second")

    found = walk(world, {"limit": limit})

    assert len(found) == len(set(found)) == 9
    assert set(found) == set(ids)


def test_one_account_s_orders_come_newest_first_without_history(world: World) -> None:
    ids = placed(world, 3)

    orders = ask(world, {"account": "paper"}).content["orders"]

    assert [order["client_order_id"] for order in orders] == ids[::-1]
    assert "history" not in orders[0]


def test_states_narrow_the_list(world: World) -> None:
    placed(world, 2)
    resting = world.place("resting", limit_price="1400").order.client_order_id

    assert walk(world, {"state": "open"}) == [resting]
    assert len(walk(world, {"state": "open,filled", "limit": "1"})) == 3


def a_day(world: World, count: int, resting: set[int], account: str = "paper") -> list[str]:
    """Store a day's orders, filled but for those that rest; return the ids of these, newest first."""
    ids = []
    for number in range(count):
        at = world.clock.now() + timedelta(seconds=number)
        order = an_order(f"{account}-{number}", account=account, at=at)
        state = State.OPEN if number in resting else State.FILLED
        world.store.write(replace(order, state=state), replacing=None)
        if number in resting:
            ids.append(order.client_order_id)
    return ids[::-1]


@pytest.fixture
def reads(world: World, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many rows each read of the store asked for."""
    asked, list_day = list[int](), world.store.list_day

    def counted(account: str, day: date, *, limit: int, cursor: str | None = None) -> OrderPage:
        asked.append(limit)
        return list_day(account, day, limit=limit, cursor=cursor)

    monkeypatch.setattr(world.store, "list_day", counted)
    return asked


def test_a_few_open_orders_of_a_large_day_cost_a_few_reads(world: World, reads: list[int]) -> None:
    resting = a_day(world, 1000, {3, 500, 501, 999})

    assert walk(world, {"account": "paper", "state": "open"}) == resting
    assert reads == [200] * 5


def test_however_large_a_day_is_an_answer_costs_a_bounded_number_of_reads(
    world: World, reads: list[int]
) -> None:
    [oldest] = a_day(world, 2001, {0})
    query = {"account": "paper", "state": "open"}

    first = ask(world, query).content

    assert first["orders"] == []
    assert len(reads) == MAX_READS
    rest = ask(world, {**query, "cursor": first["next_cursor"]}).content
    assert [order["client_order_id"] for order in rest["orders"]] == [oldest]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("limit", ["1", "2", "3", "200"])
def test_pages_of_a_state_hold_each_order_once_wherever_they_are_cut(world: World, limit: str) -> None:
    resting = a_day(world, 250, {0, 1, 48, 49, 50, 51, 52, 200, 249})
    others = a_day(world, 5, {0, 4}, "second")

    assert walk(world, {"state": "open", "limit": limit}) == resting + others


def test_an_order_that_comes_between_two_pages_moves_none_of_the_others(world: World) -> None:
    resting = a_day(world, 5, {0, 1, 2, 3, 4})
    query = {"account": "paper", "state": "open", "limit": "2"}
    first = ask(world, query).content
    world.clock.advance(60)
    world.place("between", limit_price="1400")

    rest = walk(world, {**query, "cursor": first["next_cursor"]})

    assert [order["client_order_id"] for order in first["orders"]] + rest == resting


@pytest.mark.parametrize("limit", ["1", "2", "3", "4"])
def test_pages_that_go_on_past_midnight_are_of_the_day_of_the_first(world: World, limit: str) -> None:
    ids = placed(world, 3)[::-1] + placed(world, 2, "second")[::-1]
    first = ask(world, {"limit": limit}).content
    world.clock.advance(24 * 3600)
    world.place("of-the-next-day")
    world.place("of-the-next-day", account="second")

    rest = walk(world, {"limit": limit, "cursor": first["next_cursor"]})

    assert [order["client_order_id"] for order in first["orders"]] + rest == ids
    other = ask(world, {"day": "2026-11-24", "cursor": first["next_cursor"]})
    assert (other.status, other.content["code"]) == (400, "INVALID_CURSOR")


def test_another_day_has_other_orders(world: World) -> None:
    ids = placed(world, 1)
    world.clock.advance(24 * 3600)

    assert walk(world, {}) == []
    assert walk(world, {"day": "2026-11-23"}) == ids


def test_the_day_is_the_exchange_s_day(world: World) -> None:
    world.clock.advance(14 * 3600)
    ids = placed(world, 1)

    assert walk(world, {"day": "2026-11-24"}) == ids


def test_a_bound_key_sees_only_its_account(world: World) -> None:
    ids = placed(world, 2)
    placed(world, 2, "second")

    found = ask(world, caller=READER).content["orders"]

    assert {order["client_order_id"] for order in found} == set(ids)
    assert ask(world, {"account": "second"}, READER).content["code"] == "ACCOUNT_FORBIDDEN"
    assert ask(world, caller=NOBODY).status == 401


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"account": "nobody"}, 422, "ACCOUNT_UNKNOWN"),
        ({"state": "done"}, 422, "INVALID_REQUEST"),
        ({"day": "yesterday"}, 422, "INVALID_REQUEST"),
        ({"limit": "0"}, 422, "INVALID_REQUEST"),
        ({"limit": "201"}, 422, "INVALID_REQUEST"),
        ({"limit": "0000002001234"}, 422, "INVALID_REQUEST"),
        ({"limit": "\u0665"}, 422, "INVALID_REQUEST"),
        ({"cursor": "garbage"}, 400, "INVALID_CURSOR"),
        ({"cursor": "é"}, 400, "INVALID_CURSOR"),
        ({"cursor": "WzEsIDJd"}, 400, "INVALID_CURSOR"),
        ({"cursor": "e30="}, 400, "INVALID_CURSOR"),
        ({"cursor": urlsafe_b64encode(b"[" * 20_000).decode()}, 400, "INVALID_CURSOR"),
        *(
            ({"cursor": urlsafe_b64encode(text).decode()}, 400, "INVALID_CURSOR")
            for text in (b"5", b"null", b"true", b'"ab"', b"[[],null]", b'["a",5]', b"[1,2,3]", b"5" * 5_000)
        ),
        *(
            ({"cursor": urlsafe_b64encode(text).decode()}, 400, "INVALID_CURSOR")
            for text in (b'["2026-11-23","paper"]', b'["x","paper",null]', b'["2026-11-23",[],null]')
        ),
    ],
)
def test_a_bad_query_says_what_is_wrong(world: World, query: dict[str, str], status: int, code: str) -> None:
    answer = ask(world, query)

    assert (answer.status, answer.content["code"]) == (status, code)
