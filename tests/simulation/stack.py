"""The whole stack on a virtual clock: functions, queues, tables, schedule, brokers, and the judge who watches."""

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache, cached_property, partial
from random import Random
from types import SimpleNamespace
from typing import Any

from order_router import wiring
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.api import orders as api_orders
from order_router.aws import breakers_table, gate, kill_tables, orders_table
from order_router.aws.settings_table import SettingsTable, digest_of
from order_router.domain.account import Account, Caller, Scope, Strategy
from order_router.domain.vocabulary import OrderType
from order_router.service import reconcile
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.gate_switches import Switches
from tests.fakes.listed import a_share, listing_items
from tests.fakes.secretsmanager import FakeSecretsManager
from tests.fakes.sqs import FakeSqs
from tests.fakes.sqs_definitions import template_queues
from tests.simulation import limited
from tests.simulation.changing import Left
from tests.simulation.gateway import Gateway
from tests.simulation.hub import Hub
from tests.simulation.judge import Judge, Write
from tests.simulation.kills import WORK
from tests.simulation.network import LATENCY, Network
from tests.simulation.process import Fleet, Process, Surroundings
from tests.simulation.sources import QueueSource, Schedule
from tests.simulation.trouble import Trouble
from tests.simulation.venues import ACCESS_TOKEN, API_KEY, PRICES, Held, KiteVenue, PaperVenue, Venue
from tests.simulation.wants import Terms
from tests.simulators.kite_login import API_SECRET

KEY, TOKENS = "k" * 40, {"demo": "d" * 40, "swing": "s" * 40}
ACCOUNTS = {"demo": ("paper", "kite"), "swing": ("kite",)}
SESSION = "stack/accounts/kite/session"
CREDENTIALS = "stack/accounts/kite/credentials"
MINUTE = 60_000_000
POSTED, LATEST_POSTBACK = (0, 1, 1, 1, 1, 1, 1, 1, 2, 3), MINUTE
SOURCES = {
    "OrderQueue": "place",
    "OrderDeadLetters": "dead_letters",
    "ReconcileQueue": "reconcile",
    "KillQueue": "kill_work",
}

BUSY = (
    "client",
    "network accepted late",
    "place",
    "modify",
    "cancel",
    "kill_switch",
    "kill_work",
    "postback",
)
"""Tasks that may still change an order."""

Item = dict[str, Any]
INDEXED_BY = {"attention": "attention_account", "by_account_day": "account_day"}
DRAWING: tuple[Any, ...] = (
    wiring,
    breakers_table,
    gate,
    kill_tables,
    orders_table,
    api_orders,
    reconcile,
)
"""Modules of the shipped code that draw something."""
LAG, REMEMBERED = timedelta(seconds=2), 20


@cache
def _set_up(held: limited.Held) -> FakeDynamoDB:
    """Return the tables with two accounts, two strategies, a key, and what Zerodha lists."""
    dynamodb = FakeDynamoDB(template_tables())
    for item in listing_items("zerodha", [a_share(name) for name in PRICES]):
        dynamodb.put_item(TableName="InstrumentsTable", Item=item)
    table = SettingsTable(dynamodb, "SettingsTable", FakeClock())
    for account, broker in (("paper", "paper"), ("kite", "zerodha")):
        table.put_account(Account(name=account, broker=broker, limits=held.account))
    common: dict[str, Any] = {"product": "MIS", "max_quantity": 100, "limits": held.strategy}
    demo = Strategy(name="demo", accounts=ACCOUNTS["demo"], order_type=OrderType.MARKET, **common)
    swing = Strategy(name="swing", accounts=ACCOUNTS["swing"], order_type=OrderType.LIMIT, **common)
    for strategy in (demo, swing):
        digests = (digest_of(TOKENS[strategy.name]),)
        table.put_strategy(strategy.model_copy(update={"token_digests": digests}))
    table.put_caller(KEY, Caller(key_id="trader", scopes=frozenset({Scope.ADMIN})))
    return dynamodb


