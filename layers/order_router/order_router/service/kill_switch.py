"""Turn the kill switch on and off: stop first, then see to what else was asked for."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from order_router.domain.errors import RouterError
from order_router.domain.kill_switch import KillSwitch, StopScope, SwitchConflict, SwitchState, Turn
from order_router.domain.kill_work import REST, KillWork, Verdict, WorkConflict, judged
from order_router.ports import Notice, Settings, StoreUnavailable
from order_router.service.desk import AccountUnknown
from order_router.service.kill_desk import KillDesk, still_stands

logger = logging.getLogger(__name__)
TRIES = 10
RECENT_TURNS = 20
"""Among how many of a switch's last turns one is looked for that may have been asked for again."""

SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
"""What the gateway's clock says of when a call came is cut off below."""


class StrategyUnknown(RouterError):
    """No strategy has this name."""

    code = "STRATEGY_UNKNOWN"


class WorkNotBegun(StoreUnavailable):
    """The switch is on, and what else was asked for may not have begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engage:
    """The command to stop. `lets_exits` None: as the switch stands if it is on, else as the stack is set.

    `cancels_open`: cancel the open orders of the accounts concerned; `closes_positions`: that, and then close their
    positions, for which exits are let through.
    """

    switch: KillSwitch
    by: str
    reason: str = ""
    lets_exits: bool | None = None
    cancels_open: bool = False
    closes_positions: bool = False


@dataclass(frozen=True, slots=True)
class Engaged:
    """The switch, on, and the work that was begun or goes on. `is_told`: that it is on is on its way to the trader."""

    state: SwitchState
    works: tuple[KillWork, ...] = ()
    is_told: bool = True


def engage(desk: KillDesk, command: Engage) -> Engaged:
    """Turn the switch on; once this returns no new order passes it.

    Raises AccountUnknown, StrategyUnknown, StoreUnavailable (whether it is on is not known) or WorkNotBegun.
    """
    require_known(desk, command.switch)
    state = _turned_on(desk, command)
    is_told = _tell(desk, "kill_on", state)
    return Engaged(state, _begun(desk, command, state), is_told)


def engage_once(desk: KillDesk, command: Engage, change: str) -> bool:
    """Turn the switch on for this change of something else, unless that was done; return whether it is told.

    Asked again it only tells again: nothing is stopped anew that a person has let go since. Raises as `engage` does.
    """
    command = replace(command, reason=f"{command.reason} ({change})".strip())
    asked = (command.by, command.reason)
    turns = desk.switches.history(command.switch, last=RECENT_TURNS)
    done = next((turn for turn in turns if turn.is_on and (turn.by, turn.reason) == asked), None)
    if done is None:
        return engage(desk, command).is_told
    # of one that was turned since, its last turn was told
    return done.version != turns[0].version or _tell(desk, "kill_on", done)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The command to let go. `asked_at`: when somebody asked, however late it is carried out."""

    switch: KillSwitch
    by: str
    reason: str
    asked_at: datetime


def release(desk: KillDesk, command: Release) -> SwitchState:
    """Turn the switch off, unless it was turned after this was asked for: a later stop is not undone unseen.

    Raises SwitchConflict or StoreUnavailable. One that is off stays as it is.
    """
    before = desk.switches.get(command.switch)
    if not before.is_on:
        return before
    if before.at is not None and before.at >= command.asked_at + MILLISECOND:
        raise SwitchConflict(before)
    state = before.turned_off(Turn(at=desk.clock.now(), by=command.by, reason=command.reason))
    desk.switches.turn(state, before=before)
    _tell(desk, "kill_off", state)
    return state


def require_known(desk: KillDesk, switch: KillSwitch) -> None:
    """Raise AccountUnknown or StrategyUnknown: whoever mistypes a name must not believe that it is stopped."""
    settings = desk.settings
    if switch.name is None:
        return
    if switch.scope is StopScope.ACCOUNT and settings.account(switch.name) is None:
        raise AccountUnknown(f"there is no account {switch.name!r}: nothing was stopped")
    if switch.scope is StopScope.STRATEGY and settings.strategy(switch.name) is None:
        raise StrategyUnknown(f"there is no strategy {switch.name!r}: nothing was stopped")


