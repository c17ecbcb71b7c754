"""Kills, stops and times out workers of one stack at seeded random moments, and notes what it did to whom.

The emulator ends every worker of a function when one of them dies or times out, those in the middle of an order too.
So a kill hits more than the nemesis aims at, and a stopped worker is only ever continued where nothing is killed
meanwhile: a plan therefore goes through acts, each with its kinds of faults.
"""

import random
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from tests.system.process_faults_workers import Worker, Workers

LOOK_S = 0.004
FRESH_S = 0.1
# an order takes about 30 ms in a warm worker; a bad broker's answer takes seconds
MOMENTS_S = (0.01, 0.03, 0.2, 3)
BEYOND_TIMEOUT_S = 34
"""Longer than `place` and `modify` may run (28 and 29 s), the emulator's two seconds of grace included."""


class Kind(StrEnum):
    """What was done to a worker."""

    KILLED = "killed"
    STOPPED = "stopped and continued"
    STOPPED_FOR_GOOD = "stopped, and ended with another's death"
    TIMED_OUT = "stopped until its function timed out"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault that was played. `order`: the client order id, where it is known whose invocation it hit."""

    kind: Kind
    function: str
    moment: str
    at: datetime
    seconds: float = 0
    order: str | None = None


@dataclass(frozen=True)
class Act:
    """A part of a run, until this share of its orders is sent: what is done to workers, each kind as likely."""

    until: float
    kinds: Sequence[Kind]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How often and how hard. Shares are of the calls at the broker, or of a function's invocations."""

    acts: Sequence[Act]
    at_broker: Mapping[str, float]
    in_function: Mapping[str, float]
    at_least: float = 0.35
    """Of the orders sent so far: while fewer were hit, every call that places one is hit."""
    enough: float = 0
    """Of the orders to send: while fewer were hit, or a kind of fault was not played, up to twice as many are sent."""
    stop_s: tuple[float, float] = (1, 20)
    queue_stop_s: tuple[float, float] = (1, 4)
    """For invocations that may be a queued order's: the emulator runs the order queue one message at a time."""
    timeouts: int = 2

    def kinds(self, progress: float) -> Sequence[Kind]:
        """What may be done at this share of the run."""
        return next((act.kinds for act in self.acts if progress < act.until), self.acts[-1].kinds)


@dataclass(frozen=True)
class Progress:
    """How far the run is: orders sent of those to send."""

    sent: int
    wanted: int

    @property
    def share(self) -> float:
        return self.sent / self.wanted


@dataclass(frozen=True, kw_only=True)
class Window:
    """A call that the broker holds: nobody answers it while the nemesis thinks. `order` may have an alert's id."""

    call: str
    moment: str
    port: int
    broker_port: int
    order: str | None
    may_block: bool


