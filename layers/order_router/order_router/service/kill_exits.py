"""Close the positions that a kill switch was asked to close: each once, by orders as any other, followed to their end.

The exits are written down before the first of them leaves, each with its idempotency key. What is not an order yet
leaves only while the position is still there: somebody else may close it meanwhile.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta

from order_router.domain.account import Account
from order_router.domain.errors import Reason, RouterError
from order_router.domain.gate import CIRCUIT_OPEN, PaceExceeded, SwitchOn
from order_router.domain.identity import client_order_id
from order_router.domain.instrument import Instrument
from order_router.domain.kill_work import CIRCUIT_WAIT, GIVE_UP, Exit, KillWork, Phase, parts_of
from order_router.domain.lifecycle import State
from order_router.domain.order import Order
from order_router.domain.reports import Position
from order_router.domain.vocabulary import Product, Side, Source
from order_router.ports import PlaceOrder, StoreUnavailable
from order_router.service.desk import require_enabled
from order_router.service.kill_desk import KillWorkDesk, still_stands
from order_router.service.kill_positions import instruments_of, read_closable
from order_router.service.needed_reads import NotReadYet
from order_router.service.place import InProgress, place_order
from order_router.service.timing import API_MAX_AGE, PASS_TIME

logger = logging.getLogger(__name__)

MAY_PASS = (PaceExceeded, StoreUnavailable, InProgress, NotReadYet)
"""What says that an exit may not have been written down: the next pass asks for it again, under the same key."""

MAX_EXITS = 100
"""How many orders the work of one account may place: they stand in one record."""


# ---------------------------------------------------------------- what is to be placed
def plan(desk: KillWorkDesk, work: KillWork) -> KillWork:
    """Return the work with its exits; the first leaves in the next pass, when they stand in the table.

    May raise any RouterError: then nothing is known of the positions.
    """
    account = desk.orders.account(work.account)
    require_enabled(account)
    exits: list[Exit] = []
    problems = []
    # an order that may still fill would close or open the same units once more
    closable = read_closable(desk.orders, account)
    at_work = desk.orders.store.list_unsettled(account.name)
    unsettled = {one for order in at_work for one in instruments_of(desk.orders, order)}
    for position in closable.positions:
        if position.instrument in unsettled:
            problems.append(f"the position in {position.instrument} was left: an order in it may still fill")
            continue
        found = _exits(work, position, _most(desk, account, position))
        if len(exits) + len(found) > MAX_EXITS:
            problems.append(f"the position in {position.instrument} was left: it takes {len(found)} orders")
            continue
        exits += found
    now, told = desk.orders.clock.now(), tuple(dict.fromkeys((*closable.left, *problems)))
    if not exits:
        return work.ended(now, Phase.DONE, *told)
    return work.after(now, phase=Phase.CLOSING, exits=tuple(exits), problems=(*work.problems, *told))


def _most(desk: KillWorkDesk, account: Account, position: Position) -> int | None:
    """Return the most that one order of the instrument may ask for, in whole lots; None where nothing says."""
    lot, freeze = _sizes(desk, account, position.instrument)
    known = [bound for bound in (freeze, account.limits.max_quantity) if bound is not None]
    return max(min(known) // lot * lot, lot) if known else None


def _sizes(desk: KillWorkDesk, account: Account, instrument: Instrument) -> tuple[int, int | None]:
    """Return the instrument's lot, and the most that its exchange takes in one order, None where nothing says."""
    broker = desk.orders.broker_of(account.broker)
    if not broker.profile.has_master:
        return 1, None
    listing = desk.orders.listings(broker.profile.name).of(instrument)
    return (1, None) if listing is None else (listing.lot_size, listing.freeze_quantity)


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


# ---------------------------------------------------------------- placing and following
def close(desk: KillWorkDesk, work: KillWork) -> KillWork:
    """Place each exit that is not an order yet, follow the others, and tell each that has ended."""
    account = desk.orders.account(work.account)
    began = desk.orders.clock.now()
    until = began + PASS_TIME
    present = _Present(desk, work, account)
    exits: list[Exit] = []
    room = MAX_EXITS - len(work.exits)
    for line in work.exits:
        has_time = not line.is_final and desk.orders.clock.now() <= until
        after = _followed(desk, work, line, present) if has_time else line
        halves = _halves(desk, account, after) if has_time and room else ()
        if after.is_final and not line.is_final:
            _tell(desk, account, after, halves)
        exits += halves or (after,)
        room -= len(halves) // 2
    now, has_moved = desk.orders.clock.now(), _standing(exits) != _standing(work.exits)
    open_ones = [line for line in exits if not line.is_final]
    if open_ones and (has_moved or began < work.updated_at + _patience((*work.exits, *exits))):
        # `updated_at` is when something moved last
        return work.after(now if has_moved else work.updated_at, exits=tuple(exits))
    for line in open_ones:
        _tell(desk, account, line)
    return work.after(now, exits=tuple(exits)).ended(now, Phase.DONE, *_problems(exits))


def _standing(exits: Iterable[Exit]) -> list[tuple[str, str | None, bool, bool]]:
    """Return how far the exits are. Why one waits is no progress, but that its circuit no longer keeps it is."""
    return [(line.client_order_id, line.state, line.is_final, line.code == CIRCUIT_OPEN) for line in exits]


def _patience(exits: Iterable[Exit]) -> timedelta:
    """Return how long exits that do not move are followed: longer while a circuit, which closes again, keeps them."""
    is_kept = any(not line.is_final and line.code == CIRCUIT_OPEN for line in exits)
    return CIRCUIT_WAIT if is_kept else GIVE_UP