def accounts_of(settings: Settings, switch: KillSwitch) -> tuple[str, ...]:
    """Return the accounts whose orders the switch stops, by name: none for a strategy that is gone."""
    if switch.name is None:
        return tuple(account.name for account in settings.accounts())
    if switch.scope is StopScope.ACCOUNT:
        return (switch.name,)
    strategy = settings.strategy(switch.name)
    return () if strategy is None else tuple(strategy.accounts)


def _turned_on(desk: KillDesk, command: Engage) -> SwitchState:
    before = desk.switches.get(command.switch)
    for _ in range(TRIES):
        turn = Turn(
            at=desk.clock.now(),
            by=command.by,
            reason=command.reason,
            cancels_open=command.cancels_open or command.closes_positions,
            closes_positions=command.closes_positions,
        )
        state = before.turned_on(turn, lets_exits=_lets_exits(desk, command, before))
        try:
            desk.switches.turn(state, before=before)
        except SwitchConflict as conflict:
            before = conflict.current
        else:
            return state
    raise StoreUnavailable(f"turning on the kill switch of {command.switch}: too many conflicts")


def _lets_exits(desk: KillDesk, command: Engage, before: SwitchState) -> bool:
    if command.closes_positions:
        return True
    if command.lets_exits is not None:
        return command.lets_exits
    return before.lets_exits if before.is_on else desk.lets_exits()


def _begun(desk: KillDesk, command: Engage, state: SwitchState) -> tuple[KillWork, ...]:
    if not (command.cancels_open or command.closes_positions):
        return ()
    begun, failure = [], None
    for account in accounts_of(desk.settings, command.switch):
        try:
            begun += _begin(desk, command, state, account)
        except RouterError as error:
            # the next account's orders must be seen to all the same
            logger.warning("work not begun", extra={"code": error.code, "account": account})
            failure = error
    if failure is not None:
        raise WorkNotBegun(
            f"the kill switch of {command.switch} is on; ask again for the rest: {failure.message}"
        ) from failure
    return tuple(begun)


def _begin(desk: KillDesk, command: Engage, state: SwitchState, account: str) -> list[KillWork]:
    """Write the work down and ask for its first pass; a pass too many does no harm, none would be a lost one.

    None is begun once the stop was let go: a worker that was held up would replace work that goes on, or has its end to
    tell.
    """
    wanted = _work(desk, command, state, account)
    if not still_stands(desk.switches, wanted):
        logger.warning("the stop was let go before its work began", extra={"account": account})
        return []
    work = _written(desk, wanted)
    if not work.is_over:
        desk.queue.put(work.name, work.work_id, delay_s=0)
    return [work]


def _work(desk: KillDesk, command: Engage, state: SwitchState, account: str) -> KillWork:
    now: datetime = desk.clock.now()
    return KillWork(
        work_id=desk.nonce(),
        account=account,
        switch=state.switch.key,
        since=state.since or now,
        requested_at=now,
        by=command.by,
        closes_positions=command.closes_positions,
        strategy=command.switch.name if command.switch.scope is StopScope.STRATEGY else None,
        updated_at=now,
    )


def _written(desk: KillDesk, wanted: KillWork) -> KillWork:
    for _ in range(TRIES):
        standing = desk.works.get(wanted.name)
        stands = standing is not None and still_stands(desk.switches, standing)
        verdict = judged(standing, wanted, stands=stands)
        if standing is not None and verdict is Verdict.GO_ON:
            return standing
        if standing is not None and verdict is Verdict.WAIT:
            left = standing.updated_at + REST - wanted.requested_at
            raise StoreUnavailable(
                f"positions of {wanted.account} were being closed under a stop that was let go:"
                f" ask again in {left // SECOND + 1} s"
            )
        try:
            return desk.works.write(wanted, replacing=standing)
        except WorkConflict:
            continue
    raise StoreUnavailable(f"beginning the work of {wanted.name}: too many conflicts")


def _tell(desk: KillDesk, kind: str, state: SwitchState) -> bool:
    why = f": {state.reason}" if state.reason else ""
    word = "on" if state.is_on else "off"
    exits = ", exits pass" if state.lets_exits else ""
    return desk.notifier.tell(
        Notice(
            kind=kind,
            account=state.switch.name or "" if state.switch.scope is StopScope.ACCOUNT else "",
            message=f"kill switch of {state.switch} turned {word} by {state.by}{exits}{why}",
            subject=f"{state.switch.key}#{state.version}",
        )
    )
