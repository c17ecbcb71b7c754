"""The whole router in memory: real services, real paper adapter and exchange, fakes only behind the ports."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from order_router.brokers.registry import load_broker
from order_router.domain.account import Account, Strategy
from order_router.domain.instrument import parse_instrument
from order_router.domain.limits import OrderLimits
from order_router.domain.order import Order
from order_router.domain.trading_calendar import NO_CALENDAR, TradingCalendar
from order_router.domain.vocabulary import OrderType, Product, Source
from order_router.paper.book import PaperOrder
from order_router.paper.exchange import PaperExchange
from order_router.paper.market import Kind, PaperInstrument
from order_router.ports import PlaceOrder
from order_router.service.desk import Desk
from order_router.service.place import Placement, place_order
from order_router.transport.local import Handler, LocalTransport
from tests.fakes.book_turns import MemoryBookTurns
from tests.fakes.breakers import MemoryBreakers
from tests.fakes.clock import FakeClock
from tests.fakes.listings import MemoryListings
from tests.fakes.look_marks import MemoryLookMarks
from tests.fakes.meters import MemoryMeters, MemoryPrices
from tests.fakes.metrics import MemoryMetrics
from tests.fakes.order_store import MemoryOrderStore
from tests.fakes.orders import a_request
from tests.fakes.paper_store import MemoryPaperStore
from tests.fakes.queues import MemoryNotifier, MemoryOrderQueue, MemoryReconcileQueue
from tests.fakes.renewer import MemoryRenewer
from tests.fakes.settings import MemorySessions, MemorySettings
from tests.fakes.transport import FaultyTransport

ENDPOINT = "paper://exchange"


def listed(name: str, last_price: str, **changes: Any) -> PaperInstrument:
    usual: dict[str, Any] = {
        "instrument": parse_instrument(name),
        "last_price": Decimal(last_price),
        "lot_size": 1,
        "tick_size": Decimal("0.05"),
        "max_fill_quantity": 1000,
        "kind": Kind.EQUITY,
    }
    return PaperInstrument(**usual | changes)


@dataclass
class World:
    """One account `paper`, two shares, a clock that only the test moves."""

    clock: FakeClock = field(default_factory=FakeClock)
    settings: MemorySettings = field(default_factory=MemorySettings)
    notifier: MemoryNotifier = field(default_factory=MemoryNotifier)
    reconcile: MemoryReconcileQueue = field(default_factory=MemoryReconcileQueue)
    order_queue: MemoryOrderQueue = field(default_factory=MemoryOrderQueue)
    paper_store: MemoryPaperStore = field(default_factory=MemoryPaperStore)

    calendar: TradingCalendar = NO_CALENDAR

    def __post_init__(self) -> None:
        self.store = MemoryOrderStore(self.clock)
        self.exchange = PaperExchange(self.paper_store, self.clock)
        self.handlers: dict[str, Handler] = {ENDPOINT: self.exchange.handle}
        self.transport = FaultyTransport(LocalTransport(self.clock, self.handlers))
        self.settings.put_account(Account(name="paper", broker="paper"))
        self.exchange.open_account("paper")
        self.exchange.seed_market(
            [listed("NSE:INFY", "1500.05"), listed("NSE:RELIANCE", "2900", max_fill_quantity=10)]
        )
        self.sessions = MemorySessions(ENDPOINT)
        self.sessions.log_in("paper", {})
        self.listings: defaultdict[str, MemoryListings] = defaultdict(MemoryListings)
        self.renewer = MemoryRenewer()
        self.looks = MemoryLookMarks()
        self.turns = MemoryBookTurns()
        self.breakers = MemoryBreakers(self.store.tables)
        self.metrics = MemoryMetrics()
        nonces = count(1)
        self.desk = Desk(
            store=self.store,
            meters=MemoryMeters(self.store.tables),
            prices=MemoryPrices(self.store.tables),
            settings=self.settings,
            sessions=self.sessions,
            renewer=self.renewer,
            broker_of=load_broker,
            transport=self.transport,
            clock=self.clock,
            notifier=self.notifier,
            reconcile=self.reconcile,
            looks=self.looks,
            turns=self.turns,
            order_queue=self.order_queue,
            breakers=self.breakers,
            metrics=self.metrics,
            listings=self.listings.__getitem__,
            calendar=lambda: self.calendar,
            nonce=lambda: f"w-{next(nonces)}",
        )

    def open_account(self, name: str) -> None:
        """Set up one more account at the same exchange, logged in."""
        self.settings.put_account(Account(name=name, broker="paper"))
        self.exchange.open_account(name)
        self.sessions.log_in(name, {})

    def limit_strategy(self, **limits: Any) -> None:
        """Set up the strategy `demo` of this account with these limits."""
        self.settings.put_strategy(
            Strategy(
                name="demo",
                accounts=("paper",),
                order_type=OrderType.LIMIT,
                product=Product.MIS,
                max_quantity=1000,
                limits=OrderLimits.model_validate(limits),
            )
        )

    def command(self, key: str = "k-1", *, source: Source = Source.API, **changes: Any) -> PlaceOrder:
        """Return a command to buy 5 INFY at 1500.05, with these fields changed, received now and good for 10 s."""
        now = self.clock.now()
        return PlaceOrder(
            request=a_request(**changes),
            idempotency_key=key,
            source=source,
            received_at=now,
            deadline=now + timedelta(seconds=10),
        )

    def place(self, key: str = "k-1", *, source: Source = Source.API, **changes: Any) -> Placement:
        """Place the order of `command`."""
        return place_order(self.desk, self.command(key, source=source, **changes))

    def stored(self, order: Order) -> Order:
        """Return the order as it stands by now."""
        found = self.store.get(order.client_order_id)
        assert found is not None
        return found

    def at_broker(self) -> list[PaperOrder]:
        """Return every order that the broker holds."""
        return self.paper_store.all_orders("paper")

    def set_price(self, name: str, last_price: str) -> None:
        """Move the paper market."""
        self.exchange.set_price(parse_instrument(name), Decimal(last_price))
