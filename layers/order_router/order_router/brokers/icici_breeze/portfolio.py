"""Breeze's trades, positions, holdings and funds (sources and dates: README.md)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from order_router.adapter.decode import read_decimal, read_integer, read_object, read_text
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import Send
from order_router.adapter.positions import read_position_rows
from order_router.adapter.session import BrokerSession
from order_router.brokers.icici_breeze import wire
from order_router.brokers.icici_breeze.contracts import broker_key
from order_router.brokers.icici_breeze.orders import EXCHANGES, todays
from order_router.brokers.icici_breeze.rows import look_up, read_named, reader_of
from order_router.brokers.icici_breeze.session import Call, perform, read_rows
from order_router.brokers.icici_breeze.words import known_word
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing
from order_router.domain.reports import Funds, Holding, Position, PositionBook, Trade
from order_router.domain.vocabulary import Exchange, Product

SEGMENTS: dict[str, tuple[Exchange, ...]] = {
    "equity": (Exchange.NSE, Exchange.BSE),
    "fno": (Exchange.NFO, Exchange.BFO),
    "commodity": (Exchange.MCX,),
    "currency": (Exchange.CDS, Exchange.BCD),
}
# "limit" stands in the vendor's own sample of a trade of shares
TRADE_PRODUCTS = wire.PRODUCTS | {"limit": Product.CNC}
SIGNS = {"buy": 1, "sell": -1, "na": 0}
NOTHING = Decimal(0)
NO_POSITIONS = "no positions available"
"""How a flat account's positions are answered: with a success that holds these words."""


def read_trades(send: Send, session: BrokerSession) -> tuple[Trade, ...]:
    """Read what filled today, one entry for each row of Breeze's trade lists."""
    calls = [Call(method="GET", path="trades", fields=todays(session, exchange)) for exchange in EXCHANGES]
    rows = [row for call in calls for row in read_rows(send, session, call)]
    return _numbered(read_named(session, rows, _trade))


def read_positions(send: Send, session: BrokerSession) -> PositionBook:
    """Read the account's positions; those in an instrument that is not listed are kept apart."""
    asked = Call(method="GET", path="portfoliopositions", words_for_none=NO_POSITIONS)
    rows = read_rows(send, session, asked)
    return read_position_rows(rows, reader_of(session, rows, _position), "stock_code")


def read_holdings(send: Send, session: BrokerSession) -> tuple[Holding, ...]:
    """Read what the demat account holds; the price paid is 0 where the portfolio list has none."""
    held = [wire.as_row(row) for row in read_rows(send, session, Call(method="GET", path="dematholdings"))]
    asked = Call(method="GET", path="portfolioholdings", fields={"exchange_code": str(Exchange.NSE)})
    rows = [wire.as_row(row) for row in read_rows(send, session, asked)]
    priced = {read_text(row, "stock_code"): row for row in rows}
    codes = [read_text(row, "stock_code") for row in held]
    listed = look_up(session, [key for code in codes for key in _cash_keys(code)])
    return tuple(
        _holding(row, _held_instrument(listed, code), priced.get(code))
        for row, code in zip(held, codes, strict=True)
    )


def read_funds(send: Send, session: BrokerSession) -> tuple[Funds, ...]:
    """Read the money allocated to each segment, and what is allocated to none: orders cannot use that."""
    row = read_object(perform(send, session, Call(method="GET", path="funds")), "the funds")
    segments = tuple(_segment(row, name) for name in SEGMENTS)
    unallocated = read_decimal(row, "unallocated_balance")
    return (*segments, Funds(segment="unallocated", available=unallocated, used=NOTHING, covers=()))


def _trade(row: dict[str, Any], instrument: Instrument) -> Trade:
    order_id, quantity = wire.read_order_id(row.get("order_id")), read_integer(row, "quantity")
    if quantity <= 0:
        raise OutcomeUnknown(f"expected a trade of some quantity, received {quantity}")
    return Trade(
        trade_id=order_id,
        broker_order_id=order_id,
        instrument=instrument,
        side=known_word(wire.ACTIONS, row, "action"),
        product=known_word(TRADE_PRODUCTS, row, "product_type"),
        quantity=quantity,
        price=read_decimal(row, "average_cost"),
    )


def _numbered(trades: tuple[Trade, ...]) -> tuple[Trade, ...]:
    """Give each trade an id: the list has none, so its order's id and its number among that order's rows."""
    seen: Counter[str] = Counter()
    numbered = []
    for trade in trades:
        seen[trade.broker_order_id] += 1
        numbered.append(replace(trade, trade_id=f"{trade.broker_order_id}-{seen[trade.broker_order_id]}"))
    return tuple(numbered)


def _position(row: dict[str, Any], instrument: Instrument) -> Position:
    sign = known_word(SIGNS, row, "action")
    quantity = read_integer(row, "quantity")
    if quantity < 0 or (sign == 0 and quantity):
        raise OutcomeUnknown(f"expected an unsigned quantity with its action, received {quantity}")
    return Position(
        instrument=instrument,
        product=known_word(wire.PRODUCTS, row, "product_type"),
        quantity=sign * quantity,
        average_price=read_decimal(row, "average_price"),
        last_price=wire.read_optional_decimal(row, "ltp"),
    )


def _cash_keys(stock_code: str) -> tuple[str, str]:
    return broker_key(Exchange.NSE, stock_code), broker_key(Exchange.BSE, stock_code)


def _held_instrument(listed: Mapping[str, Listing], stock_code: str) -> Instrument:
    found = next((listed[key] for key in _cash_keys(stock_code) if key in listed), None)
    if found is None:
        raise OutcomeUnknown(f"the list of instruments has no share under {stock_code[:40]!r}")
    return found.instrument


def _holding(row: dict[str, Any], instrument: Instrument, priced: dict[str, Any] | None) -> Holding:
    return Holding(
        instrument=instrument,
        quantity=read_integer(row, "quantity"),
        average_price=NOTHING if priced is None else read_decimal(priced, "average_price"),
        last_price=None if priced is None else wire.read_optional_decimal(priced, "current_market_price"),
        isin=read_text(row, "stock_ISIN"),
    )


def _segment(row: dict[str, Any], name: str) -> Funds:
    allocated, blocked = read_decimal(row, f"allocated_{name}"), read_decimal(row, f"block_by_trade_{name}")
    return Funds(segment=name, available=allocated - blocked, used=blocked, covers=SEGMENTS[name])
