"""Place an order: intent first, one send, the outcome written down, a repeat answered with the first."""

from dataclasses import dataclass, replace
from functools import partial

from order_router.adapter.errors import DeadlinePassed, Unsupported
from order_router.adapter.port import Broker
from order_router.domain.account import Account
from order_router.domain.errors import OrderDenied, Reason, RouterError
from order_router.domain.gate import BaseStale, CounterFull, EntryHeld, LimitReached, PriceUnfit, SwitchOn
from order_router.domain.history import Event
from order_router.domain.identity import client_order_id, request_digest
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.market_hours import trading_day
from order_router.domain.order import Order, Ownership, apply, new_order, take_ownership
from order_router.domain.vocabulary import Source
from order_router.ports import PlaceOrder, StoreConflict
from order_router.service.attempt import Job
from order_router.service.desk import Desk, RecordDesk, require_enabled
from order_router.service.fitting import fit
from order_router.service.follow_up import ask_for_a_look, tell
from order_router.service.gates import GateAt, GatedWrite, entry_gate, write_through
from order_router.service.limiting import LEARN_TRIES, LimitsUnknown, count, entry_of, learn, limited_gate
from order_router.service.needed_reads import NotReadYet
from order_router.service.recording import log_decision, record
from order_router.service.sending import send_until_settled
from order_router.service.timing import LEASE, PACE_WAIT, REPLAY_POLL_S, REPLAY_WAIT

NOT_PLACED = {State.REJECTED, State.REFUSED, State.STALE}
REFUSALS = (OrderDenied, Unsupported, SwitchOn, CounterFull, LimitReached)


class KeyReused(RouterError):
    """The idempotency key was used before, for another order."""

    code = "IDEMPOTENCY_KEY_REUSED"


class InProgress(RouterError):
    """The first request with this key has no outcome yet."""

    code = "ORDER_IN_PROGRESS"


class StillUnsent(RouterError):
    """A queued order never left and has time left: its message must come again."""

    code = "ORDER_STILL_UNSENT"


@dataclass(frozen=True, slots=True)
class Placement:
    """The order that a request stands for; `is_replay` when an earlier request made it."""

    order: Order
    is_replay: bool = False


def place_order(desk: Desk, command: PlaceOrder) -> Placement:
    """Place the order that the command asks for, or return the one that it made before.

    Raises AccountUnknown, StillUnsent, KeyReused, EntryHeld, PaceExceeded, NotReadYet or StoreUnavailable: then nothing
    was sent.
    """
    desk.settings.prepare(command.request.account, command.request.strategy)
    account = desk.account(command.request.account)
    broker = desk.broker_of(account.broker)
    order = _for_its_session(desk, order_of(command, account))
    try:
        started = _start(desk, order, account, broker)
    except StoreConflict as conflict:
        return _repeat(desk, order, Job(_existing(conflict), account, broker))
    except NotReadYet:
        # it fails before the write that would have found the order of an earlier request
        earlier = desk.store.get(order.client_order_id)
        if earlier is None:
            raise
        return _repeat(desk, order, Job(earlier, account, broker))
    return Placement(_sent(desk, started))


def resume_order(desk: Desk, client_order_id: str) -> Order | None:
    """Go on with a stored order if it has never left; return it as it stands, None if there is none."""
    order = desk.store.get(client_order_id)
    if order is None or order.state is not State.RECEIVED:
        return order
    account = desk.account(order.request.account)
    return _go_on(desk, Job(order, account, desk.broker_of(account.broker)))


def _sent(desk: Desk, job: Job) -> Order:
    """Send the order if it is ours to send, and see that somebody hears of its end."""
    order = send_until_settled(desk, job) if job.order.state is State.SUBMITTING else job.order
    if order.is_held:
        _tell_held(desk, order)
        return order
    if order.state is State.RECEIVED:
        raise StillUnsent(
            f"order {order.client_order_id} never left; it may still, until {order.deadline:%H:%M:%S} UTC"
        )
    tell_unseen_end(desk, order)
    return order


def tell_unseen_end(desk: RecordDesk, order: Order) -> None:
    """Tell of an alert's order that was not placed: whoever sent it sees no answer."""
    if order.source is Source.ALERT and order.state in NOT_PLACED and order.reason is not None:
        words = f"{order.request.side} {order.request.quantity} {order.request.instrument}: {order.reason.message}"
        tell(desk, str(order.state), order.request.account, words, order.client_order_id)


def _tell_held(desk: Desk, order: Order) -> None:
    """Tell of a held order once, and see that the order it waits for is looked at."""
    ask_for_a_look(desk, order.request.account)
    if sum(step.event.kind is EventKind.HELD for step in order.history) == 1 and order.reason is not None:
        words = f"{order.request.side} {order.request.quantity} {order.request.instrument}: {order.reason.message}"
        tell(desk, "held", order.request.account, words, order.client_order_id)


def order_of(command: PlaceOrder, account: Account) -> Order:
    """Return the order that a command stands for, at its birth."""
    return new_order(
        Order(
            client_order_id=client_order_id(account.name, command.idempotency_key),
            request=command.request,
            request_digest=request_digest(command.request),
            broker=account.broker,
            source=command.source,
            received_at=command.received_at,
            deadline=command.deadline,
            updated_at=command.received_at,
        ),
        command.asked_by,
    )


def _for_its_session(desk: Desk, order: Order) -> Order:
    """Return the order with the day that it is for, where that is another than the one it came on."""
    if not order.request.after_market:
        return order
    return replace(order, session_day=trading_day(order.request, order.received_at, desk.calendar()))


