"""One run against the chaos broker: the real services over the real transport, and time that the run moves."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random
from threading import Event

from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.session import Surroundings
from order_router.brokers.registry import load_broker
from order_router.domain.errors import RouterError
from order_router.domain.identity import client_order_id
from order_router.domain.order import Order
from order_router.domain.vocabulary import Source
from order_router.ports import PlaceOrder
from order_router.service.change import Changed, ChangeRefused, cancel_order, modify_order
from order_router.service.place import StillUnsent, place_order
from order_router.service.reconcile import answer_ask, reconcile_account
from order_router.transport.http_transport import HttpTransport, Limits
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.listings import MemoryListings
from tests.fakes.settings import MemorySessions
from tests.fakes.world import World
from tests.faults.certificates import make_certificate, server_context, trusting
from tests.faults.chaos_floors import FLOORS, account_at
from tests.faults.chaos_rules import Rules
from tests.faults.floor import ACCOUNT, Floor, usual_product
from tests.simulators.chaos import ChaosServer, Tls, chaos
from tests.simulators.chaos_broker import Write
from tests.simulators.chaos_dialect import Kind
from tests.simulators.chaos_faults import FAULTS
from tests.simulators.chaos_plan import CALM, Plan
from tests.simulators.chaos_talk import STEP

IMPATIENT = Limits(write_answer_timeout_s=0.03, read_answer_timeout_s=0.03)
PATIENCE_S = 10
SCHEDULE_S = 60
LONGEST_LATE_S = 600
TERMS: tuple[dict[str, str | None], ...] = (
    {"limit_price": "1401"},
    {"limit_price": "1500.05"},
    {"order_type": "LIMIT", "limit_price": "1400", "trigger_price": None},
    {"order_type": "SL", "limit_price": "1605", "trigger_price": "1600"},
)
PRICES = ("1450", "1499.95", "1500.05", "1500.10", "1550")


@dataclass(frozen=True)
class Certificates:
    """What the chaos shows under TLS, and what the client trusts."""

    good: Path
    bad: Path

    @classmethod
    def made_in(cls, folder: Path) -> "Certificates":
        """Make them."""
        (folder / "bad").mkdir()
        return cls(make_certificate(folder), make_certificate(folder / "bad"))

    def tls(self) -> Tls:
        """Return the server's side."""
        return Tls(server_context(self.good), server_context(self.bad))


def run(broker: str, fault: str, seed: int, certificates: Certificates) -> Counter[str]:
    """Run one fault against one adapter; return how often each fault was played. Violation if a rule breaks."""
    with trouble(broker, fault, seed, certificates) as run_of_seed:
        run_of_seed.run()
        return run_of_seed.server.broker.ledger.faults


@contextmanager
def trouble(broker: str, fault: str, seed: int, certificates: Certificates) -> Iterator["Trouble"]:
    """Build the world, the broker's side and the chaos between them."""
    world = World()
    tls = certificates.tls() if FAULTS[fault].needs_tls else None
    with (
        FLOORS[broker](world) as floor,
        chaos(floor.simulator, now=world.clock.now, tls=tls) as server,
    ):
        made = Trouble(world, floor, server, broker, fault, seed, certificates)
        try:
            yield made
        finally:
            made.transport.close()


@dataclass(frozen=True)
class Marked:
    """A transport that writes on each request which step it leaves in: it may come when that one is over."""

    transport: HttpTransport
    step: Callable[[], int]

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        """Return the transport's Send, with the mark."""
        send = self.transport.sender(endpoint, not_after=not_after)

        def marked(request: HttpRequest) -> HttpResponse:
            return send(replace(request, headers={**request.headers, STEP: str(self.step())}))

        return marked


