"""The alerts of a burst: turned into orders by the service that ships, and queued ten at a time.

The emulator's gateway starts a process for each parallel call, and its queue takes some 20 ms for one message on two
busy cores: 200 calls of the webhook within one second are not to be had there. What `place` is handed is the same.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import Any

from order_router.aws.queues import group_of, write_message
from order_router.domain.account import Strategy
from order_router.domain.alert import Alert
from order_router.domain.identity import client_order_id
from order_router.ports import PlaceOrder
from order_router.service.signals import Intake, take_alert
from tests.fakes.queues import MemoryOrderQueue, MemorySeenAlerts

BATCH = 10


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One alert that was taken: its order, its instrument, its place among that instrument's, and when."""

    client_order_id: str
    instrument: str
    number: int
    received_at: datetime
    durable_at: datetime


class Queue:
    """The deployed order queue, ten messages a call."""

    def __init__(self, client: Any, url: str) -> None:
        self._client, self._url = client, url

    def put(self, orders: Sequence[PlaceOrder]) -> None:
        """Store all of them, in order; an error if one may not be stored."""
        entries = [
            {
                "Id": str(place),
                "MessageBody": write_message(order),
                "MessageGroupId": group_of(order.request),
                "MessageDeduplicationId": client_order_id(order.request.account, order.idempotency_key),
            }
            for place, order in enumerate(orders)
        ]
        answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        if answer.get("Failed"):
            raise RuntimeError(f"the queue refused {answer['Failed']}")


def fire(
    queue: Queue, strategies: Sequence[Strategy], instruments: Sequence[str], *, alerts: int
) -> list[Sent]:
    """Send the alerts evenly within one second, those of one instrument in order."""
    wanted = [(instrument, n) for n in range(alerts // len(instruments)) for instrument in instruments]
    start, sent = time.monotonic(), list[Sent]()
    for place, batch in enumerate(batched(wanted, BATCH, strict=False)):
        time.sleep(max(0.0, start + place * BATCH / len(wanted) - time.monotonic()))
        taken = [(one, _taken(strategies[one[1] % len(strategies)], *one)) for one in batch]
        queue.put([order for _, order in taken])
        sent += _noted(taken)
    return sent


def _noted(taken: Sequence[tuple[tuple[str, int], PlaceOrder]]) -> Iterator[Sent]:
    durable_at = datetime.now(UTC)
    for (instrument, number), order in taken:
        yield Sent(
            client_order_id=client_order_id(order.request.account, order.idempotency_key),
            instrument=instrument,
            number=number,
            received_at=order.received_at,
            durable_at=durable_at,
        )


def _taken(strategy: Strategy, instrument: str, number: int) -> PlaceOrder:
    """Return the order that the alert becomes."""
    exchange, _, ticker = instrument.partition(":")
    now, memory = datetime.now(UTC), MemoryOrderQueue()
    alert = Alert(
        ticker=ticker,
        exchange=exchange,
        action="buy",
        contracts="1",
        price=None,
        time=now,
        position_size=str(number + 1),
    )
    body = f"{instrument} {number} {now}".encode()
    take_alert(Intake(memory, MemorySeenAlerts()), strategy, alert, body, now)
    (order,) = memory.orders
    return order
