"""The kill switch over the API: what callers send, what they get back, and the page behind a one-tap link."""

from collections.abc import Callable
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, StrictBool, model_validator

from order_router.api.answers import time_text
from order_router.api.http import Answer, ApiRequest, Forbidden
from order_router.api.listing import asked_truth
from order_router.api.pages import Button, or_page, page, sent_form
from order_router.domain.account import Caller, Scope
from order_router.domain.errors import RouterError
from order_router.domain.kill_switch import EVERYTHING, KillSwitch, StopScope, SwitchState, switch_of
from order_router.domain.kill_work import KillWork
from order_router.domain.request import Name, Reason
from order_router.ports import Settings, StoreUnavailable
from order_router.service.kill_desk import KillDesk
from order_router.service.kill_links import engage_by_link, require_link
from order_router.service.kill_switch import Engage, Release, accounts_of, engage, release

HISTORY = 20
MAX_FIELDS = 5


class _Switch(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    scope: StopScope
    name: Name | None = None

    @model_validator(mode="after")
    def _name_fits_scope(self) -> Self:
        if (self.name is None) != (self.scope is StopScope.GLOBAL):
            raise ValueError("name the account or the strategy, and nothing for scope global")
        return self

    @property
    def switch(self) -> KillSwitch:
        """Return which switch it is."""
        return KillSwitch(self.scope, self.name)


class EngageKillSwitch(_Switch):
    """What is to be stopped, and what else is to be done.

    `lets_exits` absent: as the switch stands if it is on, else as the stack is set. `cancel_open`: the open orders of
    the accounts concerned; `close_positions`: that, and then their positions at the market, with `confirm`.
    """

    reason: Reason | None = None
    lets_exits: StrictBool | None = None
    cancel_open: StrictBool = False
    close_positions: StrictBool = False
    confirm: StrictBool = False

    @model_validator(mode="after")
    def _closing_is_meant(self) -> Self:
        if self.close_positions and self.scope is StopScope.STRATEGY:
            raise ValueError("positions are an account's: close_positions goes with scope global or account")
        if self.close_positions and not self.confirm:
            raise ValueError("close_positions trades at the market: say confirm true")
        if self.close_positions and self.lets_exits is False:
            raise ValueError("close_positions needs its exits let through: leave lets_exits out")
        return self


class ReleaseKillSwitch(_Switch):
    """What may trade again, and why."""

    reason: Reason


def show_switches(desk: KillDesk, request: ApiRequest) -> Answer:
    """Answer `GET /v1/kill-switch`: how every switch stands, what its work came to, its turns if they are asked for."""
    caller = request.require(Scope.ADMIN)
    with_history = asked_truth(request, "history")
    states = [state for state in desk.switches.known() if may_see(desk.settings, caller, state.switch)]
    if all(state.switch != EVERYTHING for state in states):
        states.insert(0, desk.switches.get(EVERYTHING))
    works = [work_json(work) for work in desk.works.known() if caller.may_see(work.account)]
    switches = [
        {**state_json(state), **({"history": _history(desk, state)} if with_history else {})}
        for state in states
    ]
    return Answer(content={"switches": switches, "work": works})


def engage_switch(desk: KillDesk, request: ApiRequest) -> Answer:
    """Answer `POST /v1/kill-switch`: from this answer on no new order leaves. 202: there is work under way."""
    caller = request.require(Scope.ADMIN)
    wanted = EngageKillSwitch.model_validate(request.json_object())
    _require_own(desk, caller, wanted.switch)
    command = Engage(
        switch=wanted.switch,
        by=caller.key_id,
        reason=wanted.reason or "",
        lets_exits=wanted.lets_exits,
        cancels_open=wanted.cancel_open,
        closes_positions=wanted.close_positions,
    )
    engaged = engage(desk, command)
    content = {**state_json(engaged.state), "work": [work_json(work) for work in engaged.works]}
    return Answer(status=202 if engaged.works else 200, content=content)


def release_switch(desk: KillDesk, request: ApiRequest) -> Answer:
    """Answer `DELETE /v1/kill-switch`: orders may leave again."""
    caller = request.require(Scope.ADMIN)
    wanted = ReleaseKillSwitch.model_validate(request.json_object())
    _require_own(desk, caller, wanted.switch)
    command = Release(
        switch=wanted.switch, by=caller.key_id, reason=wanted.reason, asked_at=request.received_at
    )
    return Answer(content=state_json(release(desk, command)))


def state_json(state: SwitchState) -> dict[str, Any]:
    """Return how a switch stands, as callers see it."""
    return {
        "scope": str(state.switch.scope),
        "name": state.switch.name,
        "is_on": state.is_on,
        "lets_exits": state.lets_exits,
        "since": None if state.since is None else time_text(state.since),
        "turned_at": None if state.at is None else time_text(state.at),
        "turned_by": state.by or None,
        "reason": state.reason or None,
    }


def work_json(work: KillWork) -> dict[str, Any]:
    """Return what the work of an account came to, as callers see it."""
    switch = switch_of(work.switch)
    return {
        "account": work.account,
        "strategy": work.strategy,
        "scope": str(switch.scope),
        "phase": str(work.phase),
        "requested_at": time_text(work.requested_at),
        "requested_by": work.by,
        "updated_at": time_text(work.updated_at),
        "close_positions": work.closes_positions,
        "cancelled": [line.model_dump(mode="json") for line in work.cancels],
        "exits": [line.model_dump(mode="json", exclude={"key"}) for line in work.exits],
        "problems": list(work.problems),
    }


def _history(desk: KillDesk, state: SwitchState) -> list[dict[str, Any]]:
    return [state_json(turn) for turn in desk.switches.history(state.switch, last=HISTORY)]


def may_see(settings: Settings, caller: Caller, switch: KillSwitch) -> bool:
    """Return whether the caller may see the switch: what stops everything stops each caller."""
    return switch == EVERYTHING or _is_own(settings, caller, switch)


def _is_own(settings: Settings, caller: Caller, switch: KillSwitch) -> bool:
    """Return whether it stops the caller's accounts and no others; of a strategy that is gone nobody can tell."""
    if not caller.accounts:
        return True
    accounts = accounts_of(settings, switch)
    return bool(accounts) and all(caller.may_see(account) for account in accounts)


def _require_own(desk: KillDesk, caller: Caller, switch: KillSwitch) -> None:
    """Raise Forbidden if the switch stops accounts that the caller may not see."""
    if (switch == EVERYTHING and caller.accounts) or not _is_own(desk.settings, caller, switch):
        raise Forbidden(
            f"this key is not for everything that {switch} is: it may stop its own accounts",
            code="ACCOUNT_FORBIDDEN",
        )


# ---------------------------------------------------------------- the one-tap link
UNSURE = (
    "Not known to be stopped",
    "Something went wrong on our side: whether it is stopped, router kill status shows. Press again to be sure.",
)


def show_link(desk: KillDesk, request: ApiRequest) -> Answer:
    """Answer `GET /v1/kill-switch/link`: a page with one button; nothing happens by looking at it."""

    def show() -> Answer:
        token = request.query.get("token", "")
        switch = require_link(desk, token).switch
        button = Button(f"Stop {switch} now", {"token": token})
        return page(
            200, "Kill switch", f"No new order of {switch} leaves once this is pressed.", button=button
        )

    return _or_page(show)


def press_link(desk: KillDesk, request: ApiRequest) -> Answer:
    """Answer `POST /v1/kill-switch/link`: turn the switch on that the token is for."""

    def press() -> Answer:
        engaged = engage_by_link(desk, sent_form(request, max_fields=MAX_FIELDS).get("token", ""))
        since = engaged.state.at
        when = "" if since is None else f" since {since:%H:%M:%S} UTC"
        words = f"No new order of {engaged.state.switch} leaves{when}. To trade again: router kill off."
        return page(200, "Stopped", words)

    # the switch may be on, or is on and its link not used up
    return _or_page(press, unsure=(StoreUnavailable,))


def _or_page(answer: Callable[[], Answer], unsure: tuple[type[RouterError], ...] = ()) -> Answer:
    return or_page(
        answer, failed="no stop", refused="Not stopped by this link", unexpected=UNSURE, unsure=unsure
    )
