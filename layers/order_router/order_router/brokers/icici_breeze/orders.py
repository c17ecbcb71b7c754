"""Breeze's order calls (sources and dates: README.md)."""

from typing import Any

from order_router.adapter.decode import read_object
from order_router.adapter.errors import OrderNotFound, OutcomeUnknown, Unsupported
from order_router.adapter.http import Send
from order_router.adapter.order_ids import known_id, require_same_id
from order_router.adapter.port import Acknowledged, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.brokers.icici_breeze import wire
from order_router.brokers.icici_breeze.profile import profile
from order_router.brokers.icici_breeze.rows import read_named, read_order_rows
from order_router.brokers.icici_breeze.session import Call, ask, perform, read_rows, rows_of
from order_router.domain.exchange_time import exchange_day
from order_router.domain.reports import OrderBook, OrderReport, UnreadableRow, book_of
from order_router.domain.vocabulary import Exchange

PATH = "order"
EXCHANGES = tuple(sorted(profile.exchanges))


def place_order(send: Send, session: BrokerSession, intent: PlaceIntent) -> Acknowledged:
    """Place one order with one write request; Breeze's own checks may still reject it after this."""
    profile.require(intent.request)
    if not wire.TAG.fullmatch(intent.client_tag):
        raise Unsupported("Breeze is sent a remark of up to 20 letters and digits")
    fields = wire.place_fields(intent, session.listing(intent.request.instrument))
    answered = perform(send, session, Call(method="POST", path=PATH, fields=fields, is_write=True))
    return Acknowledged(_acknowledged_id(answered))


def modify_order(send: Send, session: BrokerSession, intent: ModifyIntent) -> None:
    """Change an order's quantity, prices, type or validity; success has been seen without effect: read it again."""
    profile.require_change(intent.before, intent.request)
    order_id = known_id(intent.broker_order_id, wire.ORDER_ID, profile.title)
    fields = wire.modify_fields(intent)
    call = Call(method="PUT", path=PATH, fields=fields, is_write=True, names_an_order=True)
    require_same_id(_acknowledged_id(perform(send, session, call)), order_id, profile.title)


def cancel_order(send: Send, session: BrokerSession, target: OrderTarget) -> None:
    """Cancel an order; success has been seen without effect: read it again."""
    order_id = known_id(target.broker_order_id, wire.ORDER_ID, profile.title)
    fields = _named(target.request.instrument.exchange, order_id)
    call = Call(method="DELETE", path=PATH, fields=fields, is_write=True, names_an_order=True)
    require_same_id(_acknowledged_id(perform(send, session, call)), order_id, profile.title)


def read_order(send: Send, session: BrokerSession, target: OrderTarget) -> OrderReport:
    """Read one order as Breeze has it now."""
    order_id = known_id(target.broker_order_id, wire.ORDER_ID, profile.title)
    fields = _named(target.request.instrument.exchange, order_id)
    rows = read_rows(send, session, Call(method="GET", path=PATH, fields=fields))
    if not rows:
        raise OrderNotFound("Breeze has no data of this order")
    reports = read_named(session, rows, wire.read_row)
    if len(reports) != 1:
        raise OutcomeUnknown(f"expected one row of the order, received {len(reports)}")
    require_same_id(reports[0].broker_order_id, order_id, profile.title)
    return reports[0]


def read_orders(send: Send, session: BrokerSession) -> OrderBook:
    """Read today's order book: one read for each exchange; a part that cannot be read leaves it incomplete."""
    parts = [_part(send, session, exchange) for exchange in EXCHANGES]
    unread = [part for part in parts if isinstance(part, UnreadableRow)]
    if len(unread) == len(parts):
        raise OutcomeUnknown(unread[0].why)
    found = read_order_rows(session, [row for part in parts if isinstance(part, list) for row in part])
    return book_of([*unread, *found])


def todays(session: BrokerSession, exchange: Exchange) -> dict[str, str]:
    """Return the fields that ask for an exchange's rows of today, Asia/Kolkata."""
    day = exchange_day(session.around.now())
    return {
        "exchange_code": str(exchange),
        "from_date": f"{day}T00:00:00.000Z",
        "to_date": f"{day}T23:59:59.000Z",
    }


def _part(send: Send, session: BrokerSession, exchange: Exchange) -> list[Any] | UnreadableRow:
    call = Call(method="GET", path=PATH, fields=todays(session, exchange))
    response = ask(
        send, session, call
    )  # what the transport says of it goes up: the next would fare no better
    try:
        return rows_of(response, session, call)
    except OutcomeUnknown as error:
        return UnreadableRow(None, None, f"the orders on {exchange}: {error.message}")


def _named(exchange: Exchange, order_id: str) -> dict[str, str]:
    return {"exchange_code": str(exchange), "order_id": order_id}


def _acknowledged_id(answered: object) -> str:
    return wire.read_order_id(read_object(answered, "an acknowledgement").get("order_id"))
