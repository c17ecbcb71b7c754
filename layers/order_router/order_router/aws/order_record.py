"""An order as an item of the orders table and back; records of earlier releases stay readable."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from order_router.aws.values import Item, from_item, to_item
from order_router.domain.errors import Reason, RouterError
from order_router.domain.exchange_time import exchange_day
from order_router.domain.history import Event, Step
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.request import OrderRequest, dump_request, parse_request
from order_router.domain.vocabulary import Source

SCHEMA = 1


class RecordUnreadable(RouterError):
    """A stored order is not one that this release can read."""

    code = "RECORD_UNREADABLE"


def account_day(account: str, day: date) -> str:
    """Return the index key of an account's orders of one exchange day."""
    return f"{account}#{day.isoformat()}"


def order_item(order: Order, write_id: str) -> Item:
    """Return the item of an order; `attention_*` are there only while it has not ended (a sparse index)."""
    needs_attention = not order.state.is_final
    received_at = _text(order.received_at)
    return to_item(
        {
            "schema": SCHEMA,
            "write_id": write_id,
            "client_order_id": order.client_order_id,
            "account_day": account_day(order.request.account, exchange_day(order.received_at)),
            "created_key": f"{received_at}#{order.client_order_id}",
            "attention_account": order.request.account if needs_attention else None,
            "attention_at": received_at if needs_attention else None,
            "request": dump_request(order.request),
            "request_digest": order.request_digest,
            "broker": order.broker,
            "source": order.source,
            "received_at": received_at,
            "deadline": _text(order.deadline),
            "updated_at": _text(order.updated_at),
            "state": order.state,
            "owner": order.owner,
            "lease_until": _optional(_text, order.lease_until),
            "broker_order_id": order.broker_order_id,
            "exchange_order_id": order.exchange_order_id,
            "filled_quantity": order.filled_quantity,
            "average_price": _optional(_digits, order.average_price),
            "counted_price": _optional(_digits, order.counted_price),
            "asked_price": _optional(_digits, order.asked_price),
            "session_day": _optional(date.isoformat, order.session_day),
            "reason": _reason_fields(order.reason),
            "history": [_step_fields(step) for step in order.history],
            "version": order.version,
        }
    )


def read_order(item: Item) -> Order:
    """Return the order of an item of any release so far; RecordUnreadable names what is wrong."""
    name = item.get("client_order_id", {}).get("S")
    schema = item.get("schema", {}).get("N")
    reader = READERS.get(schema)
    if reader is None:
        raise RecordUnreadable(f"order {name} has schema {schema}")
    try:
        return reader(from_item(item))
    # a record that does not fit breaks wherever its reader first trips over it
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise RecordUnreadable(f"order {name}: {type(error).__name__}") from error


def _read_schema_1(fields: dict[str, Any]) -> Order:
    return Order(
        client_order_id=_word(fields["client_order_id"]),
        request=parse_request(fields["request"]),
        request_digest=_word(fields["request_digest"]),
        broker=_word(fields["broker"]),
        source=Source(fields["source"]),
        received_at=_time(fields["received_at"]),
        deadline=_time(fields["deadline"]),
        updated_at=_time(fields["updated_at"]),
        state=State(fields["state"]),
        owner=_optional(_word, fields.get("owner")),
        lease_until=_optional(_time, fields.get("lease_until")),
        broker_order_id=_optional(_word, fields.get("broker_order_id")),
        exchange_order_id=_optional(_word, fields.get("exchange_order_id")),
        filled_quantity=_whole(fields["filled_quantity"]),
        average_price=_optional(Decimal, fields.get("average_price")),
        counted_price=_optional(Decimal, fields.get("counted_price")),
        asked_price=_optional(Decimal, fields.get("asked_price")),
        session_day=_optional(date.fromisoformat, fields.get("session_day")),
        reason=_optional(_reason, fields.get("reason")),
        history=tuple(_step(step) for step in fields["history"]),
        version=_whole(fields["version"]),
    )


READERS: dict[str | None, Callable[[dict[str, Any]], Order]] = {"1": _read_schema_1}


def _step_fields(step: Step) -> dict[str, Any]:
    event = step.event
    fields = {
        "state": step.state,
        "kind": event.kind,
        "at": _text(event.at),
        "broker_order_id": event.broker_order_id,
        "exchange_order_id": event.exchange_order_id,
        "filled_quantity": event.filled_quantity,
        "average_price": _optional(_digits, event.average_price),
        "request": None if event.request is None else dump_request(event.request),
        "reason": _reason_fields(event.reason),
        "note": event.note,
        "evidence": dict(event.evidence) or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _step(fields: dict[str, Any]) -> Step:
    return Step(
        state=State(fields["state"]),
        event=Event(
            kind=EventKind(fields["kind"]),
            at=_time(fields["at"]),
            broker_order_id=_optional(_word, fields.get("broker_order_id")),
            exchange_order_id=_optional(_word, fields.get("exchange_order_id")),
            filled_quantity=_optional(_whole, fields.get("filled_quantity")),
            average_price=_optional(Decimal, fields.get("average_price")),
            request=_optional(_request, fields.get("request")),
            reason=_optional(_reason, fields.get("reason")),
            note=_optional(_word, fields.get("note")),
            evidence=tuple(
                sorted((name, _word(words)) for name, words in fields.get("evidence", {}).items())
            ),
        ),
    )


def _request(fields: dict[str, Any]) -> OrderRequest:
    return parse_request(fields)


def _reason_fields(reason: Reason | None) -> dict[str, str] | None:
    return None if reason is None else {"code": reason.code, "message": reason.message}


def _reason(fields: dict[str, str]) -> Reason:
    return Reason(_word(fields["code"]), _word(fields["message"]))


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("expected a whole number")
    return value


def _digits(price: Decimal) -> str:
    # text, for a number in DynamoDB holds 38 digits and a broker's average may have more
    return format(price, "f")


def _text(moment: datetime) -> str:
    # always of one width, so that text sorts as time does
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time must name its zone")
    return moment


def _optional[T, U](read: Callable[[T], U], value: T | None) -> U | None:
    return None if value is None else read(value)
