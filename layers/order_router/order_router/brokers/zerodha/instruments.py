"""Kite's dump of all instruments, row by row (sources and dates: README.md)."""

import csv
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from io import TextIOWrapper
from typing import BinaryIO

from order_router.adapter.master import Download, MasterUnavailable
from order_router.adapter.session import BrokerSession
from order_router.brokers.zerodha.profile import profile
from order_router.brokers.zerodha.session import request_of
from order_router.domain.instrument import TRADINGSYMBOL, Instrument
from order_router.domain.listing import OPTIONS, InstrumentType, Listing
from order_router.domain.vocabulary import Exchange

FILE = "instruments"
COLUMNS = (
    "tradingsymbol",
    "name",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
)
TYPES = {
    "EQ": InstrumentType.EQ,
    "FUT": InstrumentType.FUT,
    "CE": InstrumentType.CE,
    "PE": InstrumentType.PE,
}
UNDERLYINGS = {
    "NIFTY 50": "NIFTY",
    "NIFTY BANK": "BANKNIFTY",
    "NIFTY FIN SERVICE": "FINNIFTY",
    "NIFTY MID SELECT": "MIDCPNIFTY",
    "NIFTY NEXT 50": "NIFTYNXT50",
}
"""What the dump calls an index as the underlying of derivatives, where that is another name than the index's own."""

DERIVATIVES = OPTIONS | {InstrumentType.FUT}
NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
Row = dict[str, str]


def read_instruments(download: Download, session: BrokerSession) -> Iterator[Listing]:
    """Yield every instrument of the exchanges that count in units, holding one row of the dump at a time."""
    with download(request_of(session, lambda kite: kite.instruments())) as stream:
        for line, row in _rows(stream):
            try:
                listing = _listing(row)
            except ValueError as error:
                raise MasterUnavailable(f"{FILE}, line {line}: {error}") from error
            if listing is not None:
                yield listing


def _rows(stream: BinaryIO) -> Iterator[tuple[int, Row]]:
    """Yield each row by the names of the columns that are needed, and the line that it ends on."""
    reader = csv.reader(TextIOWrapper(stream, encoding="utf-8", newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        places = _places(header)
        for values in filter(None, reader):
            if len(values) != len(header):
                raise MasterUnavailable(
                    f"{FILE}, line {reader.line_num}: expected {len(header)} values, received {len(values)}"
                )
            yield reader.line_num, {name: values[place] for name, place in places.items()}
    except (csv.Error, UnicodeDecodeError) as error:
        raise MasterUnavailable(
            f"{FILE}, after line {reader.line_num}: not readable as CSV ({type(error).__name__})"
        ) from error


def _places(header: list[str]) -> dict[str, int]:
    wrong = [name for name in COLUMNS if header.count(name) != 1]
    if wrong:
        raise MasterUnavailable(f"{FILE}, line 1: expected each of these columns once: {', '.join(wrong)}")
    return {name: header.index(name) for name in COLUMNS}


def _listing(row: Row) -> Listing | None:
    """Return a row's listing, None where our vocabulary lacks its name; ValueError if it is not as documented."""
    exchange, tradingsymbol = row["exchange"], row["tradingsymbol"]
    if not exchange or not tradingsymbol:
        raise ValueError("expected an exchange and a tradingsymbol, received none")
    if exchange not in profile.exchanges or not TRADINGSYMBOL.fullmatch(tradingsymbol):
        return None
    instrument_type = _instrument_type(row)
    is_index = instrument_type is InstrumentType.INDEX
    return Listing(
        instrument=Instrument(Exchange(exchange), tradingsymbol),
        instrument_type=instrument_type,
        broker_symbol=tradingsymbol,
        broker_key=f"{exchange}:{tradingsymbol}",
        tick_size=_number(row, "tick_size", may_be_zero=is_index),
        lot_size=1 if is_index else _whole(row, "lot_size"),
        underlying=_underlying(row, instrument_type),
        expiry=_day(row) if instrument_type in DERIVATIVES else None,
        strike=_number(row, "strike") if instrument_type in OPTIONS else None,
    )


def _underlying(row: Row, instrument_type: InstrumentType) -> str | None:
    if instrument_type is InstrumentType.INDEX:
        return UNDERLYINGS.get(row["tradingsymbol"])
    return (row["name"] or None) if instrument_type in DERIVATIVES else None


def _instrument_type(row: Row) -> InstrumentType:
    if row["segment"] == "INDICES":
        return InstrumentType.INDEX
    if row["instrument_type"] not in TYPES:
        raise ValueError(f"unknown word in instrument_type: {row['instrument_type'][:40]!r}")
    return TYPES[row["instrument_type"]]


def _number(row: Row, name: str, *, may_be_zero: bool = False) -> Decimal:
    text = row[name]
    if not NUMBER.fullmatch(text) or not (may_be_zero or Decimal(text)):
        raise ValueError(f"expected a number above zero in {name}, received {text[:40]!r}")
    return Decimal(text)


def _whole(row: Row, name: str) -> int:
    number = _number(row, name)
    if number != number.to_integral_value():
        raise ValueError(f"expected a whole number in {name}, received {row[name][:40]!r}")
    return int(number)


def _day(row: Row) -> date:
    if not DAY.fullmatch(row["expiry"]):
        raise ValueError(f"expected a day in expiry, received {row['expiry'][:40]!r}")
    return date.fromisoformat(row["expiry"])
