"""What Breeze calls an instrument in orders, and the key by which its rows name it (sources and dates: README.md)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from order_router.adapter.decode import read_decimal, read_text
from order_router.adapter.errors import OutcomeUnknown, Unsupported
from order_router.brokers.icici_breeze.words import known_word
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.vocabulary import Exchange

EXCHANGES = {"nse": Exchange.NSE, "bse": Exchange.BSE, "nfo": Exchange.NFO, "bfo": Exchange.BFO}
CASH = frozenset({Exchange.NSE, Exchange.BSE})
DERIVATIVES_OF = {Exchange.NSE: Exchange.NFO, Exchange.BSE: Exchange.BFO}
# the words of orders, rows and quotes; a future's right is "Others", or "*" in quotes
RIGHTS = {
    "call": InstrumentType.CE,
    "put": InstrumentType.PE,
    "others": InstrumentType.FUT,
    "*": InstrumentType.FUT,
}
BREEZE_RIGHTS = {InstrumentType.CE: "call", InstrumentType.PE: "put", InstrumentType.FUT: "others"}
PRODUCT_TYPES = {
    InstrumentType.EQ: "cash",
    InstrumentType.INDEX: "cash",
    InstrumentType.FUT: "futures",
    InstrumentType.CE: "options",
    InstrumentType.PE: "options",
}
DAY_PATTERNS = ("%d-%b-%Y", "%Y-%m-%dT06:00:00.000Z", "%Y-%m-%d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a derivative is, beside the short name of what it derives from."""

    expiry: date
    right: InstrumentType
    strike: Decimal | None = None


def broker_key(exchange: Exchange, stock_code: str, contract: Contract | None = None) -> str:
    """Return the key of an instrument: exchange and short name; of a contract its last day, right and strike too."""
    if contract is None:
        return f"{exchange}|{stock_code}"
    strike = "" if contract.strike is None else plain(contract.strike)
    return f"{exchange}|{stock_code}|{contract.expiry}|{contract.right}|{strike}"


def key_of_row(row: dict[str, Any]) -> str:
    """Return the key of the instrument that a row names; OutcomeUnknown if the row does not name one."""
    exchange = known_word(EXCHANGES, row, "exchange_code")
    contract = None if exchange in CASH else _contract_of_row(row)
    return broker_key(exchange, read_text(row, "stock_code"), contract)


def quote_fields(listing: Listing) -> dict[str, str]:
    """Return the fields that name an instrument in a quote; the vendor's client puts them in this order."""
    names = {"stock_code": listing.broker_symbol, "exchange_code": str(listing.instrument.exchange)}
    product = {"product_type": PRODUCT_TYPES[listing.instrument_type]}
    terms = contract_fields(listing)
    if not terms:
        return names | product
    return names | {"expiry_date": terms.pop("expiry_date")} | product | terms


def contract_fields(listing: Listing) -> dict[str, str]:
    """Return the fields that tell a contract from its underlying; none for a share or an index."""
    if listing.instrument_type in {InstrumentType.EQ, InstrumentType.INDEX}:
        return {}
    right = BREEZE_RIGHTS.get(listing.instrument_type)
    if right is None or listing.expiry is None:
        raise Unsupported(f"Breeze cannot name {listing.instrument}", code="INSTRUMENT_UNKNOWN")
    strike = "0" if listing.strike is None else plain(listing.strike)
    return {"expiry_date": expiry_text(listing.expiry), "right": right, "strike_price": strike}


def expiry_text(expiry: date) -> str:
    """Return a last day as requests spell it."""
    return f"{expiry}T06:00:00.000Z"


def plain(number: Decimal) -> str:
    """Return a number as text without an exponent or zeros at its end."""
    return format(number.normalize(), "f")


def read_day(row: dict[str, Any], name: str) -> date:
    """Read a contract's last day; OutcomeUnknown if it is spelt in no way that Breeze is known for."""
    text = read_text(row, name)
    for pattern in DAY_PATTERNS:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    raise OutcomeUnknown(f"expected a day in {name}")


def _contract_of_row(row: dict[str, Any]) -> Contract:
    right = known_word(RIGHTS, row, "right")
    expiry = read_day(row, "expiry_date")
    if right is InstrumentType.FUT:
        return Contract(expiry=expiry, right=right)
    return Contract(expiry=expiry, right=right, strike=read_decimal(row, "strike_price"))
