"""The router's own overhead of an HTTPS order: handler time less what the broker and DynamoDB take.

Counted: functions/place/app.py from the gateway's event to the gateway's answer, with the real wiring: reading and
checking the request, the state machine, botocore's serialising, signing and parsing of the transaction and of the
update, kiteconnect, our transport's own work for the order and for the look after it (building the bytes, gzip,
HTTP parsing, the pool's check of the kept connection), and the log line's formatting.

Not counted: the network, TLS, and whatever DynamoDB and the broker do. botocore's `before-send` event answers each
AWS call once the request is signed; the broker's connection answers from memory; the time inside both, and inside the
paper exchange, is measured and taken off. The authorizer, the gateway and the Lambda runtime are not part of it.

The floor is what no design gets below with botocore: the two AWS calls that the last order made, repeated alone
through the same instant client, in turn with the orders.
"""

import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from statistics import quantiles
from typing import TYPE_CHECKING, Any, cast
from unittest import mock

from order_router.aws.clients import make_client
from order_router.transport import http_transport
from tests.bench.kite_answers import kite_answers
from tests.bench.outside import InstantBroker, Outside
from tests.bench.place_function import PlaceFunction, loaded, order_event
from tests.bench.seeds import FUNCTION_ENVIRONMENT, open_paper, put_account
from tests.fakes.paper_store import MemoryPaperStore

if TYPE_CHECKING:
    from order_router.paper.exchange import PaperExchange

ORDERS = 1000
# An account has nine order calls a second, the router's own limiter sees to that: so many share the orders.
ACCOUNTS = [f"bench-{number}" for number in range(160)]


@dataclass
class Samples:
    """One number an order: overhead and floor in nanoseconds, AWS calls before and after the broker's write."""

    overhead_ns: list[int] = field(default_factory=list)
    floor_ns: list[int] = field(default_factory=list)
    calls_before: list[int] = field(default_factory=list)
    calls_after: list[int] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Return the figures as bench.json has them."""
        overhead, floor = _percentiles_ms(self.overhead_ns), _percentiles_ms(self.floor_ns)
        return {
            "orders": len(self.overhead_ns),
            "overhead_ms_p50": overhead[0],
            "overhead_ms_p99": overhead[1],
            "floor_ms_p50": floor[0],
            "floor_ms_p99": floor[1],
            "overhead_to_floor_p50": round(overhead[0] / floor[0], 2),
            "overhead_to_floor_p99": round(overhead[1] / floor[1], 2),
            "aws_calls_before": max(self.calls_before),
            "aws_calls_after": max(self.calls_after),
        }


def measure_overhead(broker: str, *, orders: int = ORDERS) -> dict[str, Any]:
    """Place the orders, warm, and return the figures."""
    outside = Outside()
    for name in ACCOUNTS:
        put_account(outside.aws, broker, name)
    clients = outside.answering(make_client)
    with _instant_broker(outside), loaded(FUNCTION_ENVIRONMENT, clients) as function:
        exchange = open_paper(MemoryPaperStore(), *ACCOUNTS)
        function.world.paper_exchange = cast("PaperExchange", outside.timed_exchange(exchange))
        for name in ACCOUNTS:
            _require_filled(function.place(name, "warm"))
        return _run(function, outside, orders).summary()


@contextmanager
def _instant_broker(outside: Outside) -> Iterator[None]:
    answers = kite_answers()

    def connect(*_: object) -> InstantBroker:
        return InstantBroker(answers, outside.watch)

    with mock.patch.object(http_transport, "open_connection", connect):
        yield


def _run(function: PlaceFunction, outside: Outside, orders: int) -> Samples:
    samples, floor = Samples(), _Floor(function)
    gc.collect()
    for number in range(orders):
        function.journal.departures.clear()
        order = order_event(ACCOUNTS[number % len(ACCOUNTS)], f"bench-{number}")
        with _own_time(outside, samples.overhead_ns):
            answer = function.handler(order, None)
        _require_filled(answer)
        before, after = function.journal.calls_around_the_write()
        samples.calls_before.append(len(before))
        samples.calls_after.append(len(after))
        with _own_time(outside, samples.floor_ns):
            floor.repeat()
    return samples


class _Floor:
    """The AWS calls of one order, ready to be made again."""

    def __init__(self, function: PlaceFunction) -> None:
        self._client = function.world.dynamodb
        self._writes: list[dict[str, Any]] = []
        events = self._client.meta.events
        events.register("before-parameter-build.dynamodb", self._remember)
        _require_filled(function.place(ACCOUNTS[0], "floor"))
        events.unregister("before-parameter-build.dynamodb", self._remember)

    def repeat(self) -> None:
        """Make the calls."""
        for parameters in self._writes:
            self._client.transact_write_items(**parameters)

    def _remember(self, params: dict[str, Any], event_name: str, **_: object) -> None:
        if not event_name.endswith(".TransactWriteItems"):
            raise RuntimeError(f"the floor has no {event_name}")
        self._writes.append(dict(params))


@contextmanager
def _own_time(outside: Outside, samples: list[int]) -> Iterator[None]:
    outside.watch.total_ns = 0
    start = time.perf_counter_ns()
    yield
    samples.append(time.perf_counter_ns() - start - outside.watch.total_ns)


def _require_filled(answer: dict[str, Any]) -> None:
    if answer["statusCode"] != HTTPStatus.CREATED or json.loads(answer["body"])["state"] != "filled":
        raise RuntimeError(f"expected a filled order, received {answer}")


def _percentiles_ms(samples_ns: list[int]) -> tuple[float, float]:
    percentiles = quantiles(samples_ns, n=100, method="inclusive")
    return round(percentiles[49] / 1e6, 3), round(percentiles[98] / 1e6, 3)
