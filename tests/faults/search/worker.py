"""A worker as a tape: its code is a function of the answers of its outside calls, so a tape says where it stands.

A worker is run from its start on its tape; the first outside call beyond the tape stops it, and that call is what it
wants next. Its run is made once for every tape, however many global states have a worker there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.breaker import Breaker
from order_router.domain.gate import Gate
from order_router.domain.order import Order
from order_router.ports import Letter, Notice, OrderPage
from order_router.service.desk import Desk
from tests.fakes.settings import MemorySettings
from tests.fakes.world import World as UsualWorld
from tests.faults.search.broker import ENDPOINT, SearchBroker

ACCOUNT = "paper"
AT_ANY_TIME = -1
"""The point of an answer after which the worker did not look at the clock."""


class Call(NamedTuple):
    """An outside call: what it is named in a schedule, and all that decides its answer."""

    name: str
    arguments: tuple[Any, ...] = ()


class Beyond(BaseException):
    """The worker's next call is not on its tape; no handler of ours may stop this."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.name)
        self.call = call


class Strayed(BaseException):
    """The worker asks for another call than it did when this answer was put on its tape."""


class Line(NamedTuple):
    """One answer on a tape (an error is raised), the point of time at which it came, and what was asked."""

    answer: Any
    point: int
    call: Call | None = None


@dataclass
class Tape:
    """The ports of one worker, answering from a tape. `is_clock_read` makes every look at the clock a call."""

    points: tuple[datetime, ...]
    is_clock_read: bool = False
    lines: tuple[Line, ...] = ()
    name: str = ""
    position: int = 0
    point: int = 0
    nonces: int = 0
    has_looked: bool = False
    wanted: Call | None = None

    def rewind(self, name: str, lines: tuple[Line, ...]) -> None:
        """Start again at the first line, which is the worker's start."""
        self.name, self.lines, self.position, self.nonces = name, lines, 0, 0
        self.point, self.has_looked, self.wanted = lines[0].point, False, None

    def ask(self, call: Call) -> Any:
        """Return or raise the next answer; Beyond if there is none, again for what a stopped worker still asks."""
        self.position += 1
        if self.position >= len(self.lines):
            self.wanted = self.wanted or call
            raise Beyond(self.wanted)
        answer, point, asked = self.lines[self.position]
        if call != asked:
            raise Strayed(f"{call.name} where it was {asked}")
        self.has_looked = False
        if not self.is_clock_read or call.name == "now":
            self.point = point
        if isinstance(answer, Exception):
            raise answer.with_traceback(None)
        return answer

    def now(self) -> datetime:
        if self.is_clock_read:
            self.ask(Call("now"))
        self.has_looked = True
        return self.points[self.point]

    def sleep(self, seconds: float) -> None:
        """Wait for the first point of time that is far enough."""
        self.has_looked = True
        self.ask(Call("sleep", (self.points[self.point] + timedelta(seconds=seconds),)))

    def nonce(self) -> str:
        self.nonces += 1
        return f"{self.name}/{self.nonces}"

    def write(self, order: Order, *, replacing: Order | None, gate: Gate | None = None) -> datetime | None:
        return self.ask(Call("write", (order, replacing, gate)))  # type: ignore[no-any-return]

    def get(self, client_order_id: str) -> Order | None:
        return self.ask(Call("get", (client_order_id,)))  # type: ignore[no-any-return]

    def list_unsettled(self, account: str) -> tuple[Order, ...]:
        return self.ask(Call("list_unsettled", (account,)))  # type: ignore[no-any-return]

    def list_day(self, account: str, day: object, *, limit: int, cursor: str | None = None) -> OrderPage:
        raise NotImplementedError("nothing in this search lists a day")

    def cursor_after(self, order: Order) -> str:
        raise NotImplementedError("nothing in this search lists a day")

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        def send(request: HttpRequest) -> HttpResponse:
            name = "send" if request.is_write else "read"
            call = Call(name, (request.method, request.url, request.body, not_after))
            return self.ask(call)  # type: ignore[no-any-return]

        return send

    def tell(self, notice: Notice) -> bool:
        self.ask(Call("tell", (notice.kind,)))
        return True


