"""A combination from its definition to its fills: the services and the table over Interactive Brokers' simulator."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter.errors import Unsupported
from order_router.adapter.port import OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.api.combinations import answer_combination
from order_router.api.endpoint import answer_event
from order_router.aws.instrument_lists import InstrumentListsTable
from order_router.aws.listings_table import BrokerListings, ListingsTable
from order_router.brokers import ibkr
from order_router.brokers.ibkr import instruments
from order_router.brokers.registry import BROKERS, load_broker, load_combiner
from order_router.domain.account import Account
from order_router.domain.combination import CombinationRefused, CombinationTaken
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.lifecycle import State
from order_router.domain.limits import Limits
from order_router.domain.listing import Leg, Listing
from order_router.domain.order import Order
from order_router.domain.reports import ReportedState
from order_router.domain.request import parse_request
from order_router.domain.vocabulary import Exchange, Side
from order_router.service.combinations import KEPT_AFTER, CombinationDesk, define_combination
from order_router.service.desk import ReadingDesk
from order_router.service.finding import FoundOnUse
from order_router.service.reconcile import reconcile_account
from order_router.transport.http_transport import HttpTransport
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.instruments import share
from tests.fakes.settings import MemorySessions, MemorySettings
from tests.fakes.world import World
from tests.simulators.ibkr import IbkrServer, running
from tests.simulators.ibkr_login import SESSION
from tests.unit.api.events import ADMIN, READER, TRADER, event

TABLE, TAG = "InstrumentsTable", "ORD7K2M4QX5ZB3TDLW6A"
LIVE = Account(name="live", broker="ibkr")
LONG, SHORT = (parse_instrument(f"OPRA:AAPL261218C00{strike}000") for strike in (200, 205))
VERTICAL = (Leg(instrument=LONG, side=Side.BUY, ratio=1), Leg(instrument=SHORT, side=Side.SELL, ratio=1))
OTHER = (*VERTICAL[:1], Leg(instrument=SHORT, side=Side.SELL, ratio=2))
NAME = "AAPL-DEC-200-205"
FREE = Limits()


@dataclass
class Desk:
    """A trader at the simulator, with the table between definition and order."""

    server: IbkrServer
    clock: FakeClock
    database: FakeDynamoDB = field(default_factory=lambda: FakeDynamoDB(template_tables()))

    def __post_init__(self) -> None:
        self.transport = HttpTransport(self.clock)
        self.send = self.transport.sender(self.server.url, not_after=None)
        sessions = MemorySessions(self.server.url)
        sessions.log_in("live", SESSION, around=self.a_session().around)
        self.settings = MemorySettings()
        self.settings.put_account(LIVE)
        self.desk = CombinationDesk(
            reading=ReadingDesk(
                sessions=sessions, broker_of=load_broker, transport=self.transport, clock=self.clock
            ),
            combiner_of=load_combiner,
            definitions=self.listings_at,
        )

    def listings_at(self, broker: str) -> BrokerListings:
        return ListingsTable(self.database, TABLE, self.clock).at(broker)

    def a_session(self) -> BrokerSession:
        secrets = {name: Secret(text) for name, text in SESSION.items()}
        bare = BrokerSession("live", self.server.url, secrets, Surroundings(now=self.clock.now))
        listings = FoundOnUse(
            self.listings_at("ibkr"),
            lambda instrument: instruments.find_listing(self.send, bare, instrument),
            self.clock,
        )
        return replace(bare, around=Surroundings(now=self.clock.now, listings=listings))

    def define(self, name: str = NAME, legs: tuple[Leg, ...] = VERTICAL, account: Account = LIVE) -> Listing:
        return define_combination(self.desk, account, name, legs)

    def place(self, **terms: Any) -> OrderTarget:
        request = _request(**terms)
        intent = PlaceIntent(client_order_id=TAG, client_tag=TAG, request=request)
        placed = ibkr.place_order(self.send, self.a_session(), intent)
        return OrderTarget(broker_order_id=placed.broker_order_id, request=request)


def _request(**terms: Any) -> Any:
    usual = {
        "account": "live",
        "instrument": f"COMBO:{NAME}",
        "side": "BUY",
        "quantity": 2,
        "order_type": "LIMIT",
        "limit_price": "2.15",
        "product": "NRML",
    }
    return parse_request(usual | terms)


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = FakeClock()
    with running(now=clock.now) as server:
        desk = Desk(server, clock)
        yield desk
        desk.transport.close()


def test_a_combination_is_defined_ordered_filled_and_shows_as_what_it_is(desk: Desk) -> None:
    desk.define()
    target = desk.place()
    session = desk.a_session()
    ibkr.read_orders(desk.send, session)

    book = ibkr.read_orders(desk.send, session)
    report = ibkr.read_order(desk.send, session, target)

    assert book.is_complete
    (row,) = book.reports
    assert (row.client_tag, row.instrument, row.state) == (
        TAG,
        target.request.instrument,
        ReportedState.FILLED,
    )
    assert (row.side, row.quantity, row.average_price) == (Side.BUY, 2, Decimal("2.10"))
    assert (report.instrument, report.state) == (row.instrument, row.state)
    trades = ibkr.read_trades(desk.send, session)
    assert [(one.instrument, one.side, one.quantity) for one in trades] == [
        (LONG, Side.BUY, 2),
        (SHORT, Side.SELL, 2),
    ]
    assert {one.broker_order_id for one in trades} == {target.broker_order_id}
    positions = ibkr.read_positions(desk.send, session).positions
    assert {(one.instrument, one.quantity) for one in positions} == {(LONG, 2), (SHORT, -2)}


def test_a_credit_spread_is_the_combination_sold_at_a_price_above_zero(desk: Desk) -> None:
    desk.define()

    desk.place(side="SELL", limit_price="2.05")

    trades = ibkr.read_trades(desk.send, desk.a_session())
    assert [(one.instrument, one.side) for one in trades] == [(LONG, Side.SELL), (SHORT, Side.BUY)]


def test_the_legs_of_another_day_s_combination_are_named_though_nobody_looked_them_up(desk: Desk) -> None:
    desk.define()
    desk.clock.advance(timedelta(days=3).total_seconds())

    desk.place()

    trades = ibkr.read_trades(desk.send, desk.a_session())
    assert [one.instrument for one in trades] == [LONG, SHORT]


def test_the_same_again_is_the_same_and_another_meaning_is_refused(desk: Desk) -> None:
    first = desk.define()

    assert desk.define() == first
    with pytest.raises(CombinationTaken):
        desk.define(legs=OTHER)
    with pytest.raises(CombinationTaken):
        desk.define(name="SECOND-NAME")
    stored = desk.listings_at("ibkr")
    assert stored.of(first.instrument) == first
    assert stored.named([first.broker_key]) == {first.broker_key: first}
    assert stored.of(parse_instrument("COMBO:SECOND-NAME")) is None


def test_the_same_legs_in_another_ratio_are_another_combination(desk: Desk) -> None:
    one, other = desk.define(), desk.define(name="OTHER", legs=OTHER)

    found = desk.listings_at("ibkr").named([one.broker_key, other.broker_key])

    assert found == {one.broker_key: one, other.broker_key: other}


def test_the_same_legs_in_another_order_are_taken(desk: Desk) -> None:
    desk.define()

    with pytest.raises(CombinationTaken):
        desk.define(name="TURNED", legs=VERTICAL[::-1])


def test_a_combination_outlives_every_refresh_and_ends_after_its_first_leg(desk: Desk) -> None:
    listing = desk.define()
    lists = InstrumentListsTable(desk.database, TABLE, desk.clock)

    lists.replace("ibkr", [share()], desk.clock.now() + timedelta(minutes=5))

    assert desk.listings_at("ibkr").of(listing.instrument) == listing
    assert desk.listings_at("ibkr").named([listing.broker_key]) == {listing.broker_key: listing}
    assert listing.expiry == date(2026, 12, 18)
    desk.clock.advance((timedelta(days=25) + KEPT_AFTER).total_seconds())
    assert desk.listings_at("ibkr").of(listing.instrument) is None
    # what has ended stands in nobody's way, though the table may still have it
    assert desk.listings_at("ibkr").define(replace(listing, expiry=None), None)


def test_a_combination_is_found_for_eight_days_after_its_last(desk: Desk) -> None:
    listing = desk.define()
    ends_at = datetime(2026, 12, 26, tzinfo=UTC)

    desk.clock.advance((ends_at - desk.clock.now()).total_seconds() - 1)
    assert desk.listings_at("ibkr").of(listing.instrument) == listing
    desk.clock.advance(1)
    assert desk.listings_at("ibkr").of(listing.instrument) is None


def test_a_leg_that_is_unknown_or_alone_keeps_the_name_free(desk: Desk) -> None:
    unknown = Leg(instrument=parse_instrument("NASDAQ:NOSUCH"), side=Side.SELL, ratio=1)
    with pytest.raises(Unsupported, match="lists no NASDAQ:NOSUCH"):
        desk.define(legs=(VERTICAL[0], unknown))
    with pytest.raises(CombinationRefused, match="2 to 6 legs"):
        desk.define(legs=VERTICAL[:1])

    assert desk.define().instrument == parse_instrument(f"COMBO:{NAME}")


@pytest.mark.parametrize("broker", sorted(set(BROKERS) - {"ibkr"}))
def test_where_there_are_no_combinations_nothing_is_sent(desk: Desk, broker: str) -> None:
    assert Exchange.COMBO not in load_broker(broker).profile.exchanges

    with pytest.raises(Unsupported, match="takes no combinations of several legs"):
        desk.define(account=Account(name="live", broker=broker))
    assert desk.server.ibkr.requests == []


LEGS = [
    {"instrument": str(LONG), "side": "BUY", "ratio": 1},
    {"instrument": str(SHORT), "side": "SELL", "ratio": 1},
]
BODY = {"account": "live", "name": NAME, "legs": LEGS}
ROUTE = "POST /v1/instruments/combinations"


def answered(desk: Desk, body: object, **who: Any) -> tuple[int, Any]:
    answer = answer_event(
        event(ROUTE, body, **who), lambda request: answer_combination(request, desk.settings, desk.desk)
    )
    return answer.status, answer.content


def test_the_api_defines_a_combination_and_shows_its_legs(desk: Desk) -> None:
    status, content = answered(desk, BODY, caller=ADMIN)

    assert status == 201
    assert (content["instrument"], content["expiry"]) == (f"COMBO:{NAME}", "2026-12-18")
    assert content["broker_symbol"] == "28812380;;;667629330/1,667629350/-1"
    assert content["legs"] == LEGS
    assert answered(desk, BODY, caller=ADMIN) == (status, content)


@pytest.mark.parametrize("caller", [READER, TRADER])
def test_only_who_runs_the_stack_says_what_a_name_means(desk: Desk, caller: Any) -> None:
    status, content = answered(desk, BODY, caller=caller)

    assert (status, content["code"]) == (403, "SCOPE_MISSING")
    assert desk.server.ibkr.requests == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"legs": LEGS[:1]}, "COMBINATION_REFUSED"),
        ({"name": "lower case"}, "COMBINATION_REFUSED"),
        ({"account": "nobody"}, "ACCOUNT_UNKNOWN"),
        ({"legs": [{"instrument": str(LONG), "side": "BUY", "ratio": "1"}]}, "INVALID_REQUEST"),
        ({"legs": [{"instrument": str(LONG), "side": "BUY", "ratio": True}]}, "INVALID_REQUEST"),
        ({"legs": [{"instrument": str(LONG), "side": "HOLD", "ratio": 1}]}, "INVALID_REQUEST"),
        ({"more": 1}, "INVALID_REQUEST"),
    ],
)
def test_a_wrong_definition_is_refused_by_name(desk: Desk, changes: dict[str, Any], code: str) -> None:
    status, content = answered(desk, BODY | changes, caller=ADMIN)

    assert (status, content["code"]) == (422, code)
    assert desk.server.ibkr.requests == []


def test_a_name_that_is_taken_is_a_conflict(desk: Desk) -> None:
    desk.define(legs=OTHER)

    status, content = answered(desk, BODY, caller=ADMIN)

    assert (status, content["code"]) == (409, "COMBINATION_TAKEN")


def test_an_order_whose_answer_was_lost_is_found_by_its_tag_and_never_sent_again(desk: Desk) -> None:
    listing = desk.define()
    world, table, sessions = World(clock=desk.clock), desk.listings_at, desk.desk.reading.sessions
    as_listings: Any = table
    world.desk = replace(
        world.desk,
        broker_of=load_broker,
        listings=as_listings,
        sessions=sessions,
        transport=desk.transport,
    )
    world.settings.put_account(LIVE)
    desk.server.ibkr.control({"behave": "accept_then_drop", "on": "place", "times": 1})

    terms: dict[str, Any] = {
        "account": "live",
        "instrument": str(listing.instrument),
        "product": "NRML",
    }
    order = world.place(**terms, limit_price="2.15", quantity=1).order
    assert order.state is State.UNKNOWN
    desk.server.ibkr.control({"warm": True})
    reconcile_account(world.desk, "live")

    settled = world.store.get(order.client_order_id)
    assert settled is not None
    assert (settled.state, settled.filled_quantity, settled.average_price) == (
        State.FILLED,
        1,
        Decimal("2.10"),
    )
    assert [request["call"] for request in desk.server.ibkr.requests].count("place") == 1


def placed(desk: Desk, listing: Listing | None, limits: Limits = FREE, **terms: Any) -> Order:
    """Place an order of the combination through the services, with the table's listings; no such order leaves."""
    world = World(clock=desk.clock)
    as_ibkr: Any = ibkr
    table: Any = desk.listings_at
    world.desk = replace(world.desk, broker_of=lambda _: as_ibkr, listings=table)
    world.settings.put_account(Account(name="paper", broker="ibkr", limits=limits))
    if listing is not None:
        assert desk.listings_at("ibkr").define(listing, None)
    usual = {"instrument": f"COMBO:{NAME}", "product": "NRML", "limit_price": "2.15"}
    return world.place(**usual | terms).order