def wait_for_outcome(desk: Desk, order: Order) -> Order:
    """Return the order once its first sender is done with it; InProgress if that takes too long."""
    give_up = desk.clock.now() + REPLAY_WAIT
    while order.state in {State.RECEIVED, State.SUBMITTING}:
        if desk.clock.now() >= give_up:
            raise InProgress(f"order {order.client_order_id} is being placed; ask for it by its id")
        desk.clock.sleep(REPLAY_POLL_S)
        order = desk.store.get(order.client_order_id) or order
    return order


def _start(desk: Desk, order: Order, account: Account, broker: Broker) -> Job:
    """Write the order for the first time: as `submitting` and ours, as held, or as what ends it before it begins."""
    job = Job(order, account, broker)
    now = desk.clock.now()
    if now > order.deadline:
        return _write_first(desk, job, EventKind.WENT_STALE, too_old(order))
    try:
        require_enabled(account)
        return _write_entry(desk, replace(job, order=fit(desk, order, account, broker)), None)
    except EntryHeld as hold:
        if order.source is Source.API:
            raise
        # its message must not stay at the head of its group: an exit behind it has to pass
        return _write_first(desk, job, EventKind.HELD, hold.reason)
    except REFUSALS as refusal:
        return _write_first(desk, job, EventKind.REFUSED, refusal.reason)


def too_old(order: Order) -> Reason:
    """Return why an order past its deadline does not trade."""
    return Reason(
        DeadlinePassed.code,
        f"received {order.received_at:%H:%M:%S} UTC, good until {order.deadline:%H:%M:%S}",
    )


def _write_entry(desk: Desk, job: Job, replacing: Order | None) -> Job:
    """Write an order that is to be counted, once what its limits ask for is known."""
    entry = entry_of(desk, job.account, job.broker, job.order)
    job = replace(job, order=count(entry, job.order))
    for _ in range(LEARN_TRIES):
        try:
            return _write_owned(desk, job, replacing, partial(limited_gate, entry, job.order))
        except (PriceUnfit, BaseStale) as missing:
            entry = learn(entry, missing)
    raise LimitsUnknown("prices or positions moved faster than they could be read")


def _write_owned(desk: Desk, job: Job, replacing: Order | None, gate: GateAt) -> Job:
    now = desk.clock.now()
    owned = take_ownership(job.order, Ownership(desk.nonce(), now + LEASE), now)
    until = min(owned.deadline, now + PACE_WAIT)
    write = GatedWrite(order=owned, replacing=replacing, gate=gate, until=until)
    passed = write_through(desk.store, desk.clock, write)
    return replace(job, order=passed.order, send_by=passed.send_by)


def _write_first(desk: Desk, job: Job, kind: EventKind, reason: Reason) -> Job:
    event = Event(kind=kind, at=desk.clock.now(), reason=reason)
    unsent = apply(job.order, event)
    desk.store.write(unsent, replacing=None)
    # only then: of a repeat, which finds its order there, nothing was decided
    log_decision(job.order, [event])
    return replace(job, order=unsent)


def _existing(conflict: StoreConflict) -> Order:
    if conflict.current is None:
        raise conflict
    return conflict.current


def _repeat(desk: Desk, order: Order, job: Job) -> Placement:
    """Answer a repeated request: the same order, sent now only if it provably never left."""
    existing = job.order
    if existing.request_digest != order.request_digest and order.source is Source.API:
        raise KeyReused("this idempotency key was used for another order; use a new key for a new order")
    if existing.state is State.RECEIVED:
        existing = _go_on(desk, job)
    return Placement(_settled(desk, order, existing), is_replay=True)


def _go_on(desk: Desk, job: Job) -> Order:
    """Send an order that provably never left, unless another worker does, it is too old, or the gate says no."""
    order = job.order
    if desk.clock.now() > order.deadline:
        return end_stale(desk, order)
    try:
        require_enabled(job.account)
        job = _write_again(desk, job)
    except StoreConflict as conflict:
        return _existing(conflict)
    except EntryHeld as hold:
        if order.source is Source.API:
            raise
        job = replace(job, order=_recorded(desk, order, EventKind.HELD, hold.reason))
    except REFUSALS as refusal:
        job = replace(job, order=_recorded(desk, order, EventKind.REFUSED, refusal.reason))
    return _sent(desk, job)


def _recorded(desk: RecordDesk, order: Order, kind: EventKind, reason: Reason) -> Order:
    return record(desk, order, [Event(kind=kind, at=desk.clock.now(), reason=reason)])


def _write_again(desk: Desk, job: Job) -> Job:
    """Write a stored order as ours: one that was held was neither fitted to its broker nor counted yet."""
    if job.order.counted_price is None:
        fitted = fit(desk, job.order, job.account, job.broker)
        return _write_entry(desk, replace(job, order=fitted), job.order)
    gate = partial(entry_gate, job.account, job.broker.profile, job.order)
    return _write_owned(desk, job, job.order, gate)


def _settled(desk: Desk, asked: Order, existing: Order) -> Order:
    """Wait for the outcome where a caller does; a redelivered message leaves it to the order's owner."""
    return wait_for_outcome(desk, existing) if asked.source is Source.API else existing


def end_stale(desk: RecordDesk, order: Order) -> Order:
    """End an order that provably never left and has become too old to, and see that somebody hears of it."""
    ended = _recorded(desk, order, EventKind.WENT_STALE, too_old(order))
    tell_unseen_end(desk, ended)
    return ended
