"""A list of 100,000 instruments as Kite writes it, and the same a day later with three in a hundred changed."""

import csv
import gzip
import io
from collections.abc import Iterator
from datetime import date, timedelta

HEADER = (
    "instrument_token",
    "exchange_token",
    "tradingsymbol",
    "name",
    "last_price",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
)
ROWS = 100_000
SHARES = {"NSE": 3_000, "BSE": 5_000}
UNDERLYINGS = {"NFO": 180, "BFO": 20}
FIRST_EXPIRY = date(2030, 1, 29)
STRIKES = 114
EXPIRIES = 2
Row = tuple[str, ...]


def first_day() -> list[Row]:
    """Return the rows of the first day."""
    rows = [*_shares(), *_contracts()]
    return [*rows, *_more(ROWS - len(rows))]


def second_day(rows: list[Row]) -> list[Row]:
    """Return the rows of the next day: one in a hundred changed, one gone, one new."""
    kept: list[Row] = []
    for number, row in enumerate(rows):
        if number % 100 == 0:
            kept.append((*row[:7], "0.01", *row[8:]))
        elif number % 100 == 1:
            kept.append((*row[:2], f"N{row[2]}", *row[3:]))
        else:
            kept.append(row)
    return kept


def write(rows: list[Row]) -> bytes:
    """Return the file as it is sent: compressed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([HEADER, *rows])
    return gzip.compress(text.getvalue().encode(), mtime=0)


def _shares() -> Iterator[Row]:
    for exchange, count in SHARES.items():
        for number in range(count):
            name = "INFY" if number == 0 else f"SHARE{number}"
            yield ("1", "1", name, f"COMPANY {number}", "0", "", "0", "0.05", "1", "EQ", exchange, exchange)


def _contracts() -> Iterator[Row]:
    for exchange, count in UNDERLYINGS.items():
        for number in range(count):
            first = {"NFO": "NIFTY", "BFO": "SENSEX"}[exchange]
            name = first if number == 0 else f"UNDER{number}"
            for month in range(EXPIRIES):
                yield from _series(exchange, name, FIRST_EXPIRY + timedelta(days=28 * month))


def _series(exchange: str, name: str, expiry: date) -> Iterator[Row]:
    stem, day = f"{name}{expiry:%y%b}".upper(), expiry.isoformat()
    yield ("1", "1", f"{stem}FUT", name, "0", day, "0", "0.05", "65", "FUT", f"{exchange}-FUT", exchange)
    for number in range(STRIKES):
        strike = str(20_000 + 50 * number)
        for kind in ("CE", "PE"):
            symbol, segment = f"{stem}{strike}{kind}", f"{exchange}-OPT"
            yield ("1", "1", symbol, name, "0", day, strike, "0.05", "65", kind, segment, exchange)


def _more(count: int) -> Iterator[Row]:
    """Yield what is missing of a round number: weekly contracts of one index."""
    day = (FIRST_EXPIRY - timedelta(days=7)).isoformat()
    for number in range(count):
        symbol, strike = f"NIFTY30122{number}CE", str(1_000 + number)
        yield ("1", "1", symbol, "NIFTY", "0", day, strike, "0.05", "65", "CE", "NFO-OPT", "NFO")
