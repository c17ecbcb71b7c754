"""An order in words, and orders as a table."""

from typing import Any

from infra.cli.command import Result, Table

UNANSWERED = {"modify_unresolved": "changed", "cancel_unresolved": "cancelled"}


def shown_order(order: dict[str, Any]) -> Result:
    """Return one order; what has not ended is told how to follow, and a change that was not answered is not done."""
    final = order["state"] in final_states()
    unanswered = next((UNANSWERED.get(step["event"]) for step in reversed(order.get("history", ()))), None)
    doubt = f"whether it was {unanswered} is not known yet; " if unanswered and not final else ""
    note = "" if final else f"{doubt}follow it: router order watch {order['client_order_id']}"
    return Result(document=order, shown=summary_of(order), note=note, exit_code=1 if doubt else 0)


def final_states() -> frozenset[str]:
    """Return the states in which an order has ended."""
    from order_router.domain.lifecycle import FINAL  # noqa: PLC0415 - a fast start

    return frozenset(map(str, FINAL))


def summary_of(order: dict[str, Any]) -> str:
    """Return an order as one line."""
    line = f"{order['client_order_id']} {order['state']}: {_what(order)}"
    if order["filled_quantity"]:
        line += f", {order['filled_quantity']} filled at {order['average_price']}"
    reason = order.get("reason")
    return line if not reason else f"{line} ({reason['code']}: {reason['message']})"


def _what(order: dict[str, Any]) -> str:
    words = [order["side"], str(order["quantity"]), order["instrument"], order["order_type"]]
    words += [f"{name} {order[key]}" for name, key in PRICES if order.get(key)]
    if order.get("after_market"):
        words.append("after market")
    return " ".join([*words, order["product"]])


PRICES = (("limit", "limit_price"), ("trigger", "trigger_price"))

COLUMNS = (
    "order",
    "account",
    "state",
    "side",
    "quantity",
    "filled",
    "instrument",
    "type",
    "limit",
    "average",
)


def table_of(orders: list[dict[str, Any]]) -> Table:
    """Return orders as a table."""
    rows = (
        (
            order["client_order_id"],
            order["account"],
            order["state"],
            order["side"],
            str(order["quantity"]),
            str(order["filled_quantity"]),
            order["instrument"],
            order["order_type"],
            order["limit_price"] or "",
            order["average_price"] or "",
        )
        for order in orders
    )
    return Table(COLUMNS, tuple(rows))


def step_words(step: dict[str, Any]) -> str:
    """Return what one line of an order's history adds to its state."""
    words = [step["event"] if step["event"] != step["state"] else ""]
    if "average_price" in step:
        words.append(f"{step['filled_quantity']} at {step['average_price']}")
    if "reason" in step:
        words.append(f"{step['reason']['code']}: {step['reason']['message']}")
    return " ".join(word for word in (*words, step.get("note", "")) if word)
