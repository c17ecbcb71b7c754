"""The world that workers share, as numbers: the store's tables, the broker's book, the time; and every answer it gives.

The store is the fake that passes the contract of DynamoDB's, the transport is the one that ships; both are asked for
real, once for every call in every state of what it depends on.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.domain.errors import RouterError
from order_router.domain.gate import Gate
from order_router.domain.order import Order
from order_router.ports import StoreConflict, StoreUnavailable, Transport
from order_router.transport.local import Handler, LocalTransport
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.order_store import MemoryOrderStore, Tables
from tests.fakes.told import told_by
from tests.faults.search import rules
from tests.faults.search.broker import (
    ENDPOINT,
    PARTIAL_CONTENT,
    Book,
    Outcome,
    answer_read,
    end_day,
    take_write,
)
from tests.faults.search.snapshot import Frozen, Numbers, freeze, thaw
from tests.faults.search.worker import Call

DEADLINE_S = 30
POINTS = tuple(
    MONDAY_MORNING + after
    for after in (
        timedelta(0),
        timedelta(seconds=1),
        timedelta(seconds=DEADLINE_S + 1),
        timedelta(seconds=70),
        timedelta(minutes=5),
        timedelta(hours=8, minutes=5),
        timedelta(hours=8, minutes=16),
        timedelta(hours=8, minutes=30),
        timedelta(hours=8, minutes=45),
    )
)
POINT_NAMES = (
    "1 s later",
    "past the deadline",
    "past the lease",
    "10:05",
    "18:05",
    "18:16",
    "18:30",
    "18:45",
)
LATER, TOO_OLD, LEASE_PASSED, IN_SESSION, EVENING, NIGHT = 1, 2, 3, 4, 5, 6
"""The points at which something is different: the first four of a minute, one of the session, the last books'."""


class Kept(NamedTuple):
    """The store as it is, and the order as it stood before its last write, which an index may still show."""

    tables: Frozen
    before: Order | None


class Answer(NamedTuple):
    """One way in which a call may end: words, the worker's answer, what it changes (-1: nothing), what it broke."""

    words: str
    number: int
    store: int = -1
    book: int = -1
    fault: int = 0
    broken: str | None = None


class Asker(NamedTuple):
    """Who makes a call, and the world in which it is made."""

    job: int
    name: str
    worker: int
    point: int
    store: int
    book: int


@dataclass
class StillClock:
    """A clock that stands at one point."""

    at: datetime = MONDAY_MORNING

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Ports:
    """The transport and the store that are searched."""

    transport: Callable[[StillClock, dict[str, Handler]], Transport] = LocalTransport
    store: Callable[[StillClock, Tables], MemoryOrderStore] = MemoryOrderStore


SHIPPED = Ports()


