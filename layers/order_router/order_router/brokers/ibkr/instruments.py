"""Looking one instrument up: IBKR has no file of them, a contract id is found by search (sources: README.md)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from order_router.adapter.decode import read_decimal, read_object, read_optional_text, read_text
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import Send
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr import wire
from order_router.brokers.ibkr.contracts import PAIR, RIGHTS, Option, parse_future, parse_option
from order_router.brokers.ibkr.search import (
    Search,
    find_option,
    month_of,
    only,
    option_months,
    read_strikes,
    rows_of,
)
from order_router.domain.exchange_time import venue_day
from order_router.domain.instrument import Instrument
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.vocabulary import Exchange

VENUES = {exchange: code for code, exchange in wire.STOCK_VENUES.items()}
CURRENCIES = {Exchange.NSE: "INR"}
"""What a share's venue trades in, United States dollars where nothing is said."""

MAX_MONTHS = 2
MAX_CANDIDATES = 4
"""So many futures of one root are looked into, the nearest first: a contract may end months before its own."""


def find_listing(send: Send, session: BrokerSession, instrument: Instrument) -> Listing | None:
    """Return the instrument as IBKR lists it, None if it has none of this name; two to five reads.

    Shares on NASDAQ, NYSE, ARCA, AMEX and NSE; options as OPRA and their OSI symbol; futures as root, month's letter
    and the year's last digit; currency pairs as IDEALPRO:EUR.USD.
    """
    find = FINDERS.get(instrument.exchange)
    return None if find is None else find(Search(send, session, instrument))


def _find_share(search: Search) -> Listing | None:
    exchange, symbol = search.instrument.exchange, search.instrument.tradingsymbol
    # a class of shares stands after a space (unconfirmed)
    theirs = symbol if exchange is Exchange.NSE else symbol.replace(".", " ")
    answered = read_object(search.ask("/trsrv/stocks", symbols=theirs), "stocks")
    companies = rows_of(answered.get(theirs, []))
    contracts = [row for company in companies for row in rows_of(company.get("contracts"))]
    conid = only({wire.read_conid(row) for row in contracts if row.get("exchange") == VENUES[exchange]})
    if conid is None:
        return None
    rules = read_rules(search, conid)
    if read_optional_text(rules, "instrument_type") != "STK" or read_optional_text(
        rules, "currency"
    ) != CURRENCIES.get(exchange, "USD"):
        return None
    routed = f"{conid}@{VENUES[exchange]}" if exchange is Exchange.NSE else conid
    return _listing(search, InstrumentType.EQ, (conid, routed), rules)


def _find_pair(search: Search) -> Listing | None:
    symbol = search.instrument.tradingsymbol
    if not PAIR.fullmatch(symbol):
        return None
    currency = symbol[4:]
    answered = read_object(search.ask("/iserver/currency/pairs", currency=currency), "currency pairs")
    pairs = rows_of(answered.get(currency, []))
    conid = only({wire.read_conid(row) for row in pairs if row.get("symbol") == symbol})
    if conid is None:
        return None
    return _listing(search, InstrumentType.FX, (conid, f"{conid}@IDEALPRO"), read_rules(search, conid))


def _find_future(search: Search) -> Listing | None:
    exchange = search.instrument.exchange
    wanted = parse_future(search.instrument.tradingsymbol, _today(search))
    if wanted is None:
        return None
    answered = read_object(search.ask("/trsrv/futures", symbols=wanted.root), "futures")
    rows = {wire.read_conid(row): row for row in rows_of(answered.get(wanted.root, []))}
    for conid in _near(rows, wanted.month):
        rules = read_rules(search, conid)
        venues = (
            read_optional_text(rules, "exchange"),
            *(read_optional_text(rules, "valid_exchanges") or "").split(","),
        )
        if read_optional_text(rules, "contract_month") == wanted.month and str(exchange) in venues:
            listing = _listing(search, InstrumentType.FUT, (conid, f"{conid}@{exchange}"), rules)
            return replace(listing, expiry=_day(rows[conid], "ltd"), underlying=wanted.root)
    return None


def _find_option(search: Search) -> Listing | None:
    wanted = parse_option(search.instrument.tradingsymbol)
    if wanted is None:
        return None
    month = month_of(wanted.expiry)
    underlying = _underlying(search, wanted, month)
    # the vendor wants the strikes asked for before a contract
    if underlying is None or wanted.strike not in read_strikes(search, underlying, month)[wanted.right]:
        return None
    conid = find_option(search, underlying, wanted)
    if conid is None:
        return None
    listing = _listing(search, RIGHTS[wanted.right], (conid, conid), read_rules(search, conid))
    return replace(listing, expiry=wanted.expiry, underlying=wanted.root, strike=wanted.strike)


def _underlying(search: Search, wanted: Option, month: str) -> str | None:
    """Return the contract that the options are on: the one of this symbol that has options in that month."""
    rows = rows_of(search.ask("/iserver/secdef/search", symbol=wanted.root))
    fitting = {
        wire.read_conid(row)
        for row in rows
        if row.get("symbol") == wanted.root
        if month in option_months(row)
    }
    return only(fitting)


def read_rules(search: Search, conid: str) -> dict[str, Any]:
    """Read what a contract is and how it is priced."""
    answered = search.ask(f"/iserver/contract/{conid}/info-and-rules", isBuy="true")
    found = read_object(answered, "a contract's rules")
    if read_text(found, "con_id") != conid:
        raise OutcomeUnknown("Interactive Brokers answered with another contract's rules")
    return found


def _listing(search: Search, kind: InstrumentType, names: tuple[str, str], rules: dict[str, Any]) -> Listing:
    conid, routed = names
    return Listing(
        instrument=search.instrument,
        instrument_type=kind,
        broker_symbol=routed,
        broker_key=conid,
        tick_size=_tick_size(read_object(rules.get("rules"), "rules")),
    )


def _tick_size(rules: dict[str, Any]) -> Decimal:
    """Return the smallest step that any price of the contract may take: the steps differ with the price."""
    steps = [read_decimal(row, "increment") for row in rows_of(rules.get("incrementRules") or [])]
    smallest = min(*steps, read_decimal(rules, "increment")) if steps else read_decimal(rules, "increment")
    if smallest <= 0:
        raise OutcomeUnknown("expected a positive increment")
    return smallest


def _day(row: dict[str, Any], name: str) -> date:
    try:
        return datetime.strptime(read_text(row, name), "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise OutcomeUnknown(f"expected a day in {name}") from error


def _near(rows: dict[str, dict[str, Any]], month: str) -> list[str]:
    distances = {conid: _distance(_day(row, "expirationDate"), month) for conid, row in rows.items()}
    near = [conid for conid, distance in distances.items() if distance <= MAX_MONTHS]
    return sorted(near, key=distances.__getitem__)[:MAX_CANDIDATES]


def _distance(ends: date, month: str) -> int:
    """Return how many months lie between a contract's month and the one it ends in."""
    return abs(int(month[:4]) * 12 + int(month[4:]) - ends.year * 12 - ends.month)


def _today(search: Search) -> date:
    return venue_day(search.instrument.exchange, search.session.around.now())


FINDERS: dict[Exchange, Callable[[Search], Listing | None]] = {
    **dict.fromkeys(wire.STOCK_VENUES.values(), _find_share),
    **dict.fromkeys(wire.FUTURES_VENUES, _find_future),
    Exchange.OPRA: _find_option,
    Exchange.IDEALPRO: _find_pair,
}
