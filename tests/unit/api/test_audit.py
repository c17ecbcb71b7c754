"""`GET /v1/audit`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from order_router.api.audit import AuditDesk, answer_audit
from order_router.api.http import EMPTY, Answer, ApiRequest
from order_router.domain.account import Caller, Scope, Strategy
from order_router.domain.change_log import Change, What
from order_router.domain.errors import Reason, RouterError
from order_router.domain.kill_switch import EVERYTHING, KillSwitch, StopScope, SwitchState, Turn
from order_router.domain.meter import Counted
from order_router.domain.vocabulary import OrderType, Product
from order_router.ports import OrderPage, StoreUnavailable
from order_router.service.kill_switch import Engage, engage
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.kill import KillWorld, MemoryKillSwitches, let_go
from tests.fakes.world import World


def a_world(orders: int = 3) -> World:
    world = World()
    world.open_account("other")
    for number in range(orders):
        world.place(f"k-{number}", limit_price="1400")
    world.place("o-1", account="other", limit_price="1400")
    return world


def ask(
    world: World,
    scope: Scope = Scope.ADMIN,
    accounts: tuple[str, ...] = (),
    query: Mapping[str, str] = EMPTY,
    switches: MemoryKillSwitches | None = None,
) -> dict[str, Any]:
    turned = MemoryKillSwitches(world.store) if switches is None else switches
    return told(world, asked(scope, accounts, query), turned, ())


def asked(scope: Scope, accounts: tuple[str, ...], query: Mapping[str, str]) -> ApiRequest:
    caller = Caller(key_id="auditor", scopes=frozenset({scope}), accounts=frozenset(accounts))
    return ApiRequest(
        route="GET /v1/audit",
        path={},
        query=query,
        headers={},
        cookies={},
        body=b"",
        source_ip="127.0.0.1",
        address="https://api.example",
        received_at=MONDAY_MORNING,
        caller=caller,
    )


def told(
    world: World, request: ApiRequest, switches: MemoryKillSwitches, changes: tuple[Change, ...]
) -> dict[str, Any]:
    return dict(answered(world, request, switches, changes).content)


def answered(
    world: World,
    request: ApiRequest,
    switches: MemoryKillSwitches | None = None,
    changes: tuple[Change, ...] = (),
) -> Answer:
    desk = AuditDesk(
        store=world.store,
        settings=world.settings,
        switches=MemoryKillSwitches(world.store) if switches is None else switches,
        changes_on=lambda day: tuple(one for one in changes if one.day == day),
    )
    return answer_audit(desk, request)


def test_a_day_s_orders_are_told_line_by_line() -> None:
    lines = ask(a_world(1), query={"account": "paper"})["lines"]

    assert [line["event"] for line in lines] == ["received", "submitting", "opened"]
    assert lines[0]["request"]["limit_price"] == "1400"


def test_pages_hold_every_order_once() -> None:
    world, found = a_world(), list[str]()
    cursor: dict[str, str] = {}
    for _ in range(10):
        page = ask(world, query={"limit": "2", **cursor})
        found += [line["client_order_id"] for line in page["lines"] if line["line"] == 0]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert len(found) == len(set(found)) == 4


def changed_often(world: World, times: int) -> None:
    """Give every order of the day so many changes."""
    for account in ("paper", "other"):
        for order in world.store.list_day(account, MONDAY_MORNING.date(), limit=200).orders:
            changes = order.history[-1:] * times
            after = replace(order, history=(*order.history, *changes), version=order.version + 1)
            world.store.write(after, replacing=order)


def test_a_page_that_would_be_larger_than_an_answer_may_be_is_cut() -> None:
    world, found = a_world(40), list[str]()
    changed_often(world, 800)
    cursor: dict[str, str] = {}
    for _ in range(10):
        answer = answered(world, asked(Scope.ADMIN, (), {"limit": "200", **cursor}))
        assert len(json.dumps(answer.to_gateway())) < 6_000_000
        found += [line["client_order_id"] for line in answer.content["lines"] if line["line"] == 0]
        if answer.content["next_cursor"] is None:
            break
        cursor = {"cursor": answer.content["next_cursor"]}

    assert len(found) == len(set(found)) == 41


def test_another_day_has_no_lines() -> None:
    assert ask(a_world(), query={"day": "2026-11-22"})["lines"] == []


@pytest.mark.parametrize("account", ["paper", "other"])
def test_a_day_of_which_an_order_cannot_be_read_is_not_told_without_it(
    monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    world = a_world()
    list_day = world.store.list_day

    def lacking(name: str, day: date, *, limit: int, cursor: str | None = None) -> OrderPage:
        page = list_day(name, day, limit=limit, cursor=cursor)
        return replace(page, unreadable=1) if name == account else page

    monkeypatch.setattr(world.store, "list_day", lacking)

    with pytest.raises(StoreUnavailable, match="1 orders of the day are not readable"):
        ask(world)


@pytest.mark.parametrize("scope", [Scope.READ, Scope.TRADE])
def test_only_an_admin_reads_the_audit(scope: Scope) -> None:
    with pytest.raises(RouterError) as refused:
        ask(a_world(), scope)

    assert refused.value.code == "SCOPE_MISSING"


def test_an_admin_of_one_account_reads_no_other() -> None:
    world = a_world()

    page = ask(world, accounts=("other",))
    assert {line["account"] for line in page["lines"]} == {"other"}
    assert page["accounts"] == ["other"]
    with pytest.raises(RouterError) as refused:
        ask(world, accounts=("other",), query={"account": "paper"})
    assert refused.value.code == "ACCOUNT_FORBIDDEN"


@pytest.mark.parametrize(("query", "told"), [({}, None), ({"account": "paper"}, ["paper"])])
def test_an_answer_says_of_which_accounts_alone_it_tells(
    query: dict[str, str], told: list[str] | None
) -> None:
    assert ask(a_world(), query=query)["accounts"] == told


PAPER, OTHER = (KillSwitch(StopScope.ACCOUNT, name) for name in ("paper", "other"))
DEMO, BOTH = (KillSwitch(StopScope.STRATEGY, name) for name in ("demo", "both"))


def a_stopped_world() -> KillWorld:
    """A day with a turn of everything, of each of two accounts, and of a strategy of one and of both."""
    kill = KillWorld(world=a_world(1))
    for name, accounts in (("demo", ("paper",)), ("both", ("paper", "other"))):
        terms = {"order_type": OrderType.MARKET, "product": Product.MIS, "max_quantity": 100}
        kill.world.settings.put_strategy(
            Strategy.model_validate({"name": name, "accounts": accounts} | terms)
        )
    for switch in (EVERYTHING, PAPER, OTHER, DEMO, BOTH):
        engage(kill.desk, Engage(switch=switch, by="laptop", reason="it buys too much", cancels_open=True))
    return kill


def turned(kill: KillWorld, **query: str) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = ask(kill.world, query=query, switches=kill.switches)["turns"]
    return turns


def test_a_day_tells_who_turned_a_switch_when_and_why() -> None:
    kill = a_stopped_world()
    kill.world.clock.advance(60)
    let_go(kill, PAPER, by="phone", reason="mended")

    turns = [turn for turn in turned(kill) if turn["switch"] == PAPER.key]

    told = [(one["event"], one["by"], one["reason"], one.get("cancel_open")) for one in turns]
    assert told == [
        ("kill_on", "laptop", "it buys too much", True),
        ("kill_off", "phone", "mended", None),
    ]
    assert [one["at"] for one in turns] == ["2026-11-23T04:30:00.000000Z", "2026-11-23T04:31:00.000000Z"]


def test_another_day_has_turns_of_its_own() -> None:
    kill = a_stopped_world()
    kill.world.clock.advance(24 * 3600)
    let_go(kill, PAPER, by="phone", reason="mended")

    assert {turn["event"] for turn in turned(kill, day="2026-11-23")} == {"kill_on"}
    assert [turn["event"] for turn in turned(kill, day="2026-11-24")] == ["kill_off"]
    assert turned(kill, day="2026-11-22") == turned(kill, day="2026-11-25") == []


def test_an_account_s_day_has_the_turns_that_may_have_stopped_it() -> None:
    kill = a_stopped_world()

    told = {turn["switch"] for turn in turned(kill, account="other")}

    # which accounts a strategy traded that day is not kept: its turns are told rather than left out
    assert told == {one.key for one in (EVERYTHING, OTHER, DEMO, BOTH)}


def test_an_admin_of_one_account_is_told_of_what_stops_nobody_else() -> None:
    kill = a_stopped_world()

    found = ask(kill.world, accounts=("paper",), switches=kill.switches)["turns"]

    assert {turn["switch"] for turn in found} == {one.key for one in (EVERYTHING, PAPER, DEMO)}


def test_a_strategy_that_is_no_more_is_nobody_s_of_one_account() -> None:
    kill, gone = a_stopped_world(), SwitchState(switch=KillSwitch(StopScope.STRATEGY, "gone"))
    turn = Turn(at=MONDAY_MORNING, by="laptop", reason="")
    kill.switches.turn(gone.turned_on(turn, lets_exits=False), before=gone)

    found = ask(kill.world, accounts=("paper",), switches=kill.switches)["turns"]

    assert gone.switch.key not in {turn["switch"] for turn in found}
    assert gone.switch.key in {turn["switch"] for turn in turned(kill)}


def test_the_first_page_alone_has_the_turns() -> None:
    kill = a_stopped_world()
    first = ask(kill.world, query={"limit": "1"}, switches=kill.switches)

    second = ask(kill.world, query={"limit": "1", "cursor": first["next_cursor"]}, switches=kill.switches)

    assert len(first["turns"]) == 5
    assert second["turns"] == []
    assert second["lines"]


def a_change(
    number: int, whose: Counted, what: What = What.LIMITS_SET, reason: Reason | None = None
) -> Change:
    return Change(
        at=MONDAY_MORNING,
        what=what,
        whose=whose,
        by="laptop",
        before={"max_quantity": 5},
        after={"max_quantity": 9},
        reason=reason,
        number=number,
    )


CHANGES = tuple(
    a_change(number, Counted(kind, name))
    for number, (kind, name) in enumerate(
        [("account", "paper"), ("account", "other"), ("strategy", "demo"), ("strategy", "both")], 1
    )
)


def told_changes(
    world: World, *changes: Change, accounts: tuple[str, ...] = (), **query: str
) -> list[dict[str, Any]]:
    request = asked(Scope.ADMIN, accounts, query)
    found: list[dict[str, Any]] = told(world, request, MemoryKillSwitches(world.store), changes)["changes"]
    return found


def test_a_day_tells_who_set_which_limits_and_what_opened_a_breaker() -> None:
    down = a_change(5, Counted("account", "paper"), What.BREAKER_OPEN, Reason("ALARM", "it is down"))
    limits, opened = told_changes(a_world(), CHANGES[0], down)

    at = "2026-11-23T04:30:00.000000Z"
    assert (limits["event"], limits["by"], limits["at"]) == ("limits_set", "laptop", at)
    assert (limits["before"], limits["after"]) == ({"max_quantity": 5}, {"max_quantity": 9})
    assert (opened["event"], opened["reason"]) == ("breaker_open", {"code": "ALARM", "words": "it is down"})
    assert told_changes(a_world(), *CHANGES, day="2026-11-22") == []


def test_changes_are_told_to_whoever_is_told_what_stops_the_same_orders() -> None:
    world = a_stopped_world().world
    of_one = told_changes(world, *CHANGES, account="other")
    to_one = told_changes(world, *CHANGES, accounts=("paper",))

    assert [line["change"] for line in of_one] == [2, 3, 4]
    assert [line["change"] for line in to_one] == [1, 3]


def test_only_the_first_page_has_the_changes() -> None:
    world = a_world()
    cursor = ask(world, query={"limit": "1"})["next_cursor"]

    assert len(told_changes(world, *CHANGES, limit="1")) == 4
    assert told_changes(world, *CHANGES, limit="1", cursor=cursor) == []
