"""What people asked for, by the ids that its orders must have: what an answer names is held against this."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

from order_router.domain.alert import alert_digest
from order_router.domain.identity import client_order_id
from tests.simulation.changing import Ask
from tests.simulation.gateway import Answer
from tests.simulation.judge import Judge
from tests.simulation.stack import ACCOUNTS
from tests.simulation.wants import Terms, terms_asked

Body = Mapping[str, Any]
QUANTITIES = (2, 7)
MAX_AGE, MAX_ALERT_AGE = timedelta(seconds=10), timedelta(seconds=30)
RESENT_WITHIN = timedelta(seconds=30)
"""An alert without a time of its own is the same one for so long."""


@dataclass
class Asked:
    """What was asked for so far. `accepted` are the orders that somebody was told we have.

    `came` are the times at which an alert's very bytes came: one without a time of its own is named by one of them.
    """

    judge: Judge
    accepted: set[str] = field(default_factory=set)
    came: defaultdict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    timeless: dict[str, Body] = field(default_factory=dict)

    def order_came(self, key: str, order: Body, at: datetime) -> None:
        """Note that an order comes, perhaps not the first time."""
        name = client_order_id(order["account"], f"api:{key}")
        self.judge.wants.ask(name, terms_asked(order), at + MAX_AGE)

    def order_answered(self, key: str, order: Body, answer: Answer) -> None:
        """Hold what a caller is told of an order against what it asked for."""
        name = client_order_id(order["account"], f"api:{key}")
        said = answer.content.get("client_order_id")
        self.judge.require(
            said == name or (said is None and not answer.is_success), f"{said} was named for {name}"
        )
        if said is not None:
            self.accepted.add(name)
        is_held = order.get("position_effect") == "CLOSE" and answer.content.get("code") == "ENTRY_HELD"
        self.judge.require(not is_held, f"{name} closes a position and was held")

    def change_came(self, name: str, changes: Body) -> Ask:
        """Note that somebody asks to change these of an order's terms."""
        fields = {
            field: Decimal(value) if field == "limit_price" else value for field, value in changes.items()
        }
        self.judge.wants.ask_to_change(name, fields)
        return self.judge.changing.ask(name, fields)

    def change_answered(self, name: str, ask: Ask, answer: Answer) -> None:
        """Note that a call for a change is over: without an answer its function may still be at it."""
        if answer.status is not None:
            self.judge.changing.answered(name, ask)

    def alert_came(self, text: str, alert: Body, at: datetime) -> None:
        """Note that an alert comes, perhaps not the first time: without a time of its own it is as young as that."""
        self.came[text].append(at)
        fired = at if alert["time"] is None else min(at, datetime.fromisoformat(alert["time"]))
        terms = _terms(alert)
        if alert["time"] is None:
            self.timeless[text] = alert
        for first in self.came[text]:
            for name in names_of(text, alert, first):
                self.judge.wants.ask(name, terms, fired + MAX_ALERT_AGE)

    def alert_answered(self, text: str, alert: Body, answer: Answer) -> None:
        """Require that an alert that is said to be taken has one order in each account of its strategy."""
        if not answer.is_success:
            return
        said = tuple(answer.content.get("client_order_ids", ()))
        named = [names_of(text, alert, at) for at in self.came[text]]
        self.judge.require(said in named, f"{said} was named for an alert of {named}")
        self.accepted.update(said)

    def judge_resends(self) -> None:
        """Require that an alert without a time of its own did not become another one when it was sent again."""
        for text, alert in self.timeless.items():
            came = [
                at
                for at in self.came[text]
                if not self.judge.items.keys().isdisjoint(names_of(text, alert, at))
            ]
            for first, again in pairwise(sorted(set(came))):
                is_one = again - first < RESENT_WITHIN
                self.judge.require(not is_one, f"an alert sent again after {again - first} is another one")


def _terms(alert: Body) -> Terms:
    """Return what an alert asks for: `demo` trades at the market, `swing` at the alert's price."""
    limit = None if alert["strategy"] == "demo" else Decimal(alert["price"])
    quantity = int(alert["contracts"])
    return Terms(f"{alert['exchange']}:{alert['ticker']}", alert["action"].upper(), quantity, limit)


def names_of(text: str, alert: Body, at: datetime) -> tuple[str, ...]:
    """Return the ids of an alert's orders, one for each account of its strategy; `at`: when its bytes first came."""
    key = f"alert:{alert_digest(alert['strategy'], text.encode())}"
    if alert["time"] is None:
        key = f"{key}:{at.isoformat()}"
    return tuple(client_order_id(account, key) for account in ACCOUNTS[alert["strategy"]])


def changes(random: Random, prices: Sequence[str]) -> Body:
    """Return what somebody asks to change: quantity, price or both."""
    both = {"quantity": random.choice(QUANTITIES), "limit_price": random.choice(prices)}
    if random.random() < 0.4:
        return both
    only = random.choice(sorted(both))
    return {only: both[only]}
