"""Connections that are kept open between requests, and thrown away when they may be dead."""

import socket
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from order_router.ports import Clock
from order_router.transport.connection import close, is_dropped
from order_router.transport.wire import Origin

KEPT_PER_ORIGIN = 8


@dataclass(frozen=True, slots=True)
class _Idle:
    connection: socket.socket
    since: datetime


class IdlePool:
    """Idle connections by origin; safe to share between threads.

    Age is taken from the wall clock: a worker that was frozen, or restored from a snapshot, finds its old
    connections too old, though its own timers stood still.
    """

    def __init__(self, clock: Clock, *, max_idle_s: float) -> None:
        self._clock = clock
        self._max_idle = timedelta(seconds=max_idle_s)
        self._idle: defaultdict[Origin, list[_Idle]] = defaultdict(list)
        self._lock = Lock()

    def take(self, origin: Origin) -> socket.socket | None:
        """Return a connection that seems alive, the last used first; None if a new one must be opened."""
        while (idle := self._pop(origin)) is not None:
            age = self._clock.now() - idle.since
            if timedelta(0) <= age <= self._max_idle and not is_dropped(idle.connection):
                return idle.connection
            close(idle.connection)
        return None

    def give(self, origin: Origin, connection: socket.socket) -> None:
        """Keep the connection for the next request."""
        with self._lock:
            kept = self._idle[origin]
            if len(kept) < KEPT_PER_ORIGIN:
                kept.append(_Idle(connection, self._clock.now()))
                return
        close(connection)

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            idle = [entry for kept in self._idle.values() for entry in kept]
            self._idle.clear()
        for entry in idle:
            close(entry.connection)

    def _pop(self, origin: Origin) -> _Idle | None:
        with self._lock:
            kept = self._idle[origin]
            return kept.pop() if kept else None
