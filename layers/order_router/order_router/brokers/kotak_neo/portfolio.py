"""Kotak's trades, positions, holdings and funds (sources and dates: README.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from order_router.adapter.decode import (
    read_decimal,
    read_integer,
    read_ist_time,
    read_list,
    read_object,
    read_text,
    read_word,
)
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import Send
from order_router.adapter.positions import read_position_rows
from order_router.adapter.session import BrokerSession
from order_router.brokers.kotak_neo import wire
from order_router.brokers.kotak_neo.orders import read_rows
from order_router.brokers.kotak_neo.refusals import NoData
from order_router.brokers.kotak_neo.session import AS_ANYTHING, ask, ask_by_form
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing
from order_router.domain.reports import Funds, Holding, Position, PositionBook, Trade

ALL = "ALL"
MAX_PRECISION = 8
PAISE = 2


def read_trades(send: Send, session: BrokerSession) -> tuple[Trade, ...]:
    """Read today's fills of the account."""
    return tuple(
        _trade(read_object(row, "a trade")) for row in read_rows(send, session, "/quick/user/trades")
    )


def read_positions(send: Send, session: BrokerSession) -> PositionBook:
    """Read the account's net positions; those in a segment that is not claimed are kept apart."""
    return read_position_rows(read_rows(send, session, "/portfolio/v2/positions"), _position, "trdSym")


def read_holdings(send: Send, session: BrokerSession) -> tuple[Holding, ...]:
    """Read the account's delivery holdings, valued at the last close."""
    try:
        answer = ask(send, session, "/portfolio/v1/holdings", kinds=AS_ANYTHING)
    except NoData:
        return ()
    rows = [read_object(row, "a holding") for row in read_list(answer.get("data"), "the holdings")]
    listed = session.around.listings.named({_key(row) for row in rows})
    return tuple(_holding(row, listed) for row in rows)


def read_funds(send: Send, session: BrokerSession) -> tuple[Funds, ...]:
    """Read the account's money, one entry for all segments."""
    row = ask_by_form(send, session, "/quick/user/limits", {"seg": ALL, "exch": ALL, "prod": ALL})
    return (
        Funds(
            segment="all",
            available=read_decimal(row, "Net"),
            used=read_decimal(row, "MarginUsed"),
            collateral=read_decimal(row, "Collateral"),
        ),
    )


def _trade(row: dict[str, Any]) -> Trade:
    filled_at = {"filled at": f"{read_text(row, 'flDt')} {read_text(row, 'flTm')}"}
    return Trade(
        trade_id=read_text(row, "flId"),
        broker_order_id=wire.read_order_id(row.get("nOrdNo")),
        instrument=wire.read_instrument(row),
        side=read_word(wire.SIDES, row, "trnsTp"),
        product=read_word(wire.PRODUCTS, row, "prod"),
        quantity=read_integer(row, "fldQty"),
        price=read_decimal(row, "avgPrc"),
        traded_at=read_ist_time(filled_at, "filled at", wire.TIME),
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """What was bought or sold: units, and their amount; what was carried over night is in both."""

    quantity: int
    amount: Decimal


def _side(row: dict[str, Any], word: str) -> _Side:
    quantity = read_integer(row, f"cf{word}Qty") + read_integer(row, f"fl{word}Qty")
    return _Side(quantity, read_decimal(row, f"cf{word}Amt") + read_decimal(row, f"{word.lower()}Amt"))


def _position(row: dict[str, Any]) -> Position:
    bought, sold = _side(row, "Buy"), _side(row, "Sell")
    quantity, units = bought.quantity - sold.quantity, _units(row)
    last_price = read_decimal(row, "ltp") if row.get("ltp") not in (None, "") else None
    average_price, realised = _average(row, bought, sold, units), _realised(bought, sold)
    made = _made(bought, sold, units, last_price or None)
    return Position(
        instrument=wire.read_instrument(row),
        product=read_word(wire.PRODUCTS, row, "prod"),
        quantity=quantity,
        average_price=average_price,
        last_price=last_price or None,
        realised_pnl=realised,
        unrealised_pnl=None if made is None else made - realised,
        day_pnl=made,
        buy_quantity=bought.quantity,
        sell_quantity=sold.quantity,
    )


def _made(bought: _Side, sold: _Side, units: Decimal, last_price: Decimal | None) -> Decimal | None:
    """Return what a position made since the last close, by the formula of Kotak's page; None without a price."""
    quantity = bought.quantity - sold.quantity
    if not quantity:
        return sold.amount - bought.amount
    return None if last_price is None else sold.amount - bought.amount + quantity * last_price * units


def _realised(bought: _Side, sold: _Side) -> Decimal:
    """Return what the closed part of a position made: as much as was bought and sold, at the average of each side."""
    if bought.quantity == sold.quantity:
        return sold.amount - bought.amount
    closed = min(bought.quantity, sold.quantity)
    if closed <= 0:
        return Decimal(0)
    brought, cost = (closed * side.amount / side.quantity for side in (sold, bought))
    return _rounded(brought - cost, PAISE)


def _units(row: dict[str, Any]) -> Decimal:
    return _positive(row, "multiplier") * _ratio(row, "genNum", "genDen") * _ratio(row, "prcNum", "prcDen")


def _average(row: dict[str, Any], bought: _Side, sold: _Side, units: Decimal) -> Decimal:
    """Return the price that the open side was traded at, by the formula of Kotak's page on positions."""
    precision = read_integer(row, "precision")
    if not 0 <= precision <= MAX_PRECISION:
        raise OutcomeUnknown(f"expected a precision of 0 to {MAX_PRECISION}, received {precision}")
    if bought.quantity == sold.quantity:
        return Decimal(0)
    side = bought if bought.quantity > sold.quantity else sold
    if side.quantity <= 0:
        raise OutcomeUnknown("expected a position's quantities to be bought and sold ones")
    return _rounded(side.amount / (side.quantity * units), precision)


def _rounded(amount: Decimal, precision: int) -> Decimal:
    try:
        return amount.quantize(Decimal(1).scaleb(-precision), ROUND_HALF_UP)
    except InvalidOperation as error:
        raise OutcomeUnknown("expected a position's amounts to be of usual size") from error


def _ratio(row: dict[str, Any], above: str, below: str) -> Decimal:
    return _positive(row, above) / _positive(row, below)


def _positive(row: dict[str, Any], name: str) -> Decimal:
    number = read_decimal(row, name)
    if number <= 0:
        raise OutcomeUnknown(f"expected a factor in {name}, received {number}")
    return number


def _holding(row: dict[str, Any], listed: Mapping[str, Listing]) -> Holding:
    return Holding(
        instrument=_held(row, listed.get(_key(row))),
        quantity=read_integer(row, "quantity"),
        average_price=read_decimal(row, "averagePrice"),
        last_price=read_decimal(row, "closingPrice"),
        pnl=read_decimal(row, "mktValue") - read_decimal(row, "holdingCost"),
    )


def _held(row: dict[str, Any], listing: Listing | None) -> Instrument:
    """Return what is held: as it is listed, or by the name that Kotak shows where it is listed no more."""
    if listing is not None:
        return listing.instrument
    exchange = read_word(wire.SEGMENTS, row, "exchangeSegment")
    return wire.instrument_of(exchange, read_text(row, "symbol"))


def _key(row: dict[str, Any]) -> str:
    return f"{read_text(row, 'exchangeSegment')}|{read_text(row, 'exchangeIdentifier')}"
