"""The exchange's clock: its zone, its days, when a day's order book has its last word, and when a day is over.

What is exact here is Indian. Of every other venue only bounds are known, each on the side that closes nothing.
"""

from datetime import date, datetime, time, timedelta, timezone

from order_router.domain.vocabulary import INDIAN, Exchange

IST = timezone(timedelta(hours=5, minutes=30), "IST")
"""Asia/Kolkata has had this offset all year round since 1945; a fixed one needs no zone file in the function."""

CENTRAL = timezone(timedelta(hours=-6), "CT")
"""Chicago in winter: a day in New York or Chicago is over no later than this says."""

LONGEST_DAY = timedelta(days=5)
"""By when an order of any venue has seen its day end: one received as a market closes before a long weekend rests until
the evening after it (NYSE's calendar of 2026 and 2027, nyse.com/markets/hours-calendars: four days), and one more."""

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


AFTER_CLOSE = dict.fromkeys((Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO), timedelta(hours=2))
"""How long after the last close an exchange's book is final: 18:00 after the usual 16:00, later after a late one."""


FIRST_TRADE = time(9, 0)
"""Before this nothing trades in India, Asia/Kolkata: commodities begin then, shares and derivatives at 9:15, after a
pre-open that begins then (infra/calendar/README.md)."""

FIRST_LOOK_FROM = time(8, 0)

FIRST_LOOK = timedelta(minutes=15)
"""By when the day's first look at an account has come: one begins every ten minutes, day and night."""


def is_before_trading(exchange: Exchange, day: date, at: datetime) -> bool:
    """Return whether nothing has traded on that Indian day; outside India, whether the day has only just begun."""
    midnight = datetime.combine(day, time(), IST)
    trades_at = datetime.combine(day, FIRST_TRADE, IST) if exchange in INDIAN else midnight + FIRST_LOOK
    return at < trades_at


def is_time_for_first_look(exchange: Exchange, at: datetime) -> bool:
    """Return whether this is when a day's first look at an account finds what was carried into the day.

    In India the hour before anything trades: the brokers' sessions of the day have begun by then, or will.
    """
    is_late_enough = exchange not in INDIAN or at.astimezone(IST).time() >= FIRST_LOOK_FROM
    return is_late_enough and is_before_trading(exchange, exchange_day(at), at)


def exchange_day(at: datetime) -> date:
    """Return the day at the Indian exchanges, by which orders are filed and counted."""
    return at.astimezone(IST).date()


def venue_day(exchange: Exchange, at: datetime) -> date:
    """Return the day at a venue; outside India the latest that it can be, so that no contract ends too early."""
    return at.astimezone(IST if exchange in INDIAN else CENTRAL).date()


def is_day_over(exchange: Exchange, trades_from: datetime, at: datetime) -> bool:
    """Return whether the trading day of an order that could trade from then on is certainly over."""
    if exchange in INDIAN:
        return exchange_day(at) > exchange_day(trades_from)
    return at - trades_from > LONGEST_DAY


def is_book_final(exchange: Exchange, day: date, at: datetime, closes_at: datetime | None = None) -> bool:
    """Return whether a book read now is the last word on this day's orders: late that day, and not after it.

    `closes_at`: when the day's last session ends, where that is known; one of Diwali's evening ends late. Never so of a
    venue whose hours are not in the table: an order that its book lacks stays unknown.
    """
    if exchange not in BOOK_IS_FINAL_FROM:
        return False
    if closes_at is not None and at < closes_at + AFTER_CLOSE.get(exchange, timedelta()):
        return False
    local = at.astimezone(IST)
    return local.date() == day and local.time() >= BOOK_IS_FINAL_FROM[exchange]
