"""Kotak's quotes, option chains and margins of orders (sources and dates: README.md)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import batched
from typing import Any
from urllib.parse import quote as percent_encoded
from urllib.parse import urlencode

from order_router.adapter.decode import (
    read_decimal,
    read_integer,
    read_list,
    read_object,
    read_text,
    read_word,
)
from order_router.adapter.errors import OutcomeUnknown, Unsupported
from order_router.adapter.http import Send
from order_router.adapter.port import ChainQuery
from order_router.adapter.session import BrokerSession
from order_router.brokers.kotak_neo import wire
from order_router.brokers.kotak_neo.profile import profile
from order_router.brokers.kotak_neo.session import ask_by_form, ask_market
from order_router.domain.instrument import Instrument
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.reports import OptionQuote, OrderMargin, Quote
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import Exchange, OrderType

QUOTES_A_CALL = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_EPOCH_S = 4_102_444_800
"""The year 2100: a later time is no time."""
CHAIN_SEGMENTS = {Exchange.NSE: "nse_fo", Exchange.BSE: "bse_fo"}
RIGHTS = {"CE": InstrumentType.CE, "PE": InstrumentType.PE}


def read_quotes(send: Send, session: BrokerSession, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
    """Read the last price and the best of both sides, fifty instruments a call.

    A row that cannot be read is left out; OutcomeUnknown if none can be.
    """
    listings = [session.listing(instrument) for instrument in instruments]
    batches = batched(listings, QUOTES_A_CALL, strict=False)
    found = [one for some in batches for one in _quotes(send, session, some)]
    quotes = tuple(one for one in found if isinstance(one, Quote))
    unread = [one for one in found if isinstance(one, OutcomeUnknown)]
    if unread and not quotes:
        raise unread[0]
    return quotes


def read_option_chain(send: Send, session: BrokerSession, query: ChainQuery) -> tuple[OptionQuote, ...]:
    """Read the quotes of the calls and puts of one expiry, by strike: as many as Kotak gives unasked."""
    query.require_whole(profile.title)
    underlying = session.listing(query.underlying)
    if query.underlying.exchange not in CHAIN_SEGMENTS:
        raise Unsupported(f"Kotak has no option chain of {query.underlying}")
    asked = {
        "exchange": CHAIN_SEGMENTS[query.underlying.exchange],
        "underlying": underlying.underlying or query.underlying.tradingsymbol,
        "expiry": query.expiry.isoformat(),
        "instrument_type": "option",
    }
    answer = ask_market(send, session, f"/market-data/1.0/watchlist/option-chain?{urlencode(asked)}")
    data = read_object(read_object(answer, "an answer").get("data"), "an option chain")
    _require_same_chain(data, asked)
    rows = [row for side in ("call", "put") for row in read_list(data.get(side), "one side of a chain")]
    options = [_option(read_object(row, "an option"), asked["exchange"]) for row in rows]
    return tuple(sorted(options, key=lambda option: (option.strike, option.right)))


def read_order_margin(send: Send, session: BrokerSession, request: OrderRequest) -> OrderMargin:
    """Read what money an order would bind, and what is free for it before."""
    profile.require(request)
    fields = _margin_fields(request, session.listing(request.instrument))
    row = ask_by_form(send, session, "/quick/user/check-margin", fields)
    return OrderMargin(
        required=read_decimal(row, "ordMrgn"),
        available=read_decimal(row, "avlCash") - read_decimal(row, "mrgnUsd"),
    )


def _quotes(
    send: Send, session: BrokerSession, listings: Sequence[Listing]
) -> Iterator[Quote | OutcomeUnknown | None]:
    names = {listing.broker_key: listing.instrument for listing in listings}
    asked = percent_encoded(",".join(names), safe="|,")
    answer = ask_market(send, session, f"/script-details/1.0/quotes/neosymbol/{asked}/all")
    for value in read_list(answer, "the quotes"):
        yield _quote_or_why(value, names)


def _quote_or_why(value: Any, names: Mapping[str, Instrument]) -> Quote | OutcomeUnknown | None:  # noqa: ANN401
    """Return a row's quote or why there is none; None for what was not asked for."""
    try:
        row = read_object(value, "a quote")
        instrument = _asked_for(row, names)
        return None if instrument is None else _quote(row, instrument)
    except OutcomeUnknown as error:
        return error


