"""When exchanges take orders: each venue's week, its holidays and special sessions, and what of them is not known.

Pure: the days are read from a text that the layer carries; `infra/calendar/` says where they come from. Hours are those
of order entry, at their widest. A day that the calendar does not know is neither open nor closed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from order_router.domain.errors import RouterError
from order_router.domain.vocabulary import INDIAN, Exchange

DAY = timedelta(days=1)
LONGEST_CLOSURE = timedelta(days=15)
"""How far the next opening is looked for."""


class CalendarUnreadable(RouterError):
    """The text of a calendar, or of a change to one, cannot be read."""

    code = "CALENDAR_UNREADABLE"


@dataclass(frozen=True, slots=True)
class Session:
    """One session: it takes orders from `opens_at` on and no more at `closes_at`."""

    opens_at: datetime
    closes_at: datetime

    def holds(self, at: datetime) -> bool:
        """Return whether the session takes orders then."""
        return self.opens_at <= at < self.closes_at


@dataclass(frozen=True, slots=True)
class Hours:
    """From and until when a day's session runs, since the venue's midnight; negative: the evening before."""

    opens: timedelta
    closes: timedelta

    def on(self, midnight: datetime) -> Session:
        """Return the session of the day that begins at this midnight."""
        return Session(midnight + self.opens, midnight + self.closes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A venue's usual week from `first_day` on: its clock's offset from UTC, its weekdays (Monday 0), their hours."""

    first_day: date
    offset: timedelta
    weekdays: frozenset[int]
    hours: tuple[Hours, ...]

    def midnight(self, day: date) -> datetime:
        """Return when this day begins there."""
        return datetime.combine(day, time(), tzinfo=UTC) - self.offset


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueCalendar:
    """A venue's days from the first to the last that are known; `days` differ from their week, None: hours unknown."""

    first_day: date
    last_day: date
    weeks: tuple[Week, ...]
    days: Mapping[date, tuple[Hours, ...] | None]

    def sessions(self, day: date) -> tuple[Session, ...] | None:
        """Return the day's sessions, None if they are not known."""
        hours = self._hours(day)
        return None if hours is None else tuple(one.on(self._week(day).midnight(day)) for one in hours)

    def is_open(self, at: datetime) -> bool | None:
        """Return whether orders are taken then; None: a day that may hold this moment is not known."""
        is_unknown = False
        for day in _days_around(at):
            sessions = self.sessions(day)
            if sessions is None:
                is_unknown = is_unknown or self._reach(day).holds(at)
            elif any(session.holds(at) for session in sessions):
                return True
        return None if is_unknown else False

    def next_open(self, at: datetime) -> datetime | None:
        """Return the first moment from then on at which orders are taken; None if that is not known."""
        day, last = at.date() - DAY, (at + LONGEST_CLOSURE).date()
        while day <= last:
            sessions = self.sessions(day)
            if sessions is None and self._reach(day).closes_at > at:
                return None
            for session in sessions or ():
                if session.closes_at > at:
                    return max(session.opens_at, at)
            day += DAY
        return None

    def _hours(self, day: date) -> tuple[Hours, ...] | None:
        if day in self.days:
            return self.days[day]
        if not self.first_day <= day <= self.last_day:
            return None
        week = self._week(day)
        return week.hours if day.weekday() in week.weekdays else ()

    def _week(self, day: date) -> Week:
        past = [week for week in self.weeks if week.first_day <= day]
        return past[-1] if past else self.weeks[0]

    def _reach(self, day: date) -> Session:
        """Return all that a session of this day could hold: the day, and the evening before if sessions begin then."""
        week = self._week(day)
        earliest = min((hours.opens for hours in week.hours), default=timedelta())
        return Hours(min(earliest, timedelta()), DAY).on(week.midnight(day))


def _days_around(at: datetime) -> Iterator[date]:
    """Give the dates, anywhere, whose sessions can hold this moment."""
    for step in (-1, 0, 1):
        yield at.date() + step * DAY


