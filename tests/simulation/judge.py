"""The rules, judged at every write of an order, at every request that leaves for a broker, and at the end."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from order_router.adapter.http import HttpResponse
from order_router.aws.notice_queue import read_telling
from order_router.aws.order_record import read_order
from order_router.domain.exchange_time import exchange_day, is_book_final
from order_router.domain.lifecycle import FINAL, EventKind, State
from order_router.domain.order import Order, traded
from order_router.domain.order_news import news_of
from order_router.domain.unanswered import asked_without_answer
from order_router.domain.unshown import last_asked
from order_router.domain.vocabulary import Source
from order_router.ports import Clock, Notice
from tests.simulation.answers import Proof, proof_of
from tests.simulation.changing import Changing
from tests.simulation.kills import Kills
from tests.simulation.limited import Counts
from tests.simulation.stops import ASKED_BY, KILL, Stops, is_exit_item, switches_of
from tests.simulation.venues import Held
from tests.simulation.wants import Wants, terms_of

TAG = re.compile(rb"[A-Z2-7]{20}")
CALLS_A_SECOND = 9
SECOND = timedelta(seconds=1)
PAISA = Decimal("0.01")
NEVER_LEFT = {State.STALE, State.REFUSED}
TOLD_WITHIN = timedelta(seconds=70)
NOT_DONE = "not done: "
"""How a record begins to say that a change was not made, as a report shows."""
"""A look each minute, and what the look itself takes."""

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Write:
    """A write for a broker; a change names the order that it is for."""

    method: str
    body: bytes
    venue: str
    broker_order_id: str


class Violation(AssertionError):
    """A rule does not hold; the message names the seed."""


@dataclass
class Judge:
    """What was seen so far. Rules that break are kept, and raised where no shipped code can swallow them."""

    clock: Clock
    items: dict[str, Item] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    notices: list[tuple[datetime, Notice]] = field(default_factory=list)
    arrived: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    changes_left: Counter[tuple[str, str]] = field(default_factory=Counter)
    changes_asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    answers: Counter[tuple[str, Proof]] = field(default_factory=Counter)
    queued: dict[str, int] = field(default_factory=dict)
    last_sent: dict[str, int] = field(default_factory=dict)
    calls: defaultdict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    stopped: dict[str, bool] = field(default_factory=dict)
    """The switches that somebody was told are on, and whether exits pass them."""
    stops: Stops = field(default_factory=Stops)
    circuits: dict[str, bool] = field(default_factory=dict)
    openings: int = 0
    unknown: dict[str, str] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    wants: Wants = field(default_factory=Wants)
    changing: Changing = field(default_factory=Changing)
    kills: Kills = field(default_factory=Kills)

    def require(self, holds: object, rule: str) -> None:
        """Note a rule that does not hold."""
        if not holds:
            self.broken.append(f"{rule} ({self.clock.now().isoformat()})")

    def raise_broken(self) -> None:
        """Raise Violation if a rule broke."""
        if self.broken:
            raise Violation("; ".join(self.broken))

    def notice_queued(self, body: str) -> None:
        """Take a notice that is in the queue to be told."""
        notice = read_telling(body)
        self.require(isinstance(notice, Notice), f"a message is nothing to tell: {body}")
        if isinstance(notice, Notice):
            self.notices.append((self.clock.now(), notice))

    # ------------------------------------------------------------ as it happens
    def order_written(self, item: Item) -> None:
        """Judge a stored order against the one that it replaces."""
        name = item["client_order_id"]["S"]
        before = self.items.get(name)
        self.items[name] = item
        state = State(item["state"]["S"])
        if before != item:
            self.counts.order_written(before, item, self.require)
        if before is None:
            self.wants.order_begun(name, item, self.require)
        elif before != item:
            self._judge_change(name, before, item)
        self._judge_steps(name, before, item)
        self._note_unknown(name, item, state)

    def _judge_steps(self, name: str, before: Item | None, item: Item) -> None:
        """Take what is new in the order's history: a change that is asked for, and no exit that waits for an entry."""
        known = 0 if before is None else len(before["history"]["L"])
        for step in item["history"]["L"][known:]:
            kind = step["M"]["kind"]["S"]
            self.changes_asked[name, kind] += 1
            if kind in ASKED_BY.values():
                self._judge_begun(name, kind, item)
            if kind == EventKind.MODIFY_REJECTED and step["M"]["note"]["S"].startswith(NOT_DONE):
                asked = (one.event for one in reversed(read_order(item).history))
                at = next(event.at for event in asked if event.kind is EventKind.MODIFY_REQUESTED)
                self.changing.said_not_made(name, at)
            is_held = kind == EventKind.HELD and is_exit_item(item)
            self.require(not is_held, f"{name} closes a position and was held")

    def _judge_begun(self, name: str, kind: str, item: Item) -> None:
        """Judge what passed its gate just now, the first time or again: from now on its call is good."""
        self.stops.begun(name, kind, self.clock.now())
        if kind == EventKind.CANCEL_REQUESTED:
            return
        switches, is_exit = switches_of(item), is_exit_item(item)
        by = [one for one in switches if one in self.stopped and not (is_exit and self.stopped[one])]
        self.require(not by, f"{name} was begun after {by} had answered")
        by = self.stops.standing(switches, is_exit=is_exit)
        self.require(not by, f"{name} was begun while {by} stood")
        circuit = f"breaker#{item['broker']['S']}#{item['request']['M']['account']['S']}"
        self.require(not self.circuits.get(circuit), f"{name} was begun while {circuit} was open")
        if kind == EventKind.SUBMITTING:
            self._judge_entry(name, item)

    def _judge_entry(self, name: str, item: Item) -> None:
        request = item["request"]["M"]
        if is_exit_item(item) or "strategy" not in request:
            return
        waits_for = [other for other, lane in self.unknown.items() if lane == _lane(item)]
        self.require(not waits_for, f"{name} was begun while {waits_for} were unknown")

    def _note_unknown(self, name: str, item: Item, state: State) -> None:
        if state is State.UNKNOWN:
            self.unknown[name] = _lane(item)
        else:
            self.unknown.pop(name, None)

    def _judge_change(self, name: str, before: Item, item: Item) -> None:
        was, state = State(before["state"]["S"]), State(item["state"]["S"])
        steps_before, steps = before["history"]["L"], item["history"]["L"]
        self.require(int(item["version"]["N"]) > int(before["version"]["N"]), f"{name} lost a version")
        self.require(was not in FINAL or state is was, f"{name} ended {was} and became {state}")
        self.require(
            int(item["filled_quantity"]["N"]) >= int(before["filled_quantity"]["N"]),
            f"a fill of {name} shrank",
        )
        self.require(
            steps[: len(steps_before)] == steps_before, f"{name} lost or changed a line of its history"
        )

    def switch_written(self, name: str, item: Item) -> None:
        """Note how a breaker or a kill switch stands."""
        is_open = bool(item["engaged"]["BOOL"])
        if name.startswith(KILL):
            self.stops.turned(name, item, self.clock.now())
            return
        self.openings += is_open and not self.circuits.get(name, False)
        self.circuits[name] = is_open

    def judge_circuits(self, *, has_queue_failed: bool) -> None:
        """Require that every breaker closed once its broker answered again, and that each of both was told.

        A notice that its queue does not take is in the log alone.
        """
        still = [name for name, is_open in self.circuits.items() if is_open]
        self.require(not still, f"{still} stayed open although the broker answers")
        for kind in ("breaker_open", "breaker_closed"):
            told = {notice.subject for _, notice in self.notices if notice.kind == kind}
            is_told = has_queue_failed or len(told) == self.openings
            self.require(is_told, f"{self.openings} openings, told of {len(told)} as {kind}")

    def order_queued(self, client_order_id: str) -> None:
        """Note that the queue took an alert's order, the first time."""
        self.queued.setdefault(client_order_id, len(self.queued))

    def call_left(self, write: Write) -> None:
        """Judge a write as it leaves for a broker."""
        now, item = self.clock.now(), self._item_of(write)
        if item is not None:
            self.stops.judge_left(write.method, item, now, self.require)
        self._judge_pace(f"{_paced(write, item)} left", within=SECOND)
        if write.method != "POST":
            self._judge_change_left(write, item)
            return
        found = TAG.search(write.body)
        self.require(found, "an order left without our tag")
        if found is not None:
            self._judge_send(found.group().decode(), now)

    def call_came(self, write: Write, *, road: timedelta) -> None:
        """Judge a write as it comes to its broker: `road` is what the ways of two calls differ by at most."""
        self._judge_pace(f"{_paced(write, self._item_of(write))} came", within=SECOND - road)

    def call_answered(self, write: Write, answer: HttpResponse) -> None:
        """Note what the answer to a new order proves, as whoever sent it gets it."""
        found = TAG.search(write.body)
        if write.method == "POST" and found is not None:
            self.answers[found.group().decode(), proof_of(answer)] += 1

    def _item_of(self, write: Write) -> Item | None:
        """Return the order that a write is for: its account has its own venue."""
        if write.method != "POST":
            named = ({"S": write.broker_order_id}, {"S": write.broker_order_id.partition("?")[0]})
            return next((one for one in self.items.values() if one.get("broker_order_id") in named), None)
        found = TAG.search(write.body)
        return None if found is None else self.items.get(found.group().decode())

    def _judge_change_left(self, write: Write, item: Item | None) -> None:
        name = "" if item is None else item["client_order_id"]["S"]
        self.changes_left[name, write.method] += 1
        asked, left = self.changes_asked[name, ASKED_BY[write.method]], self.changes_left[name, write.method]
        self.require(left <= asked, f"{write.method} of {name} left without a stored intent")

    def _judge_pace(self, lane: str, *, within: timedelta) -> None:
        now, calls = self.clock.now(), self.calls[lane]
        calls.append(now)
        if len(calls) > CALLS_A_SECOND:
            apart = now - calls[-1 - CALLS_A_SECOND]
            self.require(apart >= within, f"more than {CALLS_A_SECOND} calls in a second: {lane}")

    def _judge_send(self, name: str, now: datetime) -> None:
        item = self.items.get(name)
        self.require(item is not None, f"{name} left without a stored intent")
        if item is None:
            return
        order = read_order(item)
        self.require(
            self.left[name] == self.answers[name, Proof.NEVER_SENT],
            f"{name} left again, and may be there already",
        )
        self.left[name] += 1
        self.require(order.state is State.SUBMITTING, f"{name} left while {order.state}")
        self.require(now <= order.deadline, f"{name} left after its deadline")
        latest = self.wants.latest(name)
        self.require(latest is None or now <= latest, f"{name} left when it was too old to trade")
        self.require(order.lease_until is not None and now <= order.lease_until, f"{name} left unowned")
        self._judge_turn(name, order)

    def _judge_turn(self, name: str, order: Order) -> None:
        if name not in self.queued or order.has(EventKind.HELD):
            return
        group = f"{order.request.account} {order.request.instrument}"
        last = self.last_sent.get(group, -1)
        self.require(self.queued[name] >= last, f"{name} left before an order that came earlier")
        self.last_sent[group] = max(last, self.queued[name])

    def order_arrived(self, body: bytes) -> None:
        """Count an order that its broker took."""
        found = TAG.search(body)
        name = "" if found is None else found.group().decode()
        self.arrived[name] += 1
        self.require(self.arrived[name] == 1, f"two orders at the broker for {name}")

    # ------------------------------------------------------------ at the end
    def judge_end(self, held: list[Held]) -> Counter[str]:
        """Compare every record with the brokers' books; return how many orders ended in which way."""
        ours = {name: read_order(item) for name, item in self.items.items()}
        rows = {row.tag: row for row in held if row.tag}
        by_hand = {row.broker_order_id for row in held if not row.tag}
        self.require(set(rows) <= set(ours), "an order at a broker that we do not know")
        ends: Counter[str] = Counter()
        for name, order in ours.items():
            ends[self._judge_order(order, rows.get(name))] += 1
            self.require(order.broker_order_id not in by_hand, f"{name} claims an order that is not ours")
            self._judge_history(order)
        return ends

    def _judge_order(self, order: Order, row: Held | None) -> str:
        name, state = order.client_order_id, order.state
        self._judge_news(order)
        if row is not None:
            self.require(state is row.state, f"{name} is {state} here, {row.state} there")
            self.require(order.filled_quantity == row.filled_quantity, f"{name} has another fill there")
            self.require(order.broker_order_id == row.broker_order_id, f"{name} has another id there")
            self._judge_terms(order, row)
            return f"{state}"
        if state is State.UNKNOWN:
            return "unknown and told"
        self._judge_nothing_there(order)
        return f"{state}, nothing there"

    def _judge_news(self, order: Order) -> None:
        """Require that the stream of the orders table tells what a person must hear of an order, as it is stored."""
        told = {notice.kind for notice in news_of(order)}
        name, state = order.client_order_id, order.state
        if state is State.UNKNOWN:
            self.require("unknown" in told, f"{name} is unknown and nobody was told")
        if order.has(EventKind.CLOSED_ABSENT):
            self.require("closed" in told, f"{name} was closed by absence and nobody was told")
        if order.source is Source.ALERT and state in NEVER_LEFT:
            self.require(str(state) in told, f"{name} is {state}, and whoever sent its alert was not told")

    def _judge_terms(self, order: Order, row: Held) -> None:
        name, terms = order.client_order_id, terms_of(order.request)
        self.require(terms == row.terms, f"{name} is {terms} here, {row.terms} there")
        self.wants.judge_terms(name, row.terms, self.require)
        average = None if order.average_price is None else order.average_price.quantize(PAISA)
        there = None if row.average_price is None else row.average_price.quantize(PAISA)
        self.require(average == there, f"{name} filled at {average} here, at {there} there")

    def _judge_nothing_there(self, order: Order) -> None:
        """Require that what is said of an order that its broker does not have was known, and not supposed."""
        name, state = order.client_order_id, order.state
        if state is State.REJECTED:
            is_known = self.answers[name, Proof.NO] or order.has(EventKind.CLOSED_ABSENT)
            self.require(is_known, f"{name} is {state} here, and its broker never said no")
            return
        self.require(state in NEVER_LEFT, f"{name} is {state} here, nothing there")
        never_sent = self.left[name] == self.answers[name, Proof.NEVER_SENT]
        self.require(never_sent, f"{name} is {state} here, and it may have left")

    def _judge_history(self, order: Order) -> None:
        day = exchange_day(order.received_at)
        for step in order.history:
            if step.event.kind in {EventKind.CLOSED_ABSENT, EventKind.ABSENT_AT_DAY_END}:
                is_last = is_book_final(order.request.instrument.exchange, day, step.event.at)
                self.require(
                    is_last, f"{order.client_order_id} was closed by absence while the session lasted"
                )

    def judge_holds(self, gate: Iterable[Item]) -> None:
        """Require that the holds that are on are those of the orders that are unknown, and no others."""
        found = {
            item["gate"]["S"]: set(item["orders"]["SS"])
            for item in gate
            if item["gate"]["S"].startswith("hold#") and "orders" in item
        }
        expected: dict[str, set[str]] = {}
        for name in self.unknown:
            hold = _hold_of(self.items[name])
            if hold is not None:
                expected.setdefault(hold, set()).add(name)
        self.require(found == expected, f"{found} are held, {expected} are unknown")

    def judge_told(self) -> None:
        """Require that an unknown order was told, or settled, within a minute of becoming one, and a change settled."""
        for item in self.items.values():
            lost: datetime | None = None
            order = read_order(item)
            for step in order.history:
                if step.event.kind is EventKind.OUTCOME_LOST:
                    lost = step.event.at
                elif lost is not None:
                    self.require(
                        step.event.at - lost <= TOLD_WITHIN, f"{order.client_order_id} was told of too late"
                    )
                    lost = None
            self.require(lost is None, f"{order.client_order_id} was never told of")
            is_open = _is_change_open(order)
            self.require(not is_open, f"{order.client_order_id} may have been changed or not")


def _is_change_open(order: Order) -> bool:
    """Return whether a change or a cancel has no end yet, but for a change of what no report shows."""
    asked = last_asked(order)
    is_hidden = asked is not None and traded(asked) == traded(order.request)
    return len(asked_without_answer(order)) > int(is_hidden)


def _paced(write: Write, item: Item | None) -> str:
    """Return what the pace is counted in: a segment at the paper broker, the account at every other."""
    if write.venue != "paper":
        return write.venue
    return "paper" if item is None else f"paper {item['request']['M']['instrument']['S']}".partition(":")[0]


def _hold_of(item: Item) -> str | None:
    account, _, day = item["account_day"]["S"].partition("#")
    request = item["request"]["M"]
    if "strategy" not in request:
        return None
    return f"hold#{account}#{request['strategy']['S']}#{request['instrument']['S']}#{day}"


def _lane(item: Item) -> str:
    request = item["request"]["M"]
    return f"{item['account_day']['S']} {request.get('strategy')} {request['instrument']}"
