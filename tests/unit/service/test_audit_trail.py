"""Every way that an order can end, and whether its history answers: what did we know, when, and why did we send?"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from order_router.domain.audit import Line, jsonl, lines_of, read_jsonl, verified, whole
from order_router.domain.order import Order
from order_router.service.change import cancel_order, modify_order
from order_router.service.place import place_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.transport import Fault
from tests.fakes.world import World

CANARY = "canary-of-the-session"


def filled(world: World) -> Order:
    return world.place(order_type="MARKET", limit_price=None).order


def rests(world: World) -> Order:
    return world.place(limit_price="1400").order


def changed_and_cancelled(world: World) -> Order:
    resting = rests(world)
    modify_order(world.desk, resting.client_order_id, {"quantity": 3})
    return cancel_order(world.desk, resting.client_order_id).order


def refused_by_our_rules(world: World) -> Order:
    world.store.set_switch("kill#global", engaged=True)
    return world.place().order


def refused_by_the_broker(world: World) -> Order:
    return world.place(quantity=900_000, product="CNC").order


def too_old(world: World) -> Order:
    command = world.command()
    world.clock.advance(60)
    return place_order(world.desk, command).order


def lost_and_found(world: World) -> Order:
    world.transport.writes = [Fault.ANSWER_LOST]
    return looked_for(world, world.place().order)


def lost_and_not_found(world: World) -> Order:
    world.transport.writes = [Fault.REQUEST_LOST]
    return looked_for(world, world.place().order)


def left_at_the_second_try(world: World) -> Order:
    world.transport.writes = [Fault.REFUSED]
    return world.place(limit_price="1400").order


def never_left(world: World) -> Order:
    world.transport.writes = [Fault.REFUSED] * 100
    return world.place().order


def looked_for(world: World, order: Order) -> Order:
    world.clock.advance(120)
    reconcile_account(world.desk, "paper")
    found = world.store.get(order.client_order_id)
    assert found is not None
    return found


ENDS: dict[Callable[[World], Order], list[str]] = {
    filled: ["received", "submitting", "opened", "filled"],
    rests: ["received", "submitting", "opened"],
    changed_and_cancelled: [
        *["received", "submitting", "opened"],
        *["modify_requested", "modified", "cancel_requested", "cancelled"],
    ],
    refused_by_our_rules: ["received", "refused"],
    refused_by_the_broker: ["received", "submitting", "rejected"],
    too_old: ["received", "went_stale"],
    lost_and_found: ["received", "submitting", "outcome_lost", "filled"],
    lost_and_not_found: ["received", "submitting", "outcome_lost", "person_told"],
    left_at_the_second_try: ["received", "submitting", "never_sent", "submitting", "opened"],
}


def trail(end: Callable[[World], Order]) -> tuple[World, tuple[Line, ...]]:
    world = World()
    world.sessions.log_in("paper", {"access_token": CANARY})
    return world, lines_of(end(world))


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_a_line_says_what_happened_and_when(end: Callable[[World], Order]) -> None:
    _, lines = trail(end)

    assert [line["event"] for line in lines] == ENDS[end]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert lines[0]["request"]["limit_price" if "limit_price" in lines[0]["request"] else "order_type"]


@pytest.mark.parametrize("end", [*ENDS, never_left], ids=lambda end: end.__name__)
def test_nothing_left_without_a_line_that_let_it(end: Callable[[World], Order]) -> None:
    world, lines = trail(end)
    let = [line for line in lines if line["event"] in {"submitting", "modify_requested", "cancel_requested"}]

    assert world.transport.writes_sent() <= len(let)


@pytest.mark.parametrize(
    "end",
    [refused_by_our_rules, refused_by_the_broker, too_old, lost_and_found, never_left],
    ids=lambda end: end.__name__,
)
def test_what_did_not_go_as_asked_has_its_reason(end: Callable[[World], Order]) -> None:
    _, lines = trail(end)
    reasons = [line["reason"] for line in lines if "reason" in line]

    assert reasons
    assert all(reason["code"] and reason["words"] for reason in reasons)


@pytest.mark.parametrize("end", [rests, refused_by_the_broker, lost_and_found], ids=lambda end: end.__name__)
def test_a_try_names_the_session_that_it_was_made_with(end: Callable[[World], Order]) -> None:
    world, lines = trail(end)
    session = world.sessions.session(world.settings.accounts()[0])

    assert lines[2]["evidence"]["session"] == session.fingerprint[:12]


def test_news_of_an_order_say_where_they_were_seen() -> None:
    _, found = trail(lost_and_found)
    _, at_once = trail(filled)

    assert found[-1]["evidence"]["seen_in"] == "the broker's book, read 04:32:00 UTC"
    assert at_once[-1]["evidence"] == {"seen_in": "the order read back"}


def test_what_the_gate_held_an_order_to_is_kept_with_it() -> None:
    _, lines = trail(changed_and_cancelled)
    by_event = {line["event"]: line.get("evidence", {}) for line in lines}

    entry, change, cancel = (
        by_event[event] for event in ("submitting", "modify_requested", "cancel_requested")
    )
    assert entry["switches"] == "off: global account breaker"
    assert "account paper: " in entry["limits"]
    assert "orders at most 1000" in entry["limits"]
    assert entry["calls_per_second"] == change["calls_per_second"] == "9"
    assert change["switches"] == entry["switches"]
    # nothing stops a cancel
    assert set(cancel) == {"calls_per_second"}


def test_each_try_has_passed_the_gate_again() -> None:
    _, lines = trail(left_at_the_second_try)
    tries = [line["evidence"] for line in lines if line["event"] == "submitting"]

    assert len(tries) == 2
    assert all("switches" in one for one in tries)


def test_an_exit_says_that_it_may_have_passed_a_switch() -> None:
    world = World()
    order = world.place(strategy="trend", position_effect="CLOSE", limit_price="1400").order
    (passed,) = [line["evidence"] for line in lines_of(order) if line["event"] == "submitting"]

    assert passed["switches"] == "off, or letting exits through: global account breaker strategy"


def test_an_entry_of_a_strategy_says_that_nothing_held_it() -> None:
    world = World()
    order = world.place(strategy="trend", limit_price="1400").order
    (passed,) = [line["evidence"] for line in lines_of(order) if line["event"] == "submitting"]

    assert passed["switches"] == "off: global account breaker strategy hold"


def test_an_order_says_which_key_asked_for_it() -> None:
    world = World()
    order = place_order(world.desk, replace(world.command(), asked_by="key laptop")).order

    assert lines_of(order)[0]["evidence"] == {"asked_by": "key laptop"}


@pytest.mark.parametrize("end", [*ENDS, never_left], ids=lambda end: end.__name__)
def test_a_trail_is_whole_and_holds_no_secret(end: Callable[[World], Order]) -> None:
    _, lines = trail(end)
    text = jsonl(whole(lines, about={}))

    assert verified(read_jsonl(text))["lines"] == len(lines)
    assert CANARY not in text
