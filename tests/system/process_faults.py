"""One run against a local stack whose workers die: send, play faults, watch, settle, add up.

One wait is shorter here than it is in AWS, so that a run ends in minutes: the schedule's look at every account comes
every 5 s instead of every minute. Leases, deadlines and timeouts are the real ones.
"""

import json
import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from infra.local.emulator import find_running
from infra.local.home import Home
from infra.local.stack import Stack
from infra.operate import Target
from order_router.domain.lifecycle import State
from tests.system.process_faults_broker import BEFORE, Held, HoldingKite, Verdict, holding
from tests.system.process_faults_ledger import Ledger, Sources
from tests.system.process_faults_nemesis import Act, Fault, Kind, Nemesis, Plan, Progress, Window
from tests.system.process_faults_told import Told, hearing
from tests.system.process_faults_traffic import THREADS, Desk, Intent, Traffic, kite_prices, open_desk
from tests.system.process_faults_workers import Workers

LOOK_EVERY_S = 1.0
SCHEDULE_EVERY_S = 5.0
PATIENCE_S = 150
MORE = 10
USUAL = Plan(
    acts=(
        Act(0.5, [Kind.KILLED]),
        Act(0.9, [Kind.STOPPED]),
        Act(1.0, [Kind.TIMED_OUT]),
        Act(2.0, [Kind.STOPPED, Kind.TIMED_OUT]),
    ),
    at_broker={"place": 0.1, "modify": 0.15, "cancel": 0.15, "look": 0.05, "book": 0.03},
    in_function={"place": 0.05, "webhook": 0.06, "modify": 0.1, "cancel": 0.1, "reconcile": 0.03},
    enough=0.25,
)


@dataclass
class Run:
    """What happened in one run."""

    seed: int
    sent: int
    ledger: Ledger
    faults: list[Fault]
    intents: dict[str, Intent]
    sending_s: float = 0
    wall_s: float = 0
    unaccounted: dict[str, str] = field(default_factory=dict)

    @property
    def faulted(self) -> set[str]:
        """The orders that are known to have been hit: named by the broker, by their caller or by their record."""
        named = {fault.order for fault in self.faults if fault.order is not None}
        seen = {order_id for order_id, intent in self.intents.items() if intent.saw_a_worker_die}
        lost = {
            order_id
            for order_id, record in self.ledger.records.items()
            if any(step.event.reason and step.event.reason.code == "WORKER_LOST" for step in record.history)
        }
        return (named | seen | lost) & set(self.intents)

    @property
    def accepted(self) -> list[Intent]:
        """The intents whose sender was told that they were taken."""
        return [intent for intent in self.intents.values() if intent.is_accepted]

    @property
    def was_unknown(self) -> int:
        """How many records were unknown at some time."""
        records = self.ledger.records.values()
        return sum(any(step.state is State.UNKNOWN for step in record.history) for record in records)

    def summary(self) -> str:
        """The run in a few lines."""
        times = self.ledger.times_to_settle()
        kinds = Counter(f"{fault.function} {fault.kind}" for fault in self.faults)
        at_broker = sum(len(rows) for rows in self.ledger.rows.values())
        return (
            f"seed {self.seed}: {self.sent} sent, {len(self.accepted)} accepted, {at_broker} at the brokers\n"
            f"{len(self.faulted)} known to be hit by {len(self.faults)} faults: {dict(kinds.most_common())}\n"
            f"states {dict(self.ledger.states())}, once unknown {self.was_unknown}, "
            f"unknown and told {len(self.ledger.told_unknown())}\n"
            f"settled after p50 {percentile(times, 50):.1f} s, p99 {percentile(times, 99):.1f} s; "
            f"{self.ledger.looks} looks, sent in {self.sending_s:.0f} s, run {self.wall_s:.0f} s"
        )