@dataclass(frozen=True, slots=True)
class TradingCalendar:
    """Every venue whose hours are kept; of another one nothing is known."""

    venues: Mapping[Exchange, VenueCalendar]

    def sessions(self, exchange: Exchange, day: date) -> tuple[Session, ...] | None:
        """Return the day's sessions, none on a holiday; None if they are not known."""
        venue = self.venues.get(exchange)
        return None if venue is None else venue.sessions(day)

    def is_open(self, exchange: Exchange, at: datetime) -> bool | None:
        """Return whether the exchange takes orders then; None if that is not known."""
        venue = self.venues.get(exchange)
        return None if venue is None else venue.is_open(at)

    def may_be_open(self, exchanges: Iterable[Exchange], at: datetime) -> bool:
        """Return whether one of these may take orders then: one whose hours are not known may.

        Combinations have no hours of their own: their legs' venues do.
        """
        return any(self.is_open(one, at) is not False for one in exchanges if one is not Exchange.COMBO)

    def next_open(self, exchange: Exchange, at: datetime) -> datetime | None:
        """Return the first moment from then on at which it takes orders; None if that is not known."""
        venue = self.venues.get(exchange)
        return None if venue is None else venue.next_open(at)

    def is_trading_day(self, exchange: Exchange, day: date) -> bool:
        """Return whether the exchange may trade on this day: where its hours are not known, a weekday or a kept day."""
        sessions = self.sessions(exchange, day)
        if sessions is not None:
            return bool(sessions)
        return day.weekday() in WEEKDAYS or (exchange in self.venues and day in self.venues[exchange].days)

    def ends_within(self, exchange: Exchange, at: datetime, ahead: timedelta) -> date | None:
        """Return the last day that is known of a venue, if that comes so soon; None if it does not."""
        venue = self.venues.get(exchange)
        if venue is None or (at + ahead).date() <= venue.last_day:
            return None
        return venue.last_day

    def changed(self, days: Mapping[date, tuple[Hours, ...]]) -> "TradingCalendar":
        """Return the calendar with these days of the share market as whoever deployed the stack knows them.

        What India's other exchanges do on such a day is not known, unless the calendar says so: commodities trade in
        the evening of most of its holidays.
        """
        return TradingCalendar({name: _changed(name, venue, days) for name, venue in self.venues.items()})


def _changed(
    exchange: Exchange, venue: VenueCalendar, days: Mapping[date, tuple[Hours, ...]]
) -> VenueCalendar:
    if exchange in SHARE_MARKET:
        return replace(venue, days={**venue.days, **days})
    return replace(venue, days={**dict.fromkeys(days), **venue.days}) if exchange in INDIAN else venue


SHARE_MARKET = frozenset({Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO})
WEEKDAYS = frozenset(range(5))
NO_CALENDAR = TradingCalendar({})
"""Of no exchange anything is known: nothing is refused for its hours."""


def parse_calendar(text: str) -> TradingCalendar:
    """Read a calendar from the text that the layer carries; CalendarUnreadable if it is none."""
    try:
        read = json.loads(text)
        venues = [(calendar["exchanges"], _venue(calendar)) for calendar in read["calendars"]]
        return TradingCalendar({Exchange(name): venue for names, venue in venues for name in names})
    except (LookupError, TypeError, ValueError) as error:
        raise CalendarUnreadable(f"the calendar cannot be read: {type(error).__name__}") from error


def _venue(read: Mapping[str, object]) -> VenueCalendar:
    weeks, days = read["weeks"], read["days"]
    if not isinstance(weeks, list) or not weeks or not isinstance(days, dict):
        raise TypeError("expected weeks and days")
    return VenueCalendar(
        first_day=date.fromisoformat(str(read["from"])),
        last_day=date.fromisoformat(str(read["until"])),
        weeks=tuple(_week(week) for week in weeks),
        days={
            date.fromisoformat(day): None if hours is None else _hours(hours) for day, hours in days.items()
        },
    )


def _week(read: Mapping[str, object]) -> Week:
    offset, weekdays = read["offset"], read["weekdays"]
    if not isinstance(offset, int) or not isinstance(weekdays, list):
        raise TypeError("expected minutes and weekdays")
    return Week(
        first_day=date.fromisoformat(str(read["from"])),
        offset=timedelta(minutes=offset),
        weekdays=frozenset(weekdays),
        hours=_hours(read["hours"]),
    )


def _hours(read: object) -> tuple[Hours, ...]:
    if not isinstance(read, list):
        raise TypeError("expected pairs of minutes")
    return tuple(Hours(timedelta(minutes=opens), timedelta(minutes=closes)) for opens, closes in read)


def parse_hours(text: str) -> Hours:
    """Read hours such as 09:15-15:30, or -07:00-16:00 that begin the evening before; ValueError if they are none."""
    evening = text.startswith("-")
    opens, separator, closes = text.removeprefix("-").partition("-")
    if not separator:
        raise ValueError(f"expected hours such as 09:15-15:30, received {text!r}")
    hours = Hours(-_since_midnight(opens) if evening else _since_midnight(opens), _since_midnight(closes))
    if not hours.opens < hours.closes:
        raise ValueError(f"hours must end after they begin, received {text!r}")
    return hours


def in_order(hours: Iterable[Hours]) -> tuple[Hours, ...]:
    """Return a day's hours by when they begin, those that overlap as one."""
    found: list[Hours] = []
    for one in sorted(hours, key=lambda hours: hours.opens):
        if found and one.opens < found[-1].closes:
            found[-1] = Hours(found[-1].opens, max(found[-1].closes, one.closes))
        else:
            found.append(one)
    return tuple(found)


def _since_midnight(text: str) -> timedelta:
    at = time.fromisoformat(text)
    return timedelta(hours=at.hour, minutes=at.minute)
