"""Links that turn a kill switch on with one tap, for notices that say that something is wrong.

A link carries a token that nobody can guess; only its digest is stored, with the switch and an expiry. Opening it shows
a page with one button and does nothing (mail scanners follow links); the button turns the switch on, and only then is
the link used up.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from order_router.domain.errors import RouterError
from order_router.domain.kill_switch import KillSwitch, KillTicket
from order_router.ports import Clock
from order_router.service.kill_desk import KillDesk, KillTickets
from order_router.service.kill_switch import Engage, Engaged, engage

LINK_LIFE = timedelta(hours=24)
BY_LINK = "link"


class KillLinkInvalid(RouterError):
    """The link was never given, was used, or has expired."""

    code = "KILL_LINK_INVALID"


@dataclass(frozen=True, slots=True, kw_only=True)
class KillLinks:
    """Makes links. `nonce` makes a value that nobody can guess; `address` gives the API's base URL if it is known."""

    tickets: KillTickets
    clock: Clock
    nonce: Callable[[], str]
    address: Callable[[], str | None]

    def issue(self, switch: KillSwitch) -> str | None:
        """Return a link that turns this switch on, good for a day and once; None while nobody knows the API's address.

        May raise StoreUnavailable.
        """
        address = self.address()
        if address is None:
            return None
        token = self.nonce()
        ticket = KillTicket(digest=_digest(token), switch=switch, expires_at=self.clock.now() + LINK_LIFE)
        self.tickets.issue(ticket)
        return f"{address.rstrip('/')}/v1/kill-switch/link?token={quote(token, safe='')}"


def require_link(desk: KillDesk, token: str) -> KillTicket:
    """Return the unused ticket of a token; KillLinkInvalid whatever is wrong with it."""
    ticket = desk.tickets.find(_digest(token), desk.clock.now())
    if ticket is None:
        raise KillLinkInvalid(
            "this link was used, has expired, or was never given: router kill status shows what is stopped"
        )
    return ticket


def engage_by_link(desk: KillDesk, token: str) -> Engaged:
    """Turn on the switch of a token, and use the token up only then: a stop that failed may be tried again."""
    ticket = require_link(desk, token)
    engaged = engage(desk, Engage(switch=ticket.switch, by=BY_LINK, reason="one-tap link"))
    desk.tickets.use(ticket, desk.clock.now())
    return engaged


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
