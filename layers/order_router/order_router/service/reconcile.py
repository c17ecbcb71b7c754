"""Settle what is open: one look at an account's book serves all of its orders."""

import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from order_router.adapter.errors import AdapterDefect, BrokerError, SessionExpired
from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.breaker import Breaker
from order_router.domain.errors import Reason
from order_router.domain.exchange_time import exchange_day
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.market_hours import days_in_book
from order_router.domain.order import Order
from order_router.domain.reports import OrderBook
from order_router.domain.unanswered import asked_without_answer
from order_router.ports import StoreUnavailable
from order_router.service.breaker import end_probe, probe_delay_s, take_probe
from order_router.service.day_orders import orders_of_day
from order_router.service.desk import Desk
from order_router.service.exposure import watch_accounts, watch_strategies
from order_router.service.follow_up import AT_ONCE, ask_for_a_look
from order_router.service.holding import release_held
from order_router.service.look_chain import ask_for_the_next, begin_look
from order_router.service.place import end_stale
from order_router.service.reading_books import TooEarly, note_kept_out, read_in_turn
from order_router.service.recording import record
from order_router.service.renewing import fingerprint_of, is_replaced
from order_router.service.settling import Look, correct_rejected, settle
from order_router.service.timing import LEASE, LOOKS_TIME, RECONCILE_AGAIN_FOR, WATCHES_TIME

