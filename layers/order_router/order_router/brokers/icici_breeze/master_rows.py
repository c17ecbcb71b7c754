"""One row of the list of instruments, read into what we know it as (sources and dates: README.md)."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from order_router.brokers.icici_breeze.contracts import Contract, broker_key
from order_router.brokers.icici_breeze.symbols import INDEX_ROOTS, future_symbol, option_symbol
from order_router.domain.instrument import TRADINGSYMBOL, Instrument
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.vocabulary import Exchange

SHORT_NAME = re.compile(r"[A-Z0-9&*-]{1,20}")
NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
USUAL_SERIES = "EQ"
INDEX_SERIES = "0"
# the first three letters say future or option, the rest index or share; BSE's file spells an index IND
ON_INDEX = frozenset({"FUTIDX", "OPTIDX", "FUTIND", "OPTIND"})
ON_SHARE = frozenset({"FUTSTK", "OPTSTK"})
RIGHTS = {"CE": InstrumentType.CE, "PE": InstrumentType.PE, "XX": InstrumentType.FUT}
PAISE = Decimal(100)

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A share or an index, and whether it is in the series that is traded by default."""

    listing: Listing
    is_usual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRow:
    """A future or an option, before it is known whether its last day is a monthly one."""

    root: str
    short_name: str
    right: InstrumentType
    expiry: date
    strike: Decimal
    tick_size: Decimal
    lot_size: int


def read_share_row(row: Row, exchange: Exchange) -> ShareRow | None:
    """Read a row of a cash file; None if it has no name that our vocabulary takes, or no tick."""
    code, series, short_name = row["exchangecode"].strip(), row["series"].strip(), row["shortname"].strip()
    is_index = series == INDEX_SERIES
    is_plain = is_index or series == USUAL_SERIES or exchange is Exchange.BSE
    symbol = code if is_plain else f"{code}-{series}"
    tick_size = _number(row, "ticksize")
    can_be_named = TRADINGSYMBOL.fullmatch(symbol) and SHORT_NAME.fullmatch(short_name)
    if not code or not can_be_named or not (tick_size or is_index):
        return None
    listing = Listing(
        instrument=Instrument(exchange, symbol),
        instrument_type=InstrumentType.INDEX if is_index else InstrumentType.EQ,
        broker_symbol=short_name,
        broker_key=broker_key(exchange, short_name),
        tick_size=tick_size,
        lot_size=_whole(row, "lotsize"),
    )
    return ShareRow(listing, is_usual=series == USUAL_SERIES)


def read_contract_row(row: Row) -> ContractRow | None:
    """Read a row of a derivatives file; None if it derives from what our vocabulary has no name for."""
    kind = row["instrumentname"].strip()
    root = _root(row["exchangecode"].strip(), kind)
    if root is None:
        return None
    tick_size = _number(row, "ticksize") / PAISE
    if tick_size <= 0 or tick_size != round(tick_size, 2):
        raise ValueError(f"expected a TickSize in whole paise, received {row['ticksize'][:20]!r}")
    return ContractRow(
        root=root,
        short_name=_short_name(row),
        right=_right(row, kind),
        expiry=_day(row["expirydate"].strip()),
        strike=_number(row, "strikeprice"),
        tick_size=tick_size,
        lot_size=_whole(row, "lotsize"),
    )


def contract_listing(row: ContractRow, exchange: Exchange, *, is_monthly: bool) -> Listing:
    """Return the contract under the exchange's own spelling of its name."""
    is_future = row.right is InstrumentType.FUT
    strike = None if is_future else row.strike
    symbol = (
        future_symbol(row.root, row.expiry)
        if strike is None
        else option_symbol(row.root, row.expiry, strike, row.right, is_monthly=is_monthly)
    )
    return Listing(
        instrument=Instrument(exchange, symbol),
        instrument_type=row.right,
        broker_symbol=row.short_name,
        broker_key=broker_key(
            exchange, row.short_name, Contract(expiry=row.expiry, right=row.right, strike=strike)
        ),
        tick_size=row.tick_size,
        lot_size=row.lot_size,
        underlying=row.root,
        expiry=row.expiry,
        strike=strike,
    )


def _root(code: str, kind: str) -> str | None:
    if kind in ON_INDEX:
        return INDEX_ROOTS.get(code)
    return code if kind in ON_SHARE and TRADINGSYMBOL.fullmatch(code) else None


def _right(row: Row, kind: str) -> InstrumentType:
    right = RIGHTS.get(row["optiontype"].strip())
    if right is None or (right is InstrumentType.FUT) is not kind.startswith("FUT"):
        raise ValueError(f"{kind} does not go with the OptionType {row['optiontype'][:20]!r}")
    return right


def _short_name(row: Row) -> str:
    short_name = row["shortname"].strip()
    if not SHORT_NAME.fullmatch(short_name):
        raise ValueError(f"expected a ShortName, received {short_name[:40]!r}")
    return short_name


def _number(row: Row, name: str) -> Decimal:
    text = row[name].strip()
    if not NUMBER.fullmatch(text):
        raise ValueError(f"expected a number in {name}, received {text[:40]!r}")
    return Decimal(text)


def _whole(row: Row, name: str) -> int:
    number = _number(row, name)
    if number < 1 or number != number.to_integral_value():
        raise ValueError(f"expected a whole number above 0 in {name}, received {number}")
    return int(number)


@lru_cache(maxsize=1000)
def _day(text: str) -> date:
    return datetime.strptime(text, "%d-%b-%Y").replace(tzinfo=UTC).date()
