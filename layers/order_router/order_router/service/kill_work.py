"""Do what a kill switch was asked to do beside stopping, pass by pass: cancel open orders, then close positions.

A pass may die at any line and may run twice at once: a cancel can be repeated, and an exit is written down with its
idempotency key before it leaves, so that it is one order however often it is asked for.
"""

import logging
from datetime import timedelta

from order_router.adapter.errors import AdapterDefect
from order_router.adapter.port import Broker
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.domain.gate import PaceExceeded
from order_router.domain.identity import client_order_id
from order_router.domain.kill_switch import switch_of
from order_router.domain.kill_work import (
    GIVE_UP,
    SETTLE,
    Cancel,
    Exit,
    KillWork,
    Phase,
    WorkConflict,
    parts_of,
)
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.reports import Position
from order_router.domain.vocabulary import Source
from order_router.ports import Notice, PlaceOrder, StoreUnavailable
from order_router.service.asking import ask
from order_router.service.change import CancelOutcome, cancel_one
from order_router.service.desk import require_enabled
from order_router.service.kill_desk import KillWorkDesk
from order_router.service.place import InProgress, place_order
from order_router.service.timing import API_MAX_AGE

logger = logging.getLogger(__name__)
PASS_PAUSE_S = 2
PASS_TIME = timedelta(seconds=8)
"""How long one pass goes on to begin calls: with the last one's own time it stays inside its function's timeout."""

MAY_PASS = (PaceExceeded, StoreUnavailable, InProgress)
"""What says that an exit may not have been written down: the next pass asks for it again, under the same key."""


def make_pass(desk: KillWorkDesk, name: str, work_id: str) -> None:
    """Make one pass of this work, if it is still to be done, and ask for the next; may raise any RouterError."""
    work = desk.works.get(name)
    if work is None or work.work_id != work_id or work.is_over:
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


def _advanced(desk: KillWorkDesk, work: KillWork) -> KillWork:
    if not _still_wanted(desk, work):
        return _ended(desk, work, Phase.STOPPED, "the switch was turned off before all was done")
    if work.phase is Phase.CLOSING:
        return _close(desk, work)
    return _cancel(desk, work)


def _still_wanted(desk: KillWorkDesk, work: KillWork) -> bool:
    """Return whether the stop that asked for the work still stands: none of it is done under another one."""
    state = desk.switches.get(switch_of(work.switch))
    return state.is_on and state.since == work.since


def _ended(desk: KillWorkDesk, work: KillWork, phase: Phase, *problems: str) -> KillWork:
    return work.after(desk.orders.clock.now(), phase=phase, problems=(*work.problems, *problems))


# ---------------------------------------------------------------- open orders
def _cancel(desk: KillWorkDesk, work: KillWork) -> KillWork:
    """Cancel what rests; go on once nothing is left that can be, for a while, or when it takes too long."""
    now = desk.orders.clock.now()
    left = [order for order in desk.orders.store.list_unsettled(work.account) if work.concerns(order)]
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
    return order.state is State.UNKNOWN and order.has(EventKind.PERSON_TOLD)


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
        is_at_broker = order.state.is_working
        done.append(_cancel_line(cancel_one(desk.orders, order)) if is_at_broker else _waiting_line(order))
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
    """Name an order that is not known to rest: it is cancelled once it does, and never sent if it has not been."""
    return Cancel(client_order_id=order.client_order_id, outcome=str(order.state))


def _after_cancelling(desk: KillWorkDesk, work: KillWork) -> KillWork:
    if not work.closes_positions:
        return _ended(desk, work, Phase.DONE)
    try:
        return _planned(desk, work)
    except RouterError as error:
        if desk.orders.clock.now() < work.requested_at + 2 * GIVE_UP:
            logger.warning("no exits planned yet", extra={"account": work.account, "code": error.code})
            return work.after(desk.orders.clock.now())
        return _ended(desk, work, Phase.DONE, f"positions not closed: {error.code}: {error.message}")


# ---------------------------------------------------------------- positions
def _planned(desk: KillWorkDesk, work: KillWork) -> KillWork:
    """Write down the exits; the first leaves in the next pass, when they stand in the table."""
    account = desk.orders.account(work.account)
    require_enabled(account)
    broker = desk.orders.broker_of(account.broker)
    positions = _positions(desk, account)
    # an order that may still fill would close or open the same units once more
    unsettled = {str(order.request.instrument) for order in desk.orders.store.list_unsettled(account.name)}
    open_ones = [position for position in positions if position.quantity != 0]
    clear = [one for one in open_ones if str(one.instrument) not in unsettled]
    kept = sorted({str(one.instrument) for one in open_ones} & unsettled)
    problems = tuple(f"the position in {name} was left: an order in it may still fill" for name in kept)
    exits = tuple(exit_ for one in clear for exit_ in _exits(work, one, _most(desk, broker, one)))
    phase = Phase.CLOSING if exits else Phase.DONE
    now = desk.orders.clock.now()
    return work.after(now, phase=phase, exits=exits, problems=(*work.problems, *problems))


