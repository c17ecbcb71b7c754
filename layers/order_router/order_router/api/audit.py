"""A day's orders, and the kill switches, breakers and limits that concern them, as lines of an audit."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from order_router.api.http import Answer, ApiRequest
from order_router.api.kill_switch import may_see
from order_router.api.listing import OrdersFound, asked_day, cursor_behind, page_of_orders
from order_router.domain.account import Caller, Scope
from order_router.domain.audit import line_of_change, line_of_turn, lines_of
from order_router.domain.change_log import Change
from order_router.domain.kill_switch import KillSwitch, StopScope
from order_router.ports import OrderStore, Settings, StoreUnavailable
from order_router.service.switch_log import turns_on

if TYPE_CHECKING:
    from order_router.service.kill_desk import KillSwitches


MAX_SIZE = 3_000_000
"""How long a page's lines may be: Lambda gives back 6 MB, in which each quotation mark of theirs is escaped.

Source: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, invocation payload, read 2026-11-23.
"""


@dataclass(frozen=True, slots=True)
class _Lines:
    """Some orders' lines, and the token of the next page (None: there is none)."""

    lines: list[dict[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditDesk:
    """What the audit reads. `changes_on` gives a day's changes of breakers and limits, as they were kept."""

    store: OrderStore
    settings: Settings
    switches: "KillSwitches"
    changes_on: Callable[[date], tuple[Change, ...]]


def answer_audit(desk: AuditDesk, request: ApiRequest) -> Answer:
    """Answer `GET /v1/audit`: a page of a day's orders, a line for each thing that happened to them.

    `accounts` names those that it tells of, null: all. The first page has the day's turns of kill switches and its
    changes of breakers and limits beside them; none of the others has any. StoreUnavailable rather than one order too
    few.
    """
    caller = request.require(Scope.ADMIN)
    found = page_of_orders(request, desk.store, desk.settings)
    if found.unreadable:
        words = f"{found.unreadable} orders of the day are not readable by this release: the log names them"
        raise StoreUnavailable(words)
    page = _lines(desk.store, found)
    is_first = "cursor" not in request.query
    content = {
        "accounts": _narrowed(request, caller),
        "lines": page.lines,
        "turns": [*_turns(desk, request, caller)] if is_first else [],
        "changes": [*_changes(desk, request, caller)] if is_first else [],
        "next_cursor": page.next_cursor,
    }
    return Answer(content=content)


def _narrowed(request: ApiRequest, caller: Caller) -> list[str] | None:
    """Return the accounts that are told of, by name; None: whichever there are."""
    asked = request.query.get("account")
    return sorted(caller.accounts if asked is None else {asked}) or None


def _lines(store: OrderStore, page: OrdersFound) -> _Lines:
    """Return the lines of the page's orders, or of so many of them as have room in one answer; of one at least."""
    lines: list[dict[str, Any]] = []
    room, last = MAX_SIZE, None
    for order in page.orders:
        own = [dict(line) for line in lines_of(order)]
        room -= len(json.dumps(own))
        if room < 0 and last is not None:
            return _Lines(lines, cursor_behind(last, store))
        lines += own
        last = order
    return _Lines(lines, page.next_cursor)


def _turns(desk: AuditDesk, request: ApiRequest, caller: Caller) -> Iterator[dict[str, Any]]:
    day, account = asked_day(request), request.query.get("account")
    for state in desk.switches.known():
        if _concerns(state.switch, account) and may_see(desk.settings, caller, state.switch):
            yield from (dict(line_of_turn(turn)) for turn in turns_on(desk.switches, state.switch, day))


def _changes(desk: AuditDesk, request: ApiRequest, caller: Caller) -> Iterator[dict[str, Any]]:
    account = request.query.get("account")
    for change in desk.changes_on(asked_day(request)):
        # whoever may see what stops an account or a strategy may see what else decides on its orders
        whose = KillSwitch(StopScope(change.whose.kind), change.whose.owner)
        if _concerns(whose, account) and may_see(desk.settings, caller, whose):
            yield dict(line_of_change(change))


def _concerns(switch: KillSwitch, account: str | None) -> bool:
    """Return whether it may have stopped the account: which ones a strategy traded that day nothing tells any more."""
    return account is None or switch.scope is not StopScope.ACCOUNT or switch.name == account
