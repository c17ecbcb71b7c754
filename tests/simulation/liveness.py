"""One order on a good day, or on one with a single passing fault: it gets there, and nobody has to help."""

import json
from random import Random
from typing import Any

from order_router.aws.order_record import read_order
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from tests.simulation import clients, network
from tests.simulation.day import SECOND
from tests.simulation.stack import KEY, MINUTE, TOKENS, Stack
from tests.simulation.trouble import DIES, FREEZES, OneFault

FIRST_POINTS = 40
"""More points than one order passes on its way."""

NOT_PASSING = frozenset(
    {
        DIES,
        FREEZES,
        clients.SILENT,
        network.LATE,
        network.REQUEST_LOST,
        network.FAILED_UNSEEN,
        network.TIMED_OUT_UNSEEN,
    }
)
"""After most of these only the broker can know that there is no order: a person is told, by design.

An AWS that is silent for all three tries of a call is no passing fault either, nor an order that its broker shows
minutes later.
"""

LONGEST_MINUTES, QUIET_MINUTES = 5, 2
UNSETTLED = {State.RECEIVED, State.SUBMITTING, State.UNKNOWN}
THERE = {State.OPEN, State.PARTIALLY_FILLED, State.FILLED}


class OneOrder:
    """One seed: an order or an alert for one account, and at most one fault of the kinds that are not avoided."""

    avoided: frozenset[str] = frozenset()
    has_fault = False

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - a schedule, not a secret
        self.stack = Stack(self.random)
        turn = self.random.randint(1, FIRST_POINTS) if self.has_fault else 0
        self.stack.trouble = OneFault(self.random, avoided=self.avoided, turn=turn)

    def run(self) -> str:
        """Run until the order has been settled for a while, note how it ended, and return a digest."""
        stack = self.stack
        stack.start()
        stack.hub.spawn("client", self._send)
        # between the turns of the schedule, which are something under way
        stack.run_for(10 * SECOND)
        quiet_minutes = 0
        for _ in range(LONGEST_MINUTES):
            stack.run_for(MINUTE)
            quiet_minutes = quiet_minutes + 1 if self._is_settled() else 0
            if quiet_minutes == QUIET_MINUTES:
                break
        stack.judge.judge_end(stack.held())
        stack.judge.raise_broken()
        self._note()
        return stack.digest()

    def _send(self) -> None:
        gateway, random = self.stack.gateway, self.random
        if random.random() < 0.5:
            order: dict[str, Any] = {
                "account": random.choice(("paper", "kite")),
                "instrument": "NSE:INFY",
                "side": "BUY",
                "quantity": 5,
                "order_type": "MARKET",
                "product": "MIS",
            }
            gateway.place(KEY, "only", order)
        else:
            alert = {"token": TOKENS["swing"], "ticker": "INFY", "exchange": "NSE", "action": "buy"}
            terms = {"contracts": "5", "price": "1499", "time": f"{self.stack.hub.now():%Y-%m-%dT%H:%M:%SZ}"}
            gateway.send_alert(json.dumps(alert | terms))

    def _is_settled(self) -> bool:
        states = {item["state"]["S"] for item in self.stack.judge.items.values()}
        return not (self.stack.is_under_way() or states & UNSETTLED)

    def _note(self) -> None:
        hits = self.stack.trouble.hits
        if self.has_fault and not hits:
            return
        orders = [read_order(item) for item in self.stack.judge.items.values()]
        is_placed = [order.state for order in orders if order.state in THERE] != []
        hits["orders"] += 1
        hits["placed" if is_placed else f"not placed: {next(iter(hits))}"] += 1
        for order in orders:
            self._note_resolution(order)

    def _note_resolution(self, order: Order) -> None:
        lost = [step.event.at for step in order.history if step.event.kind is EventKind.OUTCOME_LOST]
        if lost and order.state in THERE:
            after = [step.event.at for step in order.history if step.event.at > lost[-1]]
            told = [step for step in order.history if step.event.kind is EventKind.PERSON_TOLD]
            took = (after[len(told)] if len(after) > len(told) else after[-1]) - lost[-1]
            self.stack.trouble.hits[f"resolved after {int(took.total_seconds() // 1) + 1} s"] += 1


class OneFaultyOrder(OneOrder):
    """One order, one fault of almost any kind: what its broker shows minutes later is not seen in this time."""

    has_fault = True
    avoided = frozenset({network.LATE})


class OnePassingFault(OneFaultyOrder):
    """One order, one fault that passes."""

    avoided = NOT_PASSING


__all__ = ["SECOND", "OneFaultyOrder", "OneOrder", "OnePassingFault"]
