"""Crashes at every outside call: ports that stop the worker before or after the call that a test names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.ports import Transport
from order_router.service.desk import Desk

READ = "read from broker"


class Crash(BaseException):
    """The worker is gone: nothing after this runs, no handler of ours may stop it."""


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One outside call of a run, counted from 0, and the side of it where the worker stops."""

    call: int
    is_after: bool


@dataclass(slots=True)
class Crashes:
    """Counts outside calls over all runs of a scenario and stops the worker at the given points."""

    points: frozenset[Point] = frozenset()
    calls: list[str] = field(default_factory=list)

    def around[T](self, name: str, call: Callable[[], T]) -> T:
        """Make the call, or stop before or after it."""
        number = len(self.calls)
        self.calls.append(name)
        if Point(number, is_after=False) in self.points:
            raise Crash(f"before {name}")
        answer = call()
        if Point(number, is_after=True) in self.points:
            raise Crash(f"after {name}")
        return answer


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
    ports: dict[str, Any] = {
        name: CrashingPort(getattr(desk, name), name, crashes)
        for name in ("store", "settings", "sessions", "renewer", "notifier", "reconcile")
    }
    return replace(desk, transport=CrashingTransport(desk.transport, crashes), **ports)


def points(calls: Sequence[str], first: int = 0) -> list[Point]:
    """Return both sides of each call from the first on, but for those between two reads of the broker.

    A read changes nothing, here or there: a death between two of them leaves what a death before both leaves.
    """
    sides = [Point(number, is_after) for number in range(first, len(calls)) for is_after in (False, True)]
    return [side for side in sides if not _is_between_reads(calls, side)]


def _is_between_reads(calls: Sequence[str], point: Point) -> bool:
    other = point.call + (1 if point.is_after else -1)
    return calls[point.call] == READ and 0 <= other < len(calls) and calls[other] == READ


def sweep(run: Callable[[Crashes], object]) -> int:
    """Run with no death, with one at every point, and with every second one that can follow it; count the runs.

    What can follow is what the run with the first death does call: a death makes a run longer, not only other.
    """
    quiet = Crashes()
    run(quiet)
    runs = 1
    for first in points(quiet.calls):
        once = Crashes(frozenset({first}))
        run(once)
        seconds = points(once.calls, first.call + 1)
        for second in seconds:
            run(Crashes(frozenset({first, second})))
        runs += 1 + len(seconds)
    return runs
