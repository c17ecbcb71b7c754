"""How long connections are kept, and how many; and that a wait is a wait."""

import socket
import time
from collections.abc import Iterator

import pytest

from order_router.transport.clock import SystemClock
from order_router.transport.pool import IdlePool
from order_router.transport.wire import Origin
from tests.fakes.clock import FakeClock

ORIGIN = Origin("http", "127.0.0.1", 1, "127.0.0.1:1", "http://127.0.0.1:1")
OTHER = Origin("http", "127.0.0.1", 2, "127.0.0.1:2", "http://127.0.0.1:2")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pairs() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    made = [socket.socketpair() for _ in range(10)]
    yield made
    for pair in made:
        for one in pair:
            one.close()


Pairs = list[tuple[socket.socket, socket.socket]]


@pytest.mark.parametrize(("age_s", "is_kept"), [(0, True), (20, True), (20.001, False), (-0.001, False)])
def test_a_connection_is_kept_for_twenty_seconds_of_the_wall_clock(
    clock: FakeClock, pairs: Pairs, age_s: float, is_kept: bool
) -> None:
    pool, ours = IdlePool(clock, max_idle_s=20), pairs[0][0]
    pool.give(ORIGIN, ours)
    clock.advance(age_s)

    assert pool.take(ORIGIN) is (ours if is_kept else None)
    assert (ours.fileno() == -1) is not is_kept


def test_the_last_used_is_taken_first_and_the_ninth_is_closed(clock: FakeClock, pairs: Pairs) -> None:
    pool = IdlePool(clock, max_idle_s=20)
    for ours, _ in pairs[:9]:
        pool.give(ORIGIN, ours)

    assert pairs[8][0].fileno() == -1
    assert [pool.take(ORIGIN) for _ in range(8)] == [ours for ours, _ in reversed(pairs[:8])]
    assert pool.take(ORIGIN) is None


def test_origins_share_nothing(clock: FakeClock, pairs: Pairs) -> None:
    pool = IdlePool(clock, max_idle_s=20)
    pool.give(ORIGIN, pairs[0][0])

    assert pool.take(OTHER) is None


def test_a_closed_pool_closes_what_it_kept(clock: FakeClock, pairs: Pairs) -> None:
    pool = IdlePool(clock, max_idle_s=20)
    pool.give(ORIGIN, pairs[0][0])

    pool.close()

    assert pairs[0][0].fileno() == -1
    assert pool.take(ORIGIN) is None


def test_a_wait_of_the_system_s_clock_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)

    SystemClock().sleep(0.25)

    assert slept == [0.25]
