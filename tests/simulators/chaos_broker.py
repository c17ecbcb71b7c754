"""The chaos layer's memory: what came, what was played on it, what reaches the simulator and when."""

import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Any, Protocol

from order_router.adapter.http import HttpRequest, HttpResponse
from tests.simulators.chaos_dialect import Dialect, Kind, Verdict, parse
from tests.simulators.chaos_plan import CALM, Plan

REFUSED_FROM = 400
Held = dict[str, Any]


class Simulator(Protocol):
    """The broker behind the chaos: its pages, and its own book, which stays the truth."""

    @property
    def dialect(self) -> Dialect:
        """How the broker's pages look."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """Let the simulator answer a request; its URL is the target alone."""

    def held(self) -> list[Held]:
        """Return every order that the simulator holds, each with `tag` and `broker_order_id`."""


@dataclass
class Write:
    """One order write that came. `taken` is when the simulator got it; `order_id` is the broker's.

    `step` is the client's word for what it did when the write left: on a busy machine it may come much later.
    """

    number: int
    kind: Kind
    came: str
    step: str | None = None
    tag: str | None = None
    order_id: str | None = None
    fault: str | None = None
    verdict: Verdict | None = None
    taken: str | None = None

    def __str__(self) -> str:
        taken = "taken" if self.taken else "not taken"
        return (
            f"<{self.number} {self.kind} of {self.step} {self.order_id} {self.fault} {self.verdict} {taken}>"
        )


@dataclass
class Ledger:
    """Everything that happened since the last reset."""

    writes: list[Write] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    strays: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Late:
    due: datetime
    request: HttpRequest
    write: Write


class ChaosBroker:
    """A simulator with a plan of trouble in front of it; safe to share between connections."""

    def __init__(self, simulator: Simulator, now: Callable[[], datetime]) -> None:
        self.simulator = simulator
        self.now = now
        self.lock = RLock()
        self.plan: Plan = CALM
        self.ledger = Ledger()
        self.on_request: Callable[[Kind], None] = lambda kind: None
        self.on_write: Callable[[Write], None] = lambda write: None
        self._requests = 0
        self._late: list[_Late] = []
        self._taken_at: dict[str, datetime] = {}
        self._snapshots: list[tuple[datetime, bytes]] = []

    def reset(self) -> None:
        """Forget everything; the simulator keeps its book."""
        with self.lock:
            self.plan, self.ledger = CALM, Ledger()
            self._late.clear()
            self._taken_at.clear()
            self._snapshots.clear()

    def next_number(self) -> int:
        """Return the number of the request that came now."""
        with self.lock:
            self._requests += 1
            return self._requests

    def receive(self, write: Write) -> None:
        """Note an order write that came."""
        with self.lock:
            self.ledger.writes.append(write)
        self.on_write(write)

    def played(self, fault: str) -> None:
        """Count a fault."""
        with self.lock:
            self.ledger.faults[fault] += 1

    def forward(self, request: HttpRequest, write: Write | None) -> HttpResponse:
        """Let the simulator answer, and note what an order write made of its book."""
        with self.lock:  # the book's snapshots stand in the order of its changes
            response = self.simulator.send(request)
            if write is not None:
                self._note_taken(write, response)
                self._snapshot(request)
            return response

    def accept_later(self, request: HttpRequest, write: Write, seconds: float) -> None:
        """Let the simulator have an order write only then."""
        with self.lock:
            self._late.append(_Late(self.now() + timedelta(seconds=seconds), request, write))

    def tick(self) -> int:
        """Let the simulator have what is due, and return how many writes still wait."""
        with self.lock:
            now = self.now()
            for late in sorted((one for one in self._late if one.due <= now), key=lambda one: one.due):
                self._late.remove(late)
                self.forward(late.request, late.write)
            return len(self._late)

    def age_s(self, broker_order_id: str) -> float:
        """Return how long the simulator has had an order; endless for one that came another way."""
        with self.lock:
            taken_at = self._taken_at.get(broker_order_id)
        return float("inf") if taken_at is None else (self.now() - taken_at).total_seconds()

    def book_of(self, at: datetime) -> bytes | None:
        """Return the book's answer as it was then, if it was kept."""
        with self.lock:
            older = [body for taken_at, body in self._snapshots if taken_at <= at]
        return zlib.decompress(older[-1]) if older else None

    def report(self) -> dict[str, Any]:
        """Return the ledger as JSON has it; `by_tag` counts placements that came, and orders that are held."""
        with self.lock:
            waiting, held = self.tick(), self.simulator.held()
            writes, ledger = list(self.ledger.writes), self.ledger
            came = Counter(write.tag for write in writes if write.kind is Kind.PLACE and write.tag)
            there = Counter(order["tag"] for order in held if order["tag"])
            return {
                "writes": [asdict(write) for write in writes],
                "held": held,
                "by_tag": {tag: {"received": came[tag], "held": there[tag]} for tag in came | there},
                "faults": dict(ledger.faults),
                "strays": list(ledger.strays),
                "waiting": waiting,
            }

    def _note_taken(self, write: Write, response: HttpResponse) -> None:
        write.taken = self.now().isoformat()
        if write.kind is Kind.PLACE and response.status < REFUSED_FROM:
            write.order_id = self.simulator.dialect.read_order_id(parse(response.body))
            if write.order_id is not None:
                self._taken_at[write.order_id] = self.now()

    def _snapshot(self, request: HttpRequest) -> None:
        if "book_lag" not in self.plan.faults:
            return
        dialect = self.simulator.dialect
        book = self.simulator.send(dialect.whole_book(dialect, request))
        horizon = self.now() - timedelta(seconds=self.plan.lag_s[1])
        recent = [entry for entry in self._snapshots if entry[0] >= horizon]
        past = [entry for entry in self._snapshots if entry[0] < horizon][-1:]
        self._snapshots = [*past, *recent, (self.now(), zlib.compress(book.body, 1))]
