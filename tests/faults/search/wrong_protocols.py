"""The protocol with one promise broken, each in a few lines: the search must find every one of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import Send
from order_router.domain.gate import SLOT_LIFE, Gate
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, Ownership, take_ownership
from order_router.domain.order_news import NEWS
from order_router.service import attempt, gates, place, reconcile, settling
from order_router.service.desk import Desk
from order_router.service.follow_up import tell
from order_router.service.timing import LEASE
from order_router.transport.local import LocalTransport
from tests.fakes.order_store import MemoryOrderStore
from tests.faults.search.broker import Outcome
from tests.faults.search.cast import COMMAND, JOBS
from tests.faults.search.explore import Scope, Search
from tests.faults.search.world import EVENING, LATER, LEASE_PASSED, NIGHT, TOO_OLD, Ports

WITH_RETRY = (0, LATER, TOO_OLD, LEASE_PASSED)
EVENINGS = (0, EVENING, NIGHT)

Break = Callable[[pytest.MonkeyPatch, Scope], Search]


@dataclass(frozen=True)
class WrongProtocol:
    """A broken promise: where it shows, the rule that must notice it, how it is broken."""

    name: str
    scope: Scope
    rule: str
    search: Break


class CarelessStore(MemoryOrderStore):
    """Writes whatever stands there."""

    def _write(self, order: Order, *, replacing: Order | None, gate: Gate | None) -> None:
        current, _ = self.tables.orders.get(order.client_order_id, (None, None))
        super()._write(order, replacing=current, gate=gate)


class TimelessTransport(LocalTransport):
    """Sends however late it is."""

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        return super().sender(endpoint, not_after=None)


def over(ports: Ports) -> Break:
    """Search the shipped services over other ports."""
    return lambda _, scope: Search(scope, ports=ports)


def patched(module: Any, name: str, wrong: object) -> Break:
    """Search with one function of a service replaced."""

    def search(patch: pytest.MonkeyPatch, scope: Scope) -> Search:
        patch.setattr(module, name, wrong)
        return Search(scope)

    return search


right_judged, right_due, right_repeat = attempt._judged, reconcile._due, place._repeat


def timeout_is_rejected(error: Any, at: datetime, *, may_have_left: bool) -> attempt.Attempt:
    if isinstance(error, OutcomeUnknown):
        return attempt.Attempt((Event(kind=EventKind.REJECTED, at=at, reason=error.reason),))
    return right_judged(error, at, may_have_left=may_have_left)


def timeout_never_left(error: Any, at: datetime, *, may_have_left: bool) -> attempt.Attempt:
    return right_judged(error, at, may_have_left=False)


def due_without_lease(desk: Desk, orders: Any, failed: list[Order]) -> Any:
    return right_due(desk, [replace(order, lease_until=None) for order in orders], failed)


def owned_without_a_write(desk: Desk, job: attempt.Job, replacing: Order | None, gate: object) -> attempt.Job:
    now = desk.clock.now()
    owned = take_ownership(job.order, Ownership(desk.nonce(), now + LEASE), now)
    return replace(job, order=owned, send_by=now + SLOT_LIFE)


def repeat_that_sends(desk: Desk, order: Order, job: attempt.Job) -> place.Placement:
    if job.order.state is State.SUBMITTING:
        job = replace(job, order=replace(job.order, state=State.RECEIVED))
    return right_repeat(desk, order, job)


def stamped_anew(desk: Desk) -> None:
    """Deliver the redrive as if its alert had just fired."""
    now = desk.clock.now()
    place.place_order(desk, replace(COMMAND, deadline=now + timedelta(seconds=30)))


def with_fresh_redrive(_: pytest.MonkeyPatch, scope: Scope) -> Search:
    return Search(scope, jobs=(*JOBS[:2], stamped_anew, stamped_anew, *JOBS[4:]))


def told_without_a_write(desk: Desk, _look: object, order: Order) -> Order:
    """Ask for the notice and store no step of it: what the stream tells is all that a person hears."""
    tell(desk, "unknown", order.request.account, "its outcome is not known", order.client_order_id)
    return order


def untold(kind: EventKind) -> Break:
    """Search with a stream that takes this step for no news."""

    def search(patch: pytest.MonkeyPatch, scope: Scope) -> Search:
        patch.delitem(NEWS, kind)
        return Search(scope)

    return search


Wrong = partial(WrongProtocol)
WRONG_PROTOCOLS = (
    Wrong(
        "a write ignores the version that it replaces",
        Scope(Outcome.ACKNOWLEDGED),
        "history was rewritten",
        over(Ports(store=CarelessStore)),
    ),
    Wrong(
        "the transport does not look at the deadline",
        Scope(Outcome.ACKNOWLEDGED),
        "sent after its deadline",
        over(Ports(transport=TimelessTransport)),
    ),
    Wrong(
        "a lost outcome counts as never sent",
        Scope(Outcome.REQUEST_LOST, points=WITH_RETRY),
        "sent twice",
        patched(attempt, "_judged", timeout_never_left),
    ),
    Wrong(
        "a lost outcome counts as rejected",
        Scope(Outcome.ANSWER_LOST),
        "rejected here, open at the broker",
        patched(attempt, "_judged", timeout_is_rejected),
    ),
    Wrong(
        "absence closes an order during the session",
        Scope(Outcome.LATE),
        "closed by absence during the session",
        patched(settling, "_is_last_word", lambda *_: True),
    ),
    Wrong(
        "one last book is enough",
        Scope(Outcome.REQUEST_LOST, points=EVENINGS),
        "closed by a single last book",
        patched(settling, "BETWEEN_LAST_BOOKS", timedelta(0)),
    ),
    Wrong(
        "the reconciler does not wait for the lease",
        Scope(Outcome.ACKNOWLEDGED),
        "sent while its record says unknown",
        patched(reconcile, "_due", due_without_lease),
    ),
    Wrong(
        "the intent is written after the send",
        Scope(Outcome.ACKNOWLEDGED),
        "sent without a stored intent",
        patched(place, "_write_owned", owned_without_a_write),
    ),
    Wrong(
        "a repeat sends what another is sending",
        Scope(Outcome.ACKNOWLEDGED),
        "does not own it",
        patched(place, "_repeat", repeat_that_sends),
    ),
    Wrong(
        "a redrive is stamped anew",
        Scope(Outcome.ACKNOWLEDGED),
        "sent after its deadline",
        with_fresh_redrive,
    ),
    Wrong(
        "what ends stays counted",
        Scope(Outcome.REJECTED),
        "counted as",
        patched(gates, "change_meters", lambda *_: ()),
    ),
    Wrong(
        "an unknown order is told, and no step of it stored",
        Scope(Outcome.REQUEST_LOST),
        "unknown, and nobody was told",
        patched(settling, "_tell_unknown", told_without_a_write),
    ),
    Wrong(
        "the stream tells nothing of an unknown order",
        Scope(Outcome.REQUEST_LOST),
        "unknown, and nobody was told",
        untold(EventKind.PERSON_TOLD),
    ),
    Wrong(
        "the stream tells nothing of an order that was closed by its absence",
        Scope(Outcome.REQUEST_LOST),
        "closed by its absence, and nobody was told",
        untold(EventKind.CLOSED_ABSENT),
    ),
)
