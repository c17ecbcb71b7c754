"""Tell the trader of a session, each thing once between two logins and once more each day; its link goes with it.

What is to be told is written down before, and that it was told after it is on its way: what was lost between is told by
the next who looks, under the same subject.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from order_router.adapter.login import LoginKind
from order_router.domain.account import Account
from order_router.domain.broker_session import SessionRecord, begun_telling, day_begun, marked_told
from order_router.domain.errors import Reason
from order_router.ports import Notice, StoreUnavailable
from order_router.service.login_links import make_link
from order_router.service.session_desk import SessionDesk, change_record

logger = logging.getLogger(__name__)
CALENDAR_AHEAD = timedelta(days=21)
EVERY_ACCOUNT = "all"
TOLD_LINK_LIFE = timedelta(hours=3)
"""How long a link that was sent is good: it waits for somebody to look at a telephone."""

UNTOLD_FOR = timedelta(seconds=10)
"""How long whoever is to tell has for it, before whoever looks does."""

NEEDED, FAILED = "needed", "failed:"


def tell_needed(desk: SessionDesk, account: Account) -> None:
    """Tell once that the account has no session, or none for the day, and that a person must log in."""
    _tell_once(desk, account, NEEDED, lambda: _needed(desk, account))


def tell_failed(desk: SessionDesk, account: Account, reason: Reason) -> None:
    """Tell once of each reason why logging in failed."""
    _tell_once(desk, account, f"{FAILED}{reason.code}", lambda: _failed(account, reason))


def begin_day(desk: SessionDesk) -> None:
    """Let what was told on an earlier day be told again: a link of that day is dead, and each day has its own login."""
    at = desk.clock.now()
    for account in desk.settings.accounts():
        try:
            change_record(desk, account.name, lambda one: day_begun(one, at))
        except StoreUnavailable as error:
            # a later look of this morning does
            logger.warning("day not begun", extra={"account": account.name, "words": error.message})


def tell_untold(desk: SessionDesk) -> None:
    """Tell again what was to be told of each account and is not known to be on its way; what fails waits once more."""
    for account in desk.settings.accounts():
        if account.is_enabled:
            try:
                _tell_again(desk, account)
            except StoreUnavailable as error:
                # the next minute comes; the other accounts must not wait for it
                logger.warning("untold", extra={"account": account.name, "words": error.message})


def _tell_again(desk: SessionDesk, account: Account) -> None:
    record = desk.records.get(account.name)
    for what, _ in record.telling:
        if what == NEEDED:
            tell_needed(desk, account)
        else:
            tell_failed(desk, account, _reason_of(record, what.removeprefix(FAILED)))


def _reason_of(record: SessionRecord, code: str) -> Reason:
    if record.last_error is not None and record.last_error.code == code:
        return record.last_error
    return Reason(code, "another failure came after it")


def tell_calendar_ends(desk: SessionDesk) -> None:
    """Tell which exchanges' days are known for less than three weeks more: orders outside their hours pass then."""
    now, calendar = desk.clock.now(), desk.calendar()
    ends = {name: calendar.ends_within(name, now, CALENDAR_AHEAD) for name in sorted(desk.exchanges())}
    words = ", ".join(f"{name} until {day}" for name, day in ends.items() if day is not None)
    if words:
        message = (
            f"the trading calendar ends soon ({words}); after that no order is refused for its exchange's hours,"
            " and every weekday counts as a trading day: deploy a newer version, or name holidays in TradingHolidays"
        )
        desk.notifier.tell(Notice(kind="calendar_unknown", account=EVERY_ACCOUNT, message=message))


def _tell_once(desk: SessionDesk, account: Account, what: str, notice_of: Callable[[], Notice]) -> None:
    """Tell it unless it was told since the last login or today, or somebody else has just begun to.

    The subject carries the time since when it is to be told: what is told again is a repeat, what came before a login
    is not.
    """
    at = desk.clock.now()
    before, record = change_record(desk, account.name, lambda one: begun_telling(one, what, at))
    since = dict(record.telling).get(what)
    if since is None or (before is record and at - since < UNTOLD_FOR):
        return
    if not desk.notifier.tell(replace(notice_of(), subject=f"{what} {since.isoformat()}")):
        return
    try:
        change_record(desk, account.name, lambda one: marked_told(one, what, since, at))
    except StoreUnavailable as error:
        logger.warning("not noted as told", extra={"account": account.name, "words": error.message})


def _needed(desk: SessionDesk, account: Account) -> Notice:
    link = _link(desk, account) if desk.profile(account).login is LoginKind.BROWSER else None
    words = (
        f"log in to {desk.profile(account).title}: account {account.name} has no session for today's orders"
    )
    return Notice(kind="login_needed", account=account.name, message=words, link=link)


def _failed(account: Account, reason: Reason) -> Notice:
    words = f"the login of account {account.name} failed ({reason.code}): {reason.message}"
    return Notice(kind="login_failed", account=account.name, message=words)


def _link(desk: SessionDesk, account: Account) -> str | None:
    try:
        address = desk.tickets.address()
        return None if address is None else make_link(desk, account.name, address, TOLD_LINK_LIFE).url
    except StoreUnavailable:
        return None
