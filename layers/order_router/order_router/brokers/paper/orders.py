"""Orders at the paper broker: place, modify, cancel, and read the books."""

from typing import Any
from urllib.parse import quote

from order_router.adapter.decode import (
    read_decimal,
    read_integer,
    read_list,
    read_object,
    read_optional_text,
    read_text,
    read_word,
)
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import HttpResponse, Send
from order_router.adapter.port import Acknowledged, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.brokers.paper import wire
from order_router.brokers.paper.profile import profile
from order_router.domain.reports import OrderBook, OrderReport, Trade, UnreadableRow, book_of


def place_order(send: Send, session: BrokerSession, intent: PlaceIntent, /) -> Acknowledged:
    """Place one order; it may have filled by the time the answer comes."""
    profile.require(intent.request)
    fields = {
        "client_tag": intent.client_tag,
        "instrument": str(intent.request.instrument),
        "side": intent.request.side,
        "product": intent.request.product,
        **wire.terms(intent.request),
    }
    answer = send(wire.write_request(session, "POST", "/orders", fields))
    return Acknowledged(read_text(wire.read_content(answer, expected=wire.CREATED), "broker_order_id"))


def modify_order(send: Send, session: BrokerSession, intent: ModifyIntent, /) -> None:
    """Give an order all its terms anew."""
    profile.require(intent.request)
    path = _path(intent.broker_order_id)
    _require_same(
        send(wire.write_request(session, "PUT", path, wire.terms(intent.request))), intent.broker_order_id
    )


def cancel_order(send: Send, session: BrokerSession, target: OrderTarget, /) -> None:
    """Cancel an order."""
    path = _path(target.broker_order_id)
    _require_same(send(wire.write_request(session, "DELETE", path)), target.broker_order_id)


def read_order(send: Send, session: BrokerSession, target: OrderTarget, /) -> OrderReport:
    """Read one order, of any day."""
    content = wire.read_content(send(wire.read_request(session, _path(target.broker_order_id))))
    report = _read_report(read_object(content.get("order"), "order"))
    if report.broker_order_id != target.broker_order_id:
        raise OutcomeUnknown("the paper broker answered with another order")
    return report


def read_orders(send: Send, session: BrokerSession, /) -> OrderBook:
    """Read today's orders, oldest first."""
    content = wire.read_content(send(wire.read_request(session, "/orders")))
    return book_of(_read_row(row) for row in read_list(content.get("orders"), "orders"))


def read_trades(send: Send, session: BrokerSession, /) -> tuple[Trade, ...]:
    """Read today's fills, oldest first."""
    content = wire.read_content(send(wire.read_request(session, "/trades")))
    return tuple(
        _read_trade(read_object(row, "a trade")) for row in read_list(content.get("trades"), "trades")
    )


def _path(broker_order_id: str) -> str:
    return f"/orders/{quote(broker_order_id, safe='')}"


def _require_same(answer: HttpResponse, broker_order_id: str) -> None:
    if read_text(wire.read_content(answer), "broker_order_id") != broker_order_id:
        raise OutcomeUnknown("the paper broker answered for another order")


def _read_row(row: object) -> OrderReport | UnreadableRow:
    if not isinstance(row, dict):
        return UnreadableRow(None, None, f"expected an order as a JSON object, received {type(row).__name__}")
    try:
        return _read_report(row)
    except OutcomeUnknown as error:
        return UnreadableRow(
            _text_or_none(row, "broker_order_id"), _text_or_none(row, "client_tag"), error.message
        )


def _read_report(row: dict[str, Any]) -> OrderReport:
    quantity, filled_quantity = read_integer(row, "quantity"), read_integer(row, "filled_quantity")
    if not 0 <= filled_quantity <= quantity or quantity == 0:
        raise OutcomeUnknown(
            f"expected filled_quantity within quantity, received {filled_quantity} of {quantity}"
        )
    return OrderReport(
        broker_order_id=read_text(row, "broker_order_id"),
        state=read_word(wire.STATES, row, "status"),
        status=read_text(row, "status"),
        instrument=wire.read_instrument(row),
        side=read_word(wire.SIDES, row, "side"),
        quantity=quantity,
        filled_quantity=filled_quantity,
        order_type=read_word(wire.ORDER_TYPES, row, "order_type"),
        product=read_word(wire.PRODUCTS, row, "product"),
        validity=read_word(wire.VALIDITIES, row, "validity"),
        limit_price=wire.read_optional_decimal(row, "limit_price"),
        trigger_price=wire.read_optional_decimal(row, "trigger_price"),
        average_price=wire.read_optional_decimal(row, "average_price"),
        client_tag=read_optional_text(row, "client_tag"),
        message=read_optional_text(row, "message"),
        placed_at=wire.read_time(row, "placed_at"),
    )


def _read_trade(row: dict[str, Any]) -> Trade:
    return Trade(
        trade_id=read_text(row, "trade_id"),
        broker_order_id=read_text(row, "broker_order_id"),
        instrument=wire.read_instrument(row),
        side=read_word(wire.SIDES, row, "side"),
        product=read_word(wire.PRODUCTS, row, "product"),
        quantity=read_integer(row, "quantity"),
        price=read_decimal(row, "price"),
        traded_at=wire.read_time(row, "traded_at"),
    )


def _text_or_none(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) and value else None
