"""Look at one order as its broker has it now; a look that fails changes nothing."""

import logging

from order_router.adapter.errors import BrokerError
from order_router.adapter.port import Broker, OrderTarget
from order_router.domain.account import Account
from order_router.domain.reports import OrderReport
from order_router.service.desk import Desk

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