class Trouble:
    """Orders, changes, looks and time while a fault is played; then quiet, and the truth."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        world: World,
        floor: Floor,
        server: ChaosServer,
        broker: str,
        fault: str,
        seed: int,
        certificates: Certificates,
    ) -> None:
        self.world, self.floor, self.server = world, floor, server
        self.broker, self.fault, self.name = broker, FAULTS[fault], fault
        self.seed = seed
        self.dice = Random(f"{broker}/{fault}/{seed}")  # noqa: S311 - a schedule, not a secret
        self._certificates = certificates
        self.commands: list[PlaceOrder] = []
        self._step = 0
        self._looks: dict[float, list[str | None]] = {}
        self._product = usual_product(broker)
        world.settings.put_account(account_at(broker))
        world.sessions = MemorySessions(server.url)
        world.listings[broker] = MemoryListings(floor.listings)
        around = Surroundings(now=world.clock.now, listings=world.listings[broker])
        world.sessions.log_in(ACCOUNT, floor.secrets, around=around)
        world.desk = replace(world.desk, sessions=world.sessions)
        is_tagged = load_broker(broker).profile.tag.is_echoed
        self.rules = Rules(world, floor, server.broker, is_impatient=self.fault.is_slow, is_tagged=is_tagged)
        self.rules.watch()
        self.transport = HttpTransport(world.clock)
        self._become_worker(Limits())

    def run(self) -> None:
        """Play the run."""
        self._place(limit_price="1400")
        self._place(limit_price="1500.05")
        self._begin()
        first = (self._place_any, self._change, self._look, self._place_any, self._move_market, self._look)
        for step in (*first, self._wait, self._look, self._change):
            self._checked(step)
        for _ in range(6):
            self._checked(self._any_step())
        self._leave_the_tag_hidden()
        self._end()

    def _begin(self) -> None:
        on = self.fault.on[self.seed % len(self.fault.on)]
        rate = self.dice.choice([1.0, 0.6])
        self._note(f"{self.name} on {on}, rate {rate}")
        plan = Plan(faults={self.name: 1}, on=on, rate=rate, seed=self.seed)
        # each byte comes in time, the answer does not
        self.server.broker.plan = replace(plan, drip_s=0.005)
        self._become_worker(IMPATIENT if self.fault.is_slow else Limits())

    def hide_one_until(self, *seconds: float) -> Order:
        """Lose a placement's answer, hide its tag, and look once after each of these spans of time."""
        self.server.broker.plan = Plan(faults={self.name: 1}, seed=self.seed)
        self._place(limit_price="1400")
        self._pass_time(SCHEDULE_S)
        for span in seconds:
            self.world.clock.advance(span)
            reconcile_account(self.world.desk, ACCOUNT, is_asked=False)
        (order,) = self.rules.orders()
        return order

    def lose_a_change(self, **changes: str | int | None) -> Order:
        """Place an order that rests, change it, lose the answer, look, and change its quantity."""
        self._place(limit_price="1400")
        (order,) = self.rules.orders()
        self.server.broker.plan = Plan(faults={self.name: 1}, on="writes", seed=self.seed)
        self._become_worker(IMPATIENT)
        self._modify(order.client_order_id, **changes)
        self.server.broker.plan = CALM
        self._become_worker(Limits())
        self._pass_time(SCHEDULE_S)
        return self._modify(order.client_order_id, quantity=20).order

    def be_overtaken(self) -> list[Write]:
        """Change an order twice, the first time at a server that reads it when the second has come; judge both.

        Return the changes as they came.
        """
        self._place(limit_price="1400")
        (order,) = self.rules.orders()
        is_first, overtaken, noted = iter([True]), Event(), Event()

        def read_late(kind: Kind) -> None:
            if kind.is_write and next(is_first, False):
                overtaken.wait(PATIENCE_S)
            elif kind.is_write:
                overtaken.set()
                noted.wait(PATIENCE_S)

        self.server.broker.on_request = read_late
        self.server.broker.on_write = lambda write: noted.set()
        for limits in (IMPATIENT, Limits()):
            self._become_worker(limits)
            self._checked(lambda: self._judge_change(order.client_order_id, self._modified))
        self._end()
        return [write for write in self.server.broker.ledger.writes if write.kind is not Kind.PLACE]

    def _leave_the_tag_hidden(self) -> None:
        """Let the session go on, longer than the last books must be apart, with a book that hides whose an order is."""
        if self.fault.hides_tag:
            self.server.broker.plan = replace(self.server.broker.plan, on="reads", rate=1.0)
            self._checked(lambda: self._pass_time(700))

    def _end(self) -> None:
        """Let the fault be gone, look until nothing changes any more, and compare."""
        self.server.broker.plan = CALM
        self._become_worker(Limits())
        self._checked(self._wait_to_be_let_in)
        quiet, looks = 0, 0
        while quiet < 2:
            versions = [order.version for order in self.rules.orders()]
            self._checked(lambda: self._pass_time(SCHEDULE_S))
            is_quiet = versions == [order.version for order in self.rules.orders()]
            quiet = quiet + 1 if is_quiet and self.server.broker.tick() == 0 else 0
            looks += 1
            self.rules.require(looks < 2 * LONGEST_LATE_S / SCHEDULE_S, "it never becomes quiet")
        self.rules.check_truth()

    def _wait_to_be_let_in(self) -> None:
        """Let the time pass in which the broker has said that it takes no requests."""
        until, now = self.world.turns.free_at(f"kept-out#{self.broker}"), self.world.clock.now()
        if until is not None and now < until:
            self._pass_time((until - now).total_seconds())

    def _checked(self, step: Callable[[], None]) -> None:
        step()
        self.rules.check()

    def _any_step(self) -> Callable[[], None]:
        steps = [self._place_any, self._repeat, self._change, self._look, self._move_market, self._wait]
        return self.dice.choices(steps, [4, 3, 4, 2, 3, 3])[0]

    def _place_any(self) -> None:
        price = self.dice.choice([None, "1400", "1500.05", "1500.05"])
        terms = {"order_type": "MARKET"} if price is None else {"limit_price": price}
        self._place(**terms)

    def _place(self, **terms: str) -> None:
        source = self.dice.choice([Source.API, Source.ALERT])
        limit_price = terms.pop("limit_price", None)
        quantity = self.dice.randrange(1, 9)
        command = self.world.command(
            f"k-{len(self.commands)}",
            source=source,
            quantity=quantity,
            limit_price=limit_price,
            product=self._product,
            **terms,
        )
        self.commands.append(command)
        self._deliver(command, "place")

    def _repeat(self) -> None:
        self._deliver(self.dice.choice(self.commands), "repeat")

    def _deliver(self, command: PlaceOrder, what: str) -> None:
        self._step += 1
        with suppress(StillUnsent):
            place_order(self.world.desk, command)
        order = self.world.store.get(client_order_id(ACCOUNT, command.idempotency_key))
        assert order is not None
        came = self._came()
        self._note(f"{what} {order.client_order_id} {order.state} {_told(came)}")
        if what == "place":
            self.rules.check_placed(order, came)

    def _change(self) -> None:
        resting = [order.client_order_id for order in self.rules.orders() if order.state.is_working]
        if not resting:
            self._move_market()
            return
        self._judge_change(self.dice.choice(resting), self.dice.choice([self._cancelled, self._modified]))

    def _judge_change(self, one: str, change: Callable[[str], Changed]) -> None:
        outcome = self._changed(one, change)
        came = self._came()
        self._note(f"change {one} {outcome} {_told(came)}")
        order = self.world.store.get(one)
        if outcome != "not asked" and order is not None:
            self.rules.check_changed(outcome, order, came)

    def _changed(self, one: str, change: Callable[[str], Changed]) -> str:
        try:
            changed = change(one)
        except ChangeRefused:
            return "refused"
        except RouterError as error:
            self._note(f"{type(error).__name__}: {error}")
            return "not asked"
        return "settled" if changed.is_settled else "unsettled"

    def _cancelled(self, one: str) -> Changed:
        self._step += 1
        return cancel_order(self.world.desk, one)

    def _modified(self, one: str) -> Changed:
        order = self.world.store.get(one)
        is_market = order is None or order.request.limit_price is None
        terms = {} if is_market else self.dice.choice(TERMS)
        return self._modify(one, **terms, quantity=self.dice.choice([9, 12]))

    def _modify(self, one: str, **changes: str | int | None) -> Changed:
        self._step += 1
        return modify_order(self.world.desk, one, changes)

    def _look(self) -> None:
        settled = reconcile_account(self.world.desk, ACCOUNT)
        self._note(f"look {settled}")

    def _move_market(self) -> None:
        resting = [order.broker_order_id for order in self.floor.held() if order.state.is_working]
        if resting and self.dice.random() < 0.5:
            self.floor.fill(self.dice.choice(resting))
        else:
            self.floor.set_price(self.dice.choice(PRICES))

    def _wait(self) -> None:
        self._pass_time(self.dice.choice([1, 7, 30, 65]))

    def _pass_time(self, seconds: float) -> None:
        """Let time pass, with the looks that were asked for and those of the schedule."""
        ends_at = self._clock_s + seconds
        self._queue_looks()
        while self._clock_s < ends_at:
            scheduled = (self._clock_s // SCHEDULE_S + 1) * SCHEDULE_S
            due = max(min([*self._looks, scheduled, ends_at]), self._clock_s)
            self.world.clock.advance(due - self._clock_s)
            self.server.broker.tick()
            # a look may wait for its turn, past the time of others
            for at in sorted(one for one in self._looks if one <= due):
                for look in self._looks.pop(at):
                    answer_ask(self.world.desk, ACCOUNT, look)
            if due == scheduled:
                reconcile_account(self.world.desk, ACCOUNT, is_asked=False)
            self._queue_looks()
            self.rules.check()
        self._note(f"time {seconds}")

    @property
    def _clock_s(self) -> float:
        return round((self.world.clock.now() - MONDAY_MORNING).total_seconds(), 3)

    def _queue_looks(self) -> None:
        queue = self.world.reconcile
        for (_, delay_s), look in zip(queue.asked, queue.looks, strict=True):
            self._looks.setdefault(round(self._clock_s + delay_s, 3), []).append(look)
        queue.asked.clear()
        queue.looks.clear()

    def _become_worker(self, limits: Limits) -> None:
        """Go on as a new worker: no connection is kept."""
        self.transport.close()
        trusted = trusting(self._certificates.good)
        self.transport = HttpTransport(self.world.clock, limits=limits, tls=lambda: trusted)
        marked = Marked(self.transport, lambda: self._step)
        self.world.desk = replace(self.world.desk, transport=marked)

    def _came(self) -> list[Write]:
        """Return what came of the orders and changes that were sent in this step."""
        return [write for write in self.server.broker.ledger.writes if write.step == str(self._step)]

    def _note(self, what: str) -> None:
        self.rules.trace.append(f"{self._clock_s:.0f}s {what}")


def _told(writes: list[Write]) -> str:
    return " ".join(map(str, writes))
