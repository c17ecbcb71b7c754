"""Settle what is open: one look at an account's book serves all of its orders."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from order_router.adapter.errors import BrokerError
from order_router.adapter.port import Broker
from order_router.domain.errors import Reason
from order_router.domain.following import events_of
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Event, Order
from order_router.domain.reports import OrderBook, OrderReport
from order_router.service.desk import Desk
from order_router.service.follow_up import ask_for_a_look, tell
from order_router.service.place import end_stale
from order_router.service.recording import record
from order_router.service.timing import RECONCILE_AGAIN_FOR, RECONCILE_DELAY_S

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What one look did: orders looked at, those whose record changed, those still unknown."""

    account: str
    looked_at: int = 0
    changed: int = 0
    unknown: int = 0


def reconcile_account(desk: Desk, account_name: str) -> Settled:
    """Settle the account's orders: end what never left, adopt what the broker's book shows, keep the rest unknown.

    Absence from the book proves nothing and an unreadable book is not absence: such an order stays `unknown` and the
    trader is told once.
    """
    account = desk.account(account_name)
    due = [order for order in map(_judge(desk), desk.store.list_unsettled(account_name)) if order is not None]
    if not due:
        return Settled(account=account_name)
    broker = desk.broker_of(account.broker)
    try:
        session = desk.sessions.session(account)
        book = broker.read_orders(desk.transport.sender(session.endpoint, not_after=None), session)
    except BrokerError as error:
        logger.warning("book not readable", extra={"account": account_name, "reason": error.code})
        desk.sessions.forget(account)
        book = OrderBook((), is_complete=False)
    after = [_settle(desk, order, _found(order, book, broker)) for order in due]
    unknown = [order for order in after if order.state is State.UNKNOWN]
    _look_again(desk, account_name, unknown)
    changed = sum(new.version != old.version for new, old in zip(after, due, strict=True))
    return Settled(account=account_name, looked_at=len(due), changed=changed, unknown=len(unknown))


def _judge(desk: Desk) -> "_Judge":
    return _Judge(desk)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Says which orders need the book: not those a worker may still be sending."""

    desk: Desk

    def __call__(self, order: Order) -> Order | None:
        now = self.desk.clock.now()
        if order.state is State.RECEIVED:
            if now > order.deadline:
                end_stale(self.desk, order)
            return None
        if order.state is State.SUBMITTING:
            if order.lease_until is not None and now <= order.lease_until:
                return None
            return self._lost(order)
        return None if order.state.is_final else order

    def _lost(self, order: Order) -> Order:
        reason = Reason("WORKER_LOST", "whoever was sending this order never wrote down what became of it")
        lost = Event(kind=EventKind.OUTCOME_LOST, at=self.desk.clock.now(), reason=reason)
        return record(self.desk, order, [lost])


def _found(order: Order, book: OrderBook, broker: Broker) -> tuple[OrderReport, ...]:
    """Return the book's rows for the order, by the broker's id or else by our tag; never by likeness."""
    if order.broker_order_id is not None:
        return tuple(row for row in book.reports if row.broker_order_id == order.broker_order_id)
    rule = broker.profile.tag
    if not rule.is_echoed:
        return ()
    tag = rule.tag(order.client_order_id)
    return tuple(row for row in book.reports if row.client_tag == tag)


def _settle(desk: Desk, order: Order, rows: tuple[OrderReport, ...]) -> Order:
    if len(rows) > 1:
        ids = ", ".join(row.broker_order_id for row in rows)
        tell(
            desk,
            "duplicate",
            order.request.account,
            f"the broker holds {ids} for one order",
            order.client_order_id,
        )
    if rows:
        events = events_of(order, rows[0], desk.clock.now())
        return record(desk, order, events) if events else order
    if order.state is State.UNKNOWN and not _was_told(order):
        return _tell_unknown(desk, order)
    return order


def _was_told(order: Order) -> bool:
    return any(step.event.kind is EventKind.PERSON_TOLD for step in order.history)


def _tell_unknown(desk: Desk, order: Order) -> Order:
    message = (
        f"the outcome of {order.request.side} {order.request.quantity} {order.request.instrument} is not known;"
        " it will not be sent again: check the broker's order book"
    )
    tell(desk, "unknown", order.request.account, message, order.client_order_id)
    return record(desk, order, [Event(kind=EventKind.PERSON_TOLD, at=desk.clock.now(), note=message)])


def _look_again(desk: Desk, account: str, unknown: Iterable[Order]) -> None:
    now = desk.clock.now()
    if any(now - order.received_at < RECONCILE_AGAIN_FOR for order in unknown):
        ask_for_a_look(desk, account, delay_s=RECONCILE_DELAY_S)


def reconcile_all(desk: Desk) -> tuple[Settled, ...]:
    """Settle every account; one account's failure does not keep the others waiting."""
    return tuple(_guarded(desk, account.name) for account in desk.settings.accounts())


def _guarded(desk: Desk, account: str) -> Settled:
    try:
        return reconcile_account(desk, account)
    except Exception:  # the next account must still be settled; the schedule comes back to this one
        logger.exception("reconcile failed", extra={"account": account})
        return Settled(account=account)
