"""What the watch measures: each order call, once its order is written down; sessions only just before the open."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter.errors import NotSent, OutcomeUnknown, Rejected
from order_router.adapter.login import LoginKind
from order_router.domain.account import Account
from order_router.domain.broker_session import SessionState
from order_router.domain.exchange_time import IST
from order_router.domain.gate import Gate
from order_router.domain.limits import Limits
from order_router.domain.order import Order
from order_router.service import reconcile as reconcile_service
from order_router.service.change import ChangeRefused, cancel_order, modify_order
from order_router.service.place import place_order
from order_router.service.reconcile import reconcile_account, reconcile_all
from order_router.service.session_watch import measure_sessions
from order_router.service.sessions import SessionStatus
from order_router.service.watch import measure_call
from order_router.transport.local import LocalTransport
from tests.fakes.metrics import MemoryMetrics
from tests.fakes.settings import MemorySettings
from tests.fakes.transport import Fault
from tests.fakes.world import World

LIVE = Account(name="live", broker="zerodha")


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("failure", "failures"),
    [(None, 0), (Rejected("no"), 0), (NotSent("no connection"), 1), (OutcomeUnknown("silence"), 1)],
)
def test_a_call_is_measured_by_what_became_of_it(failure: Any, failures: int) -> None:
    metrics = MemoryMetrics()

    measure_call(metrics, LIVE, timedelta(milliseconds=120, microseconds=900), failure)

    assert metrics.taken == [({"broker_latency_ms": 120, "broker_failures": failures}, {"broker": "zerodha"})]


def test_a_call_that_was_never_made_is_not_measured() -> None:
    metrics = MemoryMetrics()

    measure_call(metrics, LIVE, None, NotSent("the secret is not readable"))

    assert metrics.taken == []


def test_every_try_is_measured_and_reads_are_not(world: World) -> None:
    world.transport.writes = [Fault.REFUSED, Fault.REFUSED]

    world.place()

    assert world.metrics.of("broker_failures") == [1, 1, 0]


def test_the_time_of_the_write_alone_counts(world: World) -> None:
    inner = world.exchange.handle

    def slow(request: Any) -> Any:
        world.clock.advance(0.25 if request.is_write else 3)
        return inner(request)

    world.handlers["paper://exchange"] = slow
    desk = replace(world.desk, transport=LocalTransport(world.clock, world.handlers))

    place_order(desk, world.command())

    assert world.metrics.of("broker_latency_ms") == [250]


def test_nothing_is_measured_before_the_order_is_written_down(world: World) -> None:
    measured: list[int] = []
    write = world.store.write

    def watched(order: Order, *, replacing: Order | None, gate: Gate | None = None) -> datetime | None:
        measured.append(len(world.metrics.taken))
        return write(order, replacing=replacing, gate=gate)

    world.store.write = watched  # type: ignore[method-assign]
    world.place()

    assert measured == [0, 0]
    assert len(world.metrics.taken) == 1


CHANGES: dict[str, Callable[[World, Order], object]] = {
    "cancel": lambda world, order: cancel_order(world.desk, order.client_order_id),
    "modify": lambda world, order: modify_order(world.desk, order.client_order_id, {"quantity": 8}),
}


def resting(world: World) -> Order:
    """An order that rests at the broker, its placement's measurements forgotten."""
    order = world.place(limit_price="1400").order
    world.metrics.taken.clear()
    return order


@pytest.mark.parametrize("change", sorted(CHANGES))
@pytest.mark.parametrize(
    ("fault", "failures"), [(Fault.NONE, 0), (Fault.REFUSED, 1), (Fault.REQUEST_LOST, 1), (Fault.GARBAGE, 1)]
)
def test_a_change_and_a_cancel_are_measured_as_placements_are(
    world: World, change: str, fault: Fault, failures: int
) -> None:
    order = resting(world)
    world.transport.writes = [fault]

    with suppress(ChangeRefused):
        CHANGES[change](world, order)

    assert [about for values, about in world.metrics.taken if "broker_failures" in values] == [
        {"broker": "paper"}
    ]
    assert world.metrics.of("broker_failures") == [failures]
    assert len(world.metrics.of("broker_latency_ms")) == 1


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_a_change_that_lapsed_before_it_left_is_no_call_to_measure(world: World, change: str) -> None:
    order = resting(world)
    world.transport.writes = [Fault.LAPSED]

    CHANGES[change](world, order)

    assert world.metrics.of("broker_failures") == [0]


def test_a_change_without_a_session_is_not_measured(world: World) -> None:
    order = resting(world)
    world.sessions.log_out("paper")

    with pytest.raises(ChangeRefused):
        CHANGES["cancel"](world, order)

    assert world.metrics.taken == []


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_nothing_of_a_change_is_measured_before_it_is_written_down(world: World, change: str) -> None:
    order, measured, write = resting(world), list[int](), world.store.write

    def watched(order: Order, *, replacing: Order | None, gate: Gate | None = None) -> datetime | None:
        measured.append(len(world.metrics.taken))
        return write(order, replacing=replacing, gate=gate)

    world.store.write = watched  # type: ignore[method-assign]
    CHANGES[change](world, order)

    assert measured == [0, 0]
    assert len(world.metrics.taken) == 1


