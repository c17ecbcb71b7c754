"""The end of a day from any state: whoever works has died, the queue and the reconciler do their part undisturbed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from order_router.domain.order import Order
from tests.faults.search import rules
from tests.faults.search.broker import Book, moves
from tests.faults.search.cast import BURIAL_JOB, LOOK_JOB, NAMES, POINT, STORE, WORKERS, State
from tests.faults.search.worker import Program
from tests.faults.search.world import EVENING, IN_SESSION, POINTS, Asker, World


@dataclass
class DayEnd:
    """Closes days and keeps count: `ends` is how the orders of the closed days ended."""

    world: World
    program: Program
    closed: int = 0
    ends: Counter[str] = field(default_factory=Counter)

    def broken(self, shared: State) -> str | None:
        """Return what is wrong if everybody dies here: with the message given up on, or with it acknowledged."""
        is_stored = self.world.order(shared[STORE]) is not None
        starts = [self._alone(shared, BURIAL_JOB), *([shared] if is_stored else [])]
        days = (self._closed(day) for start in starts for day in self._moved(start))
        return next((broken for broken in days if broken is not None), None)

    def _moved(self, shared: State) -> Iterator[State]:
        """Yield the state after whatever the broker may do by itself until the session ends."""
        point, store, book = shared
        yield shared
        for _, after in moves(self.world.books[book]) if point < EVENING else ():
            yield from self._moved((point, store, self.world.books.of(after)))

    def _closed(self, shared: State) -> str | None:
        self.closed += 1
        if shared[POINT] < EVENING:
            shared = self._alone((IN_SESSION, *shared[1:]), LOOK_JOB)
            broken = rules.broken_after_look(*self._truth(shared))
            if broken is not None:
                return f"{broken} (everybody dies here, the reconciler looks)"
        for point in range(max(EVENING, shared[POINT]), len(POINTS)):
            _, store, book = shared
            shared = self._alone((point, store, self.world.book_at(book, point)), LOOK_JOB)
        order, book_then, told_of = self._truth(shared)
        self.ends[f"{order.state}" if order is not None else "forgotten"] += 1
        return rules.broken_at_day_end(order, book_then, told_of)

    def _truth(self, shared: State) -> tuple[Order | None, Book, frozenset[str]]:
        _, store, book = shared
        return self.world.order(store), self.world.books[book], self.world.told(store)

    def _alone(self, shared: State, job: int) -> State:
        """Run one worker from its start to its end; every call ends as it is asked to."""
        point, store, book = shared
        at = self.program.start(job, point)
        while (node := self.program.nodes[at]).ended is None:
            call = self.program.calls[node.call]
            asker = Asker(job, NAMES[job], WORKERS[job], point, store, book)
            answer = self.world.ask(call, node.call, asker)[0]
            store = store if answer.store < 0 else answer.store
            at = self.program.follow(at, answer.number, self.world.replies[answer.number], point)
        if node.ended.error is not None:
            raise node.ended.error
        return (point, store, book)
