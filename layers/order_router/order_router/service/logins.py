"""Log in on the broker's own page: lead a person there, and make a session of what comes back."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from order_router.adapter.errors import BrokerError
from order_router.adapter.login import BrowserLogin, LoginKind, LoginUnclear
from order_router.domain.account import Account
from order_router.domain.broker_session import SessionRecord, released
from order_router.domain.errors import RouterError
from order_router.ports import LoginTicket, RenewalPending
from order_router.service.login_links import (
    ASKED_LINK_LIFE,
    LinkInvalid,
    LoginLink,
    make_link,
    require_ticket,
)
from order_router.service.session_desk import SessionDesk, change_record, login_sender
from order_router.service.session_notices import tell_failed
from order_router.service.sessions import (
    POLL_S,
    SessionStatus,
    Wanted,
    as_login_failure,
    claim,
    keep_session,
    note_failure,
    status,
)

logger = logging.getLogger(__name__)

CALLBACK_PATIENCE = timedelta(seconds=10)
"""How long a person who comes back from the broker's page waits for another login of the account to end."""


class NoLoginPage(RouterError):
    """The account's broker has no page to log in on."""

    code = "NO_LOGIN_PAGE"


@dataclass(frozen=True, slots=True)
class _CameBack:
    """A person who came back from the broker's page: by which ticket, and with what."""

    ticket: LoginTicket
    answer: Mapping[str, str] = field(repr=False)


def login_link(
    desk: SessionDesk, account_name: str, address: str, life: timedelta = ASKED_LINK_LIFE
) -> LoginLink:
    """Return a new link to the broker's page; NoLoginPage where the broker has none, AccountUnknown."""
    account = desk.account(account_name)
    if desk.profile(account).login is not LoginKind.BROWSER:
        raise NoLoginPage(f"{desk.profile(account).title} is not logged in to on a page")
    return make_link(desk, account.name, address, life)


def broker_page(desk: SessionDesk, account_name: str, token: str) -> str:
    """Return the address of the broker's page for a link's token.

    Raises LinkInvalid, CredentialsRefused if none are stored, or a NotSent on a passing fault.
    """
    account, _ = require_ticket(desk, account_name, token)
    return _login(desk, account).login_page(desk.credentials.credentials(account), token)


def finish_login(
    desk: SessionDesk, account_name: str, token: str, answer: Mapping[str, str]
) -> SessionStatus:
    """Make a session of what the broker's page sent back, and store it.

    Raises LinkInvalid, RenewalPending (the link is still good), or LoginFailed or one of its children (it is used up).
    """
    account, ticket = require_ticket(desk, account_name, token)
    record = _claimed(desk, account)
    try:
        _redeem(desk, account, record, _CameBack(ticket, answer))
    finally:
        change_record(desk, account.name, lambda one: released(one) if one.owner == record.owner else one)
    return status(desk, account)


def _claimed(desk: SessionDesk, account: Account) -> SessionRecord:
    give_up = desk.clock.now() + CALLBACK_PATIENCE
    while True:
        claimed = claim(desk, desk.records.get(account.name), Wanted())
        if claimed is not None:
            return claimed
        if desk.clock.now() + timedelta(seconds=POLL_S) > give_up:
            raise RenewalPending(
                f"another login of account {account.name} is under way: load this page again"
            )
        desk.clock.sleep(POLL_S)


def _redeem(desk: SessionDesk, account: Account, record: SessionRecord, back: _CameBack) -> None:
    login, credentials = _login(desk, account), desk.credentials.credentials(account)
    if not desk.tickets.use(back.ticket, desk.clock.now()):
        raise LinkInvalid("this link was used before: ask for a new one")
    send = login_sender(desk, credentials, record)
    try:
        session = login.redeem_login(send, credentials, back.answer)
    except BrokerError as error:
        failure = as_login_failure(error, credentials, *back.answer.values())
    except Exception as error:  # noqa: BLE001 - a defect of an adapter is no session, and its words may hold a secret
        logger.warning("adapter defect", extra={"account": account.name, "error": type(error).__name__})
        failure = LoginUnclear(f"the broker adapter failed with {type(error).__name__}")
    else:
        keep_session(desk, account, record, session)
        return
    # raised out here: what the adapter raised may hold what it was given
    note_failure(desk, account, record, failure)
    tell_failed(desk, account, failure.reason)
    raise failure


def _login(desk: SessionDesk, account: Account) -> BrowserLogin:
    if desk.profile(account).login is not LoginKind.BROWSER:
        raise LinkInvalid("this link was used, has expired, or was never given: ask for a new one")
    return cast("BrowserLogin", desk.login_of(account.broker))
