"""A listing as items of the instruments table: one under its name, one under its broker's own key.

pk                        sk               holds
<broker>#<exchange>       <tradingsymbol>  document; underlying_key and contract_key of a contract
<broker>#key#<hex digit>  <broker_key>     the same document
<broker>#COMBO            <name>           a combination as a trader defined it, with `defined_at` in both rows:
                                           no refresh of a list touches such rows
<broker>#list             state            when the list was last loaded, and who is at it (`listings_state`)

The index by_underlying has underlying_key (<broker>#<exchange>#<underlying>) and contract_key
(<expiry>#<type>#<strike>).
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from order_router.aws.values import Item
from order_router.domain.errors import RouterError
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.listing import InstrumentType, Leg, Listing
from order_router.domain.vocabulary import Exchange, Side

KEY_PARTITIONS = tuple("0123456789abcdef")
MAX_KEY_BYTES = 1024
BY_UNDERLYING = "by_underlying"
DEFINED_AT = "defined_at"
STRIKE = "021.8f"
"""Strikes in the index: as many digits each, so that they sort as numbers do."""


class ListingUnreadable(RouterError):
    """A stored row is not one that this release can read."""

    code = "LISTING_UNREADABLE"


def key_of_instrument(broker: str, instrument: Instrument) -> Item:
    """Return where an instrument's row is."""
    return {"pk": {"S": f"{broker}#{instrument.exchange}"}, "sk": {"S": instrument.tradingsymbol}}


def key_of_broker_key(broker: str, broker_key: str) -> Item:
    """Return where a row is found by the broker's own key."""
    return {"pk": {"S": f"{broker}#key#{key_partition(broker_key)}"}, "sk": {"S": broker_key}}


def key_of_state(broker: str) -> Item:
    """Return where it stands how a broker's list was last loaded."""
    return {"pk": {"S": f"{broker}#list"}, "sk": {"S": "state"}}


def key_partition(broker_key: str) -> str:
    """Return which of the partitions holds a broker's key: one alone would take the writes of a whole list."""
    return KEY_PARTITIONS[zlib.crc32(broker_key.encode()) % len(KEY_PARTITIONS)]


def is_storable_key(text: str) -> bool:
    """Return whether DynamoDB takes this text as a sort key."""
    return 0 < len(text) <= MAX_KEY_BYTES and len(text.encode("utf-8", "replace")) <= MAX_KEY_BYTES


def family_of(broker: str, exchange: Exchange, underlying: str) -> str:
    """Return the index's partition of all contracts on an underlying."""
    return f"{broker}#{exchange}#{underlying}"


def contract_of(expiry: date, instrument_type: InstrumentType, strike: Decimal | None) -> str:
    """Return a contract's place in its family: by expiry, then futures and options apart, then by strike."""
    return f"{expiry.isoformat()}#{instrument_type}#{'' if strike is None else format(strike, STRIKE)}"


def write_document(listing: Listing) -> str:
    """Return the one spelling of a listing: equal listings have equal documents."""
    fields: dict[str, Any] = {
        "instrument": str(listing.instrument),
        "instrument_type": listing.instrument_type,
        "broker_symbol": listing.broker_symbol,
        "broker_key": listing.broker_key,
        "tick_size": _plain(listing.tick_size),
        "lot_size": listing.lot_size,
        "freeze_quantity": listing.freeze_quantity,
        "underlying": listing.underlying,
        "expiry": None if listing.expiry is None else listing.expiry.isoformat(),
        "strike": None if listing.strike is None else _plain(listing.strike),
        "legs": None
        if listing.legs is None
        else [[str(leg.instrument), leg.side, leg.ratio] for leg in listing.legs],
    }
    kept = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(kept, separators=(",", ":"))


def read_document(document: str) -> Listing:
    """Return the listing of a document; ListingUnreadable if it is none."""
    try:
        fields = json.loads(document)
        return Listing(
            instrument=parse_instrument(fields["instrument"]),
            instrument_type=InstrumentType(fields["instrument_type"]),
            broker_symbol=fields["broker_symbol"],
            broker_key=fields["broker_key"],
            tick_size=Decimal(fields["tick_size"]),
            lot_size=fields["lot_size"],
            freeze_quantity=fields.get("freeze_quantity"),
            underlying=fields.get("underlying"),
            expiry=date.fromisoformat(fields["expiry"]) if "expiry" in fields else None,
            strike=Decimal(fields["strike"]) if "strike" in fields else None,
            legs=tuple(_leg(*leg) for leg in fields["legs"]) if "legs" in fields else None,
        )
    except (LookupError, TypeError, ValueError, InvalidOperation) as error:
        raise ListingUnreadable(f"a stored instrument is not readable: {type(error).__name__}") from error


def _leg(instrument: str, side: str, ratio: int) -> Leg:
    return Leg(instrument=parse_instrument(instrument), side=Side(side), ratio=ratio)


def read_item(item: Item) -> Listing:
    """Return the listing of a stored row; ListingUnreadable if it holds none."""
    return read_document(item.get("document", {}).get("S", ""))


def row_item(broker: str, listing: Listing, document: str) -> Item:
    """Return the row of a listing under its name."""
    item = {**key_of_instrument(broker, listing.instrument), "document": {"S": document}}
    if listing.underlying is not None and listing.expiry is not None:
        item["underlying_key"] = {"S": family_of(broker, listing.instrument.exchange, listing.underlying)}
        item["contract_key"] = {"S": contract_of(listing.expiry, listing.instrument_type, listing.strike)}
    return item


def key_item(broker: str, broker_key: str, document: str) -> Item:
    """Return the row of a listing under its broker's own key."""
    return {**key_of_broker_key(broker, broker_key), "document": {"S": document}}


def items_of(broker: str, listing: Listing) -> Iterator[Item]:
    """Yield both rows of a listing."""
    document = write_document(listing)
    yield key_item(broker, listing.broker_key, document)
    yield row_item(broker, listing, document)


def expires_at(item: Mapping[str, Any]) -> int | None:
    """Return when a row ends, in seconds since 1970: DynamoDB removes it some time after that."""
    return int(item["expires_at"]["N"]) if "expires_at" in item else None


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
