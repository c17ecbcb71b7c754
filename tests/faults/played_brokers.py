"""Brokers' sides as the crash sweep plays them: the real adapter speaks to a book in this process.

A broker of the registry is swept as soon as it stands in `PLAYED`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.session import Surroundings
from order_router.domain.account import Account
from order_router.domain.instrument import parse_instrument
from order_router.domain.lifecycle import State
from order_router.paper.book import PaperOrder, Status
from tests.fakes.listed import a_share
from tests.fakes.listings import MemoryListings
from tests.fakes.settings import MemorySessions
from tests.fakes.transport import Fault
from tests.fakes.world import World
from tests.faults import ibkr_side, kotak_neo_side
from tests.faults.icici_breeze_side import LISTINGS, SECRETS, STATES, breeze_of
from tests.simulators import ibkr_vendor, kite_in_process, kotak_neo_vendor
from tests.simulators.icici_breeze_pages import status_of
from tests.simulators.kite import ACCESS_TOKEN, API_KEY, Kite
from tests.simulators.kotak_neo_vendor import KotakNeo

INFY = parse_instrument("NSE:INFY")
BELOW_EVERY_LIMIT = "1300"


class Call(StrEnum):
    """What is asked of the broker."""

    PLACE = "place"
    MODIFY = "modify"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """What becomes of the one write request that the broker is sent."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    """The connection is refused: nothing leaves."""
    LAPSED = "lapsed"
    """Its worker is too slow for the call that it took, and takes another."""
    REQUEST_LOST = "request_lost"
    ANSWER_LOST = "answer_lost"
    GARBAGE = "garbage"
    """It is done, and answered with what nobody can read."""
    REJECTED = "rejected"
    """The broker says no; to a cancel, because a fill came first."""
    REJECTED_AFTER = "rejected_after_acknowledging"
    """The broker says yes and then does not do it; of a cancel, because a fill came first."""


ON_THE_WIRE = {
    Outcome.REFUSED: Fault.REFUSED,
    Outcome.LAPSED: Fault.LAPSED,
    Outcome.REQUEST_LOST: Fault.REQUEST_LOST,
    Outcome.ANSWER_LOST: Fault.ANSWER_LOST,
    Outcome.GARBAGE: Fault.GARBAGE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOrder:
    """One order as the broker's own book has it, in our words."""

    broker_order_id: str
    state: State
    quantity: int
    filled_quantity: int
    limit_price: Decimal | None


class PlayedBroker(Protocol):
    """A broker's side of a world."""

    def can_play(self, call: Call, outcome: Outcome) -> bool:
        """Return whether this broker may do that to a call."""

    def play(self, call: Call, outcome: Outcome) -> None:
        """Let the next such call end in REJECTED or REJECTED_AFTER."""

    def held(self) -> list[HeldOrder]:
        """Return every order that the broker took in."""


class PlayedPaper:
    """The paper exchange, which rejects at the door only."""

    STATES: Mapping[Status, State] = {
        Status.OPEN: State.OPEN,
        Status.PARTIALLY_FILLED: State.PARTIALLY_FILLED,
        Status.COMPLETE: State.FILLED,
        Status.CANCELLED: State.CANCELLED,
    }

    def __init__(self, world: World) -> None:
        self._world = world
        self._before: Callable[[], object] | None = None
        inner = world.exchange.handle

        def handle(request: HttpRequest) -> HttpResponse:
            if request.is_write and self._before is not None:
                before, self._before = self._before, None
                before()
            return inner(request)

        world.handlers["paper://exchange"] = handle

    def can_play(self, call: Call, outcome: Outcome) -> bool:
        """Return whether this broker may do that to a call."""
        return outcome is not Outcome.REJECTED_AFTER

    def play(self, call: Call, outcome: Outcome) -> None:
        """Change the lot size, or let a fill overtake a cancel, just before the next write arrives."""
        fill_first = partial(self._world.set_price, "NSE:INFY", BELOW_EVERY_LIMIT)
        self._before = fill_first if call is Call.CANCEL else self._change_lots

    def held(self) -> list[HeldOrder]:
        """Return every order that the broker took in."""
        return [self._held(order) for order in self._world.at_broker()]

    def _change_lots(self) -> None:
        market = self._world.paper_store._market
        market[INFY] = replace(market[INFY], lot_size=11, max_fill_quantity=11)

    def _held(self, order: PaperOrder) -> HeldOrder:
        return HeldOrder(
            broker_order_id=order.broker_order_id,
            state=self.STATES[order.status],
            quantity=order.request.quantity,
            filled_quantity=order.filled_quantity,
            limit_price=getattr(order.request, "limit_price", None),
        )


