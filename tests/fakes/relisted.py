"""Positions that the paper exchange shows otherwise than it holds them, as other brokers do."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.fakes.world import ENDPOINT, World

Row = dict[str, Any]


def relist(world: World, change: Callable[[list[Row]], list[Row]]) -> None:
    """Let the exchange show its positions changed."""
    handle = world.handlers[ENDPOINT]

    def changed(request: Any) -> Any:
        answer = handle(request)
        if not request.url.endswith("/positions"):
            return answer
        content = {"positions": change(json.loads(answer.body)["positions"])}
        return replace(answer, body=json.dumps(content).encode())

    world.handlers[ENDPOINT] = changed


def listed_row(instrument: str, quantity: int, **changes: Any) -> Row:
    """Return a position for delivery as the exchange lists one, a hundred above its price."""
    usual = {"instrument": instrument, "product": "CNC", "quantity": quantity, "average_price": "1500.05"}
    profit = {"last_price": "1600", "realised_pnl": "0", "unrealised_pnl": str(quantity * 100)}
    return {**usual, **profit, "buy_quantity": 0, "sell_quantity": 0, **changes}


def half_a_share(instrument: str) -> Row:
    """Return a position that nobody can read: quantities are whole here."""
    return listed_row(instrument, 0) | {"quantity": "0.5"}
