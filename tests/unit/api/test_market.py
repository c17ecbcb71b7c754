"""Quotes, option chains and margins of an account's broker, as callers ask for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter.errors import SessionExpired, Unsupported
from order_router.adapter.port import ChainQuery
from order_router.adapter.profile import Profile
from order_router.api.endpoint import answer_event
from order_router.api.market import answer_margin, answer_option_chain, answer_quotes
from order_router.brokers import paper
from order_router.domain.account import Account
from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import InstrumentType
from order_router.domain.reports import OptionQuote, OrderMargin, Quote
from order_router.service.desk import ReadingDesk
from tests.fakes.settings import MemorySessions, MemorySettings
from tests.fakes.world import World
from tests.unit.api.events import NOBODY, ORDER, READER, event

CALL = parse_instrument("NFO:NIFTY26NOV26500CE")
NIFTY = parse_instrument("NSE:NIFTY 50")
QUOTED_AT = datetime(2026, 11, 20, 4, 32, 11, tzinfo=UTC)


@dataclass
class Vendor:
    """A broker that knows one chain and one margin."""

    failure: Exception | None = None
    asked: object = None
    profile: Profile = paper.profile

    def read_option_chain(self, _send: Any, _session: Any, query: ChainQuery) -> tuple[OptionQuote, ...]:
        self._take(query)
        quote = Quote(instrument=CALL, last_price=Decimal("102.350"), open_interest=75, quoted_at=QUOTED_AT)
        return (OptionQuote(strike=Decimal(26500), right=InstrumentType.CE, quote=quote),)

    def read_order_margin(self, _send: Any, _session: Any, request: Any) -> OrderMargin:
        self._take(request.instrument)
        return OrderMargin(required=Decimal("7500.25"))

    def _take(self, asked: object) -> None:
        self.asked = asked
        if self.failure is not None:
            raise self.failure


@dataclass
class Office:
    """Who answers: a desk over one vendor, or over the paper broker."""

    vendor: Any = None

    def __post_init__(self) -> None:
        self.world = World()
        self.settings: MemorySettings = self.world.settings
        self.settings.put_account(Account(name="other", broker="paper"))
        self.sessions: MemorySessions = self.world.sessions
        broker_of = self.world.desk.broker_of if self.vendor is None else lambda _: self.vendor
        self.desk = ReadingDesk(
            sessions=self.sessions,
            broker_of=broker_of,
            transport=self.world.transport,
            clock=self.world.clock,
        )

    def ask(self, route: str, body: object = None, **changes: Any) -> tuple[int, Mapping[str, Any]]:
        answers = {
            "GET /v1/quotes": answer_quotes,
            "GET /v1/option-chain": answer_option_chain,
            "POST /v1/margin": answer_margin,
        }
        answer = answer_event(
            event(route, body, **changes),
            lambda request: answers[route](request, self.settings, self.desk),
        )
        return answer.status, answer.content


def test_quotes_of_several_instruments_come_as_text_and_the_unlisted_is_left_out() -> None:
    query = {"account": "paper", "instrument": "NSE:INFY,NSE:NOSUCH,NSE:RELIANCE"}

    status, content = Office().ask("GET /v1/quotes", query=query, caller=READER)

    assert status == 200
    assert content["account"] == "paper"
    assert [(row["instrument"], row["last_price"]) for row in content["quotes"]] == [
        ("NSE:INFY", "1500.05"),
        ("NSE:RELIANCE", "2900"),
    ]
    assert content["quotes"][0]["upper_circuit"] is None


def test_an_option_chain_comes_by_strike_with_each_quote() -> None:
    office = Office(Vendor())
    query = {"account": "paper", "underlying": "NSE:NIFTY 50", "expiry": "2026-11-24"}

    status, content = office.ask("GET /v1/option-chain", query=query)

    assert status == 200
    assert office.vendor.asked == ChainQuery(underlying=NIFTY, expiry=date(2026, 11, 24))
    row = content["options"][0]
    assert (row["strike"], row["right"], row["instrument"]) == ("26500", "CE", str(CALL))
    assert (row["last_price"], row["open_interest"], row["quoted_at"]) == (
        "102.350",
        75,
        "2026-11-20T04:32:11.000Z",
    )


def test_strikes_around_the_money_are_asked_for_by_their_number() -> None:
    office = Office(Vendor())
    query = {"account": "paper", "underlying": "NSE:NIFTY 50", "expiry": "2026-11-24", "strikes": "10"}

    office.ask("GET /v1/option-chain", query=query)

    assert office.vendor.asked == ChainQuery(underlying=NIFTY, expiry=date(2026, 11, 24), strikes=10)


@pytest.mark.parametrize("strikes", ["0", "101", "-1", "1.5", "", "٣", "1" * 5000])
def test_a_number_of_strikes_that_nobody_would_answer_is_refused(strikes: str) -> None:
    office = Office(Vendor())
    query = {"account": "paper", "underlying": "NSE:NIFTY 50", "expiry": "2026-11-24", "strikes": strikes}

    status, content = office.ask("GET /v1/option-chain", query=query)

    assert (status, content["code"]) == (422, "INVALID_REQUEST")
    assert "strikes must be 1 to 100" in content["detail"]
    assert office.vendor.asked is None


def test_a_margin_is_told_and_nothing_is_placed() -> None:
    office = Office(Vendor())

    status, content = office.ask("POST /v1/margin", ORDER, caller=READER)

    assert status == 200
    assert (content["required"], content["available"]) == ("7500.25", None)
    assert office.world.at_broker() == []


@pytest.mark.parametrize(
    ("route", "query", "words"),
    [
        ("GET /v1/quotes", {"instrument": "NSE:INFY"}, "must name account"),
        ("GET /v1/quotes", {"account": "paper"}, "must name instrument"),
        ("GET /v1/quotes", {"account": "paper", "instrument": "INFY"}, "EXCHANGE:TRADINGSYMBOL"),
        ("GET /v1/quotes", {"account": "paper", "instrument": ",".join(["NSE:INFY"] * 51)}, "at most 50"),
        ("GET /v1/option-chain", {"account": "paper", "underlying": "NSE:NIFTY 50"}, "must name expiry"),
        (
            "GET /v1/option-chain",
            {"account": "paper", "underlying": "NSE:NIFTY 50", "expiry": "24 Nov"},
            "expiry must be a day",
        ),
    ],
)
def test_a_query_that_lacks_or_misspells_something_says_what(
    route: str, query: dict[str, str], words: str
) -> None:
    status, content = Office().ask(route, query=query)

    assert (status, content["code"]) == (422, "INVALID_REQUEST")
    assert words in content["detail"]


def test_a_margin_of_a_wrong_order_names_its_fields() -> None:
    status, content = Office(Vendor()).ask("POST /v1/margin", {**ORDER, "quantity": 0})

    assert (status, content["code"]) == (422, "INVALID_REQUEST")
    assert content["errors"][0]["field"] == "quantity"


@pytest.mark.parametrize(
    ("route", "changes"),
    [
        ("GET /v1/quotes", {"query": {"account": "other", "instrument": "NSE:INFY"}}),
        ("POST /v1/margin", {"body": {**ORDER, "account": "other"}}),
    ],
)
def test_another_trader_s_account_stays_shut(route: str, changes: dict[str, Any]) -> None:
    status, content = Office(Vendor()).ask(route, caller=READER, **changes)

    assert (status, content["code"]) == (403, "ACCOUNT_FORBIDDEN")


def test_nobody_gets_a_price() -> None:
    query = {"account": "paper", "instrument": "NSE:INFY"}

    status, content = Office().ask("GET /v1/quotes", query=query, caller=NOBODY)

    assert (status, content["code"]) == (401, "API_KEY_UNKNOWN")


def test_what_a_broker_lacks_is_named() -> None:
    status, content = Office(Vendor(Unsupported("it has no margin calculator"))).ask("POST /v1/margin", ORDER)

    assert (status, content["code"]) == (422, "UNSUPPORTED")


def test_a_dead_session_is_told_and_not_used_again() -> None:
    office = Office(Vendor(SessionExpired("log in")))

    status, content = office.ask("POST /v1/margin", ORDER)

    assert (status, content["code"]) == (503, "BROKER_SESSION_EXPIRED")
    assert office.sessions.forgotten == ["paper"]
