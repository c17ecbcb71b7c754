"""What becomes of a message that the queue gave up on: its order ends, its body is kept, the trader is told."""

from order_router.domain.errors import Reason
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, apply
from order_router.ports import DeadLetters, Letter, PlaceOrder, ResumeOrder, StoreConflict
from order_router.service.desk import RecordDesk
from order_router.service.follow_up import tell
from order_router.service.place import order_of, tell_unseen_end
from order_router.service.recording import record


def bury_unreadable(desk: RecordDesk, letters: DeadLetters, letter: Letter) -> bool:
    """Keep a message that is no order, and tell; return whether that is on its way."""
    letters.keep(letter, desk.clock.now())
    words = f"a queued message could not be read as an order; its body is kept as dead#{letter.message_id}"
    return tell(desk, "unreadable", "unknown", words)


def bury_order(
    desk: RecordDesk, letters: DeadLetters, letter: Letter, command: PlaceOrder | ResumeOrder
) -> bool:
    """End the order of a message that was tried too often; one that left already is left alone.

    Returns whether what there is to tell is on its way; of an order that is stored its own record tells.
    """
    letters.keep(letter, desk.clock.now())
    if isinstance(command, ResumeOrder):
        _bury_stored(desk, letter, desk.store.get(command.client_order_id))
        return True
    account = desk.settings.account(command.request.account)
    if account is None:
        words = f"a queued order is for an account that is not there; its body is kept as dead#{letter.message_id}"
        return tell(desk, "unreadable", command.request.account, words)
    order = order_of(command, account)
    stored = desk.store.get(order.client_order_id)
    if stored is None:
        tell_unseen_end(desk, _ended(desk, order, letter))
    else:
        _bury_stored(desk, letter, stored)
    return True


def _bury_stored(desk: RecordDesk, letter: Letter, stored: Order | None) -> None:
    if stored is not None and stored.state is State.RECEIVED:
        tell_unseen_end(desk, record(desk, stored, [_gave_up(desk, letter)]))


def _ended(desk: RecordDesk, order: Order, letter: Letter) -> Order:
    ended = apply(order, _gave_up(desk, letter))
    try:
        desk.store.write(ended, replacing=None)
    except StoreConflict as conflict:
        # somebody else has the order after all: what they know stands
        return conflict.current or ended
    return ended


def _gave_up(desk: RecordDesk, letter: Letter) -> Event:
    reason = Reason(
        "QUEUE_GAVE_UP", f"tried too often to place it; its message is kept as dead#{letter.message_id}"
    )
    return Event(kind=EventKind.WENT_STALE, at=desk.clock.now(), reason=reason)
