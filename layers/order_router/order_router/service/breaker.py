"""Count order calls that came to nothing on the wire, stop orders after a row of them, and find out when to go on.

Nothing here runs before the broker: a failure is counted after its order is written down, and a call that was answered
costs nothing, for the orders themselves tell of it when a row would open the breaker.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from order_router.adapter.errors import BrokerError, NotSent, OutcomeUnknown, Rejected
from order_router.domain import breaker as rules
from order_router.domain.account import Account
from order_router.domain.breaker import Breaker
from order_router.domain.errors import Reason
from order_router.domain.exchange_time import exchange_day
from order_router.ports import (
    BreakerConflict,
    Breakers,
    Clock,
    Notice,
    Notifier,
    ReconcileQueue,
    StoreUnavailable,
)
from order_router.service.desk import AccountsDesk, Desk
from order_router.service.reading_books import TooEarly, note_kept_out
from order_router.service.timing import RECONCILE_DELAY_S

logger = logging.getLogger(__name__)
TRIES = 8
RECENT_ORDERS = 50
UNTOLD_FOR = timedelta(seconds=10)
"""How long whoever changed a breaker has to tell of it, before whoever looks does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerDesk(AccountsDesk):
    """The ports of a service that opens and closes breakers without an order in hand."""

    breakers: Breakers
    clock: Clock
    notifier: Notifier
    reconcile: ReconcileQueue


Change = Callable[[Breaker], Breaker]


def is_transport_failure(error: BrokerError | None) -> bool:
    """Return whether nothing, or nothing whole, came back: no refusal of business, session or rate, nothing of ours."""
    return isinstance(error, OutcomeUnknown) or (type(error) is NotSent and error.code == NotSent.code)


def note_failure(desk: Desk, account: Account, error: BrokerError | None) -> None:
    """Count an order call that failed on the wire, and open the breaker with the last of a row; never raises.

    That the broker keeps us out for a time is noted too: no look must go on asking.
    """
    note_kept_out(desk, account, error)
    if error is None or not is_transport_failure(error):
        return
    try:
        _count(desk, account, error.reason)
    except StoreUnavailable as unavailable:
        logger.warning("failure not counted", extra={"account": account.name, "words": unavailable.message})


def _count(desk: Desk, account: Account, reason: Reason) -> None:
    at = desk.clock.now()

    def count(breaker: Breaker) -> Breaker:
        after = rules.failed(breaker, at, reason)
        if after.is_engaged and not breaker.is_engaged:
            return rules.failed(breaker, at, reason, answered_at=_answered_at(desk, account, at))
        return after

    before, after = _change(desk, account, count)
    if after.is_engaged and not before.is_engaged:
        _announce(desk, account, after)


def _answered_at(desk: Desk, account: Account, at: datetime) -> datetime | None:
    # a row may have begun before midnight, where an exchange trades through it
    days = {exchange_day(at - rules.FAILURES_WITHIN), exchange_day(at)}
    pages = [desk.store.list_day(account.name, day, limit=RECENT_ORDERS) for day in days]
    return rules.last_answer(order for page in pages for order in page.orders)


def open_breaker(
    desk: BreakerDesk, account: Account, *, by: str, reason: Reason, change: str | None = None
) -> Breaker:
    """Open the account's breaker, and tell; one that is open stays as it is. Raises StoreUnavailable.

    `change` names what it is opened for: asked again for the same one, nothing is opened that was closed since.
    """
    at = desk.clock.now()

    def open_it(breaker: Breaker) -> Breaker:
        if change is None:
            return rules.opened(breaker, at, by=by, reason=reason)
        return rules.opened_once(breaker, at, by=by, reason=reason, change=change)

    before, after = _change(desk, account, open_it)
    if after.is_engaged and not before.is_engaged:
        _announce(desk, account, after)
    return after


def reset_breaker(desk: BreakerDesk, account: Account, *, by: str) -> Breaker:
    """Close the account's breaker for a person, and tell if it was open. Raises StoreUnavailable."""
    at = desk.clock.now()
    before, after = _change(desk, account, lambda one: rules.reset(one, at, by=by))
    if before.is_engaged:
        _tell(desk, account, after)
    return after


def breakers_of(desk: BreakerDesk, accounts: Iterable[Account]) -> tuple[Breaker, ...]:
    """Return each account's breaker, in order."""
    return tuple(desk.breakers.get(account.broker, account.name) for account in accounts)


def take_probe(desk: Desk, account: Account) -> Breaker | None:
    """Return the breaker half-open if this worker is to read for it now, None where nobody or another one is."""
    try:
        breaker = desk.breakers.get(account.broker, account.name)
        now = desk.clock.now()
        desk.metrics.put({"open_breakers": int(breaker.is_engaged)})
        if not breaker.is_told and (breaker.since is None or now - breaker.since > UNTOLD_FOR):
            breaker = _tell(desk, account, breaker)
        leased = rules.probing(breaker, now, desk.nonce())
        return None if leased is breaker else desk.breakers.write(leased, replacing=breaker)
    except BreakerConflict:
        return None
    except StoreUnavailable as error:
        logger.warning("breaker not looked at", extra={"account": account.name, "words": error.message})
        return None


