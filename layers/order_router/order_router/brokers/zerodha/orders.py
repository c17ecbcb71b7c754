"""Kite's order calls (sources and dates: README.md)."""

from typing import Any

from order_router.adapter.decode import read_list, read_object, read_text
from order_router.adapter.errors import OutcomeUnknown, Unsupported
from order_router.adapter.foreign import proof_of_another
from order_router.adapter.http import Send
from order_router.adapter.order_ids import known_id, require_same_id
from order_router.adapter.port import Acknowledged, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.brokers.zerodha import wire
from order_router.brokers.zerodha.profile import profile
from order_router.brokers.zerodha.session import call
from order_router.domain.reports import OrderBook, OrderReport, UnreadableRow, book_of
from order_router.domain.request import OrderRequest


def place_order(send: Send, session: BrokerSession, intent: PlaceIntent) -> Acknowledged:
    """Place one order with one write request; Kite's own checks may still reject it after this."""
    profile.require(intent.request)
    if not (intent.client_tag.isascii() and intent.client_tag.isalnum() and len(intent.client_tag) <= 20):  # noqa: PLR2004
        raise Unsupported("Kite takes a tag of up to 20 letters and digits")
    parameters = wire.place_parameters(intent)
    answered = call(send, session, lambda kite: kite.place_and_tell(**parameters))
    return Acknowledged(wire.read_acknowledgement(answered))


def modify_order(send: Send, session: BrokerSession, intent: ModifyIntent) -> None:
    """Change an order's quantity, prices, type or validity."""
    profile.require_change(intent.before, intent.request)
    order_id = known_id(intent.broker_order_id, wire.ORDER_ID, profile.title)
    parameters = wire.terms(intent.request, _variety_now(send, session, order_id, intent.request))
    answered = call(
        send,
        session,
        lambda kite: kite.modify_order(order_id=order_id, **parameters),
        names_an_order=True,
    )
    require_same_id(wire.read_order_id(answered), order_id, profile.title)


def cancel_order(send: Send, session: BrokerSession, target: OrderTarget) -> None:
    """Cancel an order."""
    order_id = known_id(target.broker_order_id, wire.ORDER_ID, profile.title)
    variety = _variety_now(send, session, order_id, target.request)
    answered = call(send, session, lambda kite: kite.cancel_order(variety, order_id), names_an_order=True)
    require_same_id(wire.read_order_id(answered), order_id, profile.title)


def read_order(send: Send, session: BrokerSession, target: OrderTarget) -> OrderReport:
    """Read one order as the last row of its history has it."""
    order_id = known_id(target.broker_order_id, wire.ORDER_ID, profile.title)
    report = wire.read_row(_newest_row(send, session, order_id))
    require_same_id(report.broker_order_id, order_id, profile.title)
    return report


def read_orders(send: Send, session: BrokerSession) -> OrderBook:
    """Read today's order book of the account (one answer holds all of it)."""
    rows = read_list(call(send, session, lambda kite: kite.orders()), "the order book")
    return book_of(_report_or_why(row) for row in rows)


def _variety_now(send: Send, session: BrokerSession, order_id: str, request: OrderRequest) -> str:
    """Return the variety by which the order can be changed now.

    An after-market order is one until Kite has sent it to the exchange, and a regular one from then on, though the book
    goes on to show `amo`; under the wrong one Kite does not answer in time (forum comment 40302).
    """
    if not request.after_market:
        return wire.REGULAR
    row = read_object(_newest_row(send, session, order_id), "an order")
    return wire.AFTER_MARKET if read_text(row, "status") in wire.WAITING else wire.REGULAR


def _newest_row(send: Send, session: BrokerSession, order_id: str) -> Any:  # noqa: ANN401
    answered = call(send, session, lambda kite: kite.order_history(order_id), names_an_order=True)
    rows = read_list(answered, "an order's history")
    if not rows:
        raise OutcomeUnknown("Kite answered with an empty history")
    return rows[-1]


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
        return wire.read_order_id(row.get("order_id")), wire.read_tag(row)
    except OutcomeUnknown:
        return None, None
