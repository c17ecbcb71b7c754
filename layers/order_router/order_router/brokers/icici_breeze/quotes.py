"""Breeze's quotes, option chains and margins (sources and dates: README.md)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from order_router.adapter.decode import read_decimal, read_integer, read_ist_time, read_object
from order_router.adapter.errors import OutcomeUnknown, Unsupported
from order_router.adapter.http import Send
from order_router.adapter.port import ChainQuery
from order_router.adapter.session import BrokerSession
from order_router.brokers.icici_breeze import wire
from order_router.brokers.icici_breeze.contracts import (
    CASH,
    DERIVATIVES_OF,
    EXCHANGES,
    contract_fields,
    expiry_text,
    key_of_row,
    quote_fields,
)
from order_router.brokers.icici_breeze.profile import profile
from order_router.brokers.icici_breeze.rows import look_up
from order_router.brokers.icici_breeze.session import Call, perform, read_rows
from order_router.brokers.icici_breeze.words import known_word
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing
from order_router.domain.reports import OptionQuote, OrderMargin, Quote
from order_router.domain.request import OrderRequest

CHAIN_RIGHTS = ("call", "put")
QUOTE_TIME = "%d-%b-%Y %H:%M:%S"


def read_quotes(send: Send, session: BrokerSession, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
    """Read the last price and the best of both sides, one call an instrument (100 calls a minute are allowed)."""
    listings = [session.listing(instrument) for instrument in instruments]
    found = [_quote_of(send, session, listing) for listing in listings]
    return tuple(quote for quote in found if quote is not None)


def read_option_chain(send: Send, session: BrokerSession, query: ChainQuery) -> tuple[OptionQuote, ...]:
    """Read the calls and the puts of one expiry, by strike; options that are not listed are left out."""
    query.require_whole(profile.title)
    underlying = session.listing(query.underlying)
    exchange = DERIVATIVES_OF.get(query.underlying.exchange)
    if exchange is None:
        raise Unsupported(f"expected an index or a share, received {query.underlying}")
    asked = {
        "stock_code": underlying.broker_symbol,
        "exchange_code": str(exchange),
        "expiry_date": expiry_text(query.expiry),
        "product_type": "options",
    }
    calls = [Call(method="GET", path="optionchain", fields=asked | {"right": one}) for one in CHAIN_RIGHTS]
    rows = [wire.as_row(row) for call in calls for row in read_rows(send, session, call)]
    keyed = {key_of_row(row): row for row in rows}
    listed = look_up(session, list(keyed))
    options = [_option(row, listed[key]) for key, row in keyed.items() if key in listed]
    return tuple(sorted(options, key=lambda option: (option.strike, option.right)))


def read_order_margin(send: Send, session: BrokerSession, request: OrderRequest) -> OrderMargin:
    """Read what an order of a future or an option would bind; Unsupported for shares."""
    profile.require(request)
    if request.instrument.exchange in CASH:
        raise Unsupported("Breeze calculates the margin of futures and options alone")
    listing = session.listing(request.instrument)
    terms = contract_fields(listing)
    position = {
        "strike_price": terms["strike_price"],
        "quantity": str(request.quantity),
        "right": terms["right"],
        "product": wire.product_of(request, listing),
        "action": wire.BREEZE_ACTIONS[request.side],
        "price": format(request.limit_price or Decimal(0), "f"),
        "expiry_date": terms["expiry_date"],
        "stock_code": listing.broker_symbol,
    }
    fields = {"list_of_positions": [position], "exchange_code": str(request.instrument.exchange)}
    answered = perform(send, session, Call(method="POST", path="margincalculator", fields=fields))
    row = read_object(answered, "a margin")
    required = read_decimal(row, "span_margin_required") + read_decimal(row, "non_span_margin_required")
    return OrderMargin(required=required)


def _quote_of(send: Send, session: BrokerSession, listing: Listing) -> Quote | None:
    call = Call(method="GET", path="quotes", fields=quote_fields(listing))
    rows = [wire.as_row(row) for row in read_rows(send, session, call)]
    exchange = listing.instrument.exchange
    # for a share the list may hold the other exchange too
    own = [row for row in rows if known_word(EXCHANGES, row, "exchange_code") is exchange]
    if len(own) > 1:
        raise OutcomeUnknown(f"expected one quote of {listing.instrument}, received {len(own)}")
    return _quote(own[0], listing.instrument) if own else None


def _option(row: dict[str, Any], listing: Listing) -> OptionQuote:
    if listing.strike is None:
        raise OutcomeUnknown(f"expected an option, received {listing.instrument}")
    quote = _quote(row, listing.instrument)
    return OptionQuote(strike=listing.strike, right=listing.instrument_type, quote=quote)


def _quote(row: dict[str, Any], instrument: Instrument) -> Quote:
    return Quote(
        instrument=instrument,
        last_price=read_decimal(row, "ltp"),
        bid_price=wire.read_optional_decimal(row, "best_bid_price"),
        bid_quantity=_optional_integer(row, "best_bid_quantity"),
        ask_price=wire.read_optional_decimal(row, "best_offer_price"),
        ask_quantity=_optional_integer(row, "best_offer_quantity"),
        open_price=wire.read_optional_decimal(row, "open"),
        high_price=wire.read_optional_decimal(row, "high"),
        low_price=wire.read_optional_decimal(row, "low"),
        close_price=wire.read_optional_decimal(row, "previous_close"),
        volume=_optional_integer(row, "total_quantity_traded"),
        open_interest=_optional_integer(row, "open_interest"),
        lower_circuit=wire.read_optional_decimal(row, "lower_circuit"),
        upper_circuit=wire.read_optional_decimal(row, "upper_circuit"),
        quoted_at=read_ist_time(row, "ltt", QUOTE_TIME),
    )


def _optional_integer(row: dict[str, Any], name: str) -> int | None:
    return None if row.get(name) in (None, "") else read_integer(row, name)