def _halves(desk: KillWorkDesk, account: Account, line: Exit) -> tuple[Exit, ...]:
    """Return what takes the place of an exit that was rejected, perhaps as too large; they leave in the next pass.

    Where the most that the exchange takes in one order is known, an exit asks for no more, and size was not the reason.
    """
    if line.state != State.REJECTED:
        return ()
    try:
        lot, freeze = _sizes(desk, account, line.instrument)
        order = desk.orders.store.get(line.client_order_id)
    except RouterError as error:
        logger.warning("exit not halved", extra={"account": account.name, "code": error.code})
        return ()
    if freeze is not None or order is None:
        return ()
    return line.halves(account.name, line.quantity - order.filled_quantity, lot)


def _problems(exits: list[Exit]) -> Iterator[str]:
    """Yield what was not closed: exits that ended without a fill or with a part of one, and those that did not end."""
    unfilled = [f"{line} {_became(line)}" for line in exits if line.is_final and line.state != State.FILLED]
    if unfilled:
        yield f"not closed: {', '.join(unfilled)}"
    names = [line.client_order_id for line in exits if not line.is_final]
    if names:
        yield f"these exits have not ended: {', '.join(names)}"


def _followed(desk: KillWorkDesk, work: KillWork, line: Exit, present: "_Present") -> Exit:
    order = desk.orders.store.get(line.client_order_id)
    if order is not None and order.state is not State.RECEIVED:
        return _line_of(line, order)
    if not still_stands(desk.switches, work):
        return line
    try:
        _require_circuit(desk, present.account)
        present.require_room(line)
    except (_NotNow, *MAY_PASS) as wait:
        return _noted(line, wait.reason)
    except _PositionChanged as changed:
        return _noted(line, changed.reason).model_copy(update={"is_final": True})
    return _placed(desk, work, line)


def _require_circuit(desk: KillWorkDesk, account: Account) -> None:
    """Raise _NotNow while the account's circuit is open: the gate's refusal would be the end of the exit's order."""
    breaker = desk.orders.breakers.get(account.broker, account.name)
    if breaker.is_engaged:
        refusal = SwitchOn(breaker.switch)
        raise _NotNow(refusal.message, code=refusal.code)


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
        return _noted(line, error.reason)
    except RouterError as error:
        return _noted(line, error.reason).model_copy(update={"is_final": True})


def _noted(line: Exit, reason: Reason) -> Exit:
    return line.model_copy(update={"code": reason.code, "message": reason.message})


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


# ---------------------------------------------------------------- what is still there to close
class _NotNow(RouterError):
    """The exit may not leave yet, or whether it still fits is not known: the next pass looks again."""

    code = "POSITION_UNCLEAR"


class _PositionChanged(RouterError):
    """Somebody else closed the position, or a part of it: the exit would open one."""

    code = "POSITION_CHANGED"


class _Present:
    """What may be closed, read once a pass and only if an exit is to leave, less what this work's exits take."""

    def __init__(self, desk: KillWorkDesk, work: KillWork, account: Account) -> None:
        self._desk = desk
        self.account = account
        self._own = {line.client_order_id for line in work.exits}
        self._is_read = False
        self._unreadable: _NotNow | None = None
        self._held: dict[tuple[Instrument, Product], int] = {}
        self._taken: dict[tuple[Instrument, Product], int] = {}
        self._contested: set[Instrument] = set()

    def require_room(self, line: Exit) -> None:
        """Take what the exit closes; raise _PositionChanged if that is not there, _NotNow if it may yet be."""
        self._read()
        if line.instrument in self._contested:
            raise _NotNow(f"another order in {line.instrument} may still fill")
        place = (line.instrument, line.product)
        held, taken = self._held.get(place, 0), self._taken.get(place, 0)
        open_way = held if line.side is Side.SELL else -held
        if line.quantity <= open_way - taken:
            self._taken[place] = taken + line.quantity
            return
        if taken:
            raise _NotNow(f"other exits in {line.instrument} are under way")
        raise _PositionChanged(f"{held} of the position may be closed now")

    def _read(self) -> None:
        if self._is_read:
            return
        if self._unreadable is not None:
            # what takes long to fail is not asked for once more by each further exit
            raise self._unreadable
        orders, name = self._desk.orders, self.account.name
        try:
            before = orders.store.list_unsettled(name)
            closable = read_closable(orders, self.account)
            # an order that ended while the positions were on their way may have traded after they were made
            known = (*orders.store.list_unsettled(name), *before)
            unsettled = {order.client_order_id: order for order in known}.values()
            others = [one for one in unsettled if one.client_order_id not in self._own]
            self._contested = {one for order in others for one in instruments_of(orders, order)}
        except RouterError as error:
            self._unreadable = _NotNow(f"positions not read: {error.code}: {error.message}")
            raise self._unreadable from error
        self._held = {(one.instrument, one.product): one.quantity for one in closable.positions}
        for order in unsettled:
            if order.client_order_id in self._own and order.state is not State.RECEIVED:
                place = (order.request.instrument, order.request.product)
                left = order.request.quantity - order.filled_quantity
                self._taken[place] = self._taken.get(place, 0) + left
        self._is_read = True


# ---------------------------------------------------------------- telling
def _tell(desk: KillWorkDesk, account: Account, line: Exit, halves: tuple[Exit, ...] = ()) -> None:
    again = (
        f"; asked for again in parts of {' and '.join(str(one.quantity) for one in halves)}" if halves else ""
    )
    desk.tell(account.name, f"kill switch, closing {line}: {_became(line)}{again}", line.client_order_id)


def _became(line: Exit) -> str:
    why = "" if line.code is None else f" ({line.code}: {line.message})"
    return f"{line.state or 'not placed'}{why}"
