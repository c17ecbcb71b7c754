"""A worker that dies while it counts, opens or probes leaves a breaker that closes, and a trader who was told."""

from contextlib import suppress

from order_router.domain.breaker import BY_PROBE, FAILURES_TO_OPEN
from order_router.domain.lifecycle import State
from order_router.service.place import place_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.told import queued_of
from tests.fakes.transport import Fault
from tests.fakes.world import World
from tests.faults.crashes import Crash, Crashes, crashing, points

LOOKS = 6
MINUTE = 60
NEXT = 6


def outage(crashes: Crashes, opened: list[bool]) -> None:
    """Lose a row of orders, the last by workers that may die, and look at the account each minute after that."""
    world = World()
    for number in range(FAILURES_TO_OPEN - 1):
        world.transport.writes = [Fault.ANSWER_LOST]
        world.place(f"lost-{number}")
    world.transport.writes = [Fault.ANSWER_LOST]
    world.transport.reads = [Fault.REFUSED] * 2
    desk = crashing(world.desk, crashes)
    with suppress(Crash):
        place_order(desk, world.command("last"))
    world.transport.writes = []
    for _ in range(LOOKS):
        world.clock.advance(MINUTE)
        with suppress(Crash):
            reconcile_account(desk, "paper", is_asked=False)
    breaker = world.breakers.get("paper", "paper")
    told = {notice.kind for notice in queued_of(world.notifier.notices)}
    opened.append(breaker.by == BY_PROBE)
    assert not breaker.is_engaged
    assert breaker.is_told
    assert opened[-1] == ("breaker_open" in told) == ("breaker_closed" in told)
    assert world.place("after").order.state is State.FILLED


def test_wherever_one_or_two_workers_die_the_circuit_closes_and_the_trader_knows() -> None:
    opened: list[bool] = []
    quiet = Crashes()
    outage(quiet, opened)

    for first in points(quiet):
        once = Crashes(frozenset({first}))
        outage(once, opened)
        # whoever comes next may die too, up to a few calls later
        for second in points(once, first.call + 1)[:NEXT]:
            outage(Crashes(frozenset({first, second})), opened)

    assert len(opened) > 500
    # a worker that dies before it has counted opens nothing; most do
    assert opened.count(True) > len(opened) / 2
