"""Kite's trades, positions, holdings and funds (sources and dates: README.md)."""

from typing import Any

from order_router.adapter.decode import (
    read_decimal,
    read_integer,
    read_ist_time,
    read_list,
    read_object,
    read_optional_text,
    read_text,
    read_word,
)
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import Send
from order_router.adapter.positions import read_position_rows
from order_router.adapter.session import BrokerSession
from order_router.brokers.zerodha import wire
from order_router.brokers.zerodha.session import call
from order_router.domain.reports import Funds, Holding, Position, PositionBook, Trade
from order_router.domain.vocabulary import Exchange

SEGMENTS: dict[str, tuple[Exchange, ...]] = {
    "equity": (Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO, Exchange.CDS, Exchange.BCD),
    "commodity": (Exchange.MCX,),
}
"""Whose orders each segment's money pays for: accounts with two ledgers cannot use one's for the other's."""


def read_trades(send: Send, session: BrokerSession) -> tuple[Trade, ...]:
    """Read today's fills of the account."""
    return tuple(_trade(row) for row in _rows(call(send, session, lambda kite: kite.trades()), "a trade"))


def read_positions(send: Send, session: BrokerSession) -> PositionBook:
    """Read the account's net positions; those that count in lots are kept apart."""
    answered = read_object(call(send, session, lambda kite: kite.positions()), "the positions")
    rows = read_list(answered.get("net"), "a list, each entry a position")
    return read_position_rows(rows, _position, "tradingsymbol")


def read_holdings(send: Send, session: BrokerSession) -> tuple[Holding, ...]:
    """Read the account's delivery holdings; those bought a day ago and not settled count."""
    return tuple(
        _holding(row) for row in _rows(call(send, session, lambda kite: kite.holdings()), "a holding")
    )


def read_funds(send: Send, session: BrokerSession) -> tuple[Funds, ...]:
    """Read the money of each segment that the account has enabled."""
    answered = read_object(call(send, session, lambda kite: kite.margins()), "the margins")
    segments = {name: read_object(answered[name], "a segment") for name in SEGMENTS if name in answered}
    if not segments:
        raise OutcomeUnknown("Kite answered with margins of no segment")
    return tuple(_funds(name, row) for name, row in segments.items() if _is_enabled(row))


def _rows(value: object, what: str) -> list[dict[str, Any]]:
    return [read_object(row, what) for row in read_list(value, f"a list, each entry {what}")]


def _trade(row: dict[str, Any]) -> Trade:
    return Trade(
        trade_id=read_text(row, "trade_id"),
        broker_order_id=wire.read_order_id(row.get("order_id")),
        instrument=wire.read_instrument(row),
        side=read_word(wire.SIDES, row, "transaction_type"),
        product=read_word(wire.PRODUCTS, row, "product"),
        quantity=read_integer(row, "quantity"),
        price=read_decimal(row, "average_price"),
        traded_at=read_ist_time(row, "fill_timestamp"),
    )


def _position(row: dict[str, Any]) -> Position:
    return Position(
        instrument=wire.read_instrument(row),
        product=read_word(wire.PRODUCTS, row, "product"),
        quantity=read_integer(row, "quantity"),
        average_price=read_decimal(row, "average_price"),
        last_price=read_decimal(row, "last_price"),
        realised_pnl=read_decimal(row, "realised"),
        unrealised_pnl=read_decimal(row, "unrealised"),
        # the other two are since the position was opened, this one since the last close
        day_pnl=read_decimal(row, "m2m"),
        buy_quantity=read_integer(row, "buy_quantity"),
        sell_quantity=read_integer(row, "sell_quantity"),
    )


def _holding(row: dict[str, Any]) -> Holding:
    unsettled_quantity = read_integer(row, "t1_quantity")
    return Holding(
        instrument=wire.read_instrument(row),
        quantity=read_integer(row, "quantity") + unsettled_quantity,
        average_price=read_decimal(row, "average_price"),
        unsettled_quantity=unsettled_quantity,
        last_price=read_decimal(row, "last_price"),
        pnl=read_decimal(row, "pnl"),
        isin=read_optional_text(row, "isin"),
    )


def _funds(segment: str, row: dict[str, Any]) -> Funds:
    available = read_object(row.get("available"), "what is available")
    return Funds(
        segment=segment,
        # `net`, not `available.cash`: the latter has been seen at 0 on funded accounts
        available=read_decimal(row, "net"),
        used=read_decimal(read_object(row.get("utilised"), "what is used"), "debits"),
        cash=read_decimal(available, "cash"),
        collateral=read_decimal(available, "collateral"),
        covers=SEGMENTS[segment],
    )


def _is_enabled(row: dict[str, Any]) -> bool:
    enabled = row.get("enabled")
    if not isinstance(enabled, bool):
        raise OutcomeUnknown(f"expected true or false in enabled, received {type(enabled).__name__}")
    return enabled
