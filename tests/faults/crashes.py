"""Crashes at every outside call: ports that stop the worker before or after the call that a test names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.ports import Clock, Transport
from order_router.service.desk import Desk

READ = "read from broker"
READS = frozenset(
    {
        "settings.prepare",
        "settings.account",
        "settings.strategy",
        "sessions.session",
        "credentials.credentials",
        "store.get",
        "store.list_day",
        "store.list_unsettled",
        "breakers.get",
        "looks.is_coming",
        "meters.read",
        "prices.recent",
    }
)
"""The outside calls that change nothing; a look at a broker's book is one too where a scenario says so."""

PORTS = (
    "store",
    "settings",
    "sessions",
    "renewer",
    "notifier",
    "reconcile",
    "looks",
    "order_queue",
    "breakers",
    "meters",
    "prices",
)
"""The ports of a desk whose calls leave the process, beside the transport.

Turns at books are not among them: a death in one is over with its turn, before anybody looks again (a test of its own).
"""


class Crash(BaseException):
    """The worker is gone: nothing after this runs, no handler of ours may stop it."""


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One outside call of a run, counted from 0, and the side of it where the worker stops."""

    call: int
    is_after: bool


@dataclass(slots=True)
class Crashes:
    """Counts outside calls over all runs of a scenario and stops the worker at the given points.

    `parted` are the calls before which time passed or, in a scenario that says so (`names_workers`), a worker began;
    `raised` are those that ended with an error. `reads` change nothing, here or there.
    """

    points: frozenset[Point] = frozenset()
    calls: list[str] = field(default_factory=list)
    parted: set[int] = field(default_factory=set)
    raised: set[int] = field(default_factory=set)
    names_workers: bool = False
    reads: frozenset[str] = READS

    def begin(self) -> None:
        """Note that the next call is another worker's."""
        self.names_workers = True
        self.part()

    def part(self) -> None:
        """Note that time passes before the next call."""
        self.parted.add(len(self.calls))

    def around[T](self, name: str, call: Callable[[], T]) -> T:
        """Make the call, or stop before or after it."""
        number = len(self.calls)
        self.calls.append(name)
        if Point(number, is_after=False) in self.points:
            raise Crash(f"before {name}")
        try:
            answer = call()
        except Exception:
            self.raised.add(number)
            raise
        if Point(number, is_after=True) in self.points:
            raise Crash(f"after {name}")
        return answer


class VisitedCrashes(Crashes):
    """Lets somebody in before one of the outside calls, and the worker die there if its points say so.

    `foresee` is done one call earlier.
    """

    __slots__ = ("at", "come", "foresee")

    def __init__(self, at: int, points: frozenset[Point] = frozenset()) -> None:
        super().__init__(points)
        self.at = at
        self.foresee: Callable[[], None] = lambda: None
        self.come: Callable[[], None] = lambda: None

    def around[T](self, name: str, call: Callable[[], T]) -> T:
        """Make the call once the visitor has gone."""
        if len(self.calls) == self.at - 1:
            self.foresee()
        if len(self.calls) == self.at:
            self.come()
        return super().around(name, call)


class CrashingPort:
    """Any port: each of its methods is an outside call."""

    def __init__(self, inner: object, name: str, crashes: Crashes) -> None:
        self._inner = inner
        self._name = name
        self._crashes = crashes

    def __getattr__(self, method: str) -> Any:
        inner = getattr(self._inner, method)
        name = f"{self._name}.{method}"

        def call(*arguments: Any, **named: Any) -> Any:
            return self._crashes.around(name, lambda: inner(*arguments, **named))

        return call


class PartingClock:
    """A clock that notes where time passed."""

    def __init__(self, inner: Clock, crashes: Crashes) -> None:
        self._inner = inner
        self._crashes = crashes

    def now(self) -> datetime:
        return self._inner.now()

    def sleep(self, seconds: float) -> None:
        self._crashes.part()
        self._inner.sleep(seconds)


class CrashingTransport:
    """A transport whose every request is an outside call."""

    def __init__(self, inner: Transport, crashes: Crashes) -> None:
        self._inner = inner
        self._crashes = crashes

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        inner = self._inner.sender(endpoint, not_after=not_after)

        def send(request: HttpRequest) -> HttpResponse:
            name = "write to broker" if request.is_write else READ
            return self._crashes.around(name, lambda: inner(request))

        return send


def crashing(desk: Desk, crashes: Crashes) -> Desk:
    """Return the desk with every port behind the crash points."""
    ports: dict[str, Any] = {name: CrashingPort(getattr(desk, name), name, crashes) for name in PORTS}
    transport, clock = CrashingTransport(desk.transport, crashes), PartingClock(desk.clock, crashes)
    return replace(desk, transport=transport, clock=clock, **ports)


def sides(calls: Sequence[str], first: int = 0) -> list[Point]:
    """Return both sides of each call from the first on."""
    return [Point(number, is_after) for number in range(first, len(calls)) for is_after in (False, True)]


def points(crashes: Crashes, first: int = 0, *, is_every: bool = False) -> list[Point]:
    """Return both sides of each call from the first on, but for those that leave what another leaves (or every one)."""
    return [side for side in sides(crashes.calls, first) if is_every or not leaves_the_same(crashes, side)]


def leaves_the_same(crashes: Crashes, point: Point) -> bool:
    """Return whether a death at this point leaves what a death at the last point of which this is false leaves.

    A read changes nothing, and between two calls of one worker nothing changes that stays when it is gone. A call that
    ended with an error has no other side: a death before the next stands for it. A scenario that does not say who is
    at work logs in and has one reader: there, points between two reads of the broker are taken for the same.
    """
    number, calls = point.call, crashes.calls
    if not crashes.names_workers:
        return _is_between_broker_reads(crashes, number if point.is_after else number - 1)
    if point.is_after:
        return calls[number] in crashes.reads
    is_new = number == 0 or number in crashes.parted
    return not is_new and (calls[number - 1] in crashes.reads or number - 1 not in crashes.raised)


def _is_between_broker_reads(crashes: Crashes, before: int) -> bool:
    after = before + 1
    if before < 0 or after == len(crashes.calls) or after in crashes.parted:
        return False
    return crashes.calls[before] == crashes.calls[after] == READ


@dataclass(slots=True)
class Swept:
    """How often a sweep ran, and how many deaths and pairs of deaths its runs stand for, the same ones counted too."""

    runs: int = 1
    met: int = 1


def sweep(run: Callable[[Crashes], object], *, is_paired: bool = True, is_every: bool = False) -> Swept:
    """Run with no death, with one at every point, and with every second one that can follow it (if it is paired).

    What can follow is what the run with the first death does call: a death makes a run longer, not only other. Points
    that leave the same are run once (or all, if `is_every`).
    """
    quiet = Crashes()
    run(quiet)
    swept, after = Swept(), 0
    for first in sides(quiet.calls):
        if is_every or not leaves_the_same(quiet, first):
            once = Crashes(frozenset({first}))
            run(once)
            seconds = points(once, first.call + 1, is_every=is_every) if is_paired else []
            for second in seconds:
                run(Crashes(frozenset({first, second})))
            swept.runs += 1 + len(seconds)
            after = 1 + (len(sides(once.calls, first.call + 1)) if is_paired else 0)
        # or it leaves what the last point that was run left
        swept.met += after
    return swept
