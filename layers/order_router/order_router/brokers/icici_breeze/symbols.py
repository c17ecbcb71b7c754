"""How the exchanges spell contracts: composed from underlying, last day, strike and right (sources: README.md)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal

from order_router.adapter.master import MasterUnavailable
from order_router.brokers.icici_breeze.contracts import plain
from order_router.domain.listing import InstrumentType

# how the list names an index, and how the exchange spells its contracts; an index that is not here is left out
INDEX_ROOTS: Mapping[str, str] = {
    "NIFTY 50": "NIFTY",
    "NIFTY BANK": "BANKNIFTY",
    "NIFTY FIN SERVICE": "FINNIFTY",
    "NIFTY FINANCIAL SERVICES": "FINNIFTY",
    "NIFTY MID SELECT": "MIDCPNIFTY",
    "NIFTY MIDCAP SELECT": "MIDCPNIFTY",
    "NIFTY NEXT 50": "NIFTYNXT50",
    "SENSEX": "SENSEX",
    "BSE SENSEX": "SENSEX",
    "BANKEX": "BANKEX",
    "BSE BANKEX": "BANKEX",
    "SENSEX 50": "SENSEX50",
    "SENSEX50": "SENSEX50",
}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKLY_MONTHS = "123456789OND"

Days = Mapping[str, AbstractSet[date]]


def monthly_days(options: Days, futures: Days) -> Days:
    """Return the last days of each underlying's monthly options: the last that its list has in each month.

    Futures end on monthly days alone; MasterUnavailable if one of them ends on another day of a month that has
    options: then the list is not what the spelling of weekly and monthly options relies on.
    """
    found = {root: _last_of_each_month(days) for root, days in options.items()}
    for root, days in futures.items():
        months = {(day.year, day.month) for day in options.get(root, set())}
        odd = [day for day in days if (day.year, day.month) in months and day not in found[root]]
        if odd:
            raise MasterUnavailable(
                f"a future of {root} ends on {min(odd)}, its monthly options on another day"
            )
    return found


def future_symbol(root: str, expiry: date) -> str:
    """Return a future's name, like BANKNIFTY26NOVFUT."""
    return f"{root}{expiry:%y}{MONTHS[expiry.month - 1]}FUT"


def option_symbol(
    root: str, expiry: date, strike: Decimal, right: InstrumentType, *, is_monthly: bool
) -> str:
    """Return an option's name: monthly like NIFTY26NOV24500CE, weekly like NIFTY2671423700PE."""
    day = MONTHS[expiry.month - 1] if is_monthly else f"{WEEKLY_MONTHS[expiry.month - 1]}{expiry:%d}"
    return f"{root}{expiry:%y}{day}{plain(strike)}{right}"


def _last_of_each_month(days: Iterable[date]) -> AbstractSet[date]:
    months: defaultdict[tuple[int, int], list[date]] = defaultdict(list)
    for day in days:
        months[day.year, day.month].append(day)
    return {max(of_month) for of_month in months.values()}