def _asked_for(row: dict[str, Any], names: Mapping[str, Instrument]) -> Instrument | None:
    """Return which of those asked for a quote is of: by its token, or by its name, as an index is asked for."""
    segment = read_text(row, "exchange")
    keys = (f"{segment}|{read_text(row, name)}" for name in ("exchange_token", "display_symbol"))
    return next((names[key] for key in keys if key in names), None)


def _quote(row: dict[str, Any], instrument: Instrument) -> Quote:
    day, depth = read_object(row.get("ohlc"), "ohlc"), read_object(row.get("depth"), "a depth")
    bid, ask = (_best(depth, side) for side in ("buy", "sell"))
    return Quote(
        instrument=instrument,
        last_price=read_decimal(row, "ltp"),
        bid_price=bid[0],
        bid_quantity=bid[1],
        ask_price=ask[0],
        ask_quantity=ask[1],
        open_price=_price(day, "open"),
        high_price=_price(day, "high"),
        low_price=_price(day, "low"),
        close_price=_price(day, "close"),
        volume=_units(row, "last_volume"),
        open_interest=_units(row, "open_int"),
        lower_circuit=_price(row, "low_price_range"),
        upper_circuit=_price(row, "high_price_range"),
        quoted_at=_time(row, "lstup_time"),
    )


def _best(depth: dict[str, Any], side: str) -> tuple[Decimal | None, int | None]:
    levels = read_list(depth.get(side), "one side of a depth")
    if not levels:
        return None, None
    first = read_object(levels[0], "the best of a side")
    price, quantity = _price(first, "price"), read_integer(first, "quantity")
    return (None, None) if price is None else (price, quantity)


def _price(row: dict[str, Any], name: str) -> Decimal | None:
    return None if row.get(name) in (None, "") else read_decimal(row, name) or None


def _units(row: dict[str, Any], name: str) -> int | None:
    return None if row.get(name) in (None, "") else read_integer(row, name)


def _time(row: dict[str, Any], name: str) -> datetime:
    seconds = read_integer(row, name)
    if not 0 <= seconds <= MAX_EPOCH_S:
        raise OutcomeUnknown(f"expected seconds since 1970 in {name}")
    return EPOCH + timedelta(seconds=seconds)


def _require_same_chain(data: dict[str, Any], asked: Mapping[str, str]) -> None:
    common = read_object(data.get("common_data"), "what the options of a chain have in common")
    names = {"exSeg": "exchange", "unlSymbol": "underlying", "expiryDt": "expiry"}
    if any(read_text(common, theirs) != asked[ours] for theirs, ours in names.items()):
        raise OutcomeUnknown("Kotak answered with another option chain than the one that was asked for")


def _option(row: dict[str, Any], segment: str) -> OptionQuote:
    named, quoted = read_object(row.get("instrument"), "an option"), read_object(row.get("quote"), "a quote")
    interest = read_object(row.get("openInterest"), "an open interest")
    instrument = wire.instrument_of(wire.SEGMENTS[segment], read_text(named, "symbol"))
    return OptionQuote(
        strike=read_decimal(named, "strikePrice"),
        right=read_word(RIGHTS, named, "optionType"),
        quote=Quote(
            instrument=instrument,
            last_price=read_decimal(quoted, "ltp"),
            open_price=_price(quoted, "open"),
            high_price=_price(quoted, "high"),
            low_price=_price(quoted, "low"),
            close_price=_price(quoted, "prevClose"),
            volume=read_integer(quoted, "volume"),
            open_interest=read_integer(interest, "current"),
        ),
    )


def _margin_fields(request: OrderRequest, listing: Listing) -> dict[str, str | None]:
    """Return what a margin is asked by, in the order of the vendor's own client, with its nulls."""
    segment, _, token = listing.broker_key.partition("|")
    return {
        "exSeg": segment,
        "prc": wire.price_text(request.limit_price),
        "prcTp": wire.KOTAK_ORDER_TYPES[OrderType(request.order_type)],
        "prod": str(request.product),
        "qty": str(request.quantity),
        "tok": token,
        "trnsTp": wire.KOTAK_SIDES[request.side],
        "trgPrc": wire.price_text(request.trigger_price),
        "brkName": "KOTAK",
        "brnchId": "ONLINE",
        "slAbsOrTks": None,
        "slVal": None,
        "sqrOffAbsOrTks": None,
        "sqrOffVal": None,
        "trailSL": None,
        "tSLTks": None,
    }
