"""The exchange's clock: its zone, its days, and when a day's order book has its last word."""

from datetime import date, datetime, time, timedelta, timezone

from order_router.domain.vocabulary import Exchange

IST = timezone(timedelta(hours=5, minutes=30), "IST")
"""Asia/Kolkata has had this offset all year round since 1945; a fixed one needs no zone file in the function."""

EQUITY_FINAL = time(18, 0)
BOOK_IS_FINAL_FROM: dict[Exchange, time] = {
    Exchange.NSE: EQUITY_FINAL,
    Exchange.BSE: EQUITY_FINAL,
    Exchange.NFO: EQUITY_FINAL,
    Exchange.BFO: EQUITY_FINAL,
    Exchange.CDS: time(19, 30),
    Exchange.BCD: time(19, 30),
    Exchange.MCX: time(23, 58),
}
"""Hours after the close: a broker may learn an order's fate from the exchange long after 15:30.

Source: Zerodha bulletin 354850 and support page on execution times beyond market hours, read 2026-11-20.
"""


def exchange_day(at: datetime) -> date:
    """Return the day at the exchange."""
    return at.astimezone(IST).date()


def is_book_final(exchange: Exchange, day: date, at: datetime) -> bool:
    """Return whether a book read now is the last word on this day's orders: late that day, and not after it."""
    local = at.astimezone(IST)
    return local.date() == day and local.time() >= BOOK_IS_FINAL_FROM[exchange]
