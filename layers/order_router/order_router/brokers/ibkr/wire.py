"""The Web API's field names and words, in and out (sources and dates: README.md)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from order_router.adapter.decode import (
    read_decimal,
    read_object,
    read_optional_text,
    read_quantities,
    read_text,
    read_word,
)
from order_router.adapter.errors import OutcomeUnknown
from order_router.brokers.ibkr.questions import read_order_id
from order_router.domain.instrument import TRADINGSYMBOL, Instrument
from order_router.domain.listing import Listing
from order_router.domain.reports import OrderReport, ReportedState
from order_router.domain.vocabulary import Exchange, OrderType, Product, Side, Validity

# live orders say `Stop Limit`, the status of one order `STOP_LIMIT`
ORDER_TYPES = {
    "MARKET": OrderType.MARKET,
    "MKT": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "LMT": OrderType.LIMIT,
    "STOP_LIMIT": OrderType.SL,
    "STOPLIMIT": OrderType.SL,
    "STP_LMT": OrderType.SL,
    "STOP": OrderType.SL_M,
    "STP": OrderType.SL_M,
}
SIDES = {
    "BUY": Side.BUY,
    "B": Side.BUY,
    "BOT": Side.BUY,
    "SELL": Side.SELL,
    "S": Side.SELL,
    "SLD": Side.SELL,
}
# CLOSE: the order is done; the others our vocabulary lacks
VALIDITIES: dict[str, Validity | None] = {
    "DAY": Validity.DAY,
    "IOC": Validity.IOC,
    "CLOSE": None,
    "GTC": None,
    "OPG": None,
    "OVT": None,
    "OND": None,
    "PAX": None,
}
COMBINATION = "BAG"
"""What a row of a combination says it is."""

PRODUCTS = {
    "STK": Product.CNC,
    "OPT": Product.NRML,
    "FUT": Product.NRML,
    "CASH": Product.NRML,
    COMBINATION: Product.NRML,
}
STATES = {
    "PendingSubmit": ReportedState.PENDING,
    "ApiPending": ReportedState.PENDING,
    "PreSubmitted": ReportedState.PENDING,
    "Submitted": ReportedState.OPEN,
    "PendingCancel": ReportedState.OPEN,
    "PreCancelled": ReportedState.OPEN,
    "WarnState": ReportedState.OPEN,
    "Filled": ReportedState.FILLED,
    "Cancelled": ReportedState.CANCELLED,
    "ApiCancelled": ReportedState.CANCELLED,
    "Inactive": ReportedState.REJECTED,
}
CHANGING = frozenset({"PendingCancel", "PreCancelled"})
"""What IBKR says while a cancel is under way there; it has no word for a change that is."""

STOPS = frozenset({OrderType.SL, OrderType.SL_M})
NOT_ANSWERED = "Pending Submit"
"""The `order_ccp_status` of an inactive order whose question was never answered: it was not sent."""

STOCK_VENUES = {
    "NASDAQ": Exchange.NASDAQ,
    "NYSE": Exchange.NYSE,
    "ARCA": Exchange.ARCA,
    "AMEX": Exchange.AMEX,
    "NSE": Exchange.NSE,
}
FUTURES_VENUES = frozenset({Exchange.CME, Exchange.CBOT, Exchange.NYMEX, Exchange.COMEX})
CONID = re.compile(r"[1-9][0-9]{0,14}")
CONIDEX = re.compile(
    r"([1-9][0-9]{0,14})(?:@[A-Z]{1,12})?;;;([1-9][0-9]{0,14}/[+-]?[1-9][0-9]{0,2}(?:,[1-9][0-9]{0,14}/[+-]?[1-9][0-9]{0,2}){1,9})"
)
"""A combination: spread and, outside the United States, its exchange; then each leg's contract id and signed ratio."""

COMBINATION_TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT})


