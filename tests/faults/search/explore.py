"""Visit every reachable state, breadth first, so that the first breach comes with its shortest schedule.

A state is a row of numbers: the point of time, the store, the book, the faults left, and where each worker stands. What
a person was told is in the store: the stream of its table tells it. A step is one outside call of one worker, a
delivery, a move of the broker, or time that passes. A death is no step: from every state the day is also ended with
whoever works in it dead.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.faults.search import rules
from tests.faults.search.broker import Outcome, moves
from tests.faults.search.cast import (
    BOOK,
    BURIAL,
    BURIAL_JOB,
    COMMAND,
    DELIVERIES,
    ENDED,
    FAULTS,
    JOBS,
    LOOK_JOB,
    LOOKS,
    NAMES,
    NEVER,
    POINT,
    REDRIVE,
    STORE,
    WORKERS,
    WORKPLACES,
    State,
    Step,
    defect,
    how,
    with_worker,
)
from tests.faults.search.closing import DayEnd
from tests.faults.search.worker import Job, Program, Tape
from tests.faults.search.world import (
    EVENING,
    LEASE_PASSED,
    POINT_NAMES,
    POINTS,
    SHIPPED,
    TOO_OLD,
    Asker,
    Ports,
    World,
)


@dataclass(frozen=True)
class Scope:
    """How much is searched."""

    first_outcome: Outcome
    faults: int = 0
    looks: int = 2
    has_burial: bool = False
    points: tuple[int, ...] = (0, TOO_OLD, LEASE_PASSED)
    is_clock_read: bool = False
    fault_kinds: frozenset[str] = frozenset()
    is_reduced: bool = True


class Breach(AssertionError):
    """A rule does not hold; the message is the shortest schedule that shows it."""


@dataclass(frozen=True)
class Found:
    """What a search visited, and how the orders of the days ended that it closed."""

    states: int
    steps: int
    closed: int
    ends: Counter[str]


class Fate(NamedTuple):
    """What may come of a worker's next call: in words, the rule that it broke, what all share then, and where it is."""

    words: str
    broken: str | None
    shared: State
    at: int


