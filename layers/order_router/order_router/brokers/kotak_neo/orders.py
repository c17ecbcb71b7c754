"""Kotak's order calls (sources and dates: README.md)."""

from typing import Any

from order_router.adapter.decode import read_list, read_object, read_text
from order_router.adapter.errors import OrderNotFound, OutcomeUnknown, Unsupported
from order_router.adapter.foreign import proof_of_another
from order_router.adapter.http import Send
from order_router.adapter.order_ids import known_id, require_same_id
from order_router.adapter.port import Acknowledged, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.brokers.kotak_neo import wire
from order_router.brokers.kotak_neo.profile import profile
from order_router.brokers.kotak_neo.refusals import NoData
from order_router.brokers.kotak_neo.session import ask, change, require_ok
from order_router.domain.reports import OrderBook, OrderReport, UnreadableRow, book_of
from order_router.domain.request import OrderRequest

BOOK = "/quick/user/orders"


def place_order(send: Send, session: BrokerSession, intent: PlaceIntent) -> Acknowledged:
    """Place one order with one write request; Kotak's own checks may still reject it after this."""
    profile.require(intent.request)
    tag = intent.client_tag
    if not (tag.isascii() and tag.isalnum() and len(tag) <= profile.tag.max_length):
        raise Unsupported("Kotak is sent a tag of 1 to 20 letters and digits")
    fields = wire.place_fields(intent, session.listing(intent.request.instrument))
    answer = change(send, session, "/quick/order/rule/ms/place", fields)
    return Acknowledged(wire.read_order_id(answer.get("nOrdNo")))


def modify_order(send: Send, session: BrokerSession, intent: ModifyIntent) -> None:
    """Change an order's quantity, prices, type or validity; Kotak's book loses its tag by this."""
    profile.require_change(intent.before, intent.request)
    order_id = known_id(intent.broker_order_id, wire.ORDER_ID, profile.title)
    fields = wire.modify_fields(intent, waits=_waits(send, session, order_id, intent.request))
    answer = change(send, session, "/quick/order/vr/modify", fields, names_an_order=True)
    require_same_id(wire.read_order_id(answer.get("nOrdNo")), order_id, profile.title)


def cancel_order(send: Send, session: BrokerSession, target: OrderTarget) -> None:
    """Cancel an order."""
    order_id = known_id(target.broker_order_id, wire.ORDER_ID, profile.title)
    waits = _waits(send, session, order_id, target.request)
    fields = wire.cancel_fields(order_id, session.listing(target.request.instrument) if waits else None)
    answer = change(send, session, "/quick/order/cancel", fields, names_an_order=True)
    require_same_id(wire.read_order_id(answer.get("nOrdNo")), order_id, profile.title)


def read_order(send: Send, session: BrokerSession, target: OrderTarget) -> OrderReport:
    """Read one order as the book has it."""
    order_id = known_id(target.broker_order_id, wire.ORDER_ID, profile.title)
    try:
        answer = require_ok(ask(send, session, f"{BOOK}/{order_id}", names_an_order=True))
    except NoData as error:
        raise OrderNotFound(error.message, broker_code=error.broker_code) from error
    rows = read_list(answer.get("data"), "an order as a list of one")
    if len(rows) != 1:
        raise OutcomeUnknown(f"expected one order, received {len(rows)}")
    report = wire.read_row(rows[0])
    require_same_id(report.broker_order_id, order_id, profile.title)
    return report


def read_orders(send: Send, session: BrokerSession) -> OrderBook:
    """Read today's order book of the account (one answer holds all of it)."""
    return book_of(_report_or_why(row) for row in read_rows(send, session, BOOK))


def read_rows(send: Send, session: BrokerSession, path: str) -> list[Any]:
    """Return the rows of a list; Kotak's word for an empty one is a refusal that says that there is no data."""
    try:
        answer = ask(send, session, path)
    except NoData:
        return []
    return read_list(require_ok(answer).get("data"), "a list")


def _waits(send: Send, session: BrokerSession, order_id: str, request: OrderRequest) -> bool:
    """Return whether the order is for after the market and still kept: what went to the exchange is in today's book."""
    if not request.after_market:
        return False
    rows = [read_object(row, "an order") for row in read_rows(send, session, BOOK)]
    words = [read_text(row, "ordSt").lower() for row in rows if row.get("nOrdNo") == order_id]
    return all(word in wire.WAITING for word in words)


def _report_or_why(value: Any) -> OrderReport | UnreadableRow:  # noqa: ANN401
    try:
        return wire.read_row(value)
    except OutcomeUnknown as error:
        order_id, tag = _names_of(value)
        not_ours = proof_of_another(value, wire.NEVER_SENT, tag=tag)
        return UnreadableRow(order_id, tag, error.message, not_ours)


def _names_of(value: Any) -> tuple[str | None, str | None]:  # noqa: ANN401
    try:
        row = read_object(value, "an order")
        return wire.read_order_id(row.get("nOrdNo")), wire.read_tag(row)
    except OutcomeUnknown:
        return None, None
