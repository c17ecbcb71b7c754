"""Kite's dump is read as a stream: whole, in little memory, or not at all."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, RawIOBase
from itertools import islice
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.adapter.http import HttpRequest
from order_router.adapter.master import Download, MasterUnavailable
from order_router.adapter.session import BrokerSession, Secret
from order_router.brokers.zerodha.instruments import COLUMNS, read_instruments

HEADER = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,"
    "instrument_type,segment,exchange"
)
OPTION = "10967554,42842,NIFTY26NOV26500CE,NIFTY,102.35,2026-11-24,26500,0.05,75,CE,NFO-OPT,NFO"
ROWS = 5_000
MEGABYTE = 1024 * 1024


def session(endpoint: str = "https://api.kite.trade") -> BrokerSession:
    secrets = {"api_key": Secret("k"), "access_token": Secret("t")}
    return BrokerSession(account="main", endpoint=endpoint, secrets=secrets)


def serving(stream: Any, asked: list[HttpRequest] | None = None) -> Download:
    @contextmanager
    def download(request: HttpRequest) -> Iterator[BinaryIO]:
        if asked is not None:
            asked.append(request)
        yield stream

    return download


def listed(text: str | bytes) -> list[str]:
    body = text if isinstance(text, bytes) else text.encode()
    return [str(one.instrument) for one in read_instruments(serving(BytesIO(body)), session())]


class Endless(RawIOBase):
    """A dump that is made as it is read."""

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
    lines = (f"{OPTION.replace('26500', str(10000 + number))}\n" for number in range(ROWS))
    stream = Endless(line for part in ((f"{HEADER}\n",), lines) for line in part)
    tracemalloc.start()

    count = sum(1 for _ in read_instruments(serving(stream), session()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == ROWS
    assert peak < MEGABYTE


def test_the_sandbox_serves_its_dump_outside_its_path() -> None:
    asked: list[HttpRequest] = []
    body = BytesIO(f"{HEADER}\n{OPTION}\n".encode())

    list(read_instruments(serving(body, asked), session("https://sandbox.kite.trade/oms")))

    assert [one.url for one in asked] == ["https://sandbox.kite.trade/instruments"]
    assert not asked[0].is_write


@pytest.mark.parametrize("column", COLUMNS)
def test_each_column_that_is_read_must_be_there(column: str) -> None:
    header = ",".join("another" if name == column else name for name in HEADER.split(","))

    with pytest.raises(MasterUnavailable, match=column):
        listed(f"{header}\n{OPTION}\n")


@pytest.mark.parametrize("size", range(len(HEADER) + 2, len(HEADER) + len(OPTION) - 13))
def test_a_dump_that_is_cut_within_a_row_is_no_list(size: int) -> None:
    with pytest.raises(MasterUnavailable):
        listed(f"{HEADER}\n{OPTION}\n"[:size])


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", HEADER.encode() + b"\n\xff\xfe\n", b"\x00" * 40])
def test_a_file_that_is_no_text_is_no_list(body: bytes) -> None:
    with pytest.raises(MasterUnavailable):
        listed(body)


@pytest.mark.parametrize("symbol", ["odd#name", "lower", "A" * 51, "*STAR", "\u0661\u0662"])
def test_an_instrument_that_our_names_cannot_spell_is_left_out(symbol: str) -> None:
    odd = OPTION.replace("NIFTY26NOV26500CE", symbol)

    assert listed(f"{HEADER}\n{odd}\n{OPTION}\n") == ["NFO:NIFTY26NOV26500CE"]


@pytest.mark.parametrize("text", ["nan", "inf", "-0.05", "1e3", "\u0661", "", " 75", "75 ", "7" * 13, "0x10"])
@pytest.mark.parametrize("column", ["75", "26500,", "0.05"])
def test_a_number_that_is_none_makes_the_list_unavailable(column: str, text: str) -> None:
    wrong = OPTION.replace(f",{column.rstrip(',')},", f",{text},", 1)
    assert wrong != OPTION

    with pytest.raises(MasterUnavailable, match="line 2"):
        listed(f"{HEADER}\n{wrong}\n")


@given(body=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: f"{HEADER}\n{text}".encode()))
def test_no_file_raises_anything_but_that_there_is_no_list(body: bytes) -> None:
    try:
        found = listed(body)
    except MasterUnavailable:
        return
    assert all(":" in name for name in found)
