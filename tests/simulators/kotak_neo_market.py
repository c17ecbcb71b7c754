"""What the Kotak Neo simulator lists, and how its pages of the market show it: quotes, a chain, the master's files."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import InstrumentType, Listing

SEGMENTS = {"NSE": "nse_cm", "BSE": "bse_cm", "NFO": "nse_fo", "BFO": "bse_fo"}
TICK = Decimal("0.05")
SINCE_1980 = timedelta(seconds=315_513_000)
HALF_PAST_TWO = timedelta(hours=9)
"""In UTC: when a contract ends."""
COLUMNS = (
    "pSymbol,pGroup,pExchSeg,pInstType,pSymbolName,pTrdSymbol,pOptionType,pScripRefKey,pISIN,dTickSize ,lLotSize,"
    "lExpiryDate ,lMultiplier ,lPrecision,dStrikePrice;,pExchange,lFreezeQty"
)


def _listing(name: str, token: str, kind: InstrumentType, **terms: Any) -> Listing:
    instrument = parse_instrument(name)
    suffix = "-EQ" if name.startswith("NSE:") and kind is InstrumentType.EQ else ""
    return Listing(
        instrument=instrument,
        instrument_type=kind,
        broker_symbol=terms.pop("broker_symbol", instrument.tradingsymbol + suffix),
        broker_key=f"{SEGMENTS[instrument.exchange]}|{token}",
        tick_size=TICK,
        **terms,
    )


def _contract(name: str, token: str, kind: InstrumentType, strike: str | None = None) -> Listing:
    is_nifty = name.startswith("NFO:")
    return _listing(
        name,
        token,
        kind,
        lot_size=65 if is_nifty else 20,
        freeze_quantity=1800 if is_nifty else None,
        underlying="NIFTY" if is_nifty else "SENSEX",
        expiry=date(2026, 11, 24) if is_nifty else date(2026, 11, 26),
        strike=None if strike is None else Decimal(strike),
    )


LISTINGS = (
    _listing("NSE:RELIANCE", "2885", InstrumentType.EQ),
    _listing("NSE:INFY", "1594", InstrumentType.EQ),
    _listing("NSE:TCS", "11536", InstrumentType.EQ),
    _listing("NSE:SBIN", "3045", InstrumentType.EQ),
    _listing("BSE:SBIN", "500112", InstrumentType.EQ),
    _listing("NSE:NIFTY 50", "Nifty 50", InstrumentType.INDEX, broker_symbol="Nifty 50", underlying="NIFTY"),
    _contract("NFO:NIFTY26NOVFUT", "61093", InstrumentType.FUT),
    _contract("NFO:NIFTY26NOV26500CE", "71472", InstrumentType.CE, "26500"),
    _contract("NFO:NIFTY26NOV26500PE", "71473", InstrumentType.PE, "26500"),
    _contract("BFO:SENSEX26NOVFUT", "1135463", InstrumentType.FUT),
)
PRICES = {
    "NSE:RELIANCE": "1400.5",
    "NSE:INFY": "1500.05",
    "NSE:TCS": "3100",
    "NSE:SBIN": "800.1",
    "BSE:SBIN": "800.2",
    "NSE:NIFTY 50": "26470.1",
    "NFO:NIFTY26NOVFUT": "26480.6",
    "NFO:NIFTY26NOV26500CE": "102.35",
    "NFO:NIFTY26NOV26500PE": "118.9",
    "BFO:SENSEX26NOVFUT": "86210.5",
}
BY_SYMBOL = {(one.broker_key.partition("|")[0], one.broker_symbol): one for one in LISTINGS}
BY_KEY = {one.broker_key: one for one in LISTINGS}
BY_NAME = {str(one.instrument): one for one in LISTINGS}
Prices = Mapping[str, Decimal]


def quotes(keys: Iterable[str], prices: Prices, now: Callable[[], datetime]) -> list[dict[str, Any]]:
    """Return a quote of each key that there is."""
    return [_quote(BY_KEY[key], prices, now()) for key in keys if key in BY_KEY]


def chain(fields: Mapping[str, str], prices: Prices) -> dict[str, Any]:
    """Return the options of an underlying and expiry."""
    found = [
        one
        for one in LISTINGS
        if one.strike is not None
        and SEGMENTS[one.instrument.exchange] == fields["exchange"]
        and one.underlying == fields["underlying"]
        and str(one.expiry) == fields["expiry"]
    ]
    sides = {"call": InstrumentType.CE, "put": InstrumentType.PE}
    common = {
        "mktLot": "65",
        "multiplier": "1",
        "unlSymbol": fields["underlying"],
        "exSeg": fields["exchange"],
        "expiryDt": fields["expiry"],
    }
    options = {
        side: [_option(one, prices) for one in found if one.instrument_type is kind]
        for side, kind in sides.items()
    }
    return {"common_data": common, **options}


def file_paths(base: str) -> dict[str, Any]:
    """Return where each segment's file is."""
    paths = [f"{base}/scripmaster/transformed/{segment}.csv" for segment in SEGMENTS.values()]
    return {"baseFolder": f"{base}/scripmaster", "filesPaths": paths}