@dataclass
class Nemesis:
    """The one that plays the faults, from `start` to `rest`."""

    workers: Workers
    plan: Plan
    seed: int
    progress: Callable[[], Progress]
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(self.seed)  # noqa: S311 - a seed that can be repeated is the point
        self._resting = threading.Event()
        self._stalked: dict[Worker, float] = {}
        self._stopped: dict[Worker, tuple[float, Fault]] = {}
        self._thread = threading.Thread(target=self._prowl, daemon=True)
        self._timeouts_left = self.plan.timeouts

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def rest(self) -> None:
        """Play no further fault; continue what is stopped when its time has come."""
        self._resting.set()

    def release(self) -> None:
        """Continue every stopped worker now, and end."""
        self._resting.set()
        self._continue(until=time.monotonic() + 2 * BEYOND_TIMEOUT_S)
        if self._thread.ident is not None:
            self._thread.join()

    def take(self, window: Window) -> Fault | None:
        """Think about a call that the broker holds, and perhaps hit the worker that waits for it."""
        if self._resting.is_set() or not self._wants(window):
            return None
        worker = self.workers.connected(window.port, to=window.broker_port)
        kind = None if worker is None else self._choose(worker, may_block=window.may_block)
        if worker is None or kind is None:
            return None
        return self._strike(worker, kind, f"{window.call}, {window.moment}", window)

    def _wants(self, window: Window) -> bool:
        is_behind = len(self.named()) < self.plan.at_least * self.progress().sent
        if window.call == "place" and is_behind and window.order not in self.named():
            return True
        if window.may_block and Kind.TIMED_OUT in self.plan.kinds(self.progress().share):
            return True
        return self._chance(self.plan.at_broker.get(window.call, 0))

    def named(self) -> set[str]:
        """The orders that are known to have been hit."""
        with self._lock:
            return {fault.order for fault in self.faults if fault.order is not None}

    def is_behind(self, orders: int) -> bool:
        """Whether fewer orders were hit than the plan wants of so many, or a kind of fault was not played yet."""
        with self._lock:
            played = {fault.kind for fault in self.faults}
        planned = {kind for act in self.plan.acts for kind in act.kinds}
        is_due = self.plan.enough > 0
        return is_due and (len(self.named()) < self.plan.enough * orders or not planned <= played)

    def _prowl(self) -> None:
        """Watch for workers that take up an invocation, and hit some of them a random moment later."""
        busy: set[Worker] = set()
        known, known_at = self._prey(), time.monotonic()
        while not (self._resting.is_set() and not self._stopped):
            now = time.monotonic()
            if now - known_at > FRESH_S:
                known, known_at = self._prey(), now
            self._continue(until=now)
            at_work = {worker for worker in known if worker.is_busy}
            for worker in at_work - busy:
                self._stalk(worker, now)
            for worker in [worker for worker, at in self._stalked.items() if now >= at]:
                del self._stalked[worker]
                self._ambush(worker)
            busy = at_work
            time.sleep(LOOK_S)

    def _prey(self) -> list[Worker]:
        """Return the workers of the functions that are hit while they work."""
        return [worker for worker in self.workers.all() if self.plan.in_function.get(worker.function)]

    def _stalk(self, worker: Worker, now: float) -> None:
        """Choose a moment for a worker that has just taken up an invocation, or let it go."""
        if not self._resting.is_set() and self._chance(self.plan.in_function[worker.function]):
            with self._lock:
                wait = self._random.uniform(0, self._random.choice(MOMENTS_S))
            self._stalked[worker] = now + wait

    def _ambush(self, worker: Worker) -> None:
        if self._resting.is_set() or not worker.is_busy:
            return
        kind = self._choose(worker, may_block=False)
        if kind is not None:
            self._strike(worker, kind, "at a random moment", None)

    def _strike(self, worker: Worker, kind: Kind, moment: str, window: Window | None) -> Fault | None:
        with self._lock:
            seconds = self._length(kind, may_block=window is not None and window.may_block)
        if not worker.send(signal.SIGKILL if kind is Kind.KILLED else signal.SIGSTOP):
            return None
        fault = Fault(
            kind=kind,
            function=worker.function,
            moment=moment,
            at=datetime.now(UTC),
            seconds=seconds,
            order=None if window is None else window.order,
        )
        with self._lock:
            self.faults.append(fault)
            if kind is not Kind.KILLED:
                self._stopped[worker] = (time.monotonic() + seconds, fault)
        return fault

    def _choose(self, worker: Worker, *, may_block: bool) -> Kind | None:
        """Choose what this part of the run allows; None where it allows nothing to this worker."""
        allowed = self.plan.kinds(self.progress().share)
        with self._lock:
            if worker in self._stopped:
                return None
            kind = self._random.choice(allowed)
            if kind is not Kind.TIMED_OUT:
                return kind
            if not may_block or self._timeouts_left == 0:
                return next((other for other in allowed if other is not Kind.TIMED_OUT), None)
            self._timeouts_left -= 1
            return kind

    def _length(self, kind: Kind, *, may_block: bool) -> float:
        if kind is Kind.KILLED:
            return 0
        if kind is Kind.TIMED_OUT:
            return BEYOND_TIMEOUT_S
        shortest, longest = self.plan.stop_s if may_block else self.plan.queue_stop_s
        return self._random.triangular(shortest, longest, shortest)

    def _chance(self, share: float) -> bool:
        with self._lock:
            return self._random.random() < share

    def _continue(self, *, until: float) -> None:
        with self._lock:
            due = {worker: fault for worker, (at, fault) in self._stopped.items() if at <= until}
            for worker, fault in due.items():
                del self._stopped[worker]
                was_there = worker.send(signal.SIGCONT)
                if fault.kind is Kind.STOPPED and not was_there:
                    self.faults[self.faults.index(fault)] = replace(fault, kind=Kind.STOPPED_FOR_GOOD)
