"""Do what a kill switch was asked to do beside stopping, pass by pass: cancel open orders, then close positions.

A pass may die at any line and may run twice at once: a cancel can be repeated, and an exit is written down with its
idempotency key before it leaves, so that it is one order however often it is asked for.
"""

import logging
from contextlib import suppress

from order_router.domain.errors import RouterError
from order_router.domain.history import UNREAD
from order_router.domain.kill_switch import switch_of
from order_router.domain.kill_work import GIVE_UP, SETTLE, Cancel, KillWork, Phase, WorkConflict
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.notices import NoticeNotQueued
from order_router.domain.order import Order
from order_router.service.change import CancelOutcome, cancel_one
from order_router.service.kill_desk import KillWorkDesk, still_stands
from order_router.service.kill_exits import close, plan
from order_router.service.timing import PASS_TIME

logger = logging.getLogger(__name__)
PASS_PAUSE_S = 2


def make_pass(desk: KillWorkDesk, name: str, work_id: str) -> None:
    """Make one pass of this work, if it is still to be done, and ask for the next; may raise any RouterError.

    NoticeNotQueued: the work is over, and the next pass only tells that.
    """
    work = desk.works.get(name)
    if work is None or work.work_id != work_id:
        return
    if work.is_over:
        _tell_end(desk, work)
        return
    try:
        stored = desk.works.write(_advanced(desk, work), replacing=work)
    except WorkConflict:
        # the message came twice: whoever wrote first goes on
        return
    if stored.is_over:
        _tell_end(desk, stored)
    else:
        has_next_phase = stored.phase is not work.phase
        desk.queue.put(name, work_id, delay_s=0 if has_next_phase else PASS_PAUSE_S)


def ask_anew(desk: KillWorkDesk) -> tuple[str, ...]:
    """Ask for a pass of each work that has had none for a while; return their names. May raise StoreUnavailable.

    Who stops something writes its work down and then asks for the first pass: one that dies between the two leaves work
    that nobody does if another worker has answered its caller. A pass too many does no harm.
    """
    now = desk.orders.clock.now()
    forgotten = [work for work in desk.works.known() if work.is_forgotten(now)]
    for work in forgotten:
        logger.warning("a stop's work was forgotten", extra={"account": work.account, "phase": work.phase})
        desk.queue.put(work.name, work.work_id, delay_s=0)
    return tuple(work.name for work in forgotten)


def _advanced(desk: KillWorkDesk, work: KillWork) -> KillWork:
    if not still_stands(desk.switches, work):
        now = desk.orders.clock.now()
        return work.ended(now, Phase.STOPPED, "the switch was turned off before all was done")
    if work.phase is Phase.CLOSING:
        return close(desk, work)
    return _cancel(desk, work)


# ---------------------------------------------------------------- open orders
def _cancel(desk: KillWorkDesk, work: KillWork) -> KillWork:
    """Cancel what rests; go on once nothing is left that can be, for a while, or when it takes too long."""
    now = desk.orders.clock.now()
    unsettled = desk.orders.store.list_unsettled(work.account)
    left = work.in_turn(order for order in unsettled if work.concerns(order))
    is_waiting = any(not _is_beyond_us(order) for order in left)
    if not is_waiting and now >= work.requested_at + SETTLE:
        return _after_cancelling(desk, _with_left(work, left))
    cancels = work.with_cancels(_cancelled(desk, left))
    work = work.after(desk.orders.clock.now(), cancels=cancels)
    if is_waiting and now >= work.requested_at + GIVE_UP:
        return _after_cancelling(desk, _with_left(work, left))
    return work


def _is_beyond_us(order: Order) -> bool:
    """Return whether the broker's book was read and did not show the order: nothing is there to cancel, so far."""
    told = [step.event for step in order.history if step.event.kind is EventKind.PERSON_TOLD]
    return order.state is State.UNKNOWN and any(UNREAD not in event.evidence for event in told)


def _with_left(work: KillWork, left: list[Order]) -> KillWork:
    if not left:
        return work
    names = ", ".join(order.client_order_id for order in left)
    return work.after(work.updated_at, problems=(*work.problems, f"these orders may still be open: {names}"))


def _cancelled(desk: KillWorkDesk, orders: list[Order]) -> list[Cancel]:
    until = desk.orders.clock.now() + PASS_TIME
    done = []
    for order in orders:
        if desk.orders.clock.now() > until:
            break
        can_be_cancelled = order.state.is_working or order.state is State.RECEIVED
        done.append(
            _cancel_line(cancel_one(desk.orders, order)) if can_be_cancelled else _waiting_line(order)
        )
    return done


def _cancel_line(one: CancelOutcome) -> Cancel:
    error = one.error
    state = str(one.order.state) if one.outcome == "already_final" else one.outcome
    if error is None or one.outcome == "already_final":
        return Cancel(client_order_id=one.order.client_order_id, outcome=state)
    return Cancel(
        client_order_id=one.order.client_order_id, outcome=state, code=error.code, message=error.message
    )


def _waiting_line(order: Order) -> Cancel:
    """Name an order that is not known to rest, and may have left: it is cancelled once it does."""
    return Cancel(client_order_id=order.client_order_id, outcome=str(order.state))


def _after_cancelling(desk: KillWorkDesk, work: KillWork) -> KillWork:
    if not work.closes_positions:
        return work.ended(desk.orders.clock.now(), Phase.DONE)
    try:
        return plan(desk, work)
    except RouterError as error:
        now = desk.orders.clock.now()
        if now < work.requested_at + 2 * GIVE_UP:
            logger.warning("no exits planned yet", extra={"account": work.account, "code": error.code})
            return work.after(now)
        return work.ended(now, Phase.DONE, f"positions not closed: {error.code}: {error.message}")


def _tell_end(desk: KillWorkDesk, work: KillWork) -> None:
    """Tell what became of it and note that; who dies between the two leaves it to be told once more."""
    if work.is_told:
        return
    if not desk.tell(work.account, _end_in_words(work), subject=work.work_id):
        raise NoticeNotQueued(f"the end of the kill switch's work for {work.name} could not be queued")
    with suppress(WorkConflict):
        desk.works.write(work.model_copy(update={"is_told": True}), replacing=work)


def _end_in_words(work: KillWork) -> str:
    cancelled = sum(line.outcome in {State.CANCELLED, State.REFUSED} for line in work.cancels)
    closed = sum(line.state == State.FILLED for line in work.exits)
    words = [
        f"kill switch of {switch_of(work.switch)}, account {work.account}: {work.phase}",
        f"{cancelled} of {len(work.cancels)} open orders cancelled",
    ]
    if work.closes_positions:
        words.append(f"{closed} of {len(work.exits)} exits filled")
    return "; ".join((*words, *work.problems))