class _Tables(FakeDynamoDB):
    """DynamoDB whose order writes a judge sees as they happen."""

    def __init__(self, judge: Judge) -> None:
        super().__init__(template_tables())
        self._judge = judge
        self._writes: deque[tuple[datetime, Item | None, Item]] = deque(maxlen=REMEMBERED)
        for table in ("SettingsTable", "InstrumentsTable"):
            self.begin_as(_set_up(judge.counts.held), table)

    def put_item(self, **request: Any) -> dict[str, Any]:
        answer = super().put_item(**request)
        self._see(request)
        return answer

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        answer = super().transact_write_items(**request)
        for operation in request["TransactItems"]:
            self._see(operation.get("Put", {}))
        for operation in request["TransactItems"]:
            self._see_meter(operation.get("Update", {}))
        return answer

    def _see_meter(self, update: dict[str, Any]) -> None:
        name = update.get("Key", {}).get("gate", {}).get("S", "")
        if name.startswith(limited.METER):
            self._judge.counts.meter_written(name, self.held("GateTable", name), self._judge.require)

    def _see(self, put: dict[str, Any]) -> None:
        gate = put.get("Item", {}).get("gate", {}).get("S", "")
        if gate.startswith(("breaker#", "kill#")) and "engaged" in put["Item"]:
            self._judge.switch_written(gate, self.held("GateTable", gate))
        if gate.startswith(WORK):
            self._judge.kills.written(self.held("GateTable", gate))
        if put.get("TableName") != "OrdersTable":
            return
        stored = self.held("OrdersTable", _name(put["Item"]))
        # a transaction that its token answers is not done again: what stands may be later by then
        if stored == put["Item"]:
            self._writes.append((self._judge.clock.now(), self._judge.items.get(_name(stored)), stored))
            self._judge.order_written(stored)

    def lagging(self, page: Any, request: Mapping[str, Any]) -> Any:
        """Return what an index of orders showed before the last write, and before those just before it."""
        attribute = INDEXED_BY.get(request.get("IndexName", ""))
        if attribute is None or not self._writes:
            return page
        key = next(iter(request["ExpressionAttributeValues"].values()))
        items = {_name(item): item for item in page["Items"]}
        last = self._writes[-1][0]
        for at, before, item in reversed(self._writes):
            if last - at > LAG:
                break
            items.pop(_name(item), None)
            if before is not None and before.get(attribute) == key:
                items[_name(before)] = before
        return {**page, "Items": list(items.values())}


def _name(item: Item) -> str:
    return str(item["client_order_id"]["S"])


class _Queues(FakeSqs):
    """SQS whose changes wake the event sources at once."""

    def __init__(self, stack: "Stack") -> None:
        super().__init__(stack.hub, template_queues())
        self._stack = stack

    def send_message(self, **request: Any) -> dict[str, Any]:
        answer = super().send_message(**request)
        if request["QueueUrl"] == self.url("OrderQueue") and '"request"' in request["MessageBody"]:
            self._stack.judge.order_queued(request["MessageDeduplicationId"])
            self._stack.sent.append(request)
        if request["QueueUrl"] == self.url("NoticeQueue"):
            self._stack.judge.notice_queued(request["MessageBody"])
        self._stack.sources.look(request["QueueUrl"])
        return answer

    def change_message_visibility(self, **request: Any) -> dict[str, Any]:
        answer = super().change_message_visibility(**request)
        self._stack.sources.look(request["QueueUrl"])
        return answer


