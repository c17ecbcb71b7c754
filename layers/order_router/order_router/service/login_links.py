"""Links that begin a login: one tap leads to the broker's page, and one login comes of it.

A link carries a token that nobody can guess; only its digest is stored, with the account and an expiry. The broker's
page brings the same token back as `state`. Opening the link uses nothing up (messengers look at links before people
do); the login that comes back does.
"""

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.ports import LoginTicket, StoreUnavailable
from order_router.service.session_desk import SessionDesk

logger = logging.getLogger(__name__)
LAPTOP = "http://127.0.0.1:"
ASKED_LINK_LIFE = timedelta(minutes=15)
"""How long a link is good that somebody just asked for."""


class LinkInvalid(RouterError):
    """The link was not issued for this account, was used, or has expired."""

    code = "LOGIN_LINK_INVALID"


@dataclass(frozen=True, slots=True)
class LoginLink:
    """One tap to the broker's page, good until `expires_at`."""

    url: str = field(repr=False)
    expires_at: datetime


def make_link(desk: SessionDesk, account: str, address: str, life: timedelta = ASKED_LINK_LIFE) -> LoginLink:
    """Issue a ticket to log in and return its link; `address` is the base URL of the API."""
    token, expires_at = desk.nonce(), desk.clock.now() + life
    desk.tickets.issue(LoginTicket(digest=_digest(token), account=account, expires_at=expires_at))
    url = f"{address.rstrip('/')}/v1/sessions/{quote(account, safe='')}/login?token={quote(token, safe='')}"
    return LoginLink(url, expires_at)


def note_address(desk: SessionDesk, address: str) -> None:
    """Remember where browsers reach the API; a laptop's own address, noted when its stack was started, stays.

    One that is known is not written again; what fails the next schedule does.
    """
    try:
        known = desk.tickets.address()
        if known != address and (known is None or not known.startswith(LAPTOP)):
            desk.tickets.remember_address(address)
    except StoreUnavailable as error:
        logger.warning("address not noted", extra={"words": error.message})


def require_ticket(desk: SessionDesk, account_name: str, token: str) -> tuple[Account, LoginTicket]:
    """Return the account and the unused ticket of a token; LinkInvalid whatever is wrong with either."""
    ticket = desk.tickets.find(_digest(token), desk.clock.now())
    account = desk.settings.account(account_name)
    if ticket is None or account is None or ticket.account != account.name:
        raise LinkInvalid("this link was used, has expired, or was never given: ask for a new one")
    return account, ticket


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
