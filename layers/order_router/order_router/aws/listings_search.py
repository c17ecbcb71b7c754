"""Instruments by the beginning of their name, or by their parts: each page a few queries, never a scan."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from order_router.aws.cursor import read_cursor, write_cursor
from order_router.aws.failures import named_failures
from order_router.aws.list_state_record import read_state
from order_router.aws.listing_record import BY_UNDERLYING, contract_of, family_of, key_of_state, read_item
from order_router.aws.values import Item
from order_router.domain.errors import CursorInvalid
from order_router.domain.instrument_list import FUTURES_AND_OPTIONS, InstrumentQuery, ListingPage, ListState
from order_router.domain.listing import InstrumentType, Listing

MOST_QUERIES = 25
"""So many questions a page asks at most: one that is short of rows then says where to go on."""

NAME_KEY = frozenset({"pk", "sk"})
CONTRACT_KEY = frozenset({"underlying_key", "contract_key", "pk", "sk"})


@dataclass(frozen=True, slots=True)
class _Place:
    """One partition to look in, of the table or of its index, and how the sort keys there begin."""

    partition: str
    begins: str
    in_index: bool

    def request(self, limit: int, cursor: str | None) -> dict[str, Any]:
        """Return the query for some rows of this place, from a cursor on."""
        names = ("underlying_key", "contract_key") if self.in_index else ("pk", "sk")
        condition, values = f"{names[0]} = :partition", {":partition": {"S": self.partition}}
        if self.begins:
            condition += f" AND begins_with({names[1]}, :begins)"
            values[":begins"] = {"S": self.begins}
        request: dict[str, Any] = {
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "Limit": limit,
        }
        if self.in_index:
            request["IndexName"] = BY_UNDERLYING
        if cursor is not None:
            keys = CONTRACT_KEY if self.in_index else NAME_KEY
            start = read_cursor(cursor, keys, **{names[0]: self.partition})
            if not start[names[1]]["S"].startswith(self.begins):
                # DynamoDB refuses to start outside of what is asked for, as it refuses what it cannot do for the moment
                raise CursorInvalid
            request["ExclusiveStartKey"] = start
        return request


class ListingsSearch:
    """Implements `service.instruments.ListingSearch` over a low-level DynamoDB client and the instruments table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def state(self, broker: str) -> ListState:
        """Return how the broker's list stands."""
        with named_failures("reading how a list stands"):
            answer = self._client.get_item(TableName=self._table, Key=key_of_state(broker))
        return read_state(answer.get("Item", {}))

    def search(
        self, broker: str, query: InstrumentQuery, *, limit: int, cursor: str | None = None
    ) -> ListingPage:
        """Return a page of what is looked for; CursorInvalid for a cursor that no such page gave."""
        places = _places(broker, query)
        number, key = (0, None) if cursor is None else _read_token(cursor, len(places))
        fits = _filter(query)
        found: list[Listing] = []
        for _ in range(MOST_QUERIES):
            if number >= len(places) or len(found) >= limit:
                break
            rows, key = self._query(places[number], limit - len(found), key)
            found += [listing for listing in map(read_item, rows) if fits(listing)]
            number += key is None
        return ListingPage(tuple(found), _token(number, key) if number < len(places) else None)

    def _query(self, place: _Place, limit: int, cursor: str | None) -> tuple[list[Item], str | None]:
        request = place.request(limit, cursor)
        with named_failures("searching instruments"):
            answer = self._client.query(TableName=self._table, **request)
        last = answer.get("LastEvaluatedKey")
        return answer["Items"], None if last is None else write_cursor(last)


def _places(broker: str, query: InstrumentQuery) -> list[_Place]:
    underlying = query.underlying
    if underlying is None:
        return [_Place(f"{broker}#{exchange}", query.prefix, in_index=False) for exchange in query.exchanges]
    return [
        _Place(family_of(broker, exchange, underlying), begins, in_index=True)
        for exchange in query.exchanges
        for begins in _beginnings(query)
    ]


def _beginnings(query: InstrumentQuery) -> list[str]:
    """Return how the places of the wanted contracts begin, as far as their order lets that be said."""
    if query.expiry is None:
        return [""]
    kinds = sorted(FUTURES_AND_OPTIONS) if query.contract_type is None else [query.contract_type]
    if query.strike is not None:
        options = [kind for kind in kinds if kind is not InstrumentType.FUT]
        return [contract_of(query.expiry, kind, query.strike) for kind in options]
    if query.contract_type is None:
        return [f"{query.expiry.isoformat()}#"]
    return [contract_of(query.expiry, query.contract_type, None)]


def _filter(query: InstrumentQuery) -> Callable[[Listing], bool]:
    def fits(listing: Listing) -> bool:
        return (
            listing.instrument.tradingsymbol.startswith(query.prefix)
            and query.contract_type in {None, listing.instrument_type}
            and query.strike in {None, listing.strike}
        )

    return fits


def _token(number: int, cursor: str | None) -> str:
    return base64.urlsafe_b64encode(json.dumps([number, cursor]).encode()).decode()


def _read_token(token: str, places: int) -> tuple[int, str | None]:
    try:
        number, cursor = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, RecursionError):
        number, cursor = None, None
    is_place = type(number) is int and 0 <= number < places
    if not is_place or not isinstance(cursor, str | None):
        raise CursorInvalid
    return number, cursor
