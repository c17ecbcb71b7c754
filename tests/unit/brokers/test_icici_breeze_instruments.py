"""Breeze's list of instruments: names as the exchanges spell them, and nothing guessed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import BinaryIO
from zipfile import ZipFile

import pytest

from order_router.adapter.http import HttpRequest
from order_router.adapter.master import MasterUnavailable
from order_router.adapter.session import BrokerSession
from order_router.brokers.icici_breeze import symbols
from order_router.brokers.icici_breeze.instruments import read_instruments
from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import InstrumentType, Listing
from tests.contract.conftest import samples_folder

FOLDER = samples_folder("icici_breeze")
FILES = {path.name: path.read_bytes() for path in sorted((FOLDER / "_master").glob("*.txt"))}
CONTRACTS, SHARES = "FONSEScripMaster.txt", "NSEScripMaster.txt"
OPTION = (
    b'"41001","OPTIDX","NIFTY","OPTION","24-Nov-2026","24500","CE","0","75","5","NIFTY 50","0","NIFTY 50"'
)


def read(files: Mapping[str, bytes]) -> list[Listing]:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)

    @contextmanager
    def download(request: HttpRequest) -> Iterator[BinaryIO]:
        yield BytesIO(content.getvalue())

    return list(read_instruments(download, BrokerSession("main", "https://api.icicidirect.com")))


def with_row(row: bytes, file: str = CONTRACTS) -> dict[str, bytes]:
    return FILES | {file: FILES[file] + row + b"\r\n"}


def names(listings: list[Listing]) -> set[str]:
    return {str(one.instrument) for one in listings}


def test_the_archive_of_the_samples_holds_the_files_beside_it() -> None:
    with ZipFile(FOLDER / "SecurityMaster.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == FILES


def test_the_list_comes_from_the_vendor_or_from_where_the_deployer_says() -> None:
    asked: list[str] = []

    @contextmanager
    def download(request: HttpRequest) -> Iterator[BinaryIO]:
        asked.append(request.url)
        yield (FOLDER / "SecurityMaster.zip").open("rb")

    for endpoint in ("https://api.icicidirect.com", "http://127.0.0.1:9"):
        list(read_instruments(download, BrokerSession("main", endpoint)))

    path = "/NewSecurityMaster/SecurityMaster.zip"
    assert asked == [f"https://directlink.icicidirect.com{path}", f"http://127.0.0.1:9{path}"]


@pytest.mark.parametrize(
    ("expiry", "is_monthly", "expected"),
    [
        (date(2026, 11, 24), True, "NIFTY26NOV24500CE"),
        (date(2026, 7, 14), False, "NIFTY2671424500CE"),
        (date(2026, 10, 6), False, "NIFTY26O0624500CE"),
        (date(2026, 11, 3), False, "NIFTY26N0324500CE"),
        (date(2026, 12, 1), False, "NIFTY26D0124500CE"),
    ],
)
def test_an_option_is_spelt_as_the_exchange_spells_it(expiry: date, is_monthly: bool, expected: str) -> None:
    strike = Decimal("24500.00")

    assert (
        symbols.option_symbol("NIFTY", expiry, strike, InstrumentType.CE, is_monthly=is_monthly) == expected
    )


def test_the_last_day_of_each_month_is_the_monthly_one_of_each_underlying_by_itself() -> None:
    nifty = {date(2026, 11, 24), date(2026, 12, 1), date(2026, 12, 29), date(2027, 1, 26)}

    found = symbols.monthly_days({"NIFTY": nifty, "OTHER": {date(2026, 12, 1)}}, {})

    assert found == {"NIFTY": nifty - {date(2026, 12, 1)}, "OTHER": {date(2026, 12, 1)}}


def test_a_future_that_ends_on_no_monthly_day_makes_the_whole_list_doubtful() -> None:
    row = OPTION.replace(b"OPTIDX", b"FUTIDX").replace(b"OPTION", b"FUTURE").replace(b'"CE"', b'"XX"')

    with pytest.raises(MasterUnavailable, match="NIFTY ends on 2026-12-01"):
        read(with_row(row.replace(b"24-Nov-2026", b"01-Dec-2026")))


def test_the_underlying_of_cnxban_is_banknifty() -> None:
    (found,) = [
        one for one in read(FILES) if one.broker_symbol == "CNXBAN" and one.expiry == date(2026, 11, 24)
    ]

    assert (str(found.instrument), found.underlying) == ("NFO:BANKNIFTY26NOVFUT", "BANKNIFTY")


def test_an_index_that_we_have_no_name_for_is_left_out() -> None:
    assert not any("NEWIDX" in one.broker_symbol for one in read(FILES))


def test_a_share_in_two_series_is_listed_once_and_as_the_usual_one() -> None:
    first = b'"2887","RELIND","BL","RELIANCE","0.1","1","INE002A01018","RELIANCE"\r\n'
    head, _, rows = FILES[SHARES].partition(b"\r\n")

    listings = read(FILES | {SHARES: head + b"\r\n" + first + rows})

    keys = [one.broker_key for one in listings]
    assert len(keys) == len(set(keys))
    assert [str(one.instrument) for one in listings if one.broker_key == "NSE|RELIND"] == ["NSE:RELIANCE"]


def test_every_name_and_every_key_is_there_once() -> None:
    listings = read(FILES)

    assert len(listings) == len(names(listings)) == len({one.broker_key for one in listings})
    assert {"NSE:M&M", "NSE:SGBAUG28V-GB", "NSE:NIFTY 50", "NFO:RELIANCE26NOV1507.5CE"} <= names(listings)
    assert all(parse_instrument(name) for name in names(listings))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"24-Nov-2026"', b'"tomorrow"', "tomorrow"),
        (b'"24500"', b'"a lot"', "strikeprice"),
        (b'"75","5"', b'"0","5"', "lotsize"),
        (b'"75","5"', b'"75","0.05"', "whole paise"),
        (b'"75","5"', b'"75","0"', "whole paise"),
        (b'"CE"', b'"XX"', "OptionType"),
        (b'"CE"', b'"CALL"', "OptionType"),
        (b'"NIFTY","OPTION"', b'"","OPTION"', "ShortName"),
        (b',"NIFTY 50"', b"", "fields"),
    ],
)
def test_a_row_that_is_not_as_documented_names_file_and_line(old: bytes, new: bytes, why: str) -> None:
    row = OPTION.replace(old, new, 1)
    assert row != OPTION

    with pytest.raises(MasterUnavailable, match=r"FONSEScripMaster\.txt line 12") as caught:
        read(with_row(row))

    assert why in caught.value.message


def test_one_contract_twice_makes_the_list_doubtful() -> None:
    with pytest.raises(MasterUnavailable, match="two contracts are called NIFTY26NOV24500CE"):
        read(with_row(OPTION))


@pytest.mark.parametrize("name", sorted(FILES.keys() - {"CDNSEScripMaster.txt"}))
def test_half_a_list_is_none(name: str) -> None:
    with pytest.raises(MasterUnavailable, match=name):
        read({other: text for other, text in FILES.items() if other != name})


def test_a_column_that_is_gone_is_named() -> None:
    with pytest.raises(MasterUnavailable, match="exchangecode"):
        read(FILES | {SHARES: FILES[SHARES].replace(b'"ExchangeCode"', b'"Else"')})


def test_a_cut_archive_is_none() -> None:
    content = (FOLDER / "SecurityMaster.zip").read_bytes()

    @contextmanager
    def download(request: HttpRequest) -> Iterator[BinaryIO]:
        yield BytesIO(content[: len(content) // 2])

    with pytest.raises(MasterUnavailable):
        list(read_instruments(download, BrokerSession("main", "https://api.icicidirect.com")))
