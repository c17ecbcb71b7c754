"""Change or cancel an order at the broker; what the broker does not answer stays unresolved until its book tells."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from order_router.adapter.errors import (
    AdapterDefect,
    BrokerError,
    NotSent,
    Rejected,
    SessionExpired,
    SlotLapsed,
    Unsupported,
)
from order_router.adapter.http import Send
from order_router.adapter.port import Broker, ModifyIntent, OrderTarget
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.domain.exchange_time import exchange_day
from order_router.domain.following import apply_fitting, shows_terms_that_it_left
from order_router.domain.gate import SLOT_LIFE, BaseStale, PriceUnfit
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, apply, ask_change
from order_router.domain.reports import OrderReport
from order_router.domain.request import OrderRequest
from order_router.domain.unshown import asked_evidence
from order_router.ports import StoreConflict
from order_router.service.breaker import note_failure
from order_router.service.changeable import (
    OrderEnded,
    at_broker,
    changed_request,
    known_order,
    require_modifiable,
    require_working,
)
from order_router.service.desk import Desk, require_enabled
from order_router.service.fitting import require_listed
from order_router.service.follow_up import ask_for_a_look
from order_router.service.gates import GateAt, GatedWrite, Passed, cancel_gate, longer, write_through
from order_router.service.limiting import (
    LEARN_TRIES,
    Entry,
    LimitsUnknown,
    changed_gate,
    entry_of,
    grown,
    learn,
)
from order_router.service.looking import look_at, on_known_terms
from order_router.service.needed_reads import ReadTime
from order_router.service.recording import Seen, record, record_report, record_unanswered
from order_router.service.renewing import has_new_session
from order_router.service.slotted import Bounds, slotted_send
from order_router.service.timing import API_MAX_AGE, PACE_WAIT, PASS_TIME, SEND_BUDGET
from order_router.service.watch import WatchedCall, measure_call
from order_router.service.withdrawing import is_withdrawn, withdraw

logger = logging.getLogger(__name__)
TRIES = 3


class NotTried(RouterError):
    """The cancel was not begun: others took the time."""

    code = "CANCEL_NOT_TRIED"


class ChangeRefused(RouterError):
    """The broker said no to the change; the order stands as it was. `order` is how it stands."""

    def __init__(self, error: BrokerError, order: Order) -> None:
        super().__init__(error.reason.message, code=error.code)
        self.order = order


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kinds:
    requested: EventKind
    done: EventKind | None
    refused: EventKind
    unresolved: EventKind


MODIFY = _Kinds(
    requested=EventKind.MODIFY_REQUESTED,
    done=EventKind.MODIFIED,
    refused=EventKind.MODIFY_REJECTED,
    unresolved=EventKind.MODIFY_UNRESOLVED,
)
CANCEL = _Kinds(
    requested=EventKind.CANCEL_REQUESTED,
    done=None,
    refused=EventKind.CANCEL_REJECTED,
    unresolved=EventKind.CANCEL_UNRESOLVED,
)

Call = Callable[[Send, BrokerSession], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change under way: what is called at the broker, and what the order asks for once it is done.

    `unwritten`: what is known of the last try and not stored yet. `life`: for how long its call is to be good.
    `price`: what a unit of the changed order counts at; None if it is not counted, or only cancelled.
    """

    kinds: _Kinds
    order: Order
    account: Account
    broker: Broker
    call: Call
    request: OrderRequest | None = None
    price: Decimal | None = None
    unwritten: tuple[Event, ...] = ()
    life: timedelta = SLOT_LIFE
    renew_until: datetime | None = None
    """Until when a dead session may be replaced and the call made once more; None: not again."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The order after a change; `is_settled` is False while the broker's answer is missing."""

    order: Order
    is_settled: bool


def modify_order(desk: Desk, client_order_id: str, changes: Mapping[str, Any]) -> Changed:
    """Change quantity, prices, type or validity of an order that rests at the broker.

    Raises OrderUnknown, OrderEnded, OrderUnsettled, ChangeInProgress, TooManyChanges, ChangeRefused, Unsupported, a
    ValidationError that names the bad fields, or what the gate raises: then the order stands as it was.
    """
    for _ in range(TRIES - 1):
        try:
            return _modify(desk, known_order(desk.store, client_order_id), changes)
        except StoreConflict:
            # its terms may be others by now: what is asked for is worked out anew
            logger.info("changed meanwhile", extra={"client_order_id": client_order_id})
    return _modify(desk, known_order(desk.store, client_order_id), changes)


