"""Stop means stop, on the deployed stack: orders hammer while the switch goes on, and what else it was asked to do."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import Event, Thread
from typing import Any

import pytest

from infra.operate import Target
from order_router.aws.kill_tables import KillSwitchesTable, KillTicketsTable
from order_router.aws.orders_table import OrdersTable
from order_router.aws.session_table import LoginTicketsTable
from order_router.domain.gate import Gate, SwitchOn
from order_router.domain.kill_switch import KillSwitch, StopScope, Turn
from order_router.domain.order import Ownership, take_ownership
from order_router.service.kill_links import KillLinks
from order_router.service.timing import LEASE
from order_router.transport.clock import SystemClock
from tests.fakes.orders import an_order
from tests.system.client import Client, Reply, eventually
from tests.system.conftest import LocalStack
from tests.system.trader import Trader, unique

THREADS = 16
PATH = "/v1/kill-switch"
CLOCK = SystemClock()


def engage(trader: Trader, **body: Any) -> Reply:
    return trader.api.send("POST", PATH, {"scope": "account", "name": trader.account, **body})


def release(trader: Trader, **body: Any) -> Reply:
    asked = {"scope": "account", "name": trader.account, "reason": "the test is over", **body}
    return trader.api.send("DELETE", PATH, asked)


def work_of(trader: Trader) -> dict[str, Any]:
    found = trader.api.get(PATH).order(200)["work"]
    return next(one for one in found if one["account"] == trader.account)


def finished(trader: Trader) -> dict[str, Any]:
    return eventually(
        lambda: work if (work := work_of(trader))["phase"] in {"done", "stopped"} else None, "the work ends"
    )


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait until it is so: the emulator starts a worker for each parallel call, and takes its time."""
    eventually(lambda: True if is_so() else None, what, within_s=120)


@pytest.fixture
def dynamodb(stack: LocalStack) -> Any:
    """A client with a connection for each thread."""
    return stack.dynamodb(max_pool_connections=THREADS + 1)


@dataclass
class Hammer:
    """Workers that claim new intents as fast as the table takes them, each noting when it began each one that passed.

    `began` is taken before the call, so an intent that began after the switch's answer cannot have been on its way.
    """

    orders: list[OrdersTable]
    gate: Gate
    stop: Event = field(default_factory=Event)
    passed: list[datetime] = field(default_factory=list)
    refused: list[datetime] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def run(self) -> list[Thread]:
        threads = [Thread(target=self._work, args=(table,)) for table in self.orders]
        for thread in threads:
            thread.start()
        return threads

    def _work(self, table: OrdersTable) -> None:
        word = unique()
        while not self.stop.is_set():
            began = datetime.now(UTC)
            order = an_order(f"{word}-{next(self.numbers)}", at=began, account="race")
            try:
                table.write(
                    take_ownership(order, Ownership(word, began + LEASE), began),
                    replacing=None,
                    gate=self.gate,
                )
            except SwitchOn:
                self.refused.append(began)
            else:
                self.passed.append(began)


@pytest.mark.parametrize("turn", range(3))
def test_while_16_threads_hammer_no_intent_begins_after_the_switch_has_answered(
    dynamodb: Any, target: Target, turn: int
) -> None:
    tables = {"orders": target.outputs["OrdersTableName"], "gates": target.outputs["GateTableName"]}
    switch = KillSwitch(StopScope.STRATEGY, unique())
    switches = KillSwitchesTable(dynamodb, tables["gates"], CLOCK)
    hammer = Hammer(
        [OrdersTable(dynamodb, CLOCK, **tables) for _ in range(THREADS)], Gate(switches=(switch.key,))
    )
    threads = hammer.run()
    try:
        until(lambda: len(hammer.passed) >= 4 * THREADS, "orders pass")
        before = switches.get(switch)
        asked = datetime.now(UTC)
        switches.turn(
            before.turned_on(Turn(at=asked, by="race", reason="race"), lets_exits=False), before=before
        )
        answered = datetime.now(UTC)
        until(lambda: len(hammer.refused) >= 4 * THREADS, "orders are refused")
    finally:
        hammer.stop.set()
        for thread in threads:
            thread.join()

    late = [began for began in hammer.passed if began > answered]
    took = (answered - asked).total_seconds() * 1000
    print(f"{len(hammer.passed)} passed, {len(hammer.refused)} refused, the switch took {took:.0f} ms")
    assert late == []


def test_while_16_callers_place_orders_none_has_an_intent_after_the_answer(trader: Trader) -> None:
    stop, replies = Event(), []

    def place() -> None:
        while not stop.is_set():
            replies.append(trader.api.place(trader.limit("90")))

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(THREADS):
            pool.submit(place)
        try:
            until(lambda: any(reply.status == 201 for reply in replies), "an order is placed")
            answer = engage(trader, reason="race")
            answered = datetime.now(UTC)
            already = len(replies)
            until(lambda: len(replies) >= already + THREADS, "callers go on")
        finally:
            stop.set()

    assert answer.status == 200
    begun = [began for order in _orders(trader) if (began := _submitted_at(trader, order)) is not None]
    refused = [reply for reply in replies if reply.status == 422]
    assert begun
    assert [began for began in begun if began > answered] == []
    assert {reply.code for reply in refused} == {"KILL_SWITCH_ON"}
    # one whose call lapsed met the switch when it took another: begun, and never sent
    sent = [order for order in _orders(trader) if order["state"] == "open"]
    assert len(trader.at_broker()) == len(sent) <= len(begun)
    release(trader)


