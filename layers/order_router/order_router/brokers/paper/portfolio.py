"""What an account at the paper broker holds: positions, holdings, funds."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from order_router.adapter.decode import (
    read_decimal,
    read_integer,
    read_list,
    read_object,
    read_text,
    read_word,
)
from order_router.adapter.http import Send
from order_router.adapter.positions import read_position_rows
from order_router.adapter.session import BrokerSession
from order_router.brokers.paper import wire
from order_router.domain.instrument import Instrument
from order_router.domain.reports import Funds, Holding, Position, PositionBook, Quote


def read_positions(send: Send, session: BrokerSession, /) -> PositionBook:
    """Read the net positions, those that were closed today included."""
    return read_position_rows(_values(send, session, "positions"), _read_position, "instrument")


def read_holdings(send: Send, session: BrokerSession, /) -> tuple[Holding, ...]:
    """Read the shares of earlier days; the paper broker settles overnight, so none is unsettled."""
    return tuple(_read_holding(row) for row in _read_rows(send, session, "holdings"))


def read_funds(send: Send, session: BrokerSession, /) -> tuple[Funds, ...]:
    """Read the money, one segment for all."""
    return tuple(_read_funds(row) for row in _read_rows(send, session, "funds"))


def read_quotes(
    send: Send, session: BrokerSession, instruments: Sequence[Instrument], /
) -> tuple[Quote, ...]:
    """Read the last prices; an instrument that is not listed is left out."""
    query = urlencode([("instrument", str(instrument)) for instrument in instruments])
    return tuple(_read_quote(row) for row in _read_rows(send, session, "quotes", query))


def _read_rows(send: Send, session: BrokerSession, page: str, query: str = "") -> list[dict[str, Any]]:
    return [read_object(row, f"a row of {page}") for row in _values(send, session, page, query)]


def _values(send: Send, session: BrokerSession, page: str, query: str = "") -> list[Any]:
    path = f"/{page}?{query}" if query else f"/{page}"
    content = wire.read_content(send(wire.read_request(session, path)))
    return read_list(content.get(page), page)


def _read_position(row: dict[str, Any]) -> Position:
    return Position(
        instrument=wire.read_instrument(row),
        product=read_word(wire.PRODUCTS, row, "product"),
        quantity=read_integer(row, "quantity"),
        average_price=read_decimal(row, "average_price"),
        last_price=read_decimal(row, "last_price"),
        realised_pnl=read_decimal(row, "realised_pnl"),
        unrealised_pnl=read_decimal(row, "unrealised_pnl"),
        buy_quantity=read_integer(row, "buy_quantity"),
        sell_quantity=read_integer(row, "sell_quantity"),
    )


def _read_holding(row: dict[str, Any]) -> Holding:
    return Holding(
        instrument=wire.read_instrument(row),
        quantity=read_integer(row, "quantity"),
        average_price=read_decimal(row, "average_price"),
        last_price=read_decimal(row, "last_price"),
        pnl=read_decimal(row, "pnl"),
    )


def _read_quote(row: dict[str, Any]) -> Quote:
    return Quote(instrument=wire.read_instrument(row), last_price=read_decimal(row, "last_price"))


def _read_funds(row: dict[str, Any]) -> Funds:
    return Funds(
        segment=read_text(row, "segment"),
        available=read_decimal(row, "available"),
        used=read_decimal(row, "used"),
        cash=read_decimal(row, "cash"),
    )
