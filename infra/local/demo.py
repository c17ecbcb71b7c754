"""Sends an alert and an order through a running stack and prints both journeys, state by state."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

ALERT_MESSAGE = Path(__file__).with_name("tradingview-alert.txt")
FINAL = {"filled", "cancelled", "rejected", "expired", "refused", "stale"}
PATIENCE_S = 60
POLL_S = 0.2

Facts = Mapping[str, Any]


class DemoError(Exception):
    """The stack did not do what it promises; the message says what it answered."""


def run(facts: Facts) -> None:
    """Send both orders and follow them until they are filled; DemoError if one is not."""
    print("\na TradingView alert, as you would paste it:")
    _show(_followed(facts, _send_alert(facts)))
    print("\na limit order over HTTPS, below the market, which then comes down to it:")
    _set_price(facts, "NSE:INFY", "1500.05")
    client_order_id = _place_limit_order(facts)
    _set_price(facts, "NSE:INFY", "1494.95")
    _show(_followed(facts, client_order_id))


def alert_message(token: str, fired_at: datetime) -> str:
    """Return the alert's text as TradingView sends it: every placeholder filled, `timenow` to the second."""
    values = {
        "ticker": "RELIANCE",
        "exchange": "NSE",
        "strategy.order.action": "buy",
        "strategy.order.contracts": "5",
        "strategy.order.price": "2900",
        "strategy.order.id": "Long",
        "strategy.position_size": "5",
        "strategy.market_position": "long",
        "timenow": f"{fired_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    text = ALERT_MESSAGE.read_text(encoding="utf-8").replace("PASTE-YOUR-STRATEGY-TOKEN-HERE", token)
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def _send_alert(facts: Facts) -> str:
    body = alert_message(facts["webhook_token"], datetime.now(UTC))
    return str(_call(facts, "POST", facts["webhook_url"], body)["client_order_ids"][0])


def _place_limit_order(facts: Facts) -> str:
    order = {
        "account": "paper",
        "instrument": "NSE:INFY",
        "side": "BUY",
        "quantity": 10,
        "order_type": "LIMIT",
        "limit_price": "1495",
        "product": "CNC",
    }
    placed = _call(facts, "POST", f"{facts['api_url']}/v1/orders", json.dumps(order))
    return str(placed["client_order_id"])


def _set_price(facts: Facts, instrument: str, last_price: str) -> None:
    url = f"{facts['api_url']}/v1/paper/prices/{quote(instrument, safe='')}"
    _call(facts, "PUT", url, json.dumps({"last_price": last_price}))


def _followed(facts: Facts, client_order_id: str) -> dict[str, Any]:
    url = f"{facts['api_url']}/v1/orders/{client_order_id}"
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        order = _find(facts, url)
        if order is not None and order["state"] in FINAL:
            if order["state"] != "filled":
                raise DemoError(f"order {client_order_id} is {order['state']}: {order['reason']}")
            return order
        time.sleep(POLL_S)
    raise DemoError(f"order {client_order_id} was not filled within {PATIENCE_S} s")


def _find(facts: Facts, url: str) -> dict[str, Any] | None:
    try:
        return _call(facts, "GET", url)
    except DemoError as error:
        # the queue has the alert before the table has the order
        if "ORDER_NOT_FOUND" in str(error):
            return None
        raise


def _call(facts: Facts, method: str, url: str, body: str | None = None) -> dict[str, Any]:
    headers = {"content-type": "application/json", "x-api-key": facts["api_key"]}
    data = None if body is None else body.encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310 - our own stack
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own stack
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        raise DemoError(
            f"{method} {url} answered {error.code}: {error.read().decode(errors='replace')}"
        ) from error
    except OSError as error:
        raise DemoError(f"{method} {url} was not answered: {error}") from error


def _show(order: Mapping[str, Any]) -> None:
    price = order["limit_price"] or "at market"
    what = " ".join(str(order[name]) for name in ("side", "quantity", "instrument", "order_type"))
    print(f"   {what} {price}, {order['product']}")
    print(f"   client order id {order['client_order_id']}, broker order id {order['broker_order_id']}")
    began = datetime.fromisoformat(order["history"][0]["at"])
    for step in order["history"]:
        at = datetime.fromisoformat(step["at"])
        fill = f"  {step['filled_quantity']} at {step['average_price']}" if step.get("average_price") else ""
        clock = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d} UTC"
        print(f"   {clock}  {(at - began).total_seconds():+7.3f} s  {step['state']}{fill}")