def end_probe(desk: Desk, account: Account, probe: Breaker, failure: BrokerError | None) -> Breaker:
    """Close the breaker if its probing read was answered, else let it rest longer; return it as it stands then.

    A read that was left to others proves nothing: whoever looks next may read.
    """
    at, owner = desk.clock.now(), probe.owner or ""

    def judge(breaker: Breaker) -> Breaker:
        if isinstance(failure, TooEarly):
            return rules.probe_left(breaker, owner)
        if failure is None or isinstance(failure, Rejected):
            return rules.probe_answered(breaker, owner, at)
        return rules.probe_failed(breaker, owner, at, failure.reason)

    try:
        before, after = _change(desk, account, judge, probe)
    except StoreUnavailable as error:
        # its lease ends by itself, and then somebody reads again
        logger.warning("probe not recorded", extra={"account": account.name, "words": error.message})
        return probe
    return _tell(desk, account, after) if before.is_engaged and not after.is_engaged else after


def _change(
    desk: Desk | BreakerDesk, account: Account, change: Change, known: Breaker | None = None
) -> tuple[Breaker, Breaker]:
    """Change the breaker, whoever else writes meanwhile; return it as it was and as it is stored now."""
    before = desk.breakers.get(account.broker, account.name) if known is None else known
    for _ in range(TRIES):
        after = change(before)
        if after is before:
            return before, before
        try:
            return before, desk.breakers.write(after, replacing=before)
        except BreakerConflict as conflict:
            before = conflict.current
    raise StoreUnavailable(f"the breaker of {account.name}: too many conflicts")


def _announce(desk: Desk | BreakerDesk, account: Account, breaker: Breaker) -> None:
    """Tell that it is open, and have somebody read when its pause is over; the schedule comes anyway."""
    logger.warning(
        "breaker open", extra={"account": account.name, "broker": account.broker, "by": breaker.by}
    )
    _tell(desk, account, breaker)
    try:
        desk.reconcile.put(account.name, delay_s=probe_delay_s(breaker, desk.clock.now()))
    except StoreUnavailable:
        logger.warning("could not ask for a probe", extra={"account": account.name})


def probe_delay_s(breaker: Breaker, at: datetime) -> int:
    """Return after how many seconds a look finds the pause over and nobody reading; those of any look at least."""
    ends = [until for until in (breaker.probe_at, breaker.lease_until) if until is not None]
    return max([RECONCILE_DELAY_S, *(int((until - at).total_seconds()) + 1 for until in ends)])


def _tell(desk: Desk | BreakerDesk, account: Account, breaker: Breaker) -> Breaker:
    """Tell of the breaker as it stands, and note that if it is on its way; else whoever looks next tells it again."""
    kind = "breaker_open" if breaker.is_engaged else "breaker_closed"
    subject = None if breaker.since is None else breaker.since.isoformat()
    words = _open_words(desk, account, breaker) if breaker.is_engaged else _closed_words(account, breaker)
    if not desk.notifier.tell(Notice(kind=kind, account=account.name, message=words, subject=subject)):
        return breaker
    try:
        return desk.breakers.write(rules.told(breaker), replacing=breaker)
    except (BreakerConflict, StoreUnavailable):
        return replace(breaker, is_told=True)


def _open_words(desk: Desk | BreakerDesk, account: Account, breaker: Breaker) -> str:
    why = _why(breaker)
    what = "after order calls that came to nothing" if breaker.by == rules.BY_FAILURES else f"by {breaker.by}"
    return (
        f"no order goes to {account.broker} from account {account.name}: its circuit was opened {what}{why}."
        f" Cancels still go; a read is tried every {int(breaker.pause.total_seconds())} s or later"
        f" and closes it when it is answered.{_fallbacks(desk, account)}"
    )


def _closed_words(account: Account, breaker: Breaker) -> str:
    how = "it answered a read" if breaker.by == rules.BY_PROBE else f"closed by {breaker.by}"
    # the opening may never have been heard: this says why there was one
    return f"orders go to {account.broker} from account {account.name} again: {how}; they were stopped{_why(breaker)}"


def _why(breaker: Breaker) -> str:
    return "" if breaker.reason is None else f" ({breaker.reason.code}: {breaker.reason.message})"


def _fallbacks(desk: Desk | BreakerDesk, account: Account) -> str:
    """Name the accounts that strategies of this one fall back on: a person decides, nothing is switched."""
    try:
        strategies = desk.settings.strategies()
    except StoreUnavailable:
        return ""
    named = [
        f" Strategy {one.name} names account {one.fallback_account} as its fallback: nothing is switched by itself."
        for one in strategies
        if account.name in one.accounts and one.fallback_account is not None
    ]
    return "".join(named)
