"""Kotak's list of instruments: a file a segment, named anew each day (sources and dates: README.md)."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from order_router.adapter.decode import read_list, read_object, strict_json
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import HttpRequest
from order_router.adapter.master import Download, MasterUnavailable
from order_router.adapter.session import BrokerSession
from order_router.brokers.kotak_neo.session import market_headers
from order_router.brokers.kotak_neo.wire import KOTAK_SEGMENTS, instrument_of
from order_router.domain.exchange_time import IST, exchange_day
from order_router.domain.instrument import Instrument
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.vocabulary import Exchange

PATHS = "/script-details/1.0/masterscrip/file-paths"
MAX_PATHS = 1024 * 1024
KOTAKS_HOSTS = ".kotaksecurities.com"
SHARES = frozenset({Exchange.NSE, Exchange.BSE})
RIGHTS = {"CE": InstrumentType.CE, "PE": InstrumentType.PE}
FUTURES = frozenset({"FUTIDX", "FUTSTK", "IF", "SF"})
HUNDRED = Decimal(100)
SINCE_1980 = timedelta(seconds=315_513_000)
"""What nse_fo's times lack to be seconds since 1970: they count from the first day of 1980."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BACK, AHEAD = timedelta(days=31), timedelta(days=9 * 365)
"""Contracts of a master end about today or later; two ways to read a time lie ten years apart, so one fits at most."""
NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,10})?([eE][+-]?[0-9]{1,2})?")
TOKEN = re.compile(r"[0-9]{1,12}")
INDEX_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9&._ -]{0,49}")
# what Kotak calls the underlying of an index's contracts
UNDERLYINGS = {
    "NIFTY 50": "NIFTY",
    "NIFTY BANK": "BANKNIFTY",
    "NIFTY FIN SERVICE": "FINNIFTY",
    "SENSEX": "SENSEX",
}
INDEX_TICK = Decimal("0.05")
COLUMNS = (
    "pSymbol",
    "pGroup",
    "pExchSeg",
    "pInstType",
    "pSymbolName",
    "pTrdSymbol",
    "pOptionType",
    "dTickSize",
    "lLotSize",
    "lExpiryDate",
    "dStrikePrice",
    "lFreezeQty",
)
Row = dict[str, str]
Pick = Callable[[list[str]], tuple[str, ...]]


def read_instruments(download: Download, session: BrokerSession) -> Iterator[Listing]:
    """Yield the shares, indices, futures and options of the claimed segments, a file after the other."""
    day = exchange_day(session.around.now())
    addresses = _addresses(download, session)
    for exchange, segment in KOTAK_SEGMENTS.items():
        with download(HttpRequest(method="GET", url=addresses[exchange])) as stream:
            yield from _Segment(exchange, segment, day).read(stream)


def _addresses(download: Download, session: BrokerSession) -> dict[Exchange, str]:
    """Return where each segment's file is; MasterUnavailable unless all are there, at Kotak."""
    request = HttpRequest(method="GET", url=session.endpoint + PATHS, headers=market_headers(session))
    with download(request) as stream:
        body = stream.read(MAX_PATHS)
    try:
        data = read_object(read_object(strict_json(body), "an answer").get("data"), "the paths of files")
        paths = read_list(data.get("filesPaths"), "the paths of files")
    except (ValueError, OutcomeUnknown) as error:
        why = type(error).__name__
    else:
        return {
            exchange: _address(paths, segment, session.endpoint)
            for exchange, segment in KOTAK_SEGMENTS.items()
        }
    raise MasterUnavailable(f"Kotak's list of files is not as documented ({why})")


def _address(paths: list[Any], segment: str, endpoint: str) -> str:
    name = re.compile(rf"{segment}(-v[0-9]+)?\.csv")
    found = [path for path in paths if isinstance(path, str) and name.fullmatch(path.rpartition("/")[2])]
    if len(found) != 1:
        raise MasterUnavailable(f"Kotak names {len(found)} files of {segment}, one was expected")
    (address,) = found
    if not (_is_kotaks(address) or address.startswith(f"{endpoint}/")):
        raise MasterUnavailable(f"Kotak names a file of {segment} that is not under {KOTAKS_HOSTS[1:]}")
    return address


def _is_kotaks(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and re.fullmatch(rf"[a-z0-9.-]+{re.escape(KOTAKS_HOSTS)}", parts.netloc) is not None
    )


