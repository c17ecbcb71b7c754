"""Ask for what must happen soon, without letting the asking hurt an order."""

import logging

from order_router.ports import Notice, ReconcileQueue, StoreUnavailable
from order_router.service.desk import Desk, RecordDesk
from order_router.service.timing import RECONCILE_DELAY_S

logger = logging.getLogger(__name__)


AT_ONCE = "at-once"
"""Names a look that no other stands in for: what it is to release cannot wait."""


def ask_for_a_look(desk: Desk, account: str, *, delay_s: int = RECONCILE_DELAY_S) -> None:
    """Ask the reconciler to look at the account soon; its schedule comes anyway if this fails."""
    _ask(desk.reconcile, account, delay_s=delay_s)


def look_at_once(queue: ReconcileQueue, account: str) -> None:
    """Have looked at what waited for an order that is settled; the schedule does if this fails."""
    _ask(queue, account, delay_s=0, look=AT_ONCE)


def _ask(queue: ReconcileQueue, account: str, *, delay_s: int, look: str | None = None) -> None:
    try:
        queue.put(account, delay_s=delay_s, look=look)
    except StoreUnavailable:
        logger.warning("could not ask for a look", extra={"account": account})


def tell(desk: RecordDesk, kind: str, account: str, message: str, client_order_id: str | None = None) -> bool:
    """Tell the trader; return whether it is on its way."""
    return desk.notifier.tell(
        Notice(kind=kind, account=account, message=message, client_order_id=client_order_id)
    )
