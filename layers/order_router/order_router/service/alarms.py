"""What is done when an alarm of the watch changes: a breaker opened, everything stopped, or a person told."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from order_router.domain.account import Account
from order_router.domain.alarm import Act, Alarm, AlarmState
from order_router.domain.errors import Reason
from order_router.ports import Notice, StoreUnavailable
from order_router.service.breaker import BreakerDesk, open_breaker

logger = logging.getLogger(__name__)
ANY_ACCOUNT = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmDesk:
    """The ports of who acts on alarms. `stop(by, reason)` stops everything; `kills` names the alarms that do that."""

    breakers: BreakerDesk
    stop: Callable[[str, str], None]
    kills: frozenset[str] = frozenset()


def act_on(desk: AlarmDesk, alarm: Alarm) -> None:
    """Act on one change of an alarm. Doing it again does nothing new: a delivery may come twice.

    Raises StoreUnavailable if something could not be done: the delivery comes again.
    """
    logger.warning(
        "alarm", extra={"alarm": alarm.name, "alarm_state": str(alarm.state), "act": str(alarm.act)}
    )
    if alarm.is_over:
        _tell(desk, alarm, f"{alarm.name} is over: {alarm.words}")
    if alarm.state is not AlarmState.ALARM:
        return
    if alarm.act is Act.KILL or any(alarm.is_named(short) for short in desk.kills):
        desk.stop(f"alarm {alarm.name}", _why(alarm))
    if alarm.act is Act.BREAKER and _opened(desk, alarm):
        return
    _tell(desk, alarm, f"{alarm.name}: {_why(alarm)}")


def _opened(desk: AlarmDesk, alarm: Alarm) -> bool:
    """Open the breakers that the alarm is for, and return whether there are any; opening tells by itself."""
    failure: StoreUnavailable | None = None
    concerned = [one for one in desk.breakers.settings.accounts() if _is_concerned(one, alarm)]
    for account in concerned:
        try:
            open_breaker(
                desk.breakers, account, by=f"alarm {alarm.name}", reason=Reason("ALARM", _why(alarm))
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


def _tell(desk: AlarmDesk, alarm: Alarm, words: str) -> None:
    # without a time a delivery that comes twice is told twice: a change must never be taken for a repeat of the last
    changed_at = desk.breakers.clock.now().isoformat() if alarm.changed_at is None else alarm.changed_at
    subject = f"{alarm.name} {alarm.state} {changed_at}"
    desk.breakers.notifier.tell(
        Notice(kind="alarm", account=alarm.account or ANY_ACCOUNT, message=words, subject=subject)
    )