def test_a_look_measures_what_is_unknown(world: World) -> None:
    world.transport.writes = [Fault.REQUEST_LOST]
    world.place()

    reconcile_account(world.desk, "paper")

    assert world.metrics.of("unknown_orders") == [1]
    assert world.metrics.of("open_breakers") == [0]


@pytest.fixture
def unknown(world: World) -> World:
    """An order of one of two accounts is not known, and that account's broker does not answer."""
    world.open_account("second")
    world.transport.writes = [Fault.REQUEST_LOST]
    world.place()
    world.metrics.taken.clear()
    return world


def test_a_look_at_one_account_never_says_that_no_order_is_unknown(unknown: World) -> None:
    reconcile_account(unknown.desk, "second")

    assert unknown.metrics.of("unknown_orders") == []


def test_a_look_at_all_says_that_no_order_is_unknown_only_where_none_is(
    unknown: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconcile_all(unknown.desk)
    assert unknown.metrics.of("unknown_orders") == [1]

    listed = unknown.store.list_unsettled

    def late_list(_: str) -> tuple[Order, ...]:
        unknown.clock.advance(31)
        return ()

    with monkeypatch.context() as failing:
        failing.setattr(
            unknown.store, "list_unsettled", lambda name: listed(name) if name == "second" else 1 // 0
        )
        reconcile_all(unknown.desk)
    with monkeypatch.context() as late:
        late.setattr(unknown.store, "list_unsettled", late_list)
        reconcile_all(unknown.desk)
    assert unknown.metrics.of("unknown_orders") == [1]

    monkeypatch.setattr(unknown.store, "list_unsettled", lambda _: ())
    reconcile_all(unknown.desk)
    assert unknown.metrics.of("unknown_orders") == [1, 0]
    assert unknown.metrics.of("unsettled_orders") == [0]


def test_a_look_at_all_where_no_account_is_set_up_finds_nothing_unknown(world: World) -> None:
    world.desk = replace(world.desk, settings=MemorySettings())

    assert reconcile_all(world.desk) == ()
    assert world.metrics.of("unknown_orders") == [0]


def test_an_order_that_cannot_be_settled_is_no_proof_that_none_is_unknown(
    unknown: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile_service, "_tell_long_lost", lambda *_: 1 // 0)
    monkeypatch.setattr(reconcile_service, "settle", lambda *_: 1 // 0)

    reconcile_all(unknown.desk)

    assert 0 not in unknown.metrics.of("unknown_orders")
    assert unknown.metrics.of("unsettled_orders") == [1]


def test_a_look_measures_what_is_at_risk_where_that_is_limited(world: World) -> None:
    world.place()
    reconcile_account(world.desk, "paper")
    assert world.metrics.of("gross_exposure") == []
    limits = Limits(max_gross_exposure=Decimal(100_000))
    world.settings.put_account(Account(name="paper", broker="paper", limits=limits))

    reconcile_all(world.desk)

    assert ({"gross_exposure": 7500}, {"account": "paper"}) in world.metrics.taken


def status(account: str, state: SessionState, login: LoginKind = LoginKind.BROWSER) -> SessionStatus:
    return SessionStatus(account=account, broker="zerodha", login=login, state=state)


ACCOUNTS = (
    LIVE,
    Account(name="paper", broker="paper"),
    Account(name="neo", broker="kotak_neo"),
    Account(name="old", broker="zerodha", is_enabled=False),
)


@pytest.mark.parametrize(
    ("at", "measured"), [("07:30", []), ("08:14", []), ("08:15", [1]), ("09:29", [1]), ("09:30", [])]
)
def test_missing_sessions_are_measured_by_the_last_look_before_the_open(at: str, measured: list[int]) -> None:
    metrics = MemoryMetrics()
    hours, minutes = map(int, at.split(":"))
    looked = [status("live", SessionState.VALID), status("paper", SessionState.NEVER, LoginKind.NONE)]

    measure_sessions(metrics, ACCOUNTS, looked, datetime(2026, 11, 23, hours, minutes, tzinfo=IST))

    assert metrics.of("sessions_missing") == measured


def test_a_session_that_is_not_good_is_missing() -> None:
    metrics = MemoryMetrics()
    looked = [status("live", SessionState.LOGIN_NEEDED), status("neo", SessionState.EXPIRED)]

    measure_sessions(metrics, ACCOUNTS, looked, datetime(2026, 11, 23, 8, 30, tzinfo=IST))

    assert metrics.of("sessions_missing") == [3]
