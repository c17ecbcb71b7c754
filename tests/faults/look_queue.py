"""The queue that asks for looks, played: each message comes when due, once or more, and again if its worker died."""

from contextlib import suppress
from datetime import datetime, timedelta

from order_router.service.desk import Desk
from order_router.service.reconcile import answer_ask
from tests.fakes.world import World
from tests.faults.crashes import Crash

HIDDEN_S = 65
"""How long the template's queue hides a message that a worker has taken."""

Ask = tuple[datetime, int, str | None]
"""When a message comes, which it was, and the name of its look."""


class LookQueue:
    """Delivers what a world's services asked for, each message `copies` times, to workers with this desk.

    `looks` is when each look began that came of one.
    """

    def __init__(self, world: World, desk: Desk | None = None, *, copies: int = 1) -> None:
        self._world = world
        self._desk = world.desk if desk is None else desk
        self._copies = copies
        self._asks: list[Ask] = []
        self._sent = 0
        self.looks: list[datetime] = []

    def pass_time(self, seconds: float) -> None:
        """Let time pass, with the messages that come meanwhile."""
        ends_at = self._world.clock.now() + timedelta(seconds=seconds)
        self._collect()
        while self._asks and self._asks[0][0] <= ends_at:
            at, _, look = self._asks.pop(0)
            self._advance_to(at)
            self._deliver(look)
            self._collect()
        self._advance_to(ends_at)

    def _deliver(self, look: str | None) -> None:
        began = self._world.clock.now()
        hidden = self._put(HIDDEN_S, look)
        with suppress(Crash):
            if answer_ask(self._desk, "paper", look) is not None:
                self.looks.append(began)
            self._asks.remove(hidden)

    def _collect(self) -> None:
        queue = self._world.reconcile
        for (_, delay_s), look in zip(queue.asked, queue.looks, strict=True):
            for _ in range(self._copies):
                self._put(delay_s, look)
        queue.asked.clear()
        queue.looks.clear()

    def _put(self, delay_s: float, look: str | None) -> Ask:
        self._sent += 1
        ask = (self._world.clock.now() + timedelta(seconds=delay_s), self._sent, look)
        self._asks.append(ask)
        self._asks.sort(key=lambda one: one[:2])
        return ask

    def _advance_to(self, at: datetime) -> None:
        # a look may have waited for its turn past the time of this one
        self._world.clock.advance(max((at - self._world.clock.now()).total_seconds(), 0))