def test_an_order_of_a_combination_that_nobody_defined_is_refused_before_anything_is_sent(desk: Desk) -> None:
    order = placed(desk, None)

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "INSTRUMENT_UNKNOWN")


@pytest.mark.parametrize(
    ("changes", "terms", "code"),
    [
        ({"expiry": date(2026, 11, 20)}, {}, "INSTRUMENT_EXPIRED"),
        ({}, {"limit_price": "2.155"}, "WRONG_TICK_SIZE"),
    ],
)
def test_an_order_is_held_to_the_combination_as_it_was_defined(
    desk: Desk, changes: dict[str, Any], terms: dict[str, Any], code: str
) -> None:
    other = desk.define(name="OTHER", legs=OTHER)
    listing = replace(other, instrument=parse_instrument(f"COMBO:{NAME}"), broker_key="elsewhere", **changes)

    order = placed(desk, listing, **terms)

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, code)


@pytest.mark.parametrize("leg", [LONG, SHORT])
def test_a_combination_with_a_leg_that_must_not_be_traded_is_refused(desk: Desk, leg: Instrument) -> None:
    other = desk.define(name="OTHER", legs=OTHER)
    listing = replace(other, instrument=parse_instrument(f"COMBO:{NAME}"), broker_key="elsewhere")

    order = placed(desk, listing, Limits(denied_instruments=(leg,)))

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "INSTRUMENT_DENIED")
    assert order.reason is not None
    assert order.reason.message == (
        f"denied_instruments of account paper is {leg}, found {leg} in COMBO:{NAME}"
    )