@dataclass
class World:
    """All values by number, and the answers found so far. `first_outcome` is that of the first write at the broker."""

    first_outcome: Outcome
    workers: int
    ports: Ports = SHIPPED
    faults: frozenset[str] = frozenset()
    stores: Numbers[Kept] = field(default_factory=Numbers)
    books: Numbers[Book] = field(default_factory=Numbers)
    replies: list[object] = field(default_factory=list)
    _reply_numbers: Numbers[Hashable] = field(default_factory=Numbers)
    _found: dict[tuple[int, ...], tuple[Answer, ...]] = field(default_factory=dict)
    _orders: dict[int, Order | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._clock = StillClock()
        self._writers = [self.ports.store(self._clock, Tables()) for _ in range(self.workers)]
        self.first_store = self.stores.of(Kept(freeze(Tables()), None))
        self.first_book = self.books.of(Book())

    def order(self, store: int) -> Order | None:
        """Return the one order that the store holds."""
        if store not in self._orders:
            held = list(thaw(self.stores[store].tables).orders.values())
            self._orders[store] = held[0][0] if held else None
        return self._orders[store]

    def told(self, store: int) -> frozenset[str]:
        """Return the kinds of news that a person has had of the order: what its table's stream tells of its writes."""
        order = self.order(store)
        return frozenset(notice.kind for notice in told_by(() if order is None else (order,)))

    def is_holding(self, store: int) -> bool:
        """Return whether the store holds the strategy's entries back."""
        return any(thaw(self.stores[store].tables).holds.values())

    def meters(self, store: int) -> Mapping[str, Mapping[str, Decimal]]:
        """Return what the store has counted."""
        return thaw(self.stores[store].tables).meters

    def book_at(self, book: int, point: int) -> int:
        """Return the broker's book as the time comes to this point."""
        return self.books.of(end_day(self.books[book])) if point == EVENING else book

    def ask(self, call: Call, number: int, asker: Asker) -> tuple[Answer, ...]:
        """Return every way in which this call may end here."""
        look = ANSWERS[call.name]
        key = (number, *look.key(asker))
        found = self._found.get(key)
        if found is None:
            self._found[key] = found = tuple(look.answers(self, call, asker))
        return found

    def write(self, call: Call, asker: Asker) -> list[Answer]:
        """Store an order: as asked, or the store is away before or after it."""
        order, replacing, gate = call.arguments
        words = f"writes {order.state}, version {order.version}"
        store, reply = self._written(asker, order, replacing, gate)
        error = reply if isinstance(reply, RouterError) else None
        broken = rules.broken_by_write(self.order(asker.store), self.order(store))
        said = words if error is None else f"{words}: {type(error).__name__}"
        found = [Answer(said, self._reply(reply), store, broken=broken)]
        if "store" in self.faults:
            lost = Answer(f"{words}: the store is away", self._reply(StoreUnavailable("no answer")), fault=1)
            found.append(lost)
            if error is None and store != asker.store:
                found.append(lost._replace(words=f"{words}: its answer is lost", store=store, broken=broken))
        return found

    def _written(
        self, asker: Asker, order: Order, replacing: Order | None, gate: Gate | None
    ) -> tuple[int, RouterError | datetime | None]:
        self._clock.at = POINTS[asker.point]
        writer = self._writers[asker.worker]
        writer.tables = thaw(self.stores[asker.store].tables)
        writer.writes.clear()
        try:
            send_by = writer.write(order, replacing=replacing, gate=gate)
        except RouterError as error:
            return asker.store, error
        frozen = freeze(writer.tables)
        if frozen == self.stores[asker.store].tables:
            return asker.store, send_by
        before = self.order(asker.store) if "index" in self.faults else None
        return self.stores.of(Kept(frozen, before)), send_by

    def get(self, call: Call, asker: Asker) -> list[Answer]:
        """Read the order as last written."""
        return [Answer("reads the order", self._reply(self.order(asker.store)))]

    def list_unsettled(self, call: Call, asker: Asker) -> list[Answer]:
        """List what is open, from an index that may lag one write behind."""
        order, before = self.order(asker.store), self.stores[asker.store].before
        found = [Answer("lists what is open", self._reply(_unsettled(order)))]
        if "index" in self.faults and _unsettled(order) != _unsettled(before):
            words = "lists what was open before the last write"
            found.append(Answer(words, self._reply(_unsettled(before)), fault=1))
        return found

    def send(self, call: Call, asker: Asker) -> list[Answer]:
        """Hand a write to the transport: the first meets the outcome of this search, a later one any."""
        is_first = self.books[asker.book].writes == 0
        outcomes = (self.first_outcome,) if is_first else tuple(Outcome)
        found = {self._sent(call, asker, outcome) for outcome in outcomes}
        return sorted(found, key=lambda answer: answer.words)

    def _sent(self, call: Call, asker: Asker, outcome: Outcome) -> Answer:
        book, broken = self.books[asker.book], None

        def handle(request: HttpRequest) -> HttpResponse:
            nonlocal book, broken
            broken = rules.broken_by_send(self.order(asker.store), asker.name, self._clock.at)
            book, answer = take_write(book, request.body.decode(), outcome)
            if isinstance(answer, Exception):
                raise answer
            return answer

        answer = self._exchanged(call, asker, handle)
        has_reached = book.writes > self.books[asker.book].writes
        words = f"sends: {outcome}" if has_reached else f"does not send: {type(answer).__name__}"
        return Answer(words, self._reply(answer), book=self.books.of(book), broken=broken)

    def read(self, call: Call, asker: Asker) -> list[Answer]:
        """Read from the broker: the book as it shows itself, no answer, or a book that is cut."""
        book, path = self.books[asker.book], call.arguments[1].removeprefix(ENDPOINT)
        words = f"reads {path}"
        found = [Answer(words, self._reply(self._exchanged(call, asker, lambda _: answer_read(book, path))))]
        if "book" in self.faults:
            silence = self._reply(OutcomeUnknown("no answer in time"))
            found.append(Answer(f"{words}: no answer", silence, fault=1))
            if path == "/orders":
                cut = self._reply(HttpResponse(status=PARTIAL_CONTENT))
                found.append(Answer(f"{words}: it is cut", cut, fault=1))
        return found

    def _exchanged(self, call: Call, asker: Asker, handle: Handler) -> HttpResponse | RouterError:
        method, url, body, not_after = call.arguments
        self._clock.at = POINTS[asker.point]
        send = self.ports.transport(self._clock, {ENDPOINT: handle}).sender(ENDPOINT, not_after=not_after)
        try:
            return send(HttpRequest(method=method, url=url, body=body, is_write=call.name == "send"))
        except RouterError as error:
            return error

    def nothing(self, call: Call, asker: Asker) -> list[Answer]:
        """Answer a call that neither sees nor changes the store and the book."""
        return [Answer(" ".join((call.name, *map(str, call.arguments))), self._reply(None))]

    def sleep(self, call: Call, asker: Asker) -> list[Answer]:
        """Wake once the time has come."""
        is_over = POINTS[asker.point] >= call.arguments[0]
        return [Answer("wakes", self._reply(None))] if is_over else []

    def _reply(self, reply: object) -> int:
        number = self._reply_numbers.of(_as_value(reply))
        if number == len(self.replies):
            self.replies.append(reply)
        return number


def _as_value(reply: object) -> Hashable:
    """Return what makes two replies the same for a worker."""
    if isinstance(reply, HttpResponse):
        return ("answer", reply.status, reply.body)
    if isinstance(reply, StoreConflict):
        return ("conflict", reply.current)
    if isinstance(reply, Exception):
        return (type(reply), str(reply))
    return ("value", reply)


def _unsettled(order: Order | None) -> tuple[Order, ...]:
    return () if order is None or order.state.is_final else (order,)


class Look(NamedTuple):
    """How a call is answered, and what its answers depend on."""

    answers: Callable[[World, Call, Asker], list[Answer]]
    key: Callable[[Asker], tuple[int, ...]]


ANSWERS: dict[str, Look] = {
    "write": Look(World.write, lambda asker: (asker.worker, asker.point, asker.store)),
    "get": Look(World.get, lambda asker: (asker.store,)),
    "list_unsettled": Look(World.list_unsettled, lambda asker: (asker.store,)),
    "send": Look(World.send, lambda asker: (asker.job, asker.point, asker.store, asker.book)),
    "read": Look(World.read, lambda asker: (asker.book,)),
    "tell": Look(World.nothing, lambda _: ()),
    "now": Look(World.nothing, lambda _: ()),
    "sleep": Look(World.sleep, lambda asker: (asker.point,)),
}
