"""A broker that lists its instruments and takes no market orders, and a world around it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from order_router.adapter.errors import BrokerError
from order_router.brokers import paper
from order_router.domain.account import Account
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.order import Order
from order_router.domain.reports import Quote
from order_router.domain.vocabulary import OrderType, Source
from tests.fakes.transport import Fault
from tests.fakes.world import World

INFY = parse_instrument("NSE:INFY")
LISTED = Listing(
    instrument=INFY,
    instrument_type=InstrumentType.EQ,
    broker_symbol="INFY",
    broker_key="NSE:INFY",
    tick_size=Decimal("0.05"),
)


@dataclass
class LimitsOnly:
    """The paper broker, as one that lists its instruments and takes no market orders."""

    answers: list[BrokerError | Quote] = field(default_factory=list)
    asked: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(paper, name)

    @property
    def profile(self) -> Any:
        types = frozenset({OrderType.LIMIT, OrderType.SL})
        return replace(paper.profile, has_master=True, order_types=types)

    def place_order(self, send: Any, session: Any, intent: Any) -> Any:
        self.profile.require(intent.request)
        return paper.place_order(send, session, intent)

    def read_quotes(self, _send: Any, _session: Any, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        assert tuple(instruments) == (INFY,)
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, BrokerError):
            raise answer
        return (answer,)


PRICE = Quote(instrument=INFY, last_price=Decimal("1500.05"))


def world_of(broker: LimitsOnly, *, band: str | None = "1") -> World:
    """Return a world whose one account trades there, with a limit this many percent off in place of a market price."""
    world = World()
    as_broker: Any = broker
    world.desk = replace(world.desk, broker_of=lambda _: as_broker)
    band_percent = None if band is None else Decimal(band)
    world.settings.put_account(Account(name="paper", broker="paper", market_band_percent=band_percent))
    world.listings["paper"].put(LISTED)
    return world


def held_in(world: World, **changes: Any) -> Order:
    """Return an alert's order for a market price, held behind one of its strategy that is lost."""
    world.limit_strategy()
    world.transport.writes = [Fault.REQUEST_LOST]
    world.place("lost", source=Source.ALERT, strategy="demo")
    usual = {"strategy": "demo", "order_type": "MARKET", "limit_price": None}
    return world.place("held", source=Source.ALERT, **usual | changes).order


def let_go(world: World) -> None:
    """Take every hold off, as if what was lost had been settled."""
    world.store.tables.holds.clear()