class Search:
    """One scope's search; `run` raises Breach or tells what it visited."""

    def __init__(self, scope: Scope, *, ports: Ports = SHIPPED, jobs: Sequence[Job] = JOBS) -> None:
        self.scope = scope
        self.world = World(scope.first_outcome, max(WORKERS) + 1, ports, scope.fault_kinds)
        self.program = Program(Tape(POINTS, scope.is_clock_read), tuple(zip(NAMES, jobs, strict=True)))
        self.day_end = DayEnd(self.world, self.program)
        self.reached: list[State] = []
        self._came_from = array("q")
        self._came_by = array("H")
        self._sound: set[State] = set()
        self._fates: dict[tuple[int, State], tuple[Fate, ...]] = {}
        self._steps = 0

    def run(self) -> Found:
        """Visit every state."""
        first = (0, self.world.first_store, self.world.first_book, self.scope.faults, *[NEVER] * 6)
        seen = {first}
        self._reach(first, -1, 0)
        position = 0
        while position < len(self.reached):
            state = self.reached[position]
            for number, step in enumerate(self.steps(state)):
                self._steps += 1
                if step.broken is not None:
                    raise self._breach(position, step, step.broken)
                if step.to not in seen:
                    seen.add(step.to)
                    self._reach(step.to, position, number)
            position += 1
        return Found(len(self.reached), self._steps, self.day_end.closed, self.day_end.ends)

    def _reach(self, state: State, came_from: int, came_by: int) -> None:
        self.reached.append(state)
        self._came_from.append(came_from)
        self._came_by.append(came_by)
        shared = state[:FAULTS]
        if shared in self._sound or state[DELIVERIES[0]] == NEVER:
            return
        broken = self._broken_here(shared) or self.day_end.broken(shared)
        if broken is not None:
            raise self._breach(len(self.reached) - 1, None, broken)
        self._sound.add(shared)

    def steps(self, state: State) -> Iterator[Step]:
        """Yield every step from a state. Who asks for a notice meets nobody else's step."""
        working = [place for place in WORKPLACES if state[place] > 0]
        calls = [self.program.call_at(state[place]).name for place in working]
        if "tell" in calls and self.scope.is_reduced:
            place = working[calls.index("tell")]
            yield from self._steps_of(state, place, state[place])
            return
        for place in working:
            yield from self._steps_of(state, place, state[place])
        yield from self._beginnings(state, working)
        if not self.scope.is_reduced or not working or "read" in calls:
            # a move of the broker meets nothing but a look at its book
            yield from self._moves(state)
        yield from self._time(state)

    def _steps_of(self, state: State, place: int, at: int) -> Iterator[Step]:
        shared = state[: FAULTS + 1]
        key = (at, shared)
        fates = self._fates.get(key)
        if fates is None:
            self._fates[key] = fates = tuple(self._fates_of(at, shared))
        who = NAMES[self.program.nodes[at].job]
        for words, broken, then, after in fates:
            yield Step(who, words, with_worker(state, then, place, after), broken)

    def _fates_of(self, at: int, shared: State) -> Iterator[Fate]:
        """Yield what may come of a worker's call here, whoever else works."""
        program, world = self.program, self.world
        node = program.nodes[at]
        call, (point, store, book, faults) = program.calls[node.call], shared
        seen_at = point if call.name == "now" or not self.scope.is_clock_read else 0
        asker = Asker(node.job, NAMES[node.job], WORKERS[node.job], point, store, book)
        for answer in world.ask(call, node.call, asker):
            if answer.fault > faults:
                continue
            after = program.follow(at, answer.number, world.replies[answer.number], seen_at)
            then = (
                point,
                store if answer.store < 0 else answer.store,
                book if answer.book < 0 else answer.book,
                faults - answer.fault,
            )
            yield self._fate(answer.words, answer.broken, then, after)

    def _fate(self, words: str, broken: str | None, shared: State, after: int) -> Fate:
        """Return where a worker comes to: its next call, or its end."""
        node = self.program.nodes[after]
        if node.ended is None:
            return Fate(words, broken, shared, after)
        broken = broken or defect(node.ended)
        if node.job < LOOK_JOB and node.ended.error is None and self.world.order(shared[STORE]) is None:
            broken = broken or "a message was acknowledged, and there is no record"
        return Fate(f"{words}; {how(node.ended)}", broken, shared, ENDED)

    def _beginnings(self, state: State, working: list[int]) -> Iterator[Step]:
        """Yield who may begin: two workers for three deliveries, the reconciler, the burial."""
        one, two, three = (state[delivery] for delivery in DELIVERIES)
        if one == NEVER:
            yield self._begin(state, DELIVERIES[0], 0)
            return
        if two == NEVER:
            yield self._begin(state, DELIVERIES[1], 1)
        if three == NEVER and POINTS[state[POINT]] > COMMAND.deadline:
            yield from self._redrives(state, working)
        if self.scope.has_burial and state[BURIAL] == NEVER and two != NEVER:
            yield from self._begin_with_call(state, BURIAL, BURIAL_JOB)
        if self.world.order(state[STORE]) is not None:
            # without a record a look ends at its first call and changes nothing
            free = [place for place in LOOKS if state[place] == NEVER]
            if len(LOOKS) - len(free) < self.scope.looks:
                yield from self._begin_with_call(state, free[0], LOOK_JOB)

    def _redrives(self, state: State, working: list[int]) -> Iterator[Step]:
        """Yield the redrive at a free worker, or where both are at work at one that has died."""
        at_work = {
            WORKERS[self.program.nodes[state[place]].job]: place for place in working if place < REDRIVE
        }
        free = [worker for worker in (0, 1) if worker not in at_work]
        for worker in free[:1] or (0, 1):
            place = at_work.get(worker)
            freed = state if place is None else (*state[:place], ENDED, *state[place + 1 :])
            step = self._begin(freed, REDRIVE, 2 + worker)
            yield step if place is None else step._replace(words="begins, what it did before has died")

    def _begin(self, state: State, place: int, job: int) -> Step:
        after = self.program.start(job, state[POINT])
        words, broken, then, at = self._fate("begins", None, state[: FAULTS + 1], after)
        return Step(NAMES[job], words, with_worker(state, then, place, at), broken)

    def _begin_with_call(self, state: State, place: int, job: int) -> Iterator[Step]:
        """Yield a beginning and its first call as one step: before that call nothing was seen and nothing done."""
        return self._steps_of(state, place, self.program.start(job, state[POINT]))

    def _moves(self, state: State) -> Iterator[Step]:
        if state[POINT] < EVENING:
            for words, after in moves(self.world.books[state[BOOK]]):
                to = (*state[:BOOK], self.world.books.of(after), *state[BOOK + 1 :])
                yield Step("broker", words, to)

    def _time(self, state: State) -> Iterator[Step]:
        points = self.scope.points
        if state[POINT] < points[-1]:
            point = points[points.index(state[POINT]) + 1]
            book = self.world.book_at(state[BOOK], point)
            yield Step("time", POINT_NAMES[point - 1], (point, state[STORE], book, *state[FAULTS:]))

    def _broken_here(self, shared: State) -> str | None:
        _, store, book = shared
        is_holding, order = self.world.is_holding(store), self.world.order(store)
        return rules.broken_counts(order, self.world.meters(store)) or rules.broken_state(
            order, self.world.books[book], is_holding=is_holding
        )

    def _breach(self, position: int, last: Step | None, broken: str) -> Breach:
        lines: list[Step] = [] if last is None else [last]
        while self._came_from[position] >= 0:
            before = self._came_from[position]
            lines.append(list(self.steps(self.reached[before]))[self._came_by[position]])
            position = before
        schedule = [f"{number:3}. {step.who}: {step.words}" for number, step in enumerate(lines[::-1], 1)]
        return Breach("\n".join([broken, *schedule]))
