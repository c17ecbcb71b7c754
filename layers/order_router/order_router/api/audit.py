"""A day's orders, and the turns of kill switches that concern them, as lines of an audit."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from order_router.api.http import Answer, ApiRequest
from order_router.api.kill_switch import may_see
from order_router.api.listing import asked_day, page_of_orders
from order_router.domain.account import Caller, Scope
from order_router.domain.audit import line_of_turn, lines_of
from order_router.domain.kill_switch import KillSwitch, StopScope
from order_router.ports import OrderStore, Settings
from order_router.service.switch_log import turns_on

if TYPE_CHECKING:
    from order_router.service.kill_desk import KillSwitches


def answer_audit(
    request: ApiRequest, store: OrderStore, settings: Settings, switches: "KillSwitches"
) -> Answer:
    """Answer `GET /v1/audit`: a page of a day's orders, a line for each thing that happened to them.

    The first page has the day's turns of kill switches beside them; none of the others has any.
    """
    caller = request.require(Scope.ADMIN)
    page = page_of_orders(request, store, settings)
    lines = [dict(line) for order in page.orders for line in lines_of(order)]
    turns = [] if "cursor" in request.query else [*_turns(request, caller, settings, switches)]
    return Answer(content={"lines": lines, "turns": turns, "next_cursor": page.next_cursor})


def _turns(
    request: ApiRequest, caller: Caller, settings: Settings, switches: "KillSwitches"
) -> Iterator[dict[str, Any]]:
    day, account = asked_day(request), request.query.get("account")
    for state in switches.known():
        if _concerns(state.switch, account) and may_see(settings, caller, state.switch):
            yield from (dict(line_of_turn(turn)) for turn in turns_on(switches, state.switch, day))


def _concerns(switch: KillSwitch, account: str | None) -> bool:
    """Return whether it may have stopped the account: which ones a strategy traded that day nothing tells any more."""
    return account is None or switch.scope is not StopScope.ACCOUNT or switch.name == account
