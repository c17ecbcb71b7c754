"""The Web API's trades, positions, holdings and funds (sources and dates: README.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from order_router.adapter.decode import (
    read_decimal,
    read_integer,
    read_list,
    read_object,
    read_text,
    read_word,
)
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import Send
from order_router.adapter.positions import read_position_rows
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr import wire
from order_router.brokers.ibkr.contracts import Name, known_name, name_contracts
from order_router.brokers.ibkr.questions import read_order_id
from order_router.brokers.ibkr.selection import is_of_another, of_account
from order_router.brokers.ibkr.session import Ask, account_id, call
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing
from order_router.domain.reports import Funds, Holding, Position, PositionBook, Trade
from order_router.domain.vocabulary import INDIAN, Exchange

PRICED_IN: dict[str, tuple[Exchange, ...]] = {
    "INR": (Exchange.NSE,),
    "USD": tuple(one for one in Exchange if one not in {*INDIAN, Exchange.IDEALPRO, Exchange.COMBO}),
}
"""The venues whose prices are all in one currency: that of a pair, or of a combination, is its own."""


def read_trades(send: Send, session: BrokerSession) -> tuple[Trade, ...]:
    """Read today's fills of the account."""
    shown = _rows(call(send, session, of_account("/iserver/account/trades", session)), "a trade")
    rows = [row for row in shown if not is_of_another(row, session, "account")]
    named = session.around.listings.named(wire.keys_of(rows, "sec_type"))
    # the legs of a combination are fills of contracts that nobody need have looked up
    legs = {wire.read_conid(row) for row in rows if row.get("sec_type") == "OPT"} - named.keys()
    names = name_contracts(send, session, legs) if legs else {}
    defined = {conid: known_name(names, conid) for conid in names}
    return tuple(
        _trade(row, defined.get(wire.read_key(row, "sec_type")) or _instrument(row, named)) for row in rows
    )


def read_positions(send: Send, session: BrokerSession) -> PositionBook:
    """Read the account's net positions, shares among them; those that were closed today are at zero, if named here."""
    rows = _positions(send, session)
    instruments = _named(send, session, wire.keys_of(rows, "secType"))

    def read(row: dict[str, Any]) -> Position:
        return _position(row, known_name(instruments, wire.read_conid(row)))

    elsewhere = [_realised_elsewhere(row, instruments) for row in rows]
    kept = [row for row, realised in zip(rows, elsewhere, strict=True) if realised is None]
    book = read_position_rows(kept, read, "description")
    found = [one for one in elsewhere if one is not None]
    return replace(book, realised_elsewhere=sum(found, Decimal(0)) if found else None)


def _realised_elsewhere(row: object, instruments: Mapping[str, Name]) -> Decimal | None:
    """Return what a closed contract realised that was traded elsewhere and has no name here; None of any position."""
    if not isinstance(row, dict) or row.get("position") not in (0, Decimal(0)):
        return None
    has_name = isinstance(instruments.get(str(row.get("conid"))), Instrument)
    if has_name and row.get("secType") in wire.PRODUCTS:
        return None
    try:
        return read_decimal(row, "realizedPnl")
    except OutcomeUnknown:
        # what it made is not known: a row that cannot be read says so
        return None


def read_holdings(send: Send, session: BrokerSession) -> tuple[Holding, ...]:
    """Read the shares among the positions that are held long: the vendor keeps no other list of them."""
    rows = [read_object(row, "a position") for row in _positions(send, session)]
    shares = [row for row in rows if read_text(row, "secType") == "STK" and read_integer(row, "position") > 0]
    instruments = _named(send, session, {wire.read_conid(row) for row in shares})
    return tuple(_holding(row, known_name(instruments, wire.read_conid(row))) for row in shares)


def read_funds(send: Send, session: BrokerSession) -> tuple[Funds, ...]:
    """Read the account's money in its base currency, which is the segment's name: what is traded in it, it pays for."""
    path = f"/portfolio/{account_id(session)}/summary"
    summary = read_object(call(send, session, Ask(method="GET", path=path)), "the summary")
    available = read_object(summary.get("availablefunds"), "availablefunds")
    currency = read_text(available, "currency")
    return (
        Funds(
            segment=currency,
            available=read_decimal(available, "amount"),
            used=_amount(summary, "initmarginreq", available),
            cash=_amount(summary, "totalcashvalue", available),
            covers=PRICED_IN.get(currency, ()),
        ),
    )


def _positions(send: Send, session: BrokerSession) -> list[Any]:
    path = f"/portfolio2/{account_id(session)}/positions"
    return read_list(call(send, session, Ask(method="GET", path=path)), "a list, each entry a position")


def _named(send: Send, session: BrokerSession, conids: Iterable[str]) -> Mapping[str, Name]:
    """Return what each contract is: as listed, else as the vendor describes it, which is one more request."""
    wanted = frozenset(conids)
    named = {key: one.instrument for key, one in session.around.listings.named(wanted).items()}
    unknown = wanted - named.keys()
    return {**named, **name_contracts(send, session, unknown)} if unknown else named


def _instrument(row: dict[str, Any], named: Mapping[str, Listing]) -> Instrument:
    return wire.read_instrument(row, named, "sec_type", "symbol", "listing_exchange")


def _rows(value: object, what: str) -> list[dict[str, Any]]:
    return [read_object(row, what) for row in read_list(value, f"a list, each entry {what}")]


def _trade(row: dict[str, Any], instrument: Instrument) -> Trade:
    return Trade(
        trade_id=read_text(row, "execution_id"),
        broker_order_id=read_order_id(row, "order_id"),
        instrument=instrument,
        side=read_word(wire.SIDES, row, "side"),
        product=read_word(wire.PRODUCTS, row, "sec_type"),
        quantity=read_integer(row, "size"),
        price=read_decimal(row, "price"),
        traded_at=wire.read_utc_time(row, "trade_time", "%Y%m%d-%H:%M:%S"),
    )


def _position(row: dict[str, Any], instrument: Instrument) -> Position:
    return Position(
        instrument=instrument,
        product=read_word(wire.PRODUCTS, row, "secType"),
        quantity=read_integer(row, "position"),
        average_price=read_decimal(row, "avgPrice"),
        last_price=read_decimal(row, "marketPrice"),
        realised_pnl=read_decimal(row, "realizedPnl"),
        unrealised_pnl=read_decimal(row, "unrealizedPnl"),
    )


def _holding(row: dict[str, Any], instrument: Instrument) -> Holding:
    return Holding(
        instrument=instrument,
        quantity=read_integer(row, "position"),
        average_price=read_decimal(row, "avgPrice"),
        last_price=read_decimal(row, "marketPrice"),
        pnl=read_decimal(row, "unrealizedPnl"),
    )


def _amount(summary: dict[str, Any], name: str, like: dict[str, Any]) -> Decimal:
    found = read_object(summary.get(name), name)
    if found.get("currency") != like["currency"]:
        raise OutcomeUnknown(f"expected {name} in the currency of availablefunds")
    return read_decimal(found, "amount")
