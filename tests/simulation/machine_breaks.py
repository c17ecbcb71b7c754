"""Promises broken on purpose: what the state machine has to find."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from order_router.api import answers, http, kill_switch, listing, problems, webhook
from order_router.api.alert import parse_alert
from order_router.api.answers import order_json, placement_answer
from order_router.api.http import Answer
from order_router.aws.kill_tables import KillSwitchesTable, KillTicketsTable
from order_router.aws.queues import SqsOrderQueue
from order_router.domain import meter
from order_router.domain.account import Caller, Scope
from order_router.domain.errors import RouterError
from order_router.ports import StoreUnavailable
from order_router.service import change, gates, limiting, place, signals
from order_router.service.kill_links import engage_by_link, require_link

_numbers = count()
_put = SqsOrderQueue.put


def _replay_as_new(placement: Any, headers: Any) -> Answer:
    answer = placement_answer(placement, headers)
    return replace(answer, status=201) if answer.status == 200 else answer


def _refusal_as_success(order: Any, headers: Any) -> Answer:
    return Answer(status=200, content=order_json(order), headers=headers)


def _put_perhaps(self: SqsOrderQueue, orders: Any) -> None:
    with suppress(StoreUnavailable):
        _put(self, orders)


def _put_later(self: SqsOrderQueue, orders: Any) -> None:
    try:
        _put(self, orders)
    except StoreUnavailable as error:
        raise RouterError(error.message, code="BUSY") from error


def _any_strategy(token: object, settings: Any) -> Any:
    return settings.strategy("swing")


def _parse_and_log(fields: dict[str, Any]) -> Any:
    logging.getLogger("order_router.api.webhook").debug("alert", extra={"fields": fields})
    return parse_alert(fields)


def _everybody(*_: object) -> Caller:
    return Caller(key_id="anybody", scopes=frozenset({Scope.ADMIN}))


def _another_name(*_: object) -> str:
    return f"{next(_numbers):020}".translate(str.maketrans("0123456789", "ABCDEFGHIJ"))


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _without_cursor(place_in_list: Any) -> str:
    return _token(replace(place_in_list, cursor=None))


def _all_accounts(_: Caller, settings: Any) -> Any:
    return settings.accounts()


def _turn_next_time(self: KillSwitchesTable, after: Any, *, before: Any) -> None:
    """Make the turn that this worker kept, and keep this one."""
    kept = vars(self).get("kept")
    vars(self)["kept"] = (after, before)
    if kept is not None:
        with suppress(RouterError):
            _turn(self, kept[0], before=kept[1])


def _press_by_looking(desk: Any, token: str) -> Any:
    ticket = require_link(desk, token)
    engage_by_link(desk, token)
    return ticket


def _meter_without_a_limit(*arguments: Any) -> meter.Meter:
    return replace(_entry_meter(*arguments), at_most={}, at_least={})


_token, _turn = listing._token, KillSwitchesTable.turn
_entry_meter = meter.entry_meter


@dataclass(frozen=True)
class Break:
    """A promise that is broken: what stands in place of a part of the code, and the rules that are enough to notice."""

    holder: Any
    name: str
    replacement: Callable[..., Any] | int
    rules: tuple[str, ...]


PLACED, ALERTED = ("place_new", "repeat", "reuse_key"), ("send_alert", "resend_alert")
LIMITED = ("place_new", "place_within_limits")
LINKED = ("be_told_with_a_link", "follow_link")
BREAKS = {
    "a key may be used for another order": Break(place, "request_digest", lambda _: "same", PLACED),
    "a repeat is answered as a new order": Break(answers, "placement_answer", _replay_as_new, PLACED),
    "a refusal is answered as a success": Break(answers, "_not_placed", _refusal_as_success, PLACED),
    "an id does not come from its key": Break(place, "client_order_id", _another_name, PLACED),
    "an alert is taken before it is queued": Break(SqsOrderQueue, "put", _put_perhaps, ALERTED),
    "an unknown token opens a strategy": Break(
        webhook, "_strategy", _any_strategy, ("send_alert_as_nobody", "send_alert")
    ),
    "a webhook asks to come again later": Break(SqsOrderQueue, "put", _put_later, ALERTED),
    "a status is another than documented": Break(problems, "REFUSED", 400, ("place_new", "place_badly")),
    "a resend is another order": Break(signals, "alert_digest", lambda *_: f"{next(_numbers)}", ALERTED),
    "all alerts are one": Break(signals, "alert_digest", lambda *_: "same", ALERTED),
    "a token is logged": Break(webhook, "parse_alert", _parse_and_log, ALERTED),
    "anybody may trade": Break(
        http.ApiRequest, "require", _everybody, ("place_without_right", "ask_for_more")
    ),
    "no switch stops an order": Break(gates, "switches_for", lambda *_: (), ("place_while_stopped",)),
    "a switch stops a cancel": Break(change, "cancel_gate", gates.change_gate, ("change_while_stopped",)),
    "a price is a binary fraction": Break(answers, "_price", _float, PLACED),
    "a page begins where the account does": Break(
        listing, "_token", _without_cursor, ("place_new", "list_orders")
    ),
    "a stop is answered before it is written": Break(
        KillSwitchesTable, "turn", _turn_next_time, ("place_new", "turn_kill_switch")
    ),
    "an exit that is let through is stopped": Break(
        gates, "is_exit", lambda _: False, ("place_while_stopped",)
    ),
    "every order passes as an exit": Break(gates, "is_exit", lambda _: True, ("place_while_stopped",)),
    "looking at a link is pressing it": Break(kill_switch, "require_link", _press_by_looking, LINKED),
    "a link is good for ever": Break(KillTicketsTable, "use", lambda *_: True, LINKED),
    "nothing that an order is held to has a limit": Break(
        limiting, "require_within", lambda *_: None, LIMITED
    ),
    "nothing that is counted has a limit": Break(limiting, "entry_meter", _meter_without_a_limit, LIMITED),
    "a key opens every account": Break(
        Caller, "may_see", lambda *_: True, ("place_without_right", "ask_for_more")
    ),
    "an audit shows every account": Break(listing, "_accounts_of", _all_accounts, ("place_new", "look")),
}
