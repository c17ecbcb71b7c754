"""Look at one order as its broker has it now; a look that fails changes nothing."""

import logging

from order_router.adapter.errors import BrokerError
from order_router.adapter.port import Broker, OrderTarget
from order_router.domain.account import Account
from order_router.domain.order import Order
from order_router.domain.reports import OrderReport
from order_router.service.changeable import (
    ChangeInProgress,
    at_broker,
    may_have_other_terms,
    require_modifiable,
)
from order_router.service.desk import Desk
from order_router.service.recording import Seen, record_report
from order_router.service.timing import LEASE

logger = logging.getLogger(__name__)


def look_at(desk: Desk, account: Account, broker: Broker, target: OrderTarget) -> OrderReport | None:
    """Return the broker's report of the order, or None if it could not be read."""
    try:
        session = desk.sessions.session(account)
        return broker.read_order(desk.transport.sender(session.endpoint, not_after=None), session, target)
    except BrokerError as error:
        logger.warning("look failed", extra={"account": account.name, "reason": error.code})
    except Exception:  # what was done at the broker is done: a defect in reading must not hide that
        logger.exception("adapter defect", extra={"account": account.name})
    return None


def on_known_terms(desk: Desk, account: Account, broker: Broker, order: Order) -> Order:
    """Return the order on the terms that it has at its broker: read back if an answer did not tell them.

    Raises ChangeInProgress if that cannot be done, and what keeps the order from being modified as it is by now.
    """
    if not may_have_other_terms(order):
        return order
    target = OrderTarget(broker_order_id=at_broker(order), request=order.request)
    asked_before = desk.clock.now() - LEASE
    report = look_at(desk, account, broker, target)
    # what lacks a fill that we know of is of a moment ago, and what is being changed there has its terms still to come
    if report is None or report.is_changing or report.filled_quantity < order.filled_quantity:
        raise ChangeInProgress(
            f"no answer has told which terms order {order.client_order_id} has since its last change, and they could"
            " not be read back: ask again"
        )
    known = record_report(desk, order, Seen(report, "the order read back", asked_before=asked_before))
    require_modifiable(known, desk.clock.now())
    return known