def read_row(row: dict[str, Any], instrument: Instrument) -> OrderReport:
    """Read one row of the live orders; OutcomeUnknown names what is not as documented."""
    quantity, filled_quantity = read_quantities(row, "totalSize", "filledQuantity")
    order_type = _order_type(row, "orderType")
    is_stop = order_type is OrderType.SL_M
    return OrderReport(
        broker_order_id=read_order_id(row, "orderId"),
        state=_row_state(row, order_type, quantity, filled_quantity),
        status=read_text(row, "status"),
        instrument=instrument,
        side=read_word(SIDES, row, "side"),
        quantity=quantity,
        filled_quantity=filled_quantity,
        order_type=order_type,
        product=read_word(PRODUCTS, row, "secType"),
        validity=read_word(VALIDITIES, row, "timeInForce"),
        limit_price=None if is_stop else _price(row, "price"),
        trigger_price=_price(row, "price" if is_stop else "stop_price"),
        average_price=_average(row, "avgPrice", "secType"),
        client_tag=read_optional_text(row, "order_ref"),
        message=read_optional_text(row, "order_cancellation_by_system_reason"),
        is_changing=read_text(row, "status") in CHANGING,
    )


def read_status(row: dict[str, Any], instrument: Instrument) -> OrderReport:
    """Read the status of one order, which has no tag; OutcomeUnknown names what is not as documented."""
    quantity, filled_quantity = read_quantities(row, "total_size", "cum_fill")
    order_type = _order_type(row, "order_type")
    return OrderReport(
        broker_order_id=read_order_id(row, "order_id"),
        state=_status_state(row, order_type, quantity, filled_quantity),
        status=read_text(row, "order_status"),
        instrument=instrument,
        side=read_word(SIDES, row, "side"),
        quantity=quantity,
        filled_quantity=filled_quantity,
        order_type=order_type,
        product=read_word(PRODUCTS, row, "sec_type"),
        validity=read_word(VALIDITIES, row, "tif"),
        limit_price=_price(row, "limit_price"),
        trigger_price=_price(row, "stop_price"),
        average_price=_average(row, "average_price", "sec_type"),
        message=None,
        placed_at=read_utc_time(row, "order_time", "%y%m%d%H%M%S"),
        is_changing=read_text(row, "order_status") in CHANGING,
    )


def read_conid(row: Mapping[str, Any]) -> str:
    """Return a row's contract id, which some answers write as text; OutcomeUnknown if it is none."""
    conid = read_text(dict(row), "conid")
    if not CONID.fullmatch(conid):
        raise OutcomeUnknown("expected a contract id in conid")
    return conid


def combination_key(conidex: str) -> str:
    """Return by what a combination is found again, in whichever order the vendor names its legs; OutcomeUnknown."""
    found = CONIDEX.fullmatch(conidex)
    if found is None:
        raise OutcomeUnknown("expected a combination's legs in conidex")
    legs = sorted(
        (int(conid), int(ratio)) for conid, ratio in (leg.split("/") for leg in found[2].split(","))
    )
    return f"{found[1]};" + ",".join(f"{conid}/{ratio}" for conid, ratio in legs)


def read_key(row: Mapping[str, Any], kind: str) -> str:
    """Return by what a row's contract is found among the listings; `kind` names the field that says what it is."""
    if row.get(kind) != COMBINATION:
        return read_conid(row)
    name = "conidex" if "conidex" in row else "conidEx"
    return combination_key(read_text(dict(row), name))


def keys_of(rows: Iterable[object], kind: str) -> frozenset[str]:
    """Return by what the contracts of these rows are found, of those rows that say so."""
    return frozenset(_keys(rows, kind))


def _keys(rows: Iterable[object], kind: str) -> Iterator[str]:
    for row in rows:
        with suppress(OutcomeUnknown):
            yield read_key(read_object(row, "a row"), kind)


