"""One order at one broker whose workers may die: it is brought, changed and looked at, and judged when all is quiet."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from order_router.domain.errors import RouterError
from order_router.domain.lifecycle import State
from order_router.domain.order import Order
from order_router.domain.unanswered import asked_without_answer
from order_router.domain.vocabulary import Source
from order_router.service.change import cancel_order, modify_order
from order_router.service.desk import Desk
from order_router.service.place import StillUnsent, place_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.told import told_by
from tests.fakes.world import World
from tests.faults.crashes import READ, Crash, Crashes, crashing
from tests.faults.floor import usual_product
from tests.faults.played_brokers import ON_THE_WIRE, PLAYED, Call, HeldOrder, Outcome

DELIVERIES = 6
LOOKS = 4
BETWEEN_LOOKS_S = 75
"""Longer than a lease, so that whatever a dead worker owned is free at the next look, and than a row whose time has no
seconds is too young to be taken."""

MADE_AS_READ = {"ibkr"}
"""Whose book is made as a session first asks for it: a death after that read leaves something else."""


@dataclass
class Scenario:
    """One world, one broker's side of it, and the deaths to come."""

    broker: str
    crashes: Crashes
    world: World = field(default_factory=World)
    left: list[object] = field(default_factory=list)
    outcome: Outcome = Outcome.ACKNOWLEDGED
    workers: int = 0

    def __post_init__(self) -> None:
        self.played = PLAYED[self.broker](self.world)
        if self.broker not in MADE_AS_READ:
            self.crashes.reads |= {READ}

    def expect(self, call: Call, outcome: Outcome) -> None:
        self.outcome = outcome
        if outcome in ON_THE_WIRE:
            self.world.transport.writes = [ON_THE_WIRE[outcome]]
        elif outcome is not Outcome.ACKNOWLEDGED:
            self.played.play(call, outcome)

    def survive(self, step: Callable[[Desk], object]) -> bool:
        """Run a step as a worker that may die; tell whether it is done."""
        self.crashes.begin()
        self.workers += 1
        nonces = count(1)
        # its own numbers: what it takes, and dies before it says so, is nobody's
        desk = replace(self.world.desk, nonce=lambda: f"w-{self.workers}-{next(nonces)}")
        try:
            step(crashing(desk, self.crashes))
        except Crash:
            self.left.append(self.outside())
            return False
        except StillUnsent:
            return False
        return True

    def outside(self) -> list[object]:
        """Return all that stays when a worker is gone."""
        world, tables = self.world, self.world.store.tables
        asked = (
            world.notifier.notices,
            world.reconcile.asked,
            world.looks._marks,
            world.renewer.reported,
            world.sessions.forgotten,
        )
        kept = tables.holds, tables.counts, tables.slots, tables.meters, world.breakers._stored
        return [world.clock.now(), self.order(), self.played.held(), *map(repr, (*asked, *kept))]

    def look_until_quiet(self) -> None:
        for _ in range(LOOKS):
            self.survive(look)
            self.world.clock.advance(BETWEEN_LOOKS_S)

    def order(self) -> Order | None:
        stored = [order for order, _ in self.world.store.tables.orders.values()]
        assert len(stored) <= 1
        return stored[0] if stored else None

    def ends_unseen(self) -> set[State]:
        """Return how an order may end that the broker does not hold: what left and was lost proves nothing."""
        said_no = {State.REJECTED} if self.outcome is Outcome.REJECTED else set()
        return said_no | (set() if self.world.transport.writes_sent() else {State.STALE, State.REFUSED})

    def require_truth(self) -> None:
        """What we say is what the broker holds; where it holds nothing, it ended or somebody was told."""
        order, held = self.order(), self.played.held()
        assert order is not None, "an accepted intent was forgotten"
        assert len(held) <= 1, "two orders for one intent"
        assert not asked_without_answer(order), "a change of which nobody knows if it was made"
        if held:
            assert as_held(order) == held[0]
        elif order.state is State.UNKNOWN:
            assert "unknown" in {notice.kind for notice in told_by([order])}, "unknown, and nobody was told"
        else:
            assert order.state in self.ends_unseen(), f"{order.state} here, and the broker never said so"


def look(desk: Desk) -> None:
    """Look at the account's book; nothing that may come of an order can be in the way of settling it."""
    assert not reconcile_account(desk, "paper").failed, "an order was not settled"


def as_held(order: Order) -> HeldOrder:
    assert order.broker_order_id is not None
    return HeldOrder(
        broker_order_id=order.broker_order_id,
        state=order.state,
        quantity=order.request.quantity,
        filled_quantity=order.filled_quantity,
        limit_price=getattr(order.request, "limit_price", None),
    )


def place(scenario: Scenario, call: Call, outcome: Outcome, **terms: Any) -> None:
    """Bring an alert's order again and again until a worker is done with it, as the queue does."""
    scenario.expect(call, outcome)
    product = usual_product(scenario.broker)
    command = scenario.world.command(source=Source.ALERT, product=product, **terms)
    for _ in range(DELIVERIES):
        if scenario.survive(lambda desk: place_order(desk, command)):
            break
        scenario.world.clock.advance(2)
    assert scenario.world.transport.writes_sent() <= 1, "sent twice"


def change(scenario: Scenario, call: Call, outcome: Outcome, **terms: Any) -> None:
    """Change an order that rests, once: nobody repeats a caller's change."""
    wanted: dict[str, Any] = {"limit_price": "1400"} | terms
    resting = scenario.world.place(product=usual_product(scenario.broker), **wanted).order
    scenario.expect(call, outcome)

    def step(desk: Desk) -> None:
        try:
            CHANGES[call](desk, resting.client_order_id)
        except RouterError:
            return

    scenario.survive(step)


def modify(desk: Desk, client_order_id: str) -> object:
    return modify_order(desk, client_order_id, {"quantity": 8, "limit_price": "1401"})


CHANGES: dict[Call, Callable[[Desk, str], object]] = {Call.MODIFY: modify, Call.CANCEL: cancel_order}


STAGED: dict[Call, Callable[..., None]] = {Call.PLACE: place, Call.MODIFY: change, Call.CANCEL: change}
"""How each call is brought: to a scenario, with an outcome and the order's terms."""
