"""Promises broken on purpose: what the state machine has to find."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any

from order_router.api import answers, http, listing, problems, webhook
from order_router.api.alert import parse_alert
from order_router.api.answers import order_json, placement_answer
from order_router.api.http import Answer
from order_router.aws.queues import SqsOrderQueue
from order_router.domain.account import Caller, Scope
from order_router.domain.errors import RouterError
from order_router.ports import StoreUnavailable
from order_router.service import change, gates, place, signals

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


_token = listing._token
Break = tuple[Any, str, Callable[..., Any] | int]

BREAKS: dict[str, Break] = {
    "a key may be used for another order": (place, "request_digest", lambda _: "same"),
    "a repeat is answered as a new order": (answers, "placement_answer", _replay_as_new),
    "a refusal is answered as a success": (answers, "_not_placed", _refusal_as_success),
    "an id does not come from its key": (place, "client_order_id", _another_name),
    "an alert is taken before it is queued": (SqsOrderQueue, "put", _put_perhaps),
    "an unknown token opens a strategy": (webhook, "_strategy", _any_strategy),
    "a webhook asks to come again later": (SqsOrderQueue, "put", _put_later),
    "a status is another than documented": (problems, "REFUSED", 400),
    "a resend is another order": (signals, "alert_digest", lambda *_: f"{next(_numbers)}"),
    "all alerts are one": (signals, "alert_digest", lambda *_: "same"),
    "a token is logged": (webhook, "parse_alert", _parse_and_log),
    "anybody may trade": (http.ApiRequest, "require", _everybody),
    "no switch stops an order": (gates, "switches_for", lambda *_: ()),
    "a switch stops a cancel": (change, "cancel_gate", gates.change_gate),
    "a price is a binary fraction": (answers, "_price", _float),
    "a page begins where the account does": (listing, "_token", _without_cursor),
}
