"""Rows of Breeze's lists, each with the instrument that the list of instruments has under the row's key."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from order_router.adapter.decode import read_optional_text
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.foreign import proof_of_another
from order_router.adapter.session import BrokerSession
from order_router.brokers.icici_breeze import wire
from order_router.brokers.icici_breeze.contracts import key_of_row
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing
from order_router.domain.reports import OrderReport, UnreadableRow


def read_named[T](
    session: BrokerSession, values: Sequence[Any], read: Callable[[dict[str, Any], Instrument], T]
) -> tuple[T, ...]:
    """Read every row; OutcomeUnknown names the first that cannot be read or whose instrument is not listed."""
    rows = [wire.as_row(value) for value in values]
    keys = [key_of_row(row) for row in rows]
    listed = look_up(session, keys)
    return tuple(read(row, _listed(listed, key)) for row, key in zip(rows, keys, strict=True))


def reader_of[T](
    session: BrokerSession, values: Sequence[Any], read: Callable[[dict[str, Any], Instrument], T]
) -> Callable[[dict[str, Any]], T]:
    """Return what reads one of these rows, their instruments looked up at once; it raises OutcomeUnknown by itself."""
    keys = [_key_or_why(value) for value in values]
    listed = look_up(session, [key for key in keys if isinstance(key, str)])
    return lambda row: read(row, _listed(listed, key_of_row(row)))


def read_order_rows(session: BrokerSession, values: Sequence[Any]) -> list[OrderReport | UnreadableRow]:
    """Read every row of order lists, those that cannot be read kept apart."""
    keys = [_key_or_why(value) for value in values]
    listed = look_up(session, [key for key in keys if isinstance(key, str)])
    return [
        _report_or_why(value, key, listed) if isinstance(key, str) else key
        for value, key in zip(values, keys, strict=True)
    ]


def look_up(session: BrokerSession, keys: Sequence[str]) -> Mapping[str, Listing]:
    """Return the listings of these keys with one look-up, none where there is nothing to look up."""
    return session.around.listings.named(frozenset(keys)) if keys else {}


def _listed(listed: Mapping[str, Listing], key: str) -> Instrument:
    if key not in listed:
        raise OutcomeUnknown(f"the list of instruments has nothing under {key[:60]!r}")
    return listed[key].instrument


def _key_or_why(value: Any) -> str | UnreadableRow:  # noqa: ANN401
    try:
        return key_of_row(wire.as_row(value))
    except OutcomeUnknown as error:
        return _unreadable(value, error)


def _report_or_why(
    value: dict[str, Any], key: str, listed: Mapping[str, Listing]
) -> OrderReport | UnreadableRow:
    try:
        return wire.read_row(value, _listed(listed, key))
    except OutcomeUnknown as error:
        return _unreadable(value, error)


def _unreadable(value: Any, error: OutcomeUnknown) -> UnreadableRow:  # noqa: ANN401
    try:
        row = wire.as_row(value)
        order_id, tag = wire.read_order_id(row.get("order_id")), read_optional_text(row, "user_remark")
    except OutcomeUnknown:
        return UnreadableRow(None, None, error.message)
    not_ours = proof_of_another(row, wire.NEVER_SENT, tag=tag)
    return UnreadableRow(order_id, None, error.message, not_ours)
