"""One burst on a stack: its account, its alerts, its pollers, and what is left when everything has ended."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra import operate
from infra.local.stack import Stack
from infra.operate import Target
from order_router.aws.orders_table import OrdersTable
from order_router.domain.account import Account, Strategy
from order_router.domain.order import Order
from order_router.domain.vocabulary import OrderType, Product
from order_router.transport.clock import SystemClock
from tests.burst.alerts import Queue, Sent, fire
from tests.burst.ledger import Burst
from tests.burst.pollers import polling
from tests.fakes.listed import a_share, put_listings
from tests.simulators.kite import ACCESS_TOKEN, API_KEY
from tests.system.kite import KiteProcess

INSTRUMENTS = tuple(f"NSE:BURST{number}" for number in range(10))
MAX_AGES_S = (300, 300, 300, 12)
"""Three of four alerts may wait, one may not: it is stale if its turn comes too late."""

PATIENCE_S = 280.0
POLL_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where a burst takes place: a stack of its own, and the broker that its Zerodha adapter calls."""

    target: Target
    stack: Stack
    kite: KiteProcess


def run(ground: Ground, *, account: str, alerts: int, pollers: int) -> Burst:
    """Send the alerts within one second and wait until each has ended."""
    strategies = _open(ground, account)
    queue_url = _queue_url(ground)
    queue = Queue(ground.stack.client("sqs"), queue_url)
    with polling(ground.stack, queue_url, pollers=pollers):
        sent = fire(queue, strategies, INSTRUMENTS, alerts=alerts)
        records = _wait(ground, sent)
    mine = {one.client_order_id for one in sent}
    return Burst(
        sent=sent,
        records=records,
        rows=[row for row in ground.kite.orders() if row["tag"] in mine],
        calls=[datetime.fromisoformat(at) for at in ground.kite.order_calls()],
    )


def _open(ground: Ground, account: str) -> list[Strategy]:
    """Add the account, its session, what its broker lists, and a strategy for each age."""
    target = ground.target
    operate.add_account(target, Account(name=account, broker="zerodha"))
    operate.set_session(target, account, {"api_key": API_KEY, "access_token": ACCESS_TOKEN})
    shares = [a_share(name) for name in (*INSTRUMENTS, "NSE:INFY")]
    put_listings(target.dynamodb, target.outputs["InstrumentsTableName"], "zerodha", shares)
    ground.kite.tell(prices=dict.fromkeys(INSTRUMENTS, "100"))
    return [_strategy(target, account, number, age) for number, age in enumerate(MAX_AGES_S)]


def _strategy(target: Target, account: str, number: int, max_age_s: int) -> Strategy:
    strategy = Strategy(
        name=f"{account}-{number}",
        accounts=(account,),
        order_type=OrderType.MARKET,
        product=Product.CNC,
        max_quantity=10,
        max_age_s=max_age_s,
    )
    operate.add_strategy(target, strategy)
    return strategy


def _queue_url(ground: Ground) -> str:
    return next(
        str(url)
        for url in ground.stack.client("sqs").list_queues()["QueueUrls"]
        if "OrderQueue" in url and url.endswith(".fifo")
    )


def _wait(ground: Ground, sent: list[Sent]) -> dict[str, Order]:
    """Return the records once all of them have ended, or nothing has changed for too long."""
    outputs = ground.target.outputs
    table: Any = OrdersTable(
        ground.target.dynamodb,
        SystemClock(),
        orders=outputs["OrdersTableName"],
        gates=outputs["GateTableName"],
    )
    give_up, records = time.monotonic() + PATIENCE_S, dict[str, Order]()
    while time.monotonic() < give_up:
        missing = [one.client_order_id for one in sent if one.client_order_id not in records]
        for client_order_id in missing:
            found = table.get(client_order_id)
            if found is not None and found.state.is_final:
                records[client_order_id] = found
        if len(records) == len(sent):
            break
        time.sleep(POLL_S)
    return records
