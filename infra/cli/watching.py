"""Looks at orders again and again until they have ended, and shows them in place where there is a terminal."""

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from infra.cli.asking import path_of
from infra.cli.order_words import table_of
from infra.cli.patience import Patience
from infra.cli.work import Work

POLL_S = 1.0
Orders = list[dict[str, Any]]
Paint = Callable[[Orders], None]


def follow(work: Work, ids: list[str], final: Collection[str], timeout_s: int | None) -> Orders:
    """Return the orders once each has ended, or as they are when the time is up."""
    give_up = None if timeout_s is None else work.clock.now() + timedelta(seconds=timeout_s)
    orders = {one: _read(work, one) for one in ids}
    patience = Patience()
    with _screen(work) as paint:
        while True:
            paint(list(orders.values()))
            waiting = [one for one, order in orders.items() if order["state"] not in final]
            if not waiting or (give_up is not None and work.clock.now() >= give_up):
                return list(orders.values())
            work.clock.sleep(POLL_S)
            for one in waiting:
                seen = patience.look(partial(_read, work, one))
                orders[one] = orders[one] if seen is None else seen


def _read(work: Work, client_order_id: str) -> dict[str, Any]:
    return work.api.call("GET", path_of("orders", client_order_id))


@contextmanager
def _screen(work: Work) -> Iterator[Paint]:
    """Give what paints the orders in place; on no terminal, or for JSON, nothing is painted."""
    if work.as_json or not sys.stdout.isatty():
        yield lambda _: None
        return
    from rich.live import Live  # noqa: PLC0415 - only who watches pays for it

    from infra.cli.output import rich_table  # noqa: PLC0415 - the same

    # transient: what is left on the screen is the command's own result
    with Live(auto_refresh=False, transient=True) as live:
        yield lambda orders: live.update(rich_table(table_of(orders)), refresh=True)
