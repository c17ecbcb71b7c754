"""Which list may replace yesterday's: just inside each line, at it, just outside."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from order_router.domain.instrument_list import Expectation, InstrumentList, ListRefused, judge_list
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.vocabulary import Exchange
from tests.fakes.instruments import EXPIRY, contract, family, share

NSE, NFO = Exchange.NSE, Exchange.NFO
YESTERDAY = EXPIRY - timedelta(days=1)


def judged(rows: Iterable[Listing], day: date = EXPIRY, **expected: Any) -> InstrumentList:
    return judge_list(rows, Expectation(exchanges=frozenset({NSE, NFO}), day=day, **expected))


def refusal(rows: Iterable[Listing], day: date = EXPIRY, **expected: Any) -> str:
    with pytest.raises(ListRefused) as refused:
        judged(rows, day, **expected)
    return refused.value.message


def shares(count: int) -> list[Listing]:
    return [share(f"S{number}") for number in range(count)]


def test_a_good_list_is_kept_whole_and_counted_by_exchange() -> None:
    rows = [share(), *family()]

    found = judged(iter(rows))

    assert found == InstrumentList(tuple(rows), {NSE: 1, NFO: 7}, expired=0)


@pytest.mark.parametrize("before", [{}, {NSE: 1}])
def test_an_empty_list_is_none(before: dict[Exchange, int]) -> None:
    assert refusal([], before=before) == "the list is empty (0 of its contracts have expired)"


def test_a_contract_is_kept_on_its_last_day_and_left_out_after_it() -> None:
    over = contract("GOLD", expiry=YESTERDAY)
    rows = [*shares(20), *family(), over]

    found = judged(rows)

    assert over not in found.listings
    assert (found.rows, found.expired) == ({NSE: 20, NFO: 7}, 1)


def test_a_list_with_many_expired_contracts_is_an_old_one() -> None:
    over = [contract("GOLD", strike=str(strike), expiry=YESTERDAY) for strike in range(100, 103)]

    assert judged([*shares(27), *over]).expired == 3
    assert refusal([*shares(26), *over]) == "the list is an old one: 3 of its contracts have expired"


def test_a_tenth_of_a_long_list_may_have_expired_and_not_one_contract_more() -> None:
    over = [contract("GOLD", strike=str(strike), expiry=YESTERDAY) for strike in range(1, 101)]

    assert judged([*shares(900), *over]).expired == 100
    assert refusal([*shares(899), *over]) == "the list is an old one: 100 of its contracts have expired"


@pytest.mark.parametrize(("count", "is_good"), [(549, False), (550, True), (3000, True), (3001, False)])
def test_the_count_of_an_exchange_stays_in_a_band_around_yesterdays(count: int, *, is_good: bool) -> None:
    rows, before = shares(count), {NSE: 1000}

    if is_good:
        assert judged(rows, before=before).rows == {NSE: count}
    else:
        words = f"expected 550 to 3000 rows of NSE, where 1000 are loaded, received {count}"
        assert refusal(rows, before=before) == words


def test_an_exchange_that_is_gone_is_missed_though_the_others_are_whole() -> None:
    assert "rows of NFO" in refusal(shares(200), before={NSE: 200, NFO: 200})
    assert "rows of MCX" in refusal(shares(200), before={NSE: 200, Exchange.MCX: 200})


def test_a_few_rows_of_yesterday_may_all_be_gone_today() -> None:
    others = {Exchange.MCX: 80}

    assert judged(shares(10), before=others).rows == {NSE: 10}
    assert "expected 1 to 712 rows of MCX" in refusal(shares(10), before={Exchange.MCX: 85})
    assert refusal(shares(626), before={NSE: 50}) == (
        "expected 0 to 625 rows of NSE, where 50 are loaded, received 626"
    )


def test_rows_to_be_quoted_alone_are_taken_of_an_exchange_without_known_names() -> None:
    quoted = share("AAPL", Exchange.NASDAQ)

    assert judged([share(), quoted], floors={NSE: 1}).rows == {NSE: 1, Exchange.NASDAQ: 1}


def test_an_exchange_that_the_broker_takes_has_at_least_its_floor() -> None:
    rows = [share(), *shares(9)]

    assert judged(rows, floors={NSE: 10}).rows == {NSE: 10}
    assert refusal(rows, floors={NSE: 11}) == "expected at least 11 rows of NSE, received 10"
    assert judged(rows, floors={NSE: 10, Exchange.MCX: 1000}).rows == {NSE: 10}


@pytest.mark.parametrize("lacking", [InstrumentType.FUT, InstrumentType.CE, InstrumentType.PE])
def test_a_list_of_derivatives_has_a_known_underlying_with_all_its_contracts(lacking: InstrumentType) -> None:
    partly = [row for row in family() if row.instrument_type is not lacking]

    assert judged(family(), floors={NFO: 1}).rows == {NFO: 7}
    assert judged([*family("BANKNIFTY"), *partly], floors={NFO: 1}).rows == {NFO: 7 + len(partly)}
    assert refusal([*partly, *family("OTHER")], floors={NFO: 1}) == (
        "expected BANKNIFTY or NIFTY as CE, FUT, PE in NFO, found neither"
    )
    assert judged([*partly, *family("OTHER")]).rows == {NFO: 7 + len(partly)}


def test_a_list_of_shares_has_a_known_one() -> None:
    assert judged([share("TCS")], floors={NSE: 1}).rows == {NSE: 1}
    assert "INFY or RELIANCE" in refusal([share("OTHER")], floors={NSE: 1})


def test_the_same_row_twice_is_one_row() -> None:
    assert judged([share(), share()]).rows == {NSE: 1}


def test_two_rows_of_one_name_or_one_key_are_no_list() -> None:
    words = "two rows are called NSE:INFY or have its key"

    assert words in refusal([share(), share(tick_size=Decimal("0.1"))])
    assert words in refusal([share("TCS"), share(broker_key="nse|TCS")])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (share("infy"), "expected a tradingsymbol"),
        (share(broker_key=""), "expected a name of NSE:INFY at the broker"),
        (share(broker_key="x" * 201), "expected a name of NSE:INFY at the broker"),
        (share(broker_key="\ud800"), "expected a name of NSE:INFY at the broker"),
        (share(broker_symbol=""), "expected a name of NSE:INFY at the broker"),
        (share(tick_size=Decimal(0)), "expected a tick_size above 0"),
        (share(tick_size=Decimal("NaN")), "expected a tick_size above 0"),
        (share(tick_size=Decimal("Infinity")), "expected a tick_size above 0"),
        (share(lot_size=0), "expected a lot_size and a freeze_quantity above 0"),
        (share(freeze_quantity=0), "expected a lot_size and a freeze_quantity above 0"),
        (replace(contract(), expiry=None), "is a contract without an expiry"),
        (replace(contract(), strike=None), "is an option without a strike"),
        (replace(contract(), strike=Decimal(0)), "is an option without a strike"),
    ],
)
def test_a_row_that_no_order_could_be_held_against_is_no_list(row: Listing, words: str) -> None:
    assert words in refusal([share("TCS"), row])


@pytest.mark.parametrize(
    "row",
    [
        share(broker_key="1", broker_symbol="1"),
        share(broker_key="x" * 200, broker_symbol="y" * 200),
        share(lot_size=1, freeze_quantity=1),
        contract(strike="0.05"),
    ],
)
def test_the_least_and_the_most_that_a_row_may_say_is_taken(row: Listing) -> None:
    assert judged([row]).listings == (row,)


def test_what_is_wrong_with_an_expired_row_is_no_matter() -> None:
    over = replace(contract("GOLD", expiry=YESTERDAY), strike=None, lot_size=0)

    assert judged([*shares(20), over]).expired == 1


def test_a_contract_without_an_underlying_is_listed() -> None:
    nameless = replace(contract(), underlying=None)

    assert judged([nameless]).listings == (nameless,)


def test_an_index_has_no_grid() -> None:
    index = share("NIFTY 50", instrument_type=InstrumentType.INDEX, tick_size=Decimal(0), lot_size=0)

    assert judged([index]).listings == (index,)


def test_a_list_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("order_router.domain.instrument_list.MAX_ROWS", 5)

    assert judged(shares(5)).rows == {NSE: 5}
    assert refusal(shares(6)) == "expected at most 5 rows, received more"