class PlayedZerodha:
    """The Kite simulator's book."""

    ENDPOINT = "https://kite.example"
    STATES: Mapping[str, State] = {
        "OPEN": State.OPEN,
        "COMPLETE": State.FILLED,
        "CANCELLED": State.CANCELLED,
        "REJECTED": State.REJECTED,
    }
    PRESETS: Mapping[tuple[Call, Outcome], str] = {
        (Call.PLACE, Outcome.REJECTED): "reject_at_door",
        (Call.PLACE, Outcome.REJECTED_AFTER): "reject_after_acknowledging",
        (Call.MODIFY, Outcome.REJECTED): "reject_at_door",
        (Call.CANCEL, Outcome.REJECTED): "filled_before_cancel",
        (Call.CANCEL, Outcome.REJECTED_AFTER): "cancel_acknowledged_but_filled",
    }

    def __init__(self, world: World) -> None:
        self._kite = Kite(world.clock.now)
        world.handlers[self.ENDPOINT] = partial(kite_in_process.answer, self._kite, self.ENDPOINT)
        world.settings.put_account(Account(name="paper", broker="zerodha"))
        world.sessions = MemorySessions(self.ENDPOINT)
        world.sessions.log_in("paper", {"api_key": API_KEY, "access_token": ACCESS_TOKEN})
        world.desk = replace(world.desk, sessions=world.sessions)
        world.listings["zerodha"].put(a_share("NSE:INFY"))

    def can_play(self, call: Call, outcome: Outcome) -> bool:
        """Return whether the simulator can."""
        return outcome not in {Outcome.REJECTED, Outcome.REJECTED_AFTER} or (call, outcome) in self.PRESETS

    def play(self, call: Call, outcome: Outcome) -> None:
        """Tell the simulator."""
        self._kite.control({"behave": self.PRESETS[call, outcome], "on": str(call)})

    def held(self) -> list[HeldOrder]:
        """Return every order that the broker took in."""
        return [self._held(row) for row in self._kite.book.orders.values()]

    def _held(self, row: Mapping[str, Any]) -> HeldOrder:
        is_part = row["status"] == "OPEN" and row["filled_quantity"] > 0
        return HeldOrder(
            broker_order_id=row["order_id"],
            state=State.PARTIALLY_FILLED if is_part else self.STATES[row["status"]],
            quantity=row["quantity"],
            filled_quantity=row["filled_quantity"],
            limit_price=row["price"],
        )


class PlayedIciciBreeze:
    """The Breeze simulator's book."""

    ENDPOINT = "https://breeze.example"
    PRESETS = PlayedZerodha.PRESETS

    def __init__(self, world: World) -> None:
        self._breeze = breeze_of(world)
        world.handlers[self.ENDPOINT] = partial(kite_in_process.answer, self._breeze, self.ENDPOINT)
        world.settings.put_account(Account(name="paper", broker="icici_breeze"))
        world.listings["icici_breeze"] = MemoryListings(LISTINGS)
        world.sessions = MemorySessions(self.ENDPOINT)
        around = Surroundings(now=world.clock.now, listings=world.listings["icici_breeze"])
        world.sessions.log_in("paper", SECRETS, around=around)
        world.desk = replace(world.desk, sessions=world.sessions)

    def can_play(self, call: Call, outcome: Outcome) -> bool:
        """Return whether the simulator can."""
        return outcome not in {Outcome.REJECTED, Outcome.REJECTED_AFTER} or (call, outcome) in self.PRESETS

    def play(self, call: Call, outcome: Outcome) -> None:
        """Tell the simulator."""
        self._breeze.control({"behave": self.PRESETS[call, outcome], "on": str(call)})

    def held(self) -> list[HeldOrder]:
        """Return every order that the broker took in."""
        return [self._held(row) for row in self._breeze.book.orders.values()]

    def _held(self, row: Mapping[str, Any]) -> HeldOrder:
        return HeldOrder(
            broker_order_id=row["order_id"],
            state=STATES[status_of(dict(row))],
            quantity=row["quantity"],
            filled_quantity=row["filled_quantity"],
            limit_price=row["price"],
        )


class PlayedKotakNeo(PlayedZerodha):
    """The Kotak Neo simulator, which has the same book and can be told the same."""

    ENDPOINT = "https://kotak.example"

    def __init__(self, world: World) -> None:
        self._kite = neo = KotakNeo(world.clock.now)  # type: ignore[assignment]
        world.handlers[self.ENDPOINT] = partial(kotak_neo_vendor.answer, neo, self.ENDPOINT)
        world.settings.put_account(Account(name="paper", broker="kotak_neo"))
        world.listings["kotak_neo"] = MemoryListings(kotak_neo_side.LISTINGS)
        world.sessions = MemorySessions(self.ENDPOINT)
        around = Surroundings(now=world.clock.now, listings=world.listings["kotak_neo"])
        world.sessions.log_in("paper", kotak_neo_side.SECRETS, around=around)
        world.desk = replace(world.desk, sessions=world.sessions)


class PlayedIbkr(PlayedZerodha):
    """The IBKR simulator, which has the same book and can be told the same."""

    ENDPOINT = "https://ibkr.example"

    def __init__(self, world: World) -> None:
        self._kite = vendor = ibkr_side.ibkr_of(world, self.ENDPOINT)  # type: ignore[assignment]
        world.handlers[self.ENDPOINT] = partial(ibkr_vendor.answer, vendor, self.ENDPOINT)
        world.settings.put_account(Account(name="paper", broker="ibkr"))
        world.listings["ibkr"] = MemoryListings(ibkr_side.LISTINGS)
        world.sessions = MemorySessions(self.ENDPOINT)
        around = Surroundings(now=world.clock.now, listings=world.listings["ibkr"])
        world.sessions.log_in("paper", ibkr_side.SECRETS, around=around)
        world.desk = replace(world.desk, sessions=world.sessions)


class PlayedIbkrOfTwo(PlayedIbkr):
    """The same, with another account of the username selected, and deaf to whose orders an address names."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        others = {"held": [ibkr_side.SECRETS["account_id"], "U7654321"], "selected": "U7654321"}
        self._kite.control({"accounts": {**others, "ignores_query": True}})


PLAYED: Mapping[str, Callable[[World], PlayedBroker]] = {
    "ibkr": PlayedIbkrOfTwo,
    "icici_breeze": PlayedIciciBreeze,
    "kotak_neo": PlayedKotakNeo,
    "paper": PlayedPaper,
    "zerodha": PlayedZerodha,
}