def master_file(segment: str) -> str:
    """Return a segment's file."""
    rows = [one for one in LISTINGS if one.broker_key.startswith(f"{segment}|")]
    return "\n".join([COLUMNS, *(_row(segment, one) for one in rows)]) + "\n"


def _quote(listing: Listing, prices: Prices, now: datetime) -> dict[str, Any]:
    """Return a quote; that of an index lacks what the vendor's page does not print of one."""
    segment, _, token = listing.broker_key.partition("|")
    last = prices[str(listing.instrument)]
    quote = {
        "exchange_token": token,
        "display_symbol": listing.broker_symbol,
        "exchange": segment,
        "lstup_time": str(int(now.timestamp())),
        "ltp": f"{last:.4f}",
        "ohlc": dict.fromkeys(("open", "high", "low", "close"), f"{last:.4f}"),
    }
    if listing.instrument_type is InstrumentType.INDEX:
        none = {"price": "0", "quantity": "0", "orders": "0"}
        name = f"{listing.broker_symbol}-IN"
        return quote | {"display_symbol": name, "last_volume": "0", "depth": {"buy": [none], "sell": [none]}}
    bid, ask = ({"price": f"{last + step:.4f}", "quantity": "100", "orders": "1"} for step in (-TICK, TICK))
    return quote | {
        "last_volume": "1000",
        "open_int": "0",
        "low_price_range": f"{last * Decimal('0.9'):.4f}",
        "high_price_range": f"{last * Decimal('1.1'):.4f}",
        "depth": {"buy": [bid], "sell": [ask]},
    }


def _option(listing: Listing, prices: Prices) -> dict[str, Any]:
    last = f"{prices[str(listing.instrument)]:.4f}"
    quote = {"ltp": last, "open": last, "high": last, "low": last, "prevClose": last, "close": None}
    return {
        "instrument": {
            "neoSymbol": listing.broker_key,
            "symbol": listing.broker_symbol,
            "optionType": str(listing.instrument_type),
            "strikePrice": str(listing.strike),
            "moneyness": "ATM",
        },
        "quote": {**quote, "volume": 1000},
        "openInterest": {"current": 65, "previous": 0, "change": 65, "changePct": 100},
    }


def _row(segment: str, listing: Listing) -> str:
    token = listing.broker_key.partition("|")[2]
    name = listing.underlying or listing.instrument.tradingsymbol
    if listing.instrument_type is InstrumentType.INDEX:
        return f"{token},,{segment},,{name},{listing.broker_symbol},,,,,,,,,,{listing.instrument.exchange},"
    kind = str(listing.instrument_type)
    options = {"EQ": ("EQ", "", ""), "FUT": ("XX", "FUTIDX", "XX")}
    group, instrument_type, right = options.get(kind, ("XX", "OPTIDX", kind))
    strike = -1 if listing.strike is None else f"{listing.strike * 100:e}"
    terms = f"{listing.lot_size},{_expiry(segment, listing)},-1,2,{strike}"
    names = f"{name},{listing.broker_symbol},{right},{listing.broker_symbol}"
    frozen = 0 if listing.freeze_quantity is None else listing.freeze_quantity + 1
    exchange = "NSE" if segment.startswith("nse") else "BSE"
    tick = listing.tick_size * 100
    return (
        f"{token},{group},{segment},{instrument_type},{names},INE000A01001,{tick},{terms},{exchange},{frozen}"
    )


def _expiry(segment: str, listing: Listing) -> int:
    if listing.expiry is None:
        return -1
    at = datetime.combine(listing.expiry, datetime.min.time(), UTC) + HALF_PAST_TWO
    return int((at - SINCE_1980 if segment == "nse_fo" else at).timestamp())
