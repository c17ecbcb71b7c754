"""Tell the trader of a session, each thing once between two logins; the link that mends it goes with it."""

from datetime import timedelta

from order_router.adapter.login import LoginKind
from order_router.domain.account import Account
from order_router.domain.broker_session import marked_told
from order_router.domain.errors import Reason
from order_router.ports import Notice, StoreUnavailable
from order_router.service.login_links import make_link
from order_router.service.session_desk import SessionDesk, change_record

CALENDAR_AHEAD = timedelta(days=21)
EVERY_ACCOUNT = "all"
TOLD_LINK_LIFE = timedelta(hours=3)
"""How long a link that was sent is good: it waits for somebody to look at a telephone."""


def tell_needed(desk: SessionDesk, account: Account) -> None:
    """Tell once that the account has no session, or none for the day, and that a person must log in."""
    subject = _untold(desk, account, "needed")
    if subject is None:
        return
    link = _link(desk, account) if desk.profile(account).login is LoginKind.BROWSER else None
    words = (
        f"log in to {desk.profile(account).title}: account {account.name} has no session for today's orders"
    )
    desk.notifier.tell(
        Notice(kind="login_needed", account=account.name, message=words, subject=subject, link=link)
    )


def tell_failed(desk: SessionDesk, account: Account, reason: Reason) -> None:
    """Tell once of each reason why logging in failed."""
    subject = _untold(desk, account, f"failed:{reason.code}")
    if subject is None:
        return
    words = f"the login of account {account.name} failed ({reason.code}): {reason.message}"
    desk.notifier.tell(Notice(kind="login_failed", account=account.name, message=words, subject=subject))


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


def _untold(desk: SessionDesk, account: Account, what: str) -> str | None:
    """Mark this told and return the subject to tell it by, None if it was told since the last login.

    The subject carries the mark's time: what the record calls untold is never a repeat of what came before a login.
    """
    at = desk.clock.now()
    before, after = change_record(desk, account.name, lambda one: marked_told(one, what, at))
    return None if before is after else f"{what} {at.isoformat()}"


def _link(desk: SessionDesk, account: Account) -> str | None:
    try:
        address = desk.tickets.address()
        return None if address is None else make_link(desk, account.name, address, TOLD_LINK_LIFE).url
    except StoreUnavailable:
        return None
