"""What a call that met a dead session does about it: take another one, have it replaced, or have it told."""

import logging
from datetime import datetime

from order_router.adapter.errors import NotSent
from order_router.adapter.login import LoginKind
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.ports import Sessions
from order_router.service.desk import Desk

logger = logging.getLogger(__name__)


def fingerprint_of(session: BrokerSession | None) -> str | None:
    """Return the fingerprint of the session that a call was made with, None where there was none."""
    return None if session is None else session.fingerprint


def is_replaced(sessions: Sessions, account: Account, refused: BrokerSession | None) -> bool:
    """Return whether another session is stored than the refused one, which a worker remembers for a while."""
    sessions.forget(account)
    try:
        return sessions.session(account).fingerprint != fingerprint_of(refused)
    except NotSent:
        return False


def has_new_session(
    desk: Desk, account: Account, refused: BrokerSession | None, *, until: datetime | None
) -> bool:
    """Return whether there is a session now in place of the refused one; if not, somebody is seeing to it.

    `until` None: there is no time for a login, and none for another try.
    """
    fingerprint = fingerprint_of(refused)
    if until is not None and is_replaced(desk.sessions, account, refused):
        return True
    is_unattended = desk.broker_of(account.broker).profile.login is LoginKind.UNATTENDED
    if not is_unattended or until is None or desk.clock.now() >= until:
        desk.renewer.report(account, refused=fingerprint)
        return False
    try:
        desk.renewer.renew(account, refused=fingerprint, until=until)
    except RouterError as error:
        logger.warning("no new session", extra={"account": account.name, "code": error.code})
        return False
    desk.sessions.forget(account)
    return desk.clock.now() < until
