"""From which minute of the evening a book has the last word, for each exchange."""

from datetime import UTC, date, datetime, timedelta

import pytest

from order_router.domain.exchange_time import IST, exchange_day, is_book_final
from order_router.domain.vocabulary import Exchange

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


@pytest.mark.parametrize("exchange", Exchange)
def test_a_book_has_the_last_word_from_its_exchange_s_minute(exchange: Exchange) -> None:
    hour, minute = FINAL_FROM[exchange]
    final_at = datetime(2026, 11, 23, hour, minute, tzinfo=IST)

    assert is_book_final(exchange, DAY, final_at)
    assert not is_book_final(exchange, DAY, final_at - timedelta(microseconds=1))


def test_a_day_ends_at_midnight_in_kolkata() -> None:
    midnight = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)

    assert exchange_day(midnight - timedelta(microseconds=1)) == DAY
    assert exchange_day(midnight) == date(2026, 11, 24)
