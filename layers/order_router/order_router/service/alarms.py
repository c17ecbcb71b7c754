"""What is done when an alarm of the watch changes: a breaker opened, everything stopped, or a person told."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from order_router.domain.account import Account
from order_router.domain.alarm import Act, Alarm, AlarmState
from order_router.domain.errors import Reason, RouterError
from order_router.domain.notices import NoticeNotQueued
from order_router.ports import Notice, StoreUnavailable
from order_router.service.breaker import BreakerDesk, open_breaker

logger = logging.getLogger(__name__)
ANY_ACCOUNT = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmDesk:
    """The ports of who acts on alarms. `kills` names those that stop everything.

    `stop(by, reason, change)` does that, once for each change that is named (None: always), and returns whether the
    trader will hear of it.
    """

    breakers: BreakerDesk
    stop: Callable[[str, str, str | None], bool]
    kills: frozenset[str] = frozenset()


def act_on_each(desk: AlarmDesk, alarms: Iterable[Alarm]) -> None:
    """Act on each of the changes, whatever becomes of the one before; raises the last failure."""
    failure: RouterError | None = None
    for alarm in alarms:
        try:
            act_on(desk, alarm)
        except RouterError as error:
            failure = error
    if failure is not None:
        raise failure


def act_on(desk: AlarmDesk, alarm: Alarm) -> None:
    """Act on one change of an alarm. Doing it again does nothing new: a delivery may come twice.

    Raises StoreUnavailable if something could not be done, NoticeNotQueued if all was done and is only to be told: the
    delivery comes again.
    """
    logger.warning(
        "alarm", extra={"alarm": alarm.name, "alarm_state": str(alarm.state), "act": str(alarm.act)}
    )
    told = [_tell(desk, alarm, f"{alarm.name} is over: {alarm.words}")] if alarm.is_over else []
    if alarm.state is AlarmState.ALARM:
        if alarm.act is Act.KILL or any(alarm.is_named(short) for short in desk.kills):
            told.append(desk.stop(f"alarm {alarm.name}", _why(alarm), alarm.changed_at))
        if alarm.act is not Act.BREAKER or not _opened(desk, alarm):
            told.append(_tell(desk, alarm, f"{alarm.name}: {_why(alarm)}"))
    if not all(told):
        raise NoticeNotQueued(f"what alarm {alarm.name} did could not be queued")


def _opened(desk: AlarmDesk, alarm: Alarm) -> bool:
    """Open the breakers that the alarm is for, each once for its change, and return whether there are any.

    Opening tells by itself, and what could not be told whoever looks at the breaker next tells.
    """
    failure: StoreUnavailable | None = None
    change = None if alarm.changed_at is None else f"{alarm.name} {alarm.changed_at}"
    concerned = [one for one in desk.breakers.settings.accounts() if _is_concerned(one, alarm)]
    for account in concerned:
        try:
            open_breaker(
                desk.breakers,
                account,
                by=f"alarm {alarm.name}",
                reason=Reason("ALARM", _why(alarm)),
                change=change,
            )
        except StoreUnavailable as error:
            # the next account's orders must be stopped all the same
            failure = error
    if failure is not None:
        raise failure
    return bool(concerned)


def _is_concerned(account: Account, alarm: Alarm) -> bool:
    return account.broker == alarm.broker and alarm.account in {None, account.name}


def _why(alarm: Alarm) -> str:
    return " ".join(part for part in (alarm.words, alarm.reason) if part)


def _tell(desk: AlarmDesk, alarm: Alarm, words: str) -> bool:
    # without a time a delivery that comes twice is told twice: a change must never be taken for a repeat of the last
    changed_at = desk.breakers.clock.now().isoformat() if alarm.changed_at is None else alarm.changed_at
    subject = f"{alarm.name} {alarm.state} {changed_at}"
    return desk.breakers.notifier.tell(
        Notice(kind="alarm", account=alarm.account or ANY_ACCOUNT, message=words, subject=subject)
    )