def read_instrument(row: dict[str, Any], named: Mapping[str, Listing], *names: str) -> Instrument:
    """Return a row's instrument: as listed, else a share by its symbol and listing exchange (their names given).

    OutcomeUnknown if it is neither.
    """
    kind, symbol, venue = names
    listing = named.get(read_key(row, kind))
    if listing is not None:
        return listing.instrument
    word = read_text(row, kind)
    if word != "STK":
        raise OutcomeUnknown(f"contract {read_conid(row)} ({word[:20]!r}) is not among the known instruments")
    exchange = read_word(STOCK_VENUES, {venue: read_text(row, venue).partition(".")[0]}, venue)
    return stock(exchange, read_text(row, symbol))


def stock(exchange: Exchange, symbol: str) -> Instrument:
    """Return a share; IBKR writes a class of shares after a space, exchanges after a point."""
    return named(exchange, symbol.replace(" ", "."))


def named(exchange: Exchange, tradingsymbol: str) -> Instrument:
    """Return the instrument of this name; OutcomeUnknown, without the text, if none can have it."""
    if not TRADINGSYMBOL.fullmatch(tradingsymbol):
        raise OutcomeUnknown("expected a symbol as exchanges write them")
    return Instrument(exchange, tradingsymbol)


def read_utc_time(row: dict[str, Any], name: str, pattern: str) -> datetime | None:
    """Return a time that the vendor writes in UTC without saying so, None where absent."""
    text = read_optional_text(row, name)
    if text is None:
        return None
    try:
        return datetime.strptime(text, pattern).replace(tzinfo=UTC)
    except ValueError as error:
        raise OutcomeUnknown(f"expected a time in {name}") from error


def _order_type(row: dict[str, Any], name: str) -> OrderType:
    word = read_text(row, name)
    spelt = word.upper().replace(" ", "_")
    if spelt not in ORDER_TYPES:
        raise OutcomeUnknown(f"unknown word in {name}: {word[:40]!r}")
    return ORDER_TYPES[spelt]


def _row_state(
    row: dict[str, Any], order_type: OrderType, quantity: int, filled_quantity: int
) -> ReportedState:
    state = _state(row, "status", order_type, (quantity, filled_quantity))
    if row.get("status") == "Inactive" and row.get("order_ccp_status") == NOT_ANSWERED:
        return ReportedState.PENDING
    has_reason = read_optional_text(row, "order_cancellation_by_system_reason") is not None
    if state is ReportedState.CANCELLED and has_reason and not filled_quantity:
        return ReportedState.REJECTED
    return state


def _status_state(
    row: dict[str, Any], order_type: OrderType, quantity: int, filled_quantity: int
) -> ReportedState:
    if row.get("order_status") == "Inactive":
        # refused, or its question was not answered: the live orders tell the two apart
        raise OutcomeUnknown("the order is inactive, which says nothing sure")
    return _state(row, "order_status", order_type, (quantity, filled_quantity))


def _state(
    row: dict[str, Any], name: str, order_type: OrderType, quantities: tuple[int, int]
) -> ReportedState:
    state, (quantity, filled_quantity) = read_word(STATES, row, name), quantities
    if state is ReportedState.FILLED and filled_quantity != quantity:
        raise OutcomeUnknown(f"{name} is Filled with {filled_quantity} of {quantity} filled")
    if state is ReportedState.OPEN and 0 < filled_quantity < quantity:
        return ReportedState.PARTIALLY_FILLED
    if row[name] == "PreSubmitted" and order_type in STOPS:
        return ReportedState.OPEN
    return state


def _price(row: dict[str, Any], name: str) -> Decimal | None:
    price = _signed_price(row, name)
    if price is not None and price < 0:
        raise OutcomeUnknown(f"expected a price in {name}, received a negative number")
    return price or None


def _average(row: dict[str, Any], name: str, kind: str) -> Decimal | None:
    """Return an average price: a combination can be filled better than at nothing."""
    return _signed_price(row, name) if row.get(kind) == COMBINATION else _price(row, name)


def _signed_price(row: dict[str, Any], name: str) -> Decimal | None:
    if row.get(name) in (None, ""):
        return None
    text = row[name].replace(",", "") if isinstance(row[name], str) else row[name]
    return read_decimal({name: text}, name)
