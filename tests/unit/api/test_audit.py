"""`GET /v1/audit`."""

from collections.abc import Mapping
from typing import Any

import pytest

from order_router.api.audit import answer_audit
from order_router.api.http import EMPTY, ApiRequest
from order_router.domain.account import Account, Caller, Scope
from order_router.domain.errors import RouterError
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.world import World


def a_world(orders: int = 3) -> World:
    world = World()
    world.settings.put_account(Account(name="other", broker="paper"))
    world.exchange.open_account("other")
    world.sessions.log_in("other", {})
    for number in range(orders):
        world.place(f"k-{number}", limit_price="1400")
    world.place("o-1", account="other", limit_price="1400")
    return world


def ask(
    world: World, scope: Scope = Scope.ADMIN, accounts: tuple[str, ...] = (), query: Mapping[str, str] = EMPTY
) -> dict[str, Any]:
    caller = Caller(key_id="auditor", scopes=frozenset({scope}), accounts=frozenset(accounts))
    request = ApiRequest(
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
    return dict(answer_audit(request, world.store, world.settings).content)


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


def test_another_day_has_no_lines() -> None:
    assert ask(a_world(), query={"day": "2026-11-22"})["lines"] == []


@pytest.mark.parametrize("scope", [Scope.READ, Scope.TRADE])
def test_only_an_admin_reads_the_audit(scope: Scope) -> None:
    with pytest.raises(RouterError) as refused:
        ask(a_world(), scope)

    assert refused.value.code == "SCOPE_MISSING"


def test_an_admin_of_one_account_reads_no_other() -> None:
    world = a_world()

    assert {line["account"] for line in ask(world, accounts=("other",))["lines"]} == {"other"}
    with pytest.raises(RouterError) as refused:
        ask(world, accounts=("other",), query={"account": "paper"})
    assert refused.value.code == "ACCOUNT_FORBIDDEN"
