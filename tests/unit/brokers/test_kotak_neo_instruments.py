"""Kotak's master beyond its sample: the two ways to write a day, what makes a list no list, and where files may lie."""

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, RawIOBase
from itertools import islice
from typing import Any, BinaryIO, cast

import pytest

from order_router.adapter.http import HttpRequest
from order_router.adapter.master import MasterUnavailable
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers.kotak_neo.instruments import read_instruments
from order_router.domain.listing import Listing

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HEAD = (
    "pSymbol,pGroup,pExchSeg,pInstType,pSymbolName,pTrdSymbol,pOptionType,dTickSize ,lLotSize,lExpiryDate ,"
    "dStrikePrice;,lFreezeQty\n"
)
ROWS = 20_000
MEGABYTE = 1024 * 1024
SEGMENTS = ("nse_cm", "bse_cm", "nse_fo", "bse_fo")
FOLDER = "https://lapi.kotaksecurities.com/wso2-scripmaster/v1/prod/2026-11-20/transformed"


class Files:
    """Kotak's side: where the files are, and what is in them."""

    def __init__(self, folder: str = FOLDER, **files: str | bytes | RawIOBase) -> None:
        self.folder, self.files = folder, files
        self.sent: list[HttpRequest] = []

    @contextmanager
    def download(self, request: HttpRequest) -> Iterator[BinaryIO]:
        self.sent.append(request)
        if request.url.endswith("file-paths"):
            paths = [f"{self.folder}/{segment}.csv" for segment in SEGMENTS]
            yield BytesIO(json.dumps({"data": {"filesPaths": paths}}).encode())
            return
        text = self.files.get(request.url.rpartition("/")[2].removesuffix(".csv"), HEAD)
        body = text.encode() if isinstance(text, str) else text
        yield BytesIO(body) if isinstance(body, bytes) else cast("BinaryIO", body)

    def listings(self, endpoint: str = "https://cis.kotaksecurities.com") -> Iterator[Listing]:
        around = Surroundings(now=lambda: NOW)
        session = BrokerSession("main", endpoint, {"access_token": Secret("5c1f")}, around)
        return read_instruments(self.download, session)

    def read(self, endpoint: str = "https://cis.kotaksecurities.com") -> list[Listing]:
        return list(self.listings(endpoint))


def contract(expiry: int, segment: str = "nse_fo", strike: str = "-1", kind: str = "XX") -> str:
    name = {"XX": "NIFTY26NOVFUT", "CE": "NIFTY26NOV24500CE"}[kind]
    instrument_type = "FUTIDX" if kind == "XX" else "OPTIDX"
    return HEAD + f"1,XX,{segment},{instrument_type},NIFTY,{name},{kind},5,65,{expiry},{strike},1801\n"


def since_1980(day: datetime) -> int:
    return int(day.timestamp()) - 315_513_000


LAST = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("segment", ["nse_fo", "bse_fo"])
@pytest.mark.parametrize(
    "written", [since_1980(LAST), int(LAST.timestamp())], ids=["since 1980", "since 1970"]
)
def test_a_last_day_is_read_whichever_way_a_segment_writes_it(segment: str, written: int) -> None:
    (listing,) = Files(**{segment: contract(written, segment)}).read()

    assert listing.expiry == date(2026, 11, 24)


@pytest.mark.parametrize("minutes", [0, 18 * 60 + 29])
def test_a_last_day_is_the_exchanges_not_utcs(minutes: int) -> None:
    last = (
        datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
        if minutes == 0
        else datetime(2026, 11, 24, 18, 29, tzinfo=UTC)
    )

    (listing,) = Files(nse_fo=contract(int(last.timestamp()))).read()

    assert listing.expiry == date(2026, 11, 24)


@pytest.mark.parametrize(
    "expiry", [0, 1, int(datetime(2030, 1, 1, tzinfo=UTC).timestamp()) * 2, 999_999_999_999]
)
def test_a_last_day_that_no_contract_of_today_has_makes_the_list_unavailable(expiry: int) -> None:
    with pytest.raises(MasterUnavailable, match="nse_fo, line 2: "):
        Files(nse_fo=contract(expiry)).read()


@pytest.mark.parametrize(
    ("written", "strike"), [("2.45e+06", "24500"), ("2450000", "24500"), ("95050.000000", "950.5")]
)
def test_a_strike_is_in_paise_however_its_number_is_spelt(written: str, strike: str) -> None:
    (listing,) = Files(nse_fo=contract(since_1980(LAST), strike=written, kind="CE")).read()

    assert str(listing.strike) == strike
    assert listing.tick_size == Decimal("0.05")


