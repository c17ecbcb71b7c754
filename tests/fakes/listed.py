"""Listings as tests need them, and how they get into a table."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from order_router.aws.listing_record import items_of, key_of_state
from order_router.aws.values import Item
from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import InstrumentType, Leg, Listing
from order_router.domain.vocabulary import Side


def a_share(name: str, **changes: Any) -> Listing:
    """Return a share as a broker lists it that uses the exchanges' own names, on a grid of five paise."""
    instrument = parse_instrument(name)
    usual: dict[str, Any] = {
        "instrument": instrument,
        "instrument_type": InstrumentType.EQ,
        "broker_symbol": instrument.tradingsymbol,
        "broker_key": name,
        "tick_size": Decimal("0.05"),
    }
    return Listing(**usual | changes)


def a_pair() -> Listing:
    """Return a combination: buying one buys one share of INFY and sells two of RELIANCE."""
    legs = (("NSE:INFY", Side.BUY, 1), ("NSE:RELIANCE", Side.SELL, 2))
    return a_share(
        "COMBO:PAIR",
        instrument_type=InstrumentType.COMBO,
        legs=tuple(
            Leg(instrument=parse_instrument(name), side=side, ratio=ratio) for name, side, ratio in legs
        ),
    )


def listing_items(broker: str, listings: Iterable[Listing]) -> Iterator[Item]:
    """Yield the items of the instruments table that say: this is all that the broker lists."""
    yield {**key_of_state(broker), "loaded_at": {"S": "2026-11-23T03:05:00Z"}}
    for listing in listings:
        yield from items_of(broker, listing)


def put_listings(client: Any, table: str, broker: str, listings: Iterable[Listing]) -> None:
    """Store what a broker lists, over a low-level DynamoDB client or what stands for one."""
    for item in listing_items(broker, listings):
        client.put_item(TableName=table, Item=item)