logger = logging.getLogger(__name__)
MAY_BE_THERE = {State.SUBMITTING, State.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What one look did: orders looked at, whose record changed, still unknown, and that could not be settled.

    `is_whole` False: it broke off, and how many are unknown nobody knows.
    """

    account: str
    looked_at: int = 0
    changed: int = 0
    unknown: int = 0
    failed: int = 0
    is_whole: bool = True


def answer_ask(desk: Desk, account_name: str, look: str | None) -> Settled | None:
    """Look at an account as a message asks, by the name of the look if it has one; None if a later look will."""
    if look != AT_ONCE and not begin_look(desk, account_name, look):
        logger.info("another look is coming", extra={"account": account_name})
        return None
    return reconcile_account(desk, account_name)


def reconcile_account(desk: Desk, account_name: str, *, is_asked: bool = True) -> Settled:
    """Settle the account's orders: end what never left, adopt what the broker's book shows, keep the rest unknown.

    Absence from the book proves nothing while the session lasts, and an unreadable book is not absence. A look that
    was asked for asks for the next one while an order is unknown and young, or held, or a change was asked for a moment
    ago and not answered; the schedule's looks start no such chain. Where the account's breaker may be tried, the book
    is read for that too, and whatever it says settles orders.
    One order's failure does not keep the others waiting; it is counted, and asks for the next look as an unknown does.
    """
    account = desk.account(account_name)
    unsettled = desk.store.list_unsettled(account_name)
    failed: list[Order] = []
    due = tuple(_due(desk, unsettled, failed))
    probe = take_probe(desk, account)
    read = _read_book(desk, account) if due or probe is not None else None
    breaker = None if probe is None else end_probe(desk, account, probe, _why_unread(read))
    look = None if read is None else _look(desk, account, due, read)
    settle_one = partial(_tell_long_lost, desk, account) if look is None else partial(settle, desk, look)
    after = tuple(_alone(settle_one, order, failed) for order in due)
    unknown = [order for order in after if order.state is State.UNKNOWN]
    waiting = release_held(desk, unsettled, unknown)
    if is_asked:
        since = [order.received_at for order in (*unknown, *failed)]
        since += [at for order in after for at in asked_without_answer(order)]
        _look_again(desk, account_name, since, waiting, breaker)
    else:
        _look_at_rejected(desk, account, look)
    _measure(desk, unknown=len(unknown), unsettled=len(failed))
    changed = sum(new.version != old.version for new, old in zip(after, due, strict=True))
    return Settled(
        account=account_name,
        looked_at=0 if look is None else len(due),
        changed=changed,
        unknown=len(unknown),
        failed=len(failed),
    )


def reconcile_all(desk: Desk) -> tuple[Settled, ...]:
    """Settle every account; one account's failure does not keep the others waiting.

    After half a minute no further one is begun. Each time another is the first, so that brokers that do not answer keep
    no account from its look for long. What limits are by is read once every book was, in the time that is left.
    """
    accounts = desk.settings.accounts()
    first, begun = secrets.randbelow(len(accounts) or 1), desk.clock.now()
    turns, until = (*accounts[first:], *accounts[:first]), begun + LOOKS_TIME
    settled = [_guarded(desk, account.name) for account in turns if desk.clock.now() <= until]
    if len(settled) < len(turns):
        logger.warning("not every account was looked at", extra={"left": len(turns) - len(settled)})
    elif all(one.is_whole and not one.unknown and not one.failed for one in settled):
        desk.metrics.put({"unknown_orders": 0, "unsettled_orders": 0})
    watch_accounts(desk, turns, until=begun + WATCHES_TIME)
    watch_strategies(desk)
    return tuple(sorted(settled, key=lambda one: one.account))


def _measure(desk: Desk, *, unknown: int, unsettled: int) -> None:
    """Measure what a look found; that there is none only a look at every account may say, for an alarm ends by it."""
    found = {"unknown_orders": unknown, "unsettled_orders": unsettled}
    if any(found.values()):
        desk.metrics.put({name: number for name, number in found.items() if number})


def _due(desk: Desk, orders: Iterable[Order], failed: list[Order]) -> Iterable[Order]:
    """Yield the orders that need the book, and end on the way what never left in time."""
    now = desk.clock.now()
    for order in orders:
        if order.state is State.RECEIVED:
            if now > order.deadline:
                _alone(partial(end_stale, desk), order, failed)
        elif order.state is State.SUBMITTING:
            # while the lease lasts a worker may still be sending it
            if order.lease_until is None or now > order.lease_until:
                lost = _alone(partial(_lost, desk), order, failed)
                if order not in failed:
                    yield lost
        elif not order.state.is_final:
            yield order


def _alone(settle_one: Callable[[Order], Order], order: Order, failed: list[Order]) -> Order:
    """Return the order as settled; where that fails, as it was, and among those that failed."""
    try:
        return settle_one(order)
    except Exception:  # the others must still be settled
        logger.exception("order not settled", extra={"client_order_id": order.client_order_id})
        failed.append(order)
        return order


def _lost(desk: Desk, order: Order) -> Order:
    reason = Reason("WORKER_LOST", "whoever was sending this order never wrote down what became of it")
    return record(desk, order, [Event(kind=EventKind.OUTCOME_LOST, at=desk.clock.now(), reason=reason)])


def _tell_long_lost(desk: Desk, account: Account, order: Order) -> Order:
    """Return an order whose book was left to the next look: told as by an unreadable one if it left a while ago."""
    now = desk.clock.now()
    left = (step.event.at for step in order.history if step.event.kind is EventKind.SUBMITTING)
    is_known = order.state is not State.UNKNOWN or order.has(EventKind.PERSON_TOLD)
    if is_known or any(now - at <= LEASE for at in left):
        return order
    unread = OrderBook((), is_complete=False)
    return settle(desk, Look(unread, desk.broker_of(account.broker), (order,), now), order)


@dataclass(frozen=True, slots=True)
class _BookRead:
    """A book as it was asked for at `at`, and why there is none where there is none."""

    book: OrderBook
    at: datetime
    failure: BrokerError | None = None


def _why_unread(read: _BookRead | None) -> BrokerError | None:
    return TooEarly("the book was left to others") if read is None else read.failure


def _look(desk: Desk, account: Account, due: tuple[Order, ...], read: _BookRead) -> Look:
    broker = desk.broker_of(account.broker)
    if broker.profile.tag.is_echoed:
        return Look(read.book, broker, due, read.at)
    # read after the book: an order that left before that is among them, named by its broker or a rival
    ours = _of_the_days(desk, account, due)
    claimed = frozenset(order.broker_order_id for order in ours if order.broker_order_id is not None)
    rivals = tuple(order for order in ours if order.broker_order_id is None and order.state in MAY_BE_THERE)
    return Look(read.book, broker, due, read.at, claimed, rivals)


def _read_book(desk: Desk, account: Account) -> _BookRead | None:
    """Return the book, or why there is none; None if it was not this look's turn to ask for it."""
    broker, at = desk.broker_of(account.broker), desk.clock.now()
    failure: BrokerError = AdapterDefect("the broker adapter failed while reading")
    session: BrokerSession | None = None
    try:
        session = desk.sessions.session(account)
        return _BookRead(_book_with(desk, account, broker, session), at)
    except TooEarly as error:
        logger.info("book left to the next look", extra={"account": account.name, "why": error.message})
        return None
    except SessionExpired as error:
        failure = error
        logger.warning("book not readable", extra={"account": account.name, "reason": error.code})
        if not is_replaced(desk.sessions, account, session):
            # the next look finds what comes of it
            desk.renewer.report(account, refused=fingerprint_of(session))
        elif (book := _read_book_again(desk, account, broker)) is not None:
            return _BookRead(book, at)
    except BrokerError as error:
        failure = error
        note_kept_out(desk, account, error)
        logger.warning("book not readable", extra={"account": account.name, "reason": error.code})
    except Exception:  # a defect in reading must not leave an unknown order untold
        logger.exception("adapter defect", extra={"account": account.name})
    return _BookRead(OrderBook((), is_complete=False), at, failure)


def _read_book_again(desk: Desk, account: Account, broker: Broker) -> OrderBook | None:
    """Read the book with the session that has taken the place of the one that this worker remembered."""
    try:
        return _book_with(desk, account, broker, desk.sessions.session(account))
    except Exception as error:  # noqa: BLE001 - the next look comes; nothing is concluded from this one
        logger.warning("book not readable", extra={"account": account.name, "error": type(error).__name__})
    return None


def _book_with(desk: Desk, account: Account, broker: Broker, session: BrokerSession) -> OrderBook:
    send = desk.transport.sender(session.endpoint, not_after=None)
    return read_in_turn(desk, account, session, lambda: broker.read_orders(send, session))


def _of_the_days(desk: Desk, account: Account, due: Iterable[Order]) -> tuple[Order, ...]:
    """Return all of our orders of these orders' days, each of these as it stands by now."""
    ours = {order.client_order_id: order for order in due}
    for day in {exchange_day(order.received_at) for order in due}:
        ours |= {order.client_order_id: order for order in orders_of_day(desk.store, account.name, day)}
    return tuple(ours.values())


def _look_at_rejected(desk: Desk, account: Account, look: Look | None) -> None:
    """Record what a book that was read shows of its days' rejected orders: nobody looks for them any more."""
    if look is None or not look.book.reports:
        return
    failed: list[Order] = []
    try:
        for day in days_in_book(look.broker.profile.exchanges, desk.calendar(), look.read_at):
            for order in orders_of_day(desk.store, account.name, day):
                if order.state is State.REJECTED:
                    _alone(partial(correct_rejected, desk, look), order, failed)
    except StoreUnavailable as error:  # the schedule comes back to them
        logger.warning("rejected orders not looked at", extra={"account": account.name, "reason": error.code})


def _look_again(
    desk: Desk,
    account: str,
    since: Iterable[datetime],
    waiting: Iterable[Order],
    breaker: Breaker | None,
) -> None:
    now = desk.clock.now()
    if any(now <= order.deadline for order in waiting) or any(now - at < RECONCILE_AGAIN_FOR for at in since):
        ask_for_the_next(desk, account)
    elif breaker is not None and breaker.is_engaged:
        ask_for_a_look(desk, account, delay_s=probe_delay_s(breaker, now))


def _guarded(desk: Desk, account: str) -> Settled:
    try:
        return reconcile_account(desk, account, is_asked=False)
    except Exception:  # the next account must still be settled; the schedule comes back to this one
        logger.exception("reconcile failed", extra={"account": account})
        return Settled(account=account, is_whole=False)