def _modify(desk: Desk, order: Order, changes: Mapping[str, Any]) -> Changed:
    require_modifiable(order, desk.clock.now())
    account = desk.account(order.request.account)
    require_enabled(account)
    broker = desk.broker_of(order.broker)
    order = on_known_terms(desk, account, broker, order)
    wanted = changed_request(order, changes)
    broker.profile.require(wanted)
    require_listed(desk, broker, wanted)
    entry = replace(
        entry_of(desk, account, broker, replace(order, request=wanted)),
        day=max(exchange_day(desk.clock.now()), order.day),
        within=ReadTime(desk.clock.now() + API_MAX_AGE),
    )
    after = grown(entry, order)
    intent = ModifyIntent(broker_order_id=at_broker(order), before=order.request, request=wanted)
    change = Change(
        kinds=MODIFY,
        order=order,
        account=account,
        broker=broker,
        call=lambda send, session: broker.modify_order(send, session, intent),
        request=wanted,
        price=after.counted_price,
    )
    return _within_limits(entry, change, after)


def _within_limits(entry: Entry, change: Change, after: Order) -> Changed:
    """Make the change once what its limits ask for is known."""
    for _ in range(LEARN_TRIES):
        try:
            return _carry_out(entry.desk, change, partial(changed_gate, entry, change.order, after))
        except (PriceUnfit, BaseStale) as missing:
            entry = learn(entry, missing)
    raise LimitsUnknown("prices or positions moved faster than they could be read")


def cancel_order(desk: Desk, client_order_id: str) -> Changed:
    """Cancel an order that rests at the broker, or end one that has not left: no switch stops a cancel.

    Raises OrderUnknown, OrderEnded, OrderUnsettled, ChangeRefused, PaceExceeded or StoreUnavailable.
    """
    order = known_order(desk.store, client_order_id)
    if order.state is State.RECEIVED:
        # whoever writes first, a worker that is about to send it or this, has it
        order = withdraw(desk, order)
        if is_withdrawn(order):
            return Changed(order, is_settled=True)
    require_working(order)
    account = desk.account(order.request.account)
    broker = desk.broker_of(order.broker)
    target = OrderTarget(broker_order_id=at_broker(order), request=order.request)
    change = Change(
        kinds=CANCEL,
        order=order,
        account=account,
        broker=broker,
        call=lambda send, session: broker.cancel_order(send, session, target),
    )
    return _carry_out(desk, change, partial(cancel_gate, account, broker.profile, order.request))


@dataclass(frozen=True, slots=True)
class CancelOutcome:
    """What became of one order of a cancel-all."""

    order: Order
    outcome: str
    error: RouterError | None = None


def cancel_all(desk: Desk, account: str) -> tuple[CancelOutcome, ...]:
    """Cancel every order of the account that has not ended, and tell each one's outcome.

    Those whose cancel was tried before come last, and after eight seconds no further one is begun: a broker that does
    not answer keeps no order from its first try, and no caller from an answer.
    """
    desk.account(account)
    until = desk.clock.now() + PASS_TIME
    unsettled = [order for order in desk.store.list_unsettled(account) if not order.state.is_final]
    in_turn = sorted(unsettled, key=lambda order: order.has(EventKind.CANCEL_REQUESTED))
    return tuple(_cancelled_until(desk, order, until) for order in in_turn)


def _cancelled_until(desk: Desk, order: Order, until: datetime) -> CancelOutcome:
    if desk.clock.now() > until:
        return CancelOutcome(order, "not_tried", NotTried("there was no time left for this one: ask again"))
    return cancel_one(desk, order)


def cancel_one(desk: Desk, order: Order) -> CancelOutcome:
    """Cancel one order and tell its outcome; never raises one of our errors."""
    try:
        changed = cancel_order(desk, order.client_order_id)
    except OrderEnded as error:
        return CancelOutcome(desk.store.get(order.client_order_id) or order, "already_final", error)
    except RouterError as error:
        return CancelOutcome(order, "failed", error)
    if not changed.is_settled:
        return CancelOutcome(changed.order, "unresolved")
    return CancelOutcome(changed.order, str(changed.order.state))


def _carry_out(desk: Desk, change: Change, gate: GateAt) -> Changed:
    """Make the change; each further try passes the gate again.

    Once more if its session was dead and could be replaced, and while the budget lasts if its call lapsed: with one
    that is good for longer, so that a cancel gets out of a slow worker too.
    """
    until = desk.clock.now() + SEND_BUDGET
    change = replace(change, renew_until=until)
    while True:
        watched = WatchedCall(change.call, desk.clock)
        try:
            return _carry_out_once(desk, replace(change, call=watched), gate)
        except _NotLeft as failed:
            error, is_late = failed.error, isinstance(failed.error, SlotLapsed)
            if is_late and desk.clock.now() >= until:
                raise _refused(desk, change, failed.requested, error) from error
            note = _event(desk, change.kinds.refused, note=_words(error))
            change = replace(change, order=failed.requested, unwritten=(note,))
            change = (
                replace(change, life=longer(change.life)) if is_late else replace(change, renew_until=None)
            )
        finally:
            measure_call(desk.metrics, change.account, watched.took, watched.failure)


