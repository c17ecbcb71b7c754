"""Kite's answers to an order that is placed, fills at once and is looked at, as bytes, made by the simulator."""

import gzip
from datetime import UTC, datetime

from tests.exact_json import dump_json
from tests.simulators.kite import Kite
from tests.simulators.kite_behaviours import PLAIN

FORM = {
    "variety": "regular",
    "exchange": "NSE",
    "tradingsymbol": "INFY",
    "transaction_type": "BUY",
    "quantity": "5",
    "product": "CNC",
    "order_type": "MARKET",
    "validity": "DAY",
    "market_protection": "-1",
    "tag": "ORD7K2M4QX5ZB3TDLW6A",
}


def kite_answers() -> dict[str, bytes]:
    """Return the whole HTTP answers, by the method of the request: POST places, GET reads the order's history."""
    kite = Kite(lambda: datetime.now(UTC))
    placed = kite.perform("place", FORM, PLAIN)
    history = kite.perform("history", placed, PLAIN)
    return {"POST": _whole(placed), "GET": _whole(history)}


def _whole(data: object) -> bytes:
    body = gzip.compress(dump_json({"status": "success", "data": data}).encode())
    lines = (
        "HTTP/1.1 200 OK",
        "Content-Type: application/json",
        "Content-Encoding: gzip",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join([*lines, "", ""]).encode() + body
