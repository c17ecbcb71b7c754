"""What became of a burst: each alert against the stack's record and the broker's book."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from tests.burst.alerts import Sent

SECOND = timedelta(seconds=1)
AT_BROKER = {State.OPEN, State.PARTIALLY_FILLED, State.FILLED}


@dataclass(frozen=True, kw_only=True)
class Burst:
    """A burst that is over: what was sent, our records, the broker's rows as they came, when its order calls came."""

    sent: Sequence[Sent]
    records: Mapping[str, Order]
    rows: Sequence[Mapping[str, Any]]
    calls: Sequence[datetime]

    def states(self) -> Counter[str]:
        """How many alerts ended in which state; `lost` are those without a record."""
        return Counter(str(self._state(one) or "lost") for one in self.sent)

    def broken(self) -> list[str]:
        """Return every promise that was broken, in words."""
        return [*self._lost(), *self._doubled(), *self._stale_too_early(), *self._out_of_order()]

    def busiest_second(self) -> int:
        """Return the most order calls that came to the broker in any one second, wherever it begins."""
        calls, first, most = sorted(self.calls), 0, 0
        for last, at in enumerate(calls):
            while at - calls[first] >= SECOND:
                first += 1
            most = max(most, last - first + 1)
        return most

    def _state(self, one: Sent) -> State | None:
        record = self.records.get(one.client_order_id)
        return None if record is None else record.state

    def _lost(self) -> list[str]:
        """An alert is accounted for if the broker has it as our record says, or our record says why it has not."""
        tags, words = Counter(str(row["tag"]) for row in self.rows), []
        for one in self.sent:
            state, held = self._state(one), tags[one.client_order_id] > 0
            if state is None or held != (state in AT_BROKER) or (not held and state is not State.STALE):
                words.append(f"{one.instrument} {one.number}: {state or 'no record'}, at the broker {held}")
        return words

    def _doubled(self) -> list[str]:
        tags = Counter(str(row["tag"]) for row in self.rows)
        return [f"{tag} is at the broker {count} times" for tag, count in tags.items() if count > 1]

    def _stale_too_early(self) -> list[str]:
        words = []
        for one in self.sent:
            record = self.records.get(one.client_order_id)
            if record is None or record.state is not State.STALE:
                continue
            ended = next(step.event.at for step in record.history if step.event.kind is EventKind.WENT_STALE)
            if ended <= record.deadline:
                words.append(f"{one.client_order_id} went stale {record.deadline - ended} too early")
        return words

    def _out_of_order(self) -> list[str]:
        places = {one.client_order_id: (one.instrument, one.number) for one in self.sent}
        came: defaultdict[str, list[int]] = defaultdict(list)
        for row in self.rows:
            instrument, number = places[str(row["tag"])]
            came[instrument].append(number)
        return [f"{name} came as {numbers}" for name, numbers in came.items() if numbers != sorted(numbers)]
