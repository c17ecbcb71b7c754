"""The rule that an order leaves while its exchange takes orders, or as one that its broker keeps until it does.

An after-market order is of the next session, not of the day on which it was received: what its day says is asked here.
"""

from collections.abc import Collection
from datetime import date, datetime

from order_router.domain.errors import OrderDenied
from order_router.domain.exchange_time import IST, LONGEST_DAY, exchange_day, is_day_over
from order_router.domain.request import OrderRequest
from order_router.domain.trading_calendar import DAY, LONGEST_CLOSURE, WEEKDAYS, TradingCalendar
from order_router.domain.vocabulary import INDIAN, Exchange

LONGEST_WAIT = LONGEST_CLOSURE + LONGEST_DAY
"""By when an after-market order has seen its day end where no calendar says which session it is for."""


class MarketClosed(OrderDenied):
    """The exchange takes no orders now."""

    code = "MARKET_CLOSED"


class MarketOpen(OrderDenied):
    """The order is meant for after the market, and the exchange takes orders now."""

    code = "MARKET_OPEN"


def require_open(request: OrderRequest, calendar: TradingCalendar, at: datetime) -> None:
    """Raise MarketClosed outside the exchange's hours, and MarketOpen within them if the order is for after the market.

    Hours that nobody knows refuse nothing: the broker knows them, its refusal costs a call, and ours could cost a trade
    that somebody needs to leave a position. Whether the broker keeps orders for the next session is its profile's.
    """
    exchange = request.instrument.exchange
    is_open = calendar.is_open(exchange, at)
    if is_open and request.after_market:
        raise MarketOpen(f"{exchange} takes orders now, at {_clock(exchange, at)}: leave after_market out")
    if is_open is False and not request.after_market:
        raise MarketClosed(
            f"{exchange} takes no orders at {_clock(exchange, at)}{_until(exchange, calendar, at)}"
        )


def trades_from(request: OrderRequest, received_at: datetime, calendar: TradingCalendar) -> datetime | None:
    """Return from when an order received then can trade: at once, or as a session opens; None if that is not known."""
    if not request.after_market:
        return received_at
    return calendar.next_open(request.instrument.exchange, received_at)


def trading_day(request: OrderRequest, received_at: datetime, calendar: TradingCalendar) -> date | None:
    """Return the day at the Indian exchanges that an order received then is for; None if that is not known."""
    begins_at = trades_from(request, received_at, calendar)
    return None if begins_at is None else exchange_day(begins_at)


def has_day_ended(
    request: OrderRequest, received_at: datetime, calendar: TradingCalendar, at: datetime
) -> bool:
    """Return whether the trading day of an order received then is certainly over."""
    begins_at = trades_from(request, received_at, calendar)
    if begins_at is None:
        return at - received_at > LONGEST_WAIT
    return is_day_over(request.instrument.exchange, begins_at, at)


def days_in_book(
    exchanges: Collection[Exchange], calendar: TradingCalendar, at: datetime
) -> tuple[date, ...]:
    """Return the days on which orders were received that a book of these exchanges read then may show, latest first.

    The day itself and the one before, for venues abroad trade past midnight; and back to a day on which all of them
    traded, for an after-market order waits from then on. Where hours are not known, every weekday counts as one.
    """
    today = exchange_day(at)
    days = [today, today - DAY]
    while today - days[-1] < LONGEST_CLOSURE and not all(
        _trades(calendar, one, days[-1]) for one in exchanges
    ):
        days.append(days[-1] - DAY)
    return tuple(days)


def _trades(calendar: TradingCalendar, exchange: Exchange, day: date) -> bool:
    sessions = calendar.sessions(exchange, day)
    return day.weekday() in WEEKDAYS if sessions is None else bool(sessions)


def _until(exchange: Exchange, calendar: TradingCalendar, at: datetime) -> str:
    opens_at = calendar.next_open(exchange, at)
    return "" if opens_at is None else f"; it does again from {_clock(exchange, opens_at)}"


def _clock(exchange: Exchange, at: datetime) -> str:
    """Write a moment as traders of the exchange read it: Indian time at Indian exchanges, else UTC."""
    if exchange in INDIAN:
        return f"{at.astimezone(IST):%a %d %b %Y %H:%M:%S} IST"
    return f"{at:%a %d %b %Y %H:%M:%S} UTC"