class StillPorts:
    """The ports whose calls change nothing that is searched: they answer at once."""

    def session(self, account: Account) -> BrokerSession:
        return BrokerSession(account.name, ENDPOINT, {})

    def forget(self, account: Account) -> None:
        """Nothing is cached."""

    def put(self, account: str, *, delay_s: int, look: str | None = None) -> None:
        """The reconciler may run at any time anyway."""

    def is_coming(self, account: str, *, since: datetime) -> bool:
        return False

    def expect(self, account: str, look: str, due: datetime, *, since: datetime) -> None:
        """Nobody stands back: the reconciler may run at any time anyway."""

    def keep(self, letter: Letter, at: datetime) -> None:
        """Nobody reads it here."""


class StillBreakers:
    """No breaker opens: a failure is counted after its order is written down, and one order is no row of failures."""

    def get(self, broker: str, account: str) -> Breaker:
        return Breaker(broker=broker, account=account)

    def write(self, breaker: Breaker, *, replacing: Breaker) -> Breaker:
        return breaker


def desk_on(tape: Tape) -> Desk:
    """Return a desk whose ports answer from the tape."""
    settings = MemorySettings()
    settings.put_account(Account(name=ACCOUNT, broker="search"))
    still: Any = StillPorts()
    ports: dict[str, Any] = dict.fromkeys(("store", "transport", "clock", "notifier"), tape)
    broker: Any = SearchBroker()
    return replace(
        UsualWorld().desk,
        settings=settings,
        sessions=still,
        reconcile=still,
        looks=still,
        breakers=StillBreakers(),
        broker_of=lambda _: broker,
        nonce=tape.nonce,
        **ports,
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a run: by returning, or by this error."""

    error: Exception | None = None


Job = Callable[[Desk], object]


@dataclass(slots=True)
class Node:
    """Where a worker stands: its tape, and the number of the call it wants next, or how it ended."""

    job: int
    lines: tuple[Line, ...]
    call: int = -1
    ended: Ended | None = None
    after: dict[tuple[int, int], int] = field(default_factory=dict)


class Program:
    """All places where workers can stand, found as they are reached. Node 0 is nobody's."""

    def __init__(self, tape: Tape, jobs: tuple[tuple[str, Job], ...]) -> None:
        self._tape = tape
        self._desk = desk_on(tape)
        self._jobs = jobs
        self.nodes: list[Node] = [Node(-1, ())]
        self.calls: list[Call] = []
        self._call_numbers: dict[Call, int] = {}
        self._starts: dict[tuple[int, int], int] = {}

    def start(self, job: int, point: int) -> int:
        """Return where a worker stands that begins this job now."""
        key = (job, point)
        if key not in self._starts:
            self._starts[key] = self._add(job, (Line(None, point),))
        return self._starts[key]

    def follow(self, node: int, answer_number: int, answer: object, point: int) -> int:
        """Return where the worker stands after this answer to its call."""
        after = self.nodes[node].after
        found = after.get((answer_number, point)) or after.get((answer_number, AT_ANY_TIME))
        if found is None:
            at = self.nodes[node]
            found = self._add(at.job, (*at.lines, Line(answer, point, self.calls[at.call])))
            after[answer_number, point if self._tape.has_looked else AT_ANY_TIME] = found
        return found

    def call_at(self, node: int) -> Call:
        """Return the call that a worker here wants next."""
        return self.calls[self.nodes[node].call]

    def number(self, call: Call) -> int:
        """Return the number of this call, the same for the same call."""
        found = self._call_numbers.get(call)
        if found is None:
            self._call_numbers[call] = found = len(self.calls)
            self.calls.append(call)
        return found

    def _add(self, job: int, lines: tuple[Line, ...]) -> int:
        node, (name, run) = Node(job, lines), self._jobs[job]
        self._tape.rewind(name, lines)
        try:
            run(self._desk)
        except Strayed as strayed:
            raise AssertionError(f"{name} is no function of its tape: {strayed}") from None
        except Beyond as beyond:
            node.call = self.number(beyond.call)
        except Exception as error:  # noqa: BLE001 - how a worker ends is judged by the rules
            node.ended = Ended(error)
        else:
            node.ended = Ended()
        self.nodes.append(node)
        return len(self.nodes) - 1
