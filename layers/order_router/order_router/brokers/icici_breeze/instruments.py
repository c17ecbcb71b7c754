"""Breeze's list of instruments: SecurityMaster.zip, read member by member, row by row (sources: README.md)."""

import csv
import shutil
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile
from zipfile import BadZipFile, ZipFile

from order_router.adapter.http import HttpRequest
from order_router.adapter.master import Download, MasterUnavailable
from order_router.adapter.session import BrokerSession
from order_router.brokers.icici_breeze.master_rows import (
    ContractRow,
    contract_listing,
    read_contract_row,
    read_share_row,
)
from order_router.brokers.icici_breeze.profile import profile
from order_router.brokers.icici_breeze.symbols import Days, monthly_days
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.vocabulary import Exchange

HOST = "https://directlink.icicidirect.com"
PATH = "/NewSecurityMaster/SecurityMaster.zip"
SHARES = {"NSEScripMaster.txt": Exchange.NSE, "BSEScripMaster.txt": Exchange.BSE}
CONTRACTS = {"FONSEScripMaster.txt": Exchange.NFO, "FOBSEScripMaster.txt": Exchange.BFO}
IN_MEMORY = 8 * 1024 * 1024
MAX_MEMBER = 512 * 1024 * 1024

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Member:
    """One file of the archive."""

    archive: ZipFile
    name: str

    def read[T](self, read: Callable[[Row], T | None]) -> Iterator[T]:
        """Yield what each row is read into, None left out; MasterUnavailable names file and line."""
        with self.archive.open(self.name) as stream:
            # names of companies are the only text that may not be ASCII, and nobody reads them
            lines = csv.reader(TextIOWrapper(stream, encoding="latin-1", newline=""), skipinitialspace=True)
            head = [name.strip(' "').lower() for name in next(lines, [])]
            for fields in lines:
                if not any(fields):
                    continue
                if len(fields) != len(head):
                    raise self._wrong(lines.line_num, f"{len(fields)} fields under {len(head)} names")
                try:
                    found = read(dict(zip(head, fields, strict=True)))
                except (KeyError, ValueError) as error:
                    raise self._wrong(lines.line_num, str(error)) from error
                if found is not None:
                    yield found

    def _wrong(self, line: int, why: str) -> MasterUnavailable:
        return MasterUnavailable(f"{self.name} line {line}: {why}"[:300])


def read_instruments(download: Download, session: BrokerSession) -> Iterator[Listing]:
    """Yield every share, index, future and option of the four exchanges that are claimed."""
    host = HOST if session.endpoint == profile.endpoint else session.endpoint
    with _archive(download, HttpRequest(method="GET", url=host + PATH)) as archive:
        for name, exchange in SHARES.items():
            yield from _shares(_Member(archive, name), exchange)
        for name, exchange in CONTRACTS.items():
            yield from _contracts(_Member(archive, name), exchange)


def _shares(member: _Member, exchange: Exchange) -> Iterator[Listing]:
    """Yield a file's shares: of a short name that stands in several series the usual one (EQ), else the first."""
    found: dict[str, Listing] = {}
    names: dict[object, str] = {}
    for share in member.read(lambda row: read_share_row(row, exchange)):
        key = share.listing.broker_key
        if key in found and not share.is_usual:
            continue
        if names.setdefault(share.listing.instrument, key) == key:
            found[key] = share.listing
    yield from found.values()


def _contracts(member: _Member, exchange: Exchange) -> Iterator[Listing]:
    """Yield a file's futures and options: a first pass finds which days are monthly, a second names the contracts."""
    options: defaultdict[str, set[date]] = defaultdict(set)
    futures: defaultdict[str, set[date]] = defaultdict(set)
    for row in member.read(read_contract_row):
        days = futures if row.right is InstrumentType.FUT else options
        days[row.root].add(row.expiry)
    monthly: Days = monthly_days(options, futures)
    seen: set[str] = set()
    for row in member.read(read_contract_row):
        listing = contract_listing(row, exchange, is_monthly=_is_monthly(row, monthly))
        symbol = listing.instrument.tradingsymbol
        if symbol in seen:
            raise MasterUnavailable(f"{member.name}: two contracts are called {symbol}")
        seen.add(symbol)
        yield listing


def _is_monthly(row: ContractRow, monthly: Days) -> bool:
    return row.expiry in monthly.get(row.root, set())


@contextmanager
def _archive(download: Download, request: HttpRequest) -> Iterator[ZipFile]:
    """Fetch the archive into a file that is on disk only if it is large; MasterUnavailable if it cannot be read."""
    with SpooledTemporaryFile(max_size=IN_MEMORY) as spooled:
        with download(request) as stream:
            shutil.copyfileobj(stream, spooled)
        try:
            with ZipFile(spooled) as archive:
                _require_members(archive)
                yield archive
        except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, csv.Error) as error:
            raise MasterUnavailable(f"SecurityMaster.zip cannot be read ({type(error).__name__})") from error


def _require_members(archive: ZipFile) -> None:
    sizes = {info.filename: info.file_size for info in archive.infolist()}
    for name in (*SHARES, *CONTRACTS):
        if not 0 < sizes.get(name, 0) <= MAX_MEMBER:
            raise MasterUnavailable(f"SecurityMaster.zip has no {name} of usual size")
