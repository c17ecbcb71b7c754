"""Invented instruments of an invented broker, and lists of them at random."""

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from order_router.domain.instrument import Instrument
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.vocabulary import Exchange

EXPIRY = date(2026, 11, 24)
TYPES = (InstrumentType.FUT, InstrumentType.CE, InstrumentType.PE)


def share(name: str = "INFY", exchange: Exchange = Exchange.NSE, **changes: Any) -> Listing:
    """Return a share; its key at the broker is made of exchange and name."""
    usual: dict[str, Any] = {
        "instrument": Instrument(exchange, name),
        "instrument_type": InstrumentType.EQ,
        "broker_symbol": f"{name}-EQ",
        "broker_key": f"{exchange.lower()}|{name}",
        "tick_size": Decimal("0.05"),
    }
    return Listing(**usual | changes)


def contract(
    underlying: str = "NIFTY",
    kind: InstrumentType = InstrumentType.CE,
    strike: str = "26500",
    expiry: date = EXPIRY,
    **changes: Any,
) -> Listing:
    """Return a contract, named by its parts."""
    end = "FUT" if kind is InstrumentType.FUT else f"{strike}{kind}"
    name = f"{underlying}{expiry:%y%m%d}{end}"
    usual: dict[str, Any] = {
        "instrument": Instrument(Exchange.NFO, name),
        "instrument_type": kind,
        "broker_symbol": name,
        "broker_key": f"nfo|{name}",
        "tick_size": Decimal("0.05"),
        "lot_size": 65,
        "freeze_quantity": 1800,
        "underlying": underlying,
        "expiry": expiry,
        "strike": None if kind is InstrumentType.FUT else Decimal(strike),
    }
    return Listing(**usual | changes)


def family(underlying: str = "NIFTY", expiry: date = EXPIRY) -> list[Listing]:
    """Return a future, three calls and three puts."""
    options = [
        contract(underlying, kind, strike, expiry)
        for kind in TYPES[1:]
        for strike in ("900", "9500", "26500")
    ]
    return [contract(underlying, InstrumentType.FUT, expiry=expiry), *options]


_names = st.sampled_from(["A", "A-B", "AB", "B", "M&M", "NIFTY 50", "Z", "Z.1", "Z_"])
_keys = st.sampled_from(["1", "2", "3", "10", "é|1", "x y", "nse|A"])
_ticks = st.sampled_from([Decimal("0.05"), Decimal("0.10"), Decimal(1)])


@st.composite
def _rows(draw: st.DrawFn) -> Listing:
    kind = draw(st.sampled_from([InstrumentType.EQ, *TYPES]))
    exchange = (
        Exchange.NSE if kind is InstrumentType.EQ else draw(st.sampled_from([Exchange.NFO, Exchange.MCX]))
    )
    is_contract = kind is not InstrumentType.EQ
    return Listing(
        instrument=Instrument(exchange, draw(_names)),
        instrument_type=kind,
        broker_symbol=draw(_keys),
        broker_key=draw(_keys),
        tick_size=draw(_ticks),
        lot_size=draw(st.sampled_from([1, 65])),
        freeze_quantity=draw(st.sampled_from([None, 1800])),
        underlying=draw(st.sampled_from(["NIFTY", "GOLD"])) if is_contract else None,
        expiry=draw(st.sampled_from([EXPIRY, date(2026, 12, 29)])) if is_contract else None,
        strike=draw(st.sampled_from([Decimal(900), Decimal("26500.5")])) if is_contract else None,
    )


def _with_unique_keys(rows: list[Listing]) -> list[Listing]:
    by_name = {row.instrument: row for row in rows}
    return list({row.broker_key: row for row in by_name.values()}.values())


LISTS = st.lists(_rows(), max_size=8).map(_with_unique_keys)
"""Lists that may replace one another: names and keys move between rows, and are unique in each."""
