"""From which minute of the evening a book has the last word, for each exchange."""

from datetime import UTC, date, datetime, timedelta

import pytest

from order_router.domain.exchange_time import (
    IST,
    LONGEST_DAY,
    exchange_day,
    is_book_final,
    is_day_over,
    is_time_for_first_look,
    venue_day,
)
from order_router.domain.vocabulary import INDIAN, Exchange

DAY = date(2026, 11, 23)
FINAL_FROM = {
    Exchange.NSE: (18, 0),
    Exchange.BSE: (18, 0),
    Exchange.NFO: (18, 0),
    Exchange.BFO: (18, 0),
    Exchange.CDS: (19, 30),
    Exchange.BCD: (19, 30),
    Exchange.MCX: (23, 58),
}


@pytest.mark.parametrize("exchange", sorted(INDIAN))
def test_a_book_has_the_last_word_from_its_exchange_s_minute(exchange: Exchange) -> None:
    hour, minute = FINAL_FROM[exchange]
    final_at = datetime(2026, 11, 23, hour, minute, tzinfo=IST)

    assert is_book_final(exchange, DAY, final_at)
    assert not is_book_final(exchange, DAY, final_at - timedelta(microseconds=1))


@pytest.mark.parametrize("exchange", sorted(INDIAN))
def test_no_book_has_the_last_word_while_a_late_session_may_still_be_settled(exchange: Exchange) -> None:
    closes_at = datetime(2026, 11, 23, 21, 0, tzinfo=IST)
    shares = {Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO}
    wait = timedelta(hours=2) if exchange in shares else timedelta()
    final_at = max(closes_at + wait, datetime(2026, 11, 23, *FINAL_FROM[exchange], tzinfo=IST))

    assert is_book_final(exchange, DAY, final_at, closes_at)
    assert not is_book_final(exchange, DAY, final_at - timedelta(microseconds=1), closes_at)


def test_a_day_ends_at_midnight_in_kolkata() -> None:
    midnight = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)

    assert exchange_day(midnight - timedelta(microseconds=1)) == DAY
    assert exchange_day(midnight) == date(2026, 11, 24)


@pytest.mark.parametrize("exchange", sorted(INDIAN))
def test_a_day_s_first_look_comes_from_eight_until_anything_trades_at_nine(exchange: Exchange) -> None:
    eight, nine = (datetime(2026, 11, 23, hour, tzinfo=IST) for hour in (8, 9))
    moment = timedelta(microseconds=1)

    asked = (eight - moment, eight, nine - moment, nine)

    assert [is_time_for_first_look(exchange, at) for at in asked] == [False, True, True, False]


ELSEWHERE = sorted(set(Exchange) - INDIAN)


@pytest.mark.parametrize("exchange", ELSEWHERE)
def test_no_book_has_the_last_word_outside_india(exchange: Exchange) -> None:
    hours = [datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=hour) for hour in range(72)]

    assert not any(is_book_final(exchange, DAY, at) for at in hours)


@pytest.mark.parametrize("exchange", ELSEWHERE)
def test_a_day_outside_india_is_over_after_the_longest_weekend(exchange: Exchange) -> None:
    received_at = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)

    assert not is_day_over(exchange, received_at, received_at + LONGEST_DAY)
    assert is_day_over(exchange, received_at, received_at + LONGEST_DAY + timedelta(microseconds=1))


def test_a_day_in_india_is_over_at_midnight_in_kolkata() -> None:
    received_at, midnight = (
        datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
        datetime(2026, 11, 23, 18, 30, tzinfo=UTC),
    )

    assert not is_day_over(Exchange.NSE, received_at, midnight - timedelta(microseconds=1))
    assert is_day_over(Exchange.NSE, received_at, midnight)


def test_a_contract_trades_through_its_last_day_in_new_york() -> None:
    last_minute_of_trading = datetime(2026, 12, 18, 20, 59, tzinfo=UTC)

    assert venue_day(Exchange.OPRA, last_minute_of_trading) == date(2026, 12, 18)
    assert venue_day(Exchange.NFO, last_minute_of_trading) == date(2026, 12, 19)


def test_a_day_outside_india_ends_at_midnight_in_a_chicago_winter() -> None:
    midnight = datetime(2026, 12, 19, 6, 0, tzinfo=UTC)

    assert venue_day(Exchange.CME, midnight - timedelta(microseconds=1)) == date(2026, 12, 18)
    assert venue_day(Exchange.CME, midnight) == date(2026, 12, 19)
