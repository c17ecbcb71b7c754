"""Compare what an adapter made of an answer with what the sample expects, exactly and by type."""

from collections.abc import Callable, Mapping
from dataclasses import Field, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from order_router.adapter.session import Secret
from order_router.domain.instrument import Instrument
from order_router.domain.reports import OrderReport

hints_of: Callable[[Any], dict[str, Any]] = cache(get_type_hints)


def plain(value: object) -> Any:
    """Return a report as JSON values: decimals as text, times as ISO text, absent fields and unset flags left out."""
    as_plain = next((render for kinds, render in PLAIN if isinstance(value, kinds)), None)
    if as_plain is not None:
        return as_plain(value)
    if is_dataclass(value):
        found = [(field, getattr(value, field.name)) for field in fields(value)]
        return {field.name: plain(item) for field, item in found if not _is_absent(field, item)}
    return value


# the first that fits decides
PLAIN: tuple[tuple[type | UnionType, Callable[[Any], Any]], ...] = (
    (Enum, lambda value: value.value),
    (Instrument | Decimal, str),
    (Secret, Secret.reveal),
    (datetime, lambda value: value.isoformat().replace("+00:00", "Z")),
    (date, date.isoformat),
    (tuple, lambda value: [plain(item) for item in value]),
    (Mapping, lambda value: {name: plain(item) for name, item in value.items()}),
)


def _is_absent(field: Field[Any], item: object) -> bool:
    return item is None or (item is False and field.default is False)


def wrong_types(value: object, where: str = "the result") -> list[str]:
    """Name every field whose value does not fit its annotation, is not finite, or is a time not in UTC."""
    if isinstance(value, tuple):
        return [fault for index, item in enumerate(value) for fault in wrong_types(item, f"{where}[{index}]")]
    if isinstance(value, datetime) and value.tzinfo is not UTC:
        return [f"{where} is a time in {value.tzinfo}, not UTC"]
    if isinstance(value, Decimal) and not value.is_finite():
        return [f"{where} is {value}"]
    if not is_dataclass(value):
        return []
    hints = hints_of(type(value))
    faults = [
        fault
        for name in hints
        for fault in _wrong_field(getattr(value, name), hints[name], f"{where}.{name}")
    ]
    return faults + (_wrong_quantities(value, where) if isinstance(value, OrderReport) else [])


def _wrong_field(value: object, hint: object, where: str) -> list[str]:
    if not _fits(value, hint):
        return [f"{where} is {type(value).__name__}, not {hint}"]
    return wrong_types(value, where)


def _fits(value: object, hint: object) -> bool:
    if get_origin(hint) in {Union, UnionType}:
        return any(_fits(value, one) for one in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, tuple)
    if get_origin(hint) is Mapping:
        return isinstance(value, Mapping)
    if hint in {None, NoneType}:
        return value is None
    if hint is int and isinstance(value, bool):
        return False
    return isinstance(value, hint)  # type: ignore[arg-type]


def _wrong_quantities(report: OrderReport, where: str) -> list[str]:
    if report.quantity > 0 and 0 <= report.filled_quantity <= report.quantity and report.broker_order_id:
        return []
    return [
        f"{where} has filled {report.filled_quantity} of {report.quantity}, id {report.broker_order_id!r}"
    ]
