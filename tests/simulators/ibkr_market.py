"""What the IBKR simulator lists, and how its pages of contracts and quotes show it."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import InstrumentType, Listing

SPOKEN = {"EQ": "STK", "FUT": "FUT", "CE": "OPT", "PE": "OPT", "FX": "CASH"}
Prices = Mapping[str, Decimal]
Row = dict[str, Any]


def _listing(name: str, conid: str, kind: InstrumentType, tick: str, **terms: Any) -> Listing:
    return Listing(
        instrument=parse_instrument(name),
        instrument_type=kind,
        broker_symbol=conid,
        broker_key=conid.partition("@")[0],
        tick_size=Decimal(tick),
        **terms,
    )


def _option(right: str, strike: int, conid: str) -> Listing:
    return _listing(
        f"OPRA:AAPL261218{right}{strike * 1000:08}",
        conid,
        InstrumentType.CE if right == "C" else InstrumentType.PE,
        "0.01",
        underlying="AAPL",
        expiry=date(2026, 12, 18),
        strike=Decimal(strike),
    )


LISTINGS = (
    _listing("NSE:INFY", "12345678@NSE", InstrumentType.EQ, "0.05"),
    _listing("NSE:TCS", "12345679@NSE", InstrumentType.EQ, "0.05"),
    _listing("NASDAQ:AAPL", "265598", InstrumentType.EQ, "0.01"),
    _listing("ARCA:SPY", "756733", InstrumentType.EQ, "0.01"),
    _option("C", 200, "667629330"),
    _option("C", 205, "667629350"),
    _option("P", 205, "667629351"),
    _listing(
        "CME:ESZ6", "515416632@CME", InstrumentType.FUT, "0.25", underlying="ES", expiry=date(2026, 12, 18)
    ),
    _listing("IDEALPRO:EUR.USD", "12087792@IDEALPRO", InstrumentType.FX, "0.00005"),
)
PRICES = {
    "NSE:INFY": "1500.05",
    "NSE:TCS": "3100",
    "NASDAQ:AAPL": "197.93",
    "ARCA:SPY": "650.5",
    "OPRA:AAPL261218C00200000": "5.15",
    "OPRA:AAPL261218C00205000": "3.05",
    "OPRA:AAPL261218P00205000": "9.4",
    "CME:ESZ6": "6640.25",
    "IDEALPRO:EUR.USD": "1.0851",
}
BY_CONID = {one.broker_key: one for one in LISTINGS}
BY_NAME = {str(one.instrument): one for one in LISTINGS}


def snapshot(conids: Iterable[str], prices: Prices, seen: set[str], now: datetime) -> list[Row]:
    """Return a snapshot of each contract that there is; the first of one only subscribes to it."""
    rows: list[Row] = []
    for conid in conids:
        listing = BY_CONID.get(conid)
        if listing is None:
            continue
        row: Row = {"conid": int(conid), "conidEx": conid}
        if conid in seen:
            last = prices[str(listing.instrument)]
            row |= {"31": f"{last:,}", "84": str(last), "86": str(last), "6509": "RpB"}
            row["_updated"] = int(now.timestamp() * 1000)
        seen.add(conid)
        rows.append(row)
    return rows


def stocks(symbol: str) -> Row:
    """Return the shares of this symbol, by company."""
    found = [one for one in LISTINGS if one.instrument_type is InstrumentType.EQ and _symbol(one) == symbol]
    contracts = [{"conid": int(one.broker_key), "exchange": str(one.instrument.exchange)} for one in found]
    return {symbol: [{"name": symbol, "assetClass": "STK", "contracts": contracts}] if contracts else []}


def futures(root: str) -> Row:
    """Return the futures of this root."""
    rows = [
        {"symbol": root, "conid": int(one.broker_key), "expirationDate": _day(one), "ltd": _day(one)}
        for one in LISTINGS
        if one.instrument_type is InstrumentType.FUT and one.underlying == root
    ]
    return {root: rows}


def search(symbol: str) -> list[Row]:
    """Return the contracts of this symbol, with what trades on them."""
    shares = [one for one in LISTINGS if one.instrument_type is InstrumentType.EQ and _symbol(one) == symbol]
    months = ";".join(sorted({_month(one) for one in _options(symbol)}))
    options = [{"secType": "OPT", "months": months, "exchange": "SMART;AMEX"}] if months else []
    return [
        {"conid": one.broker_key, "symbol": symbol, "sections": [{"secType": "STK"}, *options]}
        for one in shares
    ]


def strikes(symbol: str, month: str) -> Row:
    """Return the strikes of a month's options."""
    found = [one for one in _options(symbol) if _month(one) == month]
    return {
        "call": [one.strike for one in found if one.instrument_type is InstrumentType.CE],
        "put": [one.strike for one in found if one.instrument_type is InstrumentType.PE],
    }


def options(symbol: str, query: Mapping[str, str]) -> list[Row]:
    """Return the options of a month, strike and right."""
    kind = {"C": InstrumentType.CE, "P": InstrumentType.PE}[query["right"]]
    return [
        {
            "conid": int(one.broker_key),
            "symbol": symbol,
            "secType": "OPT",
            "right": query["right"],
            "strike": one.strike,
            "maturityDate": str(_day(one)),
            "tradingClass": symbol,
        }
        for one in _options(symbol)
        if (_month(one), one.instrument_type, one.strike) == (query["month"], kind, Decimal(query["strike"]))
    ]


def pairs(currency: str) -> Row:
    """Return the currency pairs that are priced in this currency."""
    found = [one for one in LISTINGS if one.instrument_type is InstrumentType.FX]
    quoted = [one for one in found if _symbol(one).endswith(f".{currency}")]
    return {currency: [{"symbol": _symbol(one), "conid": int(one.broker_key)} for one in quoted]}


def rules(conid: str) -> Row | None:
    """Return a contract's description and rules."""
    one = BY_CONID.get(conid)
    if one is None:
        return None
    return {
        "con_id": int(conid),
        "instrument_type": SPOKEN[one.instrument_type],
        "currency": "INR" if str(one.instrument).startswith("NSE:") else "USD",
        "exchange": str(one.instrument.exchange),
        "valid_exchanges": f"SMART,{one.instrument.exchange}",
        "contract_month": None if one.expiry is None else f"{one.expiry:%Y%m}",
        "rules": {
            "increment": one.tick_size,
            "incrementRules": [{"lowerEdge": 0, "increment": one.tick_size}],
        },
    }


def definition(conid: str) -> Row | None:
    """Return a contract's definition."""
    one = BY_CONID.get(conid)
    if one is None:
        return None
    return {
        "conid": int(conid),
        "assetClass": SPOKEN[one.instrument_type],
        "ticker": _symbol(one) if one.underlying is None else one.underlying,
        "listingExchange": str(one.instrument.exchange),
        "expiry": None if one.expiry is None else str(_day(one)),
        "putOrCall": {"CE": "C", "PE": "P"}.get(one.instrument_type),
        "strike": "0" if one.strike is None else str(one.strike),
    }


def _options(symbol: str) -> list[Listing]:
    return [one for one in LISTINGS if one.strike is not None and one.underlying == symbol]


def _symbol(one: Listing) -> str:
    return one.instrument.tradingsymbol


def _day(one: Listing) -> int:
    assert one.expiry is not None
    return int(f"{one.expiry:%Y%m%d}")


def _month(one: Listing) -> str:
    assert one.expiry is not None
    return f"{one.expiry:%b%y}".upper()