class _NotLeft(Exception):
    """The change did not leave while its call was good, or for want of a session, and there is one now.

    `requested` is the order as it stands.
    """

    def __init__(self, requested: Order, error: SlotLapsed | SessionExpired) -> None:
        super().__init__()
        self.requested = requested
        self.error = error


def _carry_out_once(desk: Desk, change: Change, gate: GateAt) -> Changed:
    passed = _write_request(desk, change, gate)
    requested = passed.order
    session: BrokerSession | None = None
    try:
        session = desk.sessions.session(change.account)
        bounds = Bounds(send_by=passed.send_by, not_after=desk.clock.now() + API_MAX_AGE)
        change.call(slotted_send(desk.transport, desk.clock, session.endpoint, bounds), session)
    except SlotLapsed as error:
        raise _NotLeft(requested, error) from None
    except SessionExpired as error:
        if has_new_session(desk, change.account, session, until=change.renew_until):
            raise _NotLeft(requested, error) from None
        raise _refused(desk, change, requested, error) from error
    except (NotSent, Rejected, Unsupported) as error:
        raise _refused(desk, change, requested, error) from error
    except BrokerError as error:
        return _unresolved(desk, change, requested, error)
    except Exception as error:  # a defect of an adapter must not lose a change that may have been made
        logger.exception("adapter defect", extra={"client_order_id": requested.client_order_id})
        return _unresolved(desk, change, requested, AdapterDefect(type(error).__name__))
    done = () if change.kinds.done is None else (_event(desk, change.kinds.done, request=change.request),)
    report = _look(desk, change, apply_fitting(requested, done))
    return Changed(_recorded(desk, requested, done, report), is_settled=True)


def _write_request(desk: Desk, change: Change, gate: GateAt) -> Passed:
    """Write down that the change is asked for; where the gate says no to a further try, what became of the last."""
    try:
        return _write_through(desk, change, gate)
    except RouterError:
        record(desk, change.order, change.unwritten)
        raise


def _write_through(desk: Desk, change: Change, gate: GateAt) -> Passed:
    order = change.order
    for _ in range(TRIES):
        requested = _asked(desk, change, apply_fitting(order, change.unwritten))
        try:
            until = desk.clock.now() + PACE_WAIT
            write = GatedWrite(order=requested, replacing=order, gate=gate, until=until, life=change.life)
            return write_through(desk.store, desk.clock, write)
        except StoreConflict:
            if change.request is not None:
                raise
            order = known_order(desk.store, order.client_order_id)
            require_working(order)
    raise StoreConflict(order)


def _asked(desk: Desk, change: Change, order: Order) -> Order:
    event = _event(desk, change.kinds.requested)
    if change.request is None:
        return apply(order, event)
    asked = replace(event, evidence=asked_evidence(order, change.request))
    return ask_change(order, asked, change.price)


def _refused(desk: Desk, change: Change, requested: Order, error: BrokerError) -> ChangeRefused:
    """Record a refusal: the order is as it was, or had ended, as the book says."""
    if isinstance(error, NotSent):
        desk.sessions.forget(change.account)
    refused = _event(desk, change.kinds.refused, note=_words(error))
    report = _look(desk, change, requested) if isinstance(error, Rejected) else None
    stored = _recorded(desk, requested, (refused,), report)
    note_failure(desk, change.account, error)
    return ChangeRefused(error, stored)


def _unresolved(desk: Desk, change: Change, requested: Order, error: BrokerError) -> Changed:
    event = _event(desk, change.kinds.unresolved, note=_words(error))
    stored = record_unanswered(desk, requested, event, change.request)
    ask_for_a_look(desk, stored.request.account)
    note_failure(desk, change.account, error)
    is_seen = stored.request != requested.request and stored.last is not change.kinds.unresolved
    return Changed(stored, is_settled=is_seen or stored.state.is_final)


def _words(error: BrokerError) -> str:
    return f"{error.reason.code}: {error.reason.message}"


def _look(desk: Desk, change: Change, order: Order) -> OrderReport | None:
    target = OrderTarget(broker_order_id=at_broker(order), request=order.request)
    report = look_at(desk, change.account, change.broker, target)
    if report is None or shows_terms_that_it_left(order, report):
        # a later look tells if these are the terms that it has all the same
        ask_for_a_look(desk, order.request.account)
    return report


def _recorded(desk: Desk, requested: Order, events: Sequence[Event], report: OrderReport | None) -> Order:
    if report is None:
        return record(desk, requested, events)
    # right after a call a broker may still show what was before it
    seen = Seen(report, "the order read back", after=events, is_late=True)
    return record_report(desk, requested, seen)


def _event(
    desk: Desk, kind: EventKind, *, request: OrderRequest | None = None, note: str | None = None
) -> Event:
    return Event(kind=kind, at=desk.clock.now(), request=request, note=note)