def _positions(desk: KillWorkDesk, account: Account) -> tuple[Position, ...]:
    try:
        return ask(desk.orders, account, lambda broker, send, session: broker.read_positions(send, session))
    except RouterError:
        raise
    except Exception as error:  # an adapter's defect must not leave the work in its queue for ever
        logger.exception("adapter defect while reading positions", extra={"account": account.name})
        raise AdapterDefect(f"the broker adapter failed with {type(error).__name__}") from error


def _most(desk: KillWorkDesk, broker: Broker, position: Position) -> int | None:
    """Return the most that one order of the instrument may ask for, in whole lots, where its broker says."""
    if not broker.profile.has_master:
        return None
    listing = desk.orders.listings(broker.profile.name).of(position.instrument)
    if listing is None or listing.freeze_quantity is None:
        return None
    return listing.freeze_quantity - listing.freeze_quantity % listing.lot_size or listing.lot_size


def _exits(work: KillWork, position: Position, most: int | None) -> list[Exit]:
    made = []
    for number, (side, quantity) in enumerate(parts_of(position, most)):
        key = f"kill:{work.work_id}:{position.instrument}:{position.product}:{number}"
        made.append(
            Exit(
                instrument=position.instrument,
                product=position.product,
                side=side,
                quantity=quantity,
                key=key,
                client_order_id=client_order_id(work.account, key),
            )
        )
    return made


def _close(desk: KillWorkDesk, work: KillWork) -> KillWork:
    """Place each exit that is not an order yet, follow the others, and tell each that has ended."""
    account = desk.orders.account(work.account)
    is_late = desk.orders.clock.now() >= work.updated_at + GIVE_UP
    until = desk.orders.clock.now() + PASS_TIME
    exits = []
    for line in work.exits:
        after = line if line.is_final or desk.orders.clock.now() > until else _followed(desk, work, line)
        if after.is_final and not line.is_final:
            _tell_exit(desk, account, after)
        exits.append(after)
    if all(line.is_final for line in exits):
        return _ended(desk, work, Phase.DONE).after(desk.orders.clock.now(), exits=tuple(exits))
    if tuple(exits) != work.exits or not is_late:
        # `updated_at` is when something changed last
        at = work.updated_at if tuple(exits) == work.exits else desk.orders.clock.now()
        return work.after(at, exits=tuple(exits))
    open_ones = [line for line in exits if not line.is_final]
    for line in open_ones:
        _tell_exit(desk, account, line)
    problem = "these exits have not ended: " + ", ".join(line.client_order_id for line in open_ones)
    return _ended(desk, work, Phase.DONE, problem)


def _followed(desk: KillWorkDesk, work: KillWork, line: Exit) -> Exit:
    order = desk.orders.store.get(line.client_order_id)
    if order is not None and order.state is not State.RECEIVED:
        return _line_of(line, order)
    if not _still_wanted(desk, work):
        return line
    return _placed(desk, work, line)


def _placed(desk: KillWorkDesk, work: KillWork, line: Exit) -> Exit:
    """Place the exit as any order is placed: through the gate, once for its key."""
    now = desk.orders.clock.now()
    command = PlaceOrder(
        request=line.request(work.account),
        idempotency_key=line.key,
        source=Source.API,
        received_at=now,
        deadline=now + API_MAX_AGE,
    )
    try:
        return _line_of(line, place_order(desk.orders, command).order)
    except MAY_PASS as error:
        return line.model_copy(update={"code": error.code, "message": error.message})
    except RouterError as error:
        return line.model_copy(update={"code": error.code, "message": error.message, "is_final": True})


def _line_of(line: Exit, order: Order) -> Exit:
    reason = order.reason
    return line.model_copy(
        update={
            "state": str(order.state),
            "is_final": order.state.is_final,
            "code": None if reason is None else reason.code,
            "message": None if reason is None else reason.message,
        }
    )


# ---------------------------------------------------------------- telling
def _tell_exit(desk: KillWorkDesk, account: Account, line: Exit) -> None:
    what = f"{line.side} {line.quantity} {line.instrument} {line.product}"
    became = line.state or "not placed"
    why = "" if line.code is None else f" ({line.code}: {line.message})"
    _tell(desk, account.name, f"kill switch, closing {what}: {became}{why}", line.client_order_id)


def _tell_end(desk: KillWorkDesk, work: KillWork) -> None:
    cancelled = sum(line.outcome == State.CANCELLED for line in work.cancels)
    closed = sum(line.state == State.FILLED for line in work.exits)
    words = [
        f"kill switch of {switch_of(work.switch)}, account {work.account}: {work.phase}",
        f"{cancelled} of {len(work.cancels)} open orders cancelled",
    ]
    if work.closes_positions:
        words.append(f"{closed} of {len(work.exits)} exits filled")
    _tell(desk, work.account, "; ".join((*words, *work.problems)), subject=work.work_id)


def _tell(
    desk: KillWorkDesk,
    account: str,
    message: str,
    client_order_id_: str | None = None,
    *,
    subject: str | None = None,
) -> None:
    desk.orders.notifier.tell(
        Notice(
            kind="kill_outcome",
            account=account,
            message=message,
            client_order_id=client_order_id_,
            subject=subject,
        )
    )