class Stack:
    """One stack of one seed."""

    def __init__(
        self, random: Random, start: datetime = MONDAY_MORNING, held: limited.Held = limited.FREE
    ) -> None:
        self.random = random
        self.hub = Hub(random, start)
        self.trouble = Trouble(random)
        self.judge = Judge(self.hub, counts=limited.Counts(held))
        self.dynamodb = _Tables(self.judge)
        self.secrets = FakeSecretsManager()
        self.paper, self.kite = PaperVenue(self.hub), KiteVenue(self.hub)
        self.sent: list[dict[str, Any]] = []
        self._books: dict[str, Any] = {}
        self._changes: dict[int, Left] = {}
        self.log_in()

    @cached_property
    def sqs(self) -> FakeSqs:
        """The queues."""
        return _Queues(self)

    @cached_property
    def fleet(self) -> Fleet:
        """The functions."""
        clients = {"dynamodb": self.dynamodb, "sqs": self.sqs, "secretsmanager": self.secrets}
        around = Surroundings(self.hub, self.trouble, clients, self._network, self.dynamodb.lagging)
        return Fleet(around)

    @cached_property
    def sources(self) -> QueueSource:
        """What brings messages to functions."""
        return QueueSource(self.hub, self.fleet, self.trouble, self.sqs)

    @cached_property
    def gateway(self) -> Gateway:
        """What callers call."""
        return Gateway(self.hub, self.fleet)

    @cached_property
    def switches(self) -> Switches:
        """The operator's switches."""
        return Switches(self.dynamodb, "GateTable", self.hub)

    @property
    def venues(self) -> dict[str, Venue]:
        """The brokers by endpoint."""
        return {venue.endpoint: venue for venue in (self.paper, self.kite)}

    def start(self) -> None:
        """Connect queues and schedule."""
        for queue, function in SOURCES.items():
            self.sources.connect(self.sqs.url(queue), function)
        self.schedule = Schedule(self.hub, self.fleet)
        self.schedule.start(MINUTE)

    def start_postbacks(self) -> None:
        """Let Kite tell of its orders by itself from now on: soon or late, in any order, some twice and some never."""
        self.secrets.create_secret(Name=CREDENTIALS, SecretString=json.dumps({"api_secret": API_SECRET}))
        self.kite.kite.postbacks.carrier = self._carry

    def _carry(self, body: bytes) -> None:
        random = self.random
        for _ in range(random.choice(POSTED)):
            after = int(LATEST_POSTBACK * random.random() ** 6)
            self.hub.spawn("postback", partial(self._post, body.decode()), after=after)

    def _post(self, body: str) -> None:
        path = {"broker": "zerodha", "account": "kite"}
        self.gateway.call("postback", "POST /v1/postbacks/{broker}/{account}", body, path=path)

    def run_for(self, microseconds: int) -> None:
        """Let everything happen that happens in this time."""
        self.hub.run_until(self.hub.elapsed + microseconds)

    def is_under_way(self) -> bool:
        """Return whether something is queued, called or left to do that may change an order."""
        queues = ("OrderQueue", "OrderDeadLetters", "KillQueue")
        is_queued = any(self.sqs.messages(self.sqs.url(name)) for name in queues)
        return is_queued or self.judge.kills.is_left() or self.hub.is_busy(*BUSY)

    def held(self) -> list[Held]:
        """Return every order at any broker."""
        return [row for venue in self.venues.values() for row in venue.held()]

    def log_in(self, token: str = ACCESS_TOKEN) -> None:
        """Store a session at Kite's account, and make Kite take it."""
        session = json.dumps({"api_key": API_KEY, "access_token": token})
        try:
            self.secrets.put_secret_value(SecretId=SESSION, SecretString=session)
        except self.secrets.exceptions.ResourceNotFoundException:
            self.secrets.create_secret(Name=SESSION, SecretString=session)
        self.kite.kite.access_token = token

    def digest(self) -> str:
        """Return what tells one run from another: every table, notice, fault and turn."""
        judge, hub = self.judge, self.hub
        notices = [(at.isoformat(), notice) for at, notice in judge.notices]
        run = (notices, judge.left, judge.arrived, self.trouble.hits, hub.turns, hub.elapsed)
        return hashlib.sha256(f"{self.dynamodb.digest()} {run}".encode()).hexdigest()

    def _network(self, process: Process) -> Network:
        return Network(
            self.hub,
            process,
            self.venues,
            self._watch,
            self._comes,
            self._arrived,
            self._answered,
            self._books,
            self.judge.broken,
        )

    def _watch(self, request: HttpRequest) -> None:
        self.judge.call_left(_write(request))
        named = self._changed(request)
        if named is not None:
            self._changes[id(request)] = self.judge.changing.leaves(*named, self.hub.now())

    def _comes(self, request: HttpRequest) -> None:
        self.judge.call_came(_write(request), road=timedelta(microseconds=LATENCY))

    def _answered(self, request: HttpRequest, answer: HttpResponse) -> None:
        self.judge.call_answered(_write(request), answer)

    def _arrived(self, request: HttpRequest, status: int) -> None:
        if request.is_write and request.method == "POST" and status < 300:
            self.judge.order_arrived(request.body)
        left, named = self._changes.pop(id(request), None), self._changed(request)
        if left is not None and named is not None and status < 300:
            self.judge.changing.made(left, named[1], self.hub.now())

    def _changed(self, request: HttpRequest) -> tuple[str, Terms] | None:
        """Return the order of ours that a request changes, and its terms at its broker."""
        if request.method != "PUT":
            return None
        number = _write(request).broker_order_id.partition("?")[0]
        [venue] = [one for endpoint, one in self.venues.items() if request.url.startswith(endpoint)]
        rows = [row for row in venue.held() if row.broker_order_id == number and row.tag]
        return (rows[0].tag, rows[0].terms) if rows else None


def _write(request: HttpRequest) -> Write:
    venue, _, path = request.url.partition("://")
    return Write(request.method, request.body, venue, path.rpartition("/")[2])


@contextmanager
def seeded(random: Random) -> Iterator[None]:
    """Let what the shipped code draws come from the seed, so that a run can be repeated."""
    drawn = SimpleNamespace(
        token_hex=lambda size: f"{random.getrandbits(8 * size):0{2 * size}x}",
        token_urlsafe=lambda size: f"{random.getrandbits(8 * size):x}",
        randbelow=lambda limit: int(random.random() * limit),
    )
    shipped = [(module, module.secrets) for module in DRAWING]
    for module in DRAWING:
        module.secrets = drawn
    try:
        yield
    finally:
        for module, secrets in shipped:
            module.secrets = secrets