def test_one_order_may_ask_for_less_than_what_nfo_freezes_at() -> None:
    (listing,) = Files(nse_fo=contract(since_1980(LAST))).read()

    assert listing.freeze_quantity == 1800


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ("2885,EQ,nse_cm,,RELIANCE,RELIANCE-EQ,,0,1,-1,-1,0", "dTickSize is not above zero"),
        ("2885,EQ,nse_cm,,RELIANCE,RELIANCE-EQ,,NaN,1,-1,-1,0", "dTickSize is not as documented"),
        ("2885,EQ,nse_cm,,RELIANCE,RELIANCE-EQ,,10,0,-1,-1,0", "lLotSize is not above zero"),
        ("2885,EQ,nse_cm,,RELIANCE,RELIANCE-EQ,,10,1,-1,-1,", "lFreezeQty is not as documented"),
        ("2885,EQ,nse_cm,,RELIANCE,RELIANCE-EQ,,10,1,-1,-1", "expected 12 cells, received 11"),
        ("2885,EQ,nse_cm,,RELIANCE,RELIANCE-EQ,,10,1,-1,-1,0,0", "expected 12 cells, received 13"),
        ("2885,EQ,bse_cm,,RELIANCE,RELIANCE-EQ,,10,1,-1,-1,0", "pExchSeg is of another segment"),
        ('2885,EQ,nse_cm,,"RELIANCE', "unexpected end of data"),
    ],
)
def test_a_row_that_is_not_as_documented_makes_the_list_unavailable(cells: str, why: str) -> None:
    with pytest.raises(MasterUnavailable, match=f"nse_cm, line 2: {why}"):
        Files(nse_cm=HEAD + cells + "\n").read()


@pytest.mark.parametrize("text", ["", "\n", "<html>no such file</html>\n", b"\xff\xfe\x00"])
def test_a_file_that_is_none_makes_the_list_unavailable(text: str | bytes) -> None:
    with pytest.raises(MasterUnavailable, match="nse_cm, line"):
        Files(nse_cm=text).read()


@pytest.mark.parametrize(
    "cells",
    [
        "2885,EQ,nse_cm,,RELIANCE,,,10,1,-1,-1,0",
        "26017,,nse_cm,,INDIAVIX,INDIAVIX,,10,1,-1,-1,0",
        "2885,EQ,nse_cm,,RELIANCE,relianceLtd,,10,1,-1,-1,0",
        "",
    ],
)
def test_what_has_no_name_or_no_series_is_left_out(cells: str) -> None:
    assert Files(nse_cm=HEAD + cells + "\n").read() == []


def test_heads_may_carry_blanks_a_semicolon_and_a_mark_of_their_encoding() -> None:
    row = "2885 ,EQ, nse_cm,,RELIANCE,RELIANCE-EQ ,,10,1,-1,-1,5392180\r\n"

    (listing,) = Files(nse_cm="\ufeff" + HEAD.replace("\n", "\r\n") + row).read()

    assert (str(listing.instrument), listing.broker_key) == ("NSE:RELIANCE", "nse_cm|2885")


def test_rows_come_while_the_file_is_read() -> None:
    bad = "2885,EQ,nse_cm,,RELIANCE,RELIANCE-EQ,,10,1,-1,-1,0\nbroken\n"
    rows = Files(nse_cm=HEAD + bad).listings()

    assert str(next(rows).instrument) == "NSE:RELIANCE"
    with pytest.raises(MasterUnavailable):
        next(rows)


class Endless(RawIOBase):
    """A file that is made as it is read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while len(self._left) < len(buffer):
            more = "".join(islice(self._lines, 500)).encode()
            if not more:
                break
            self._left += more
        taken, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def test_thousands_of_rows_are_read_in_less_than_a_megabyte() -> None:
    row = "2885,EQ,nse_cm,,RELIANCE,SHARE{}-EQ,,10,1,-1,-1,5392180\n"
    lines = (line for part in ((HEAD,), (row.format(number) for number in range(ROWS))) for line in part)
    files = Files(nse_cm=Endless(lines))
    tracemalloc.start()

    count = sum(1 for _ in files.listings())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == ROWS
    assert peak < MEGABYTE


def test_the_access_token_goes_to_the_sessions_host_alone() -> None:
    files = Files()

    files.read()

    holding = [request.url for request in files.sent if "5c1f" in str(dict(request.headers))]
    assert holding == ["https://cis.kotaksecurities.com/script-details/1.0/masterscrip/file-paths"]


@pytest.mark.parametrize(
    "folder", ["http://lapi.kotaksecurities.com/a", "https://lapi.kotaksecurities.com.example.org"]
)
def test_files_that_lie_elsewhere_are_not_fetched(folder: str) -> None:
    files = Files(folder)

    with pytest.raises(MasterUnavailable, match=r"not under kotaksecurities\.com"):
        files.read()
    assert len(files.sent) == 1


def test_files_may_lie_where_the_deployer_sent_the_session() -> None:
    assert Files("http://127.0.0.1:8080/files").read("http://127.0.0.1:8080") == []
