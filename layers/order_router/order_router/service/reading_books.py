"""Read an order book that its broker lets one user read seldom: in turn with every other worker, or later.

A turn is held while the book is read, and rests from then on for as long as the profile says: however slow a request
was, the next one of its kind comes no sooner at the broker. A worker that dies in its turn leaves it when its time is
over. Whoever comes too early waits for some seconds, and then leaves the orders to the next look. A broker that keeps
out whoever goes on is not asked at all until it listens again.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from order_router.adapter.errors import BrokerError, NotSent, RateLimited
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.reports import OrderBook
from order_router.ports import StoreUnavailable
from order_router.service.desk import Desk
from order_router.service.timing import BOOK_HELD, BOOK_POLL_S, BOOK_WAIT

logger = logging.getLogger(__name__)


class TooEarly(NotSent):
    """The book was read a moment ago: nothing was asked."""

    code = "BOOK_TOO_EARLY"


def read_in_turn(
    desk: Desk, account: Account, session: BrokerSession, read: Callable[[], OrderBook]
) -> OrderBook:
    """Return the book that the read returns, once it may be read.

    Raises TooEarly, RateLimited while the broker keeps us out, and what the read raises.
    """
    profile = desk.broker_of(account.broker).profile
    if profile.book_every_s is None:
        return read()
    try:
        require_let_in(desk, account)
        name, taker = _turn_of(account, session.user(profile.user_fields)), desk.nonce()
        _take(desk, name, taker)
    except StoreUnavailable as error:
        raise TooEarly(f"whether the book may be read is not known: {error.message}") from error
    try:
        return read()
    finally:
        _rest(desk, name, desk.clock.now() + timedelta(seconds=profile.book_every_s), taker)


def require_let_in(desk: Desk, account: Account) -> None:
    """Raise RateLimited while the account's broker keeps us out, as far as anybody has noted; may StoreUnavailable."""
    if desk.broker_of(account.broker).profile.book_every_s is None:
        return
    until, now = desk.turns.free_at(_kept_out(account)), desk.clock.now()
    if until is not None and now < until:
        left = (until - now).total_seconds()
        raise RateLimited(f"{account.broker} takes no requests until {until:%H:%M:%S} UTC", keeps_out_s=left)


def note_kept_out(desk: Desk, account: Account, error: BrokerError | None) -> None:
    """Note that the broker takes no requests for a time, if that is what it said; never raises."""
    if isinstance(error, RateLimited) and error.keeps_out_s and error.broker_code is not None:
        _rest(desk, _kept_out(account), desk.clock.now() + timedelta(seconds=error.keeps_out_s))


def _turn_of(account: Account, user: str | None) -> str:
    return f"book#{account.broker}#{account.name if user is None else user}"


def _kept_out(account: Account) -> str:
    """Return the mark of a broker: it keeps out addresses, which accounts share."""
    return f"kept-out#{account.broker}"


def _take(desk: Desk, name: str, taker: str) -> None:
    give_up = desk.clock.now() + BOOK_WAIT
    while True:
        now = desk.clock.now()
        free_at = desk.turns.take(name, taker, now, until=now + BOOK_HELD)
        if free_at is None:
            return
        # who has it may be done long before its time is over
        pause_s = max(min((free_at - now).total_seconds(), BOOK_POLL_S), BOOK_POLL_S / 10)
        if now + timedelta(seconds=pause_s) > give_up:
            raise TooEarly("another look at this user's orders was made a moment ago")
        desk.clock.sleep(pause_s)


def _rest(desk: Desk, name: str, until: datetime, taker: str | None = None) -> None:
    try:
        desk.turns.rest(name, until, taker=taker)
    except StoreUnavailable as error:
        # a turn that was taken ends by itself
        logger.warning("turn not marked", extra={"turn": name, "reason": error.code})
