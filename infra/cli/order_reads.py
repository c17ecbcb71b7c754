"""`router order list`, `show` and `watch`: what has become of orders."""

from typing import Annotated, Any

import typer

from infra.cli.asking import path_of
from infra.cli.command import Result, command
from infra.cli.options import AccountOption
from infra.cli.order_words import final_states, step_words, summary_of, table_of
from infra.cli.orders import OrderId, app
from infra.cli.watching import follow
from infra.cli.work import Work

__all__ = ["app"]

StateOption = Annotated[str | None, typer.Option(help="Such as open, or open,partially_filled.")]
DayOption = Annotated[
    str | None, typer.Option(metavar="YYYY-MM-DD", help="Today at the exchange unless set.")
]


@command(app, "list")
def list_orders(
    work: Work,
    account: AccountOption = None,
    state: StateOption = None,
    day: DayOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 200,
) -> Result:
    """List a day's orders, newest first in each account."""
    orders = day_orders(work, {"account": account, "state": state, "day": day}, limit)
    return Result(document={"orders": orders}, shown=table_of(orders))


PAGE = 200


def day_orders(work: Work, query: dict[str, str | None], limit: int) -> list[dict[str, Any]]:
    """Return a day's orders, as many pages as it takes."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = {**query, "limit": str(min(PAGE, limit - len(found))), "cursor": cursor}
        answer = work.api.call("GET", "/v1/orders", query=page)
        found += answer["orders"]
        cursor = answer["next_cursor"]
        if cursor is None or len(found) >= limit:
            return found


@command(app, "show")
def show_order(work: Work, client_order_id: OrderId) -> Result:
    """Show one order with its history."""
    order = work.api.call("GET", path_of("orders", client_order_id))
    steps = [f"  {step['at']}  {step['state']:<17} {step_words(step)}".rstrip() for step in order["history"]]
    return Result(document=order, shown="\n".join([summary_of(order), *steps]))


Timeout = Annotated[int | None, typer.Option(min=1, help="Seconds after which to stop looking.")]


@command(app, "watch")
def watch_orders(
    work: Work,
    client_order_id: Annotated[
        list[str] | None,
        typer.Argument(metavar="CLIENT_ORDER_ID...", help="The day's open orders unless named."),
    ] = None,
    account: AccountOption = None,
    timeout: Timeout = None,
) -> Result:
    """Follow orders until each has ended; exits with 1 if one has not by then."""
    final = final_states()
    if client_order_id:
        ids = list(client_order_id)
    else:
        today = day_orders(work, {"account": account}, 10_000)
        ids = [order["client_order_id"] for order in today if order["state"] not in final]
    orders = follow(work, ids, final, timeout)
    has_ended = all(order["state"] in final for order in orders)
    note = "" if has_ended else "not all have ended: router order watch goes on"
    return Result(
        document={"orders": orders}, shown=table_of(orders), note=note, exit_code=0 if has_ended else 1
    )
