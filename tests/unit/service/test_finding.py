"""Instruments of a broker without a list: looked up once a day, and never taken for an order's fate."""

from typing import Any

import pytest

from order_router.adapter.errors import OutcomeUnknown, RateLimited, SessionExpired, Unsupported
from order_router.adapter.listings import ListingsUnavailable
from order_router.aws.listings_table import ListingsTable
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing
from order_router.domain.vocabulary import Exchange
from order_router.service.finding import FoundOnUse
from tests.fakes.client_errors import client_error
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.instruments import EXPIRY, share

INFY, TCS = share(), share("TCS")
TABLE = "InstrumentsTable"


class Finder:
    """Knows one share; `asked` lists what was looked up."""

    def __init__(self) -> None:
        self.asked: list[Instrument] = []
        self.error: Exception | None = None

    def __call__(self, instrument: Instrument) -> Listing | None:
        self.asked.append(instrument)
        if self.error is not None:
            raise self.error
        return INFY if instrument == INFY.instrument else None


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def finder() -> Finder:
    return Finder()


@pytest.fixture
def database() -> FakeDynamoDB:
    return FakeDynamoDB(template_tables())


def worker(database: Any, finder: Finder, clock: FakeClock) -> FoundOnUse:
    return FoundOnUse(ListingsTable(database, TABLE, clock).at("ibkr"), finder, clock)


def test_an_instrument_is_looked_up_once_for_all_workers_of_a_day(
    database: FakeDynamoDB, finder: Finder, clock: FakeClock
) -> None:
    assert worker(database, finder, clock).of(INFY.instrument) == INFY
    assert worker(database, finder, clock).of(INFY.instrument) == INFY
    assert worker(database, finder, clock).named([INFY.broker_key, "x"]) == {INFY.broker_key: INFY}
    assert finder.asked == [INFY.instrument]

    clock.advance(20 * 3600 - 1)
    assert worker(database, finder, clock).of(INFY.instrument) == INFY
    assert len(finder.asked) == 1
    clock.advance(1)
    assert worker(database, finder, clock).of(INFY.instrument) == INFY
    assert len(finder.asked) == 2


def test_what_the_broker_lacks_is_not_kept(database: FakeDynamoDB, finder: Finder, clock: FakeClock) -> None:
    assert worker(database, finder, clock).of(TCS.instrument) is None
    assert database.items(TABLE) == []


@pytest.mark.parametrize("error", [SessionExpired("log in first"), RateLimited("wait")])
def test_what_is_known_to_have_done_nothing_stays_what_it_is(
    database: FakeDynamoDB, finder: Finder, clock: FakeClock, error: Exception
) -> None:
    finder.error = error

    with pytest.raises(type(error)):
        worker(database, finder, clock).of(INFY.instrument)


def test_a_lost_answer_to_a_question_is_no_lost_order(
    database: FakeDynamoDB, finder: Finder, clock: FakeClock
) -> None:
    finder.error = OutcomeUnknown("no whole answer came")

    with pytest.raises(ListingsUnavailable, match="NSE:INFY could not be looked up: no whole answer came"):
        worker(database, finder, clock).of(INFY.instrument)


def test_what_cannot_be_kept_is_used_all_the_same(finder: Finder, clock: FakeClock) -> None:
    class ReadOnly(FakeDynamoDB):
        def put_item(self, **_: Any) -> Any:
            raise client_error("PutItem", "AccessDeniedException", "no")

    assert worker(ReadOnly(template_tables()), finder, clock).of(INFY.instrument) == INFY


def test_a_part_of_a_chain_is_never_taken_for_one(
    database: FakeDynamoDB, finder: Finder, clock: FakeClock
) -> None:
    with pytest.raises(Unsupported, match="no list of its instruments that an option chain could be made of"):
        worker(database, finder, clock).chain(Exchange.OPRA, "AAPL", EXPIRY)
    assert finder.asked == []