def percentile(ascending: list[float], percent: int) -> float:
    """The value that so many of them do not pass; 0 of none."""
    return ascending[min(len(ascending) - 1, len(ascending) * percent // 100)] if ascending else 0


@dataclass(frozen=True)
class Ground:
    """The stack that a run takes place on. `kite_port` is where its Zerodha adapter calls."""

    target: Target
    facts: dict[str, Any]
    home: Path
    kite_port: int


class Broker(Protocol):
    """Zerodha, played: its whole book, and the end of the trouble that it makes by itself."""

    def rows(self) -> list[dict[str, Any]]:
        """Return every order that it has taken in."""

    def refused(self) -> frozenset[str]:
        """Return the tags of the placements that it gave a definite no to."""

    def calm(self) -> None:
        """Make no more trouble."""

    def waiting(self) -> int:
        """Return how many order writes it has still to take in."""


Play = Callable[[Ground, Nemesis, Traffic], AbstractContextManager[Broker]]


def end_emulator(home: Path) -> None:
    """End a stack's emulator and workers at once: nobody wants its state, and saving it can take minutes."""
    running = find_running(Home(home))
    if running is not None:
        # it leads a process group of its own, in which its workers are
        os.killpg(running.pid, signal.SIGKILL)


def unused_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(ground: Ground, *, orders: int, seed: int, plan: Plan = USUAL, play: Play | None = None) -> Run:
    """Send so many orders, or more until enough were hit, while workers die; return what became of all of them.

    `play` plays Zerodha.
    """
    started = time.monotonic()
    stack = Stack(ground.facts["endpoint_url"])
    desk = open_desk(ground.target, ground.facts)
    traffic = Traffic(desk, seed)
    workers = Workers(ground.facts["pid"], ground.home)
    nemesis = Nemesis(workers, plan, seed, lambda: Progress(len(traffic.intents), orders))
    with (
        hearing(ground.target, unused_port()) as told,
        (play or _hold)(ground, nemesis, traffic) as broker,
    ):
        ledger = _ledger(ground.target, desk, traffic, broker, told)
        with (
            _every(SCHEDULE_EVERY_S, lambda: _ask_for_looks(stack)),
            _every(LOOK_EVERY_S, ledger.try_to_look),
        ):
            try:
                _send_all(traffic, nemesis, orders)
                sending_s = time.monotonic() - started
                broker.calm()
                settle(ledger, broker)
            finally:
                traffic.stopping.set()
                nemesis.release()
        return Run(
            seed=seed,
            sent=len(traffic.intents),
            ledger=ledger,
            faults=nemesis.faults,
            intents=traffic.intents,
            sending_s=sending_s,
            wall_s=time.monotonic() - started,
            unaccounted=left_open(ledger, broker),
        )


def _ledger(target: Target, desk: Desk, traffic: Traffic, broker: Broker, told: Told) -> Ledger:
    accounts, intents = desk.accounts, traffic.intents
    return Ledger(
        Sources(
            target=target,
            accounts=accounts,
            kite_rows=broker.rows,
            intents=intents,
            told=told,
            refused=broker.refused,
        )
    )


def _send_all(traffic: Traffic, nemesis: Nemesis, orders: int) -> None:
    nemesis.start()
    senders = ThreadPoolExecutor(THREADS)
    try:
        list(senders.map(traffic.run_one, range(orders)))
        while nemesis.is_behind(orders) and len(traffic.intents) < 2 * orders:
            # on a busy machine many grow too old to reach a broker, which is where most are hit
            sent = len(traffic.intents)
            list(senders.map(traffic.run_one, range(sent, sent + MORE)))
    except BaseException:
        traffic.stopping.set()
        raise
    finally:
        senders.shutdown(cancel_futures=True)
    nemesis.rest()


def settle(ledger: Ledger, broker: Broker) -> None:
    """Wait until every account is closed in a look at all that the broker will ever hold.

    What is open after that stands in the run's result.
    """
    clock = ledger.clock
    give_up_at = clock.now() + timedelta(seconds=PATIENCE_S)
    while not ledger.violations and clock.now() < give_up_at:
        # what is accepted late must be in the book before the look
        if broker.waiting() == 0 and ledger.try_to_look() and not ledger.open_accounts():
            return
        clock.sleep(LOOK_EVERY_S)


def left_open(ledger: Ledger, broker: Broker) -> dict[str, str]:
    """Look once more, and return what is wrong still, by order."""
    waiting = broker.waiting()
    ledger.look()
    late = {"broker": f"{waiting} order writes are still to be taken in"} if waiting else {}
    return ledger.open_accounts() | late


@contextmanager
def _hold(ground: Ground, nemesis: Nemesis, traffic: Traffic) -> Iterator[HoldingKite]:
    """Play Zerodha with a hand on each call."""
    chance = random.Random(nemesis.seed + 1)  # noqa: S311 - a seed that can be repeated is the point

    def decide(held: Held) -> Verdict:
        may_block = held.call == "place" and not traffic.is_alert(held.tag)
        window = Window(
            call=held.call,
            moment=held.moment,
            port=held.port,
            broker_port=ground.kite_port,
            order=held.tag,
            may_block=may_block,
        )
        fault = nemesis.take(window)
        if fault is None or held.moment != BEFORE:
            return Verdict()
        # what a dead worker sent may arrive late, or not at all
        return Verdict(late_s=chance.uniform(0, 2), is_lost=chance.random() < 0.2)

    with holding(ground.kite_port, decide) as kite:
        kite.kite.control({"prices": kite_prices()})
        yield kite


@contextmanager
def _every(seconds: float, act: Callable[[], object]) -> Iterator[None]:
    """Do something again and again beside the run; its failure fails the run."""
    ended, failures = threading.Event(), list[BaseException]()

    def repeat() -> None:
        try:
            pause = seconds
            while not ended.wait(pause):
                began = time.monotonic()
                act()
                # the longer the run, the more there is to read: most of the time must stay the stack's
                pause = max(seconds, 4 * (time.monotonic() - began))
        except BaseException as error:  # noqa: BLE001 - told to the run below
            failures.append(error)

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]


def _ask_for_looks(stack: Stack) -> None:
    stack.client("lambda").invoke(
        FunctionName=stack.physical_ids["ReconcileFunction"],
        InvocationType="Event",
        Payload=json.dumps({"source": "schedule"}).encode(),
    )
