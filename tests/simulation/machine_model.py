"""What callers may rely on, beside the stack: who asked for what under which key, and what that may become."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from order_router.api.answers import order_json
from order_router.aws.order_record import read_order
from order_router.domain.alert import alert_digest
from order_router.domain.identity import client_order_id, request_digest
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.request import dump_request, parse_request
from tests.simulation.judge import Item, Judge
from tests.simulation.machine_inputs import Terms, is_same

NOT_PLACED = {State.REJECTED, State.REFUSED, State.STALE}
UNSETTLED = {State.RECEIVED, State.SUBMITTING, State.UNKNOWN}
REQUESTS = {EventKind.MODIFY_REQUESTED: "modify", EventKind.CANCEL_REQUESTED: "cancel"}
CHANGEABLE = {"quantity", "order_type", "limit_price", "trigger_price", "validity", "disclosed_quantity"}
Bytes = tuple[str, str]
"""What TradingView sent, and the strategy whose token it carried."""

SURELY_A_RESEND, SURELY_ANEW = timedelta(seconds=29), timedelta(seconds=31)


@dataclass
class Model:
    """`wanted`: by order id, each body that somebody who may asked for. `keyless`: asked for without a key or an id.

    `changes` counts by order and kind how often somebody who may asked to change it, `accepted` are the orders that
    somebody was told we have, `late_cancels` the calls to cancel everything that nobody saw the end of.
    """

    judge: Judge
    wanted: dict[str, list[Terms]] = field(default_factory=dict)
    keyless: list[Terms] = field(default_factory=list)
    changes: Counter[str] = field(default_factory=Counter)
    late_cancels: int = 0
    accepted: set[str] = field(default_factory=set)
    placed_by: dict[tuple[str, str], str] = field(default_factory=dict)
    _first_sent: dict[str, datetime | None] = field(default_factory=dict)
    _checked: dict[str, Item] = field(default_factory=dict)
    alerted: dict[Bytes, list[tuple[datetime, tuple[str, ...]]]] = field(default_factory=dict)

    # ------------------------------------------------------------ what is asked
    def ask(self, key: str | None, terms: Terms) -> str | None:
        """Note that somebody who may asks for an order, and return its id if it can be told beforehand."""
        if key is None:
            self.keyless.append(terms)
            return None
        name = client_order_id(terms["account"], f"api:{key}")
        self.wanted.setdefault(name, []).append(terms)
        return name

    def ask_by_alert(self, body: str, strategy: str, orders: Sequence[Terms], at: datetime | None) -> None:
        """Note an alert that somebody who may sends; `at` is when it came if the body names no time."""
        key = f"alert:{alert_digest(strategy, body.encode())}"
        key = key if at is None else f"{key}:{at.isoformat()}"
        for terms in orders:
            name = client_order_id(terms["account"], key)
            self.wanted.setdefault(name, []).append(terms)
            self._first_sent.setdefault(name, at)

    # ------------------------------------------------------------ what stands
    def stored(self, name: str | None) -> Order | None:
        """Return the order as it was last written."""
        item = None if name is None else self.judge.items.get(name)
        return None if item is None else read_order(item)

    def owner(self, name: str | None) -> Terms | None:
        """Return the body that the stored order was made of, as far as no change can have touched it."""
        order = self.stored(name)
        if order is None:
            return None
        made_of = dump_request(order.request)
        wanted = self.wanted[order.client_order_id]
        fits = [terms for terms in wanted if is_same(made_of, terms)]
        if self.changes[f"{name} modify"] == 0:
            return fits[0] if fits else None
        # a change may have made of it what another body asks for
        kept = [
            terms for terms in wanted if request_digest(parse_request(dict(terms))) == order.request_digest
        ]
        return (kept or fits or wanted)[0]

    # ------------------------------------------------------------ what was answered
    def note_placed(self, account: str, key: str, name: str) -> None:
        """Require that a key has one id for ever."""
        known = self.placed_by.setdefault((account, key), name)
        assert name == known, f"key {key} named {known} before, {name} now"

    def note_alerted(self, alert: Bytes, at: datetime, names: tuple[str, ...], *, has_time: bool) -> None:
        """Require that the same bytes are the same orders: for good with a time in them, for 30 s without."""
        assert self._first_sent.keys() >= set(names), f"{names} do not come from the alert that was sent"
        earlier = self.alerted.setdefault(alert, [])
        if earlier:
            first, known = earlier[-1]
            if has_time or at - first < SURELY_A_RESEND:
                assert names == known, "a resend became other orders"
            elif at - first > SURELY_ANEW:
                assert names != known, "an alert of its own became the orders of an earlier one"
        if not earlier or names != earlier[-1][1]:
            # of an alert without a time its name says when it was first seen: a send that failed may have been that
            earlier.append((self._first_sent[names[0]] or at, names))

    def check_order(self, shown: dict[str, Any]) -> None:
        """Require that an order is shown as it is stored, or was a moment ago."""
        name = shown["client_order_id"]
        order = self.stored(name)
        assert order is not None, f"{name} is shown and not stored"
        stored: dict[str, Any] = {**order_json(order)}
        history = shown.get("history", stored["history"])
        if (shown["updated_at"], len(history)) == (stored["updated_at"], len(stored["history"])):
            assert {**shown, "history": history} == stored
        else:
            assert history == stored["history"][: len(history)], f"{name} is shown with another history"
        assert shown["filled_quantity"] <= shown["quantity"], f"{name} is filled with more than it asks for"
        bodies = self.wanted.get(name, [])
        is_asked = not bodies or any(_shows(shown, terms) for terms in bodies)
        assert is_asked, f"{name} is shown as nobody asked for it: {shown}"

    # ------------------------------------------------------------ after each step
    def check(self) -> None:
        """Require that there is no order, no message and no change of one, that nobody who may asked for."""
        for name in self.judge.queued:
            assert "-" in name or name in self.wanted, f"{name} was queued, and nobody who may asked for it"
        for name, item in self.judge.items.items():
            if self._checked.get(name) is not item:
                self._checked[name] = item
                self._check_stored(name, item)

    def _check_stored(self, name: str, item: Item) -> None:
        made_of = dump_request(read_order(item).request)
        if name not in self.wanted:
            found = [terms for terms in self.keyless if is_same(made_of, terms)]
            assert found, f"nobody who may asked for {name}"
            self.keyless.remove(found[0])
            self.wanted[name] = [found[0]]
        kinds = Counter(step["M"]["kind"]["S"] for step in item["history"]["L"])
        lapsed = _lapses(item)
        for kind, word in REQUESTS.items():
            asked = self.changes[f"{name} {word}"] + (self.late_cancels if word == "cancel" else 0)
            assert kinds[kind] - lapsed[word] <= asked, f"nobody who may asked to {word} {name}"
        if not self.changes[f"{name} modify"]:
            is_asked = any(is_same(made_of, terms) for terms in self.wanted[name])
            assert is_asked, f"{name} is {made_of}, nobody asked for that"


def _shows(shown: dict[str, Any], terms: Terms) -> bool:
    fixed = terms.keys() & shown.keys() - CHANGEABLE
    return all(shown[part] == terms[part] for part in fixed)


def _lapses(item: Item) -> Counter[str]:
    """Return how often a change was asked for again because its call had lapsed: nobody asked for that but we."""
    steps = (step["M"] for step in item["history"]["L"])
    words = (
        step["kind"]["S"] for step in steps if step.get("note", {}).get("S", "").startswith("SLOT_LAPSED")
    )
    return Counter(word.partition("_")[0] for word in words)