class _Segment:
    """One file as it is read."""

    def __init__(self, exchange: Exchange, segment: str, day: date) -> None:
        self._exchange = exchange
        self._segment = segment
        self._day = day
        self._last_days: dict[str, date] = {}

    def read(self, stream: BinaryIO) -> Iterator[Listing]:
        """Yield what the file lists; MasterUnavailable names the line that is not as documented."""
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        rows = csv.reader(text, strict=True)
        read = self._share if self._exchange in SHARES else self._contract
        try:
            heads = next(rows, [])
            pick = itemgetter(*_places(heads))
            for cells in rows:
                listing = read(self._row(pick, cells, len(heads))) if cells else None
                if listing is not None:
                    yield listing
        except (ValueError, OverflowError, csv.Error) as error:
            raise MasterUnavailable(f"{self._segment}, line {rows.line_num}: {_why(error)}") from None
        finally:
            text.detach()

    def _row(self, pick: Pick, cells: list[str], width: int) -> Row:
        if len(cells) != width:
            raise ValueError(f"expected {width} cells, received {len(cells)}")
        row = dict(zip(COLUMNS, map(str.strip, pick(cells)), strict=True))
        if row["pExchSeg"] != self._segment:
            raise ValueError("pExchSeg is of another segment")
        return row

    def _share(self, row: Row) -> Listing | None:
        """Return a share, an index, or None for what has no series: it is neither."""
        if not TOKEN.fullmatch(row["pSymbol"]):
            return self._index(row)
        if not row["pGroup"]:
            return None
        return self._listing(row, InstrumentType.EQ)

    def _index(self, row: Row) -> Listing | None:
        name = row["pSymbol"]
        if not INDEX_NAME.fullmatch(name):
            return None
        instrument = Instrument(self._exchange, name.upper())
        return Listing(
            instrument=instrument,
            instrument_type=InstrumentType.INDEX,
            broker_symbol=name,
            broker_key=f"{self._segment}|{name}",
            tick_size=INDEX_TICK,
            underlying=UNDERLYINGS.get(instrument.tradingsymbol),
        )

    def _contract(self, row: Row) -> Listing | None:
        """Return a future or an option, None for what is neither (a spread)."""
        if row["pOptionType"] in RIGHTS:
            return self._listing(row, RIGHTS[row["pOptionType"]])
        if row["pInstType"] in FUTURES and row["pOptionType"] in ("XX", ""):
            return self._listing(row, InstrumentType.FUT)
        return None

    def _listing(self, row: Row, kind: InstrumentType) -> Listing | None:
        if not row["pTrdSymbol"]:
            return None
        is_contract = kind is not InstrumentType.EQ
        try:
            instrument = instrument_of(self._exchange, row["pTrdSymbol"])
        except OutcomeUnknown:
            return None
        return Listing(
            instrument=instrument,
            instrument_type=kind,
            broker_symbol=row["pTrdSymbol"],
            broker_key=f"{self._segment}|{_matching(TOKEN, row, 'pSymbol')}",
            tick_size=_in_rupees(row, "dTickSize"),
            lot_size=int(_positive(row, "lLotSize")),
            freeze_quantity=self._freeze_quantity(row),
            underlying=row["pSymbolName"] if is_contract else None,
            expiry=self._expiry(row) if is_contract else None,
            strike=_in_rupees(row, "dStrikePrice") if kind in RIGHTS.values() else None,
        )

    def _freeze_quantity(self, row: Row) -> int | None:
        """Return the most that one order may ask for: below what NFO freezes at. BSE's unit is not confirmed."""
        if self._exchange not in {Exchange.NSE, Exchange.NFO}:
            return None
        frozen = int(_number(row, "lFreezeQty"))
        most = frozen - 1 if self._exchange is Exchange.NFO else frozen
        return most if most > 0 else None

    def _expiry(self, row: Row) -> date:
        """Return the day at the exchange; a list has few of them, and each many times."""
        written = _matching(NUMBER, row, "lExpiryDate")
        if written not in self._last_days:
            self._last_days[written] = self._last_day(EPOCH + timedelta(seconds=int(Decimal(written))))
        return self._last_days[written]

    def _last_day(self, written: datetime) -> date:
        days = (at.astimezone(IST).date() for at in (written, written + SINCE_1980))
        fitting = [day for day in days if self._day - BACK <= day <= self._day + AHEAD]
        if len(fitting) != 1:
            raise ValueError("lExpiryDate is no day that a contract of today can end on")
        return fitting[0]


def _places(heads: list[str]) -> list[int]:
    """Return where the columns are: some names end in blanks, one in a semicolon."""
    names = [head.strip(" ;\ufeff") for head in heads]
    lacking = [name for name in COLUMNS if name not in names]
    if lacking:
        raise ValueError(f"the file has no column {', '.join(lacking)}")
    return [names.index(name) for name in COLUMNS]


def _in_rupees(row: Row, name: str) -> Decimal:
    return _rupees(_positive(row, name))


@lru_cache(maxsize=4096)
def _rupees(paise: Decimal) -> Decimal:
    return Decimal(format((paise / HUNDRED).normalize(), "f"))


def _number(row: Row, name: str) -> Decimal:
    return Decimal(_matching(NUMBER, row, name))


def _positive(row: Row, name: str) -> Decimal:
    number = _number(row, name)
    if number <= 0:
        raise ValueError(f"{name} is not above zero")
    return number


def _matching(pattern: re.Pattern[str], row: Row, name: str) -> str:
    if not pattern.fullmatch(row[name]):
        raise ValueError(f"{name} is not as documented")
    return row[name]


def _why(error: Exception) -> str:
    return "the text is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)[:100]
