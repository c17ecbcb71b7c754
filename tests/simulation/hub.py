"""Tasks that take turns on a virtual clock: only one runs, and only a pause lets another have its turn."""

from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random

from greenlet import getcurrent, greenlet

NEVER = 1 << 62


class Killed(BaseException):
    """The process that ran this task is gone: nothing of it runs any more, no handler of ours may stop it."""


class Task:
    """One task; `kill_at` is when its process is killed, in microseconds of the hub."""

    __slots__ = ("is_done", "kill_at", "name", "turn", "turns")

    def __init__(self, name: str, run: Callable[[], None], hub: greenlet) -> None:
        self.name = name
        self.kill_at = NEVER
        self.is_done = False
        self.turn = 0
        self.turns = greenlet(self._through(run), hub)

    def _through(self, run: Callable[[], None]) -> Callable[[], None]:
        def whole() -> None:
            try:
                run()
            except Killed:
                pass
            finally:
                self.is_done = True

        return whole


Entry = tuple[int, float, int, Task]
"""When a task has its turn, the lot that it drew for a tie, which turn that is, and the task."""


class Hub:
    """Implements `ports.Clock`; runs tasks in the order of their times, ties as the seed decides."""

    def __init__(self, random: Random, start: datetime) -> None:
        self._random = random
        self._start = start
        self._queue: list[Entry] = []
        self._entries = 0
        self._until = 0
        self._greenlet = getcurrent()
        self._running: Task | None = None
        self.elapsed = 0
        """Microseconds since the start."""
        self._told = (0, start)

    def now(self) -> datetime:
        """Return the present as aware UTC."""
        at, now = self._told
        if at != self.elapsed:
            now = self._start + timedelta(microseconds=self.elapsed)
            self._told = (self.elapsed, now)
        return now

    def sleep(self, seconds: float) -> None:
        """Let others run for this long."""
        self.pause(int(seconds * 1_000_000))

    def spawn(self, name: str, run: Callable[[], None], *, after: int = 0) -> Task:
        """Start a task after so many microseconds."""
        task = Task(name, run, self._greenlet)
        self._at(self.elapsed + after, task)
        return task

    def pause(self, microseconds: int) -> None:
        """Let others run for this long; Killed if this task's process does not live that long."""
        task = self.task
        if self.elapsed >= task.kill_at:
            raise Killed
        entry = self._entry(min(self.elapsed + microseconds, task.kill_at), task)
        if entry[0] <= self._until and (not self._queue or entry < self._queue[0]):
            # its turn comes next: nobody else would run before it
            self.elapsed = entry[0]
        else:
            heappush(self._queue, entry)
            self._greenlet.switch()
        if self.elapsed >= task.kill_at:
            raise Killed

    def wake(self, task: Task) -> None:
        """Give a task that pauses its turn now."""
        if not task.is_done:
            self._at(self.elapsed, task)

    def freeze(self, microseconds: int) -> None:
        """Stop this task's process, and the clock that would kill it, for this long."""
        self.task.kill_at += microseconds
        self.pause(microseconds)

    def limit(self, microseconds: int) -> None:
        """Have the running task's process killed after this long."""
        self.task.kill_at = self.elapsed + microseconds

    def run_until(self, elapsed: int) -> None:
        """Run every task that is due until then, and leave the clock there."""
        self._until = elapsed
        while self._queue and self._queue[0][0] <= elapsed:
            at, _, turn, task = heappop(self._queue)
            if turn != task.turn or task.is_done:
                continue
            self.elapsed = max(self.elapsed, at)
            self._running = task
            task.turns.switch()
        self._running = None
        self.elapsed = max(self.elapsed, elapsed)

    def run_through(self, task: Task) -> None:
        """Run every task that is due until this one has ended."""
        while not task.is_done:
            self.run_until(self._queue[0][0])

    def jump(self, to: datetime) -> None:
        """Move the clock on, over whatever was due before: it is late then."""
        self.elapsed = max(self.elapsed, int((to - self._start).total_seconds() * 1_000_000))

    def is_busy(self, *names: str) -> bool:
        """Return whether a task with one of these names has not ended."""
        return any(task.name in names and not task.is_done for _, _, _, task in self._queue)

    def close(self) -> None:
        """End every task that has not ended."""
        for _, _, _, task in self._queue:
            if not task.turns.dead and task.turns:
                task.turns.throw(Killed)
        self._queue.clear()

    @property
    def turns(self) -> int:
        """How many turns there were, and are to come."""
        return self._entries

    @property
    def task(self) -> Task:
        """The task that has its turn."""
        if self._running is None or getcurrent() is not self._running.turns:
            raise RuntimeError("only a task may wait")
        return self._running

    def _at(self, elapsed: int, task: Task) -> None:
        heappush(self._queue, self._entry(elapsed, task))

    def _entry(self, elapsed: int, task: Task) -> Entry:
        self._entries += 1
        task.turn = self._entries
        return elapsed, self._random.random(), self._entries, task