def _orders(trader: Trader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = trader.api.get("/v1/orders", account=trader.account, limit=200, **cursor).order(200)
        found += page["orders"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def _submitted_at(trader: Trader, order: dict[str, Any]) -> datetime | None:
    history = trader.api.read(order["client_order_id"]).order(200)["history"]
    times = [step["at"] for step in history if step["event"] == "submitting"]
    return datetime.fromisoformat(times[0]) if times else None


def test_a_stop_lets_exits_pass_if_it_says_so_and_cancels_always(trader: Trader) -> None:
    trader.place(product="MIS")
    resting = trader.rest("90")
    leaving = {"side": "SELL", "product": "MIS", "position_effect": "CLOSE"}

    assert engage(trader, lets_exits=True).order(200)["lets_exits"] is True
    entry, way_out = trader.api.place(trader.order()), trader.api.place(trader.order(**leaving))
    assert engage(trader, lets_exits=False).order(200)["lets_exits"] is False
    no_way_out = trader.api.place(trader.order(**leaving))
    cancelled = trader.api.cancel(resting["client_order_id"])
    released = release(trader)

    assert (entry.status, entry.code) == (422, "KILL_SWITCH_ON")
    assert way_out.order(201)["state"] == "filled"
    assert (no_way_out.status, no_way_out.code) == (422, "KILL_SWITCH_ON")
    assert cancelled.order(200)["state"] == "cancelled"
    assert released.order(200)["is_on"] is False
    assert trader.place()["state"] == "filled"


def test_open_orders_are_cancelled_and_positions_closed_and_each_outcome_told(trader: Trader) -> None:
    trader.place(product="MIS")
    resting = [trader.rest("90", product="MIS") for _ in range(2)]

    begun = engage(trader, close_positions=True, confirm=True, reason="enough")
    work = finished(trader)

    assert begun.status == 202
    assert begun.content["lets_exits"] is True
    assert work["phase"] == "done"
    assert work["problems"] == []
    assert {line["client_order_id"] for line in work["cancelled"]} == {
        order["client_order_id"] for order in resting
    }
    assert {line["outcome"] for line in work["cancelled"]} == {"cancelled"}
    exits = [(line["side"], line["quantity"], line["state"]) for line in work["exits"]]
    assert exits == [("SELL", 5, "filled")]
    positions = trader.api.portfolio("positions", trader.account)
    assert {row["quantity"] for row in positions} == {0}
    again = engage(trader, close_positions=True, confirm=True)
    assert again.content["work"][0]["exits"] == work["exits"]
    assert len(trader.at_broker()) == 4
    release(trader)


def test_a_link_stops_by_its_button_and_by_nothing_else(trader: Trader, target: Target) -> None:
    gates = target.outputs["GateTableName"]
    tickets = LoginTicketsTable(target.dynamodb, gates)
    links = KillLinks(
        tickets=KillTicketsTable(target.dynamodb, gates),
        clock=CLOCK,
        nonce=unique,
        address=lambda: tickets.address() or trader.api.api_url,
    )
    url = links.issue(KillSwitch(StopScope.ACCOUNT, trader.account))
    assert url is not None
    nobody, path = Client(trader.api.api_url, key=None), url[url.index("/v1/") :]

    shown = nobody.send("GET", path)
    assert shown.status == 200
    assert trader.place()["state"] == "filled"
    (token,) = re.findall(r'name="token" value="([^"]+)"', shown.text)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    pressed = nobody.send("POST", f"{PATH}/link", f"token={token}", form)
    refused = trader.api.place(trader.order())
    again = nobody.send("POST", f"{PATH}/link", f"token={token}", form)
    release(trader)

    assert "Stopped" in pressed.text
    assert (refused.status, refused.code) == (422, "KILL_SWITCH_ON")
    assert again.status == 403


def test_who_may_only_trade_turns_no_switch_and_a_reason_is_needed_to_let_go(trader: Trader) -> None:
    engage(trader, reason="first").order(200)
    weaker = trader.with_scope("trade", trader.account)

    assert engage(weaker).code == "SCOPE_MISSING"
    assert release(weaker).code == "SCOPE_MISSING"
    assert release(trader, reason="").code == "INVALID_REQUEST"
    assert engage(trader, name="nobody").code == "ACCOUNT_UNKNOWN"
    release(trader).order(200)

    switches = trader.api.get(PATH, history="true").order(200)["switches"]
    own = next(one for one in switches if one["name"] == trader.account)
    assert [(turn["is_on"], turn["reason"]) for turn in own["history"]] == [
        (False, "the test is over"),
        (True, "first"),
    ]
