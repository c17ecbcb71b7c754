"""The Web API's order calls (sources and dates: README.md)."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from order_router.adapter.decode import read_list, read_object, read_optional_text
from order_router.adapter.errors import OutcomeUnknown, Unsupported
from order_router.adapter.http import Send
from order_router.adapter.order_ids import known_id, require_same_id
from order_router.adapter.port import Acknowledged, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr import wire
from order_router.brokers.ibkr.profile import profile
from order_router.brokers.ibkr.questions import ORDER_ID, read_order_id, write_and_answer
from order_router.brokers.ibkr.selection import is_of_another, of_account, select_account, was_selected
from order_router.brokers.ibkr.session import Ask, account_id, call
from order_router.brokers.ibkr.ticket import operator, order_ticket, venues_of
from order_router.domain.listing import Listing
from order_router.domain.reports import OrderBook, OrderReport, UnreadableRow, book_of

MAX_ROWS = 1000
"""More live orders than this the vendor does not show."""

TAG = re.compile(r"[A-Za-z0-9]{1,30}")


def place_order(send: Send, session: BrokerSession, intent: PlaceIntent) -> Acknowledged:
    """Place one order, answering what may be answered; each answer is a write that the order may follow from."""
    profile.require(intent.request)
    if not TAG.fullmatch(intent.client_tag):
        raise Unsupported("Interactive Brokers takes a tag of up to 30 letters and digits")
    account = account_id(session)
    ticket = order_ticket(intent.request, session, account, tag=intent.client_tag)
    path = f"/iserver/account/{account}/orders"
    ask = Ask(method="POST", path=path, content={"orders": [ticket]}, is_write=True)
    return Acknowledged(write_and_answer(send, session, ask))


def modify_order(send: Send, session: BrokerSession, intent: ModifyIntent) -> None:
    """Change an order's quantity, prices, type or validity: the whole ticket again."""
    profile.require_change(intent.before, intent.request)
    account, order_id = account_id(session), known_id(intent.broker_order_id, ORDER_ID, profile.title)
    ticket = order_ticket(intent.request, session, account, tag=None)
    path = f"/iserver/account/{account}/order/{order_id}"
    ask = Ask(method="POST", path=path, content=ticket, is_write=True, names_an_order=True)
    require_same_id(write_and_answer(send, session, ask), order_id, profile.title)


def cancel_order(send: Send, session: BrokerSession, target: OrderTarget) -> None:
    """Cancel an order."""
    account, order_id = account_id(session), known_id(target.broker_order_id, ORDER_ID, profile.title)
    entered_by = operator(venues_of(target.request.instrument, session), account)
    query = f"?{urlencode({**entered_by, 'manualIndicator': 'false'})}" if entered_by else ""
    path = f"/iserver/account/{account}/order/{order_id}{query}"
    ask = Ask(method="DELETE", path=path, is_write=True, names_an_order=True)
    answered = read_object(call(send, session, ask), "an answer")
    require_same_id(read_order_id(answered, "order_id"), order_id, profile.title)


def read_order(send: Send, session: BrokerSession, target: OrderTarget) -> OrderReport:
    """Read one order of the current brokerage session; OrderNotFound or OutcomeUnknown for one of an earlier one."""
    order_id = known_id(target.broker_order_id, ORDER_ID, profile.title)
    listing = session.listing(target.request.instrument)
    ask = Ask(method="GET", path=f"/iserver/account/order/status/{order_id}", names_an_order=True)
    row = read_object(call(send, session, ask), "an order")
    if wire.read_key(row, "sec_type") != listing.broker_key:
        raise OutcomeUnknown("Interactive Brokers answered with an order of another contract")
    report = wire.read_status(row, listing.instrument)
    require_same_id(report.broker_order_id, order_id, profile.title)
    return report


def read_orders(send: Send, session: BrokerSession) -> OrderBook:
    """Read the live orders of the account, and from today's fills which others there were.

    The first read of a brokerage session is empty and says that it is no snapshot: such a book is not complete. Nor
    is one that lacks an order of which a fill is known: a renewed session can have forgotten an order that ended. Nor
    is one that may be of another account of the username.
    """
    selected = select_account(send, session)
    asked = of_account("/iserver/account/orders", session)
    content = read_object(call(send, session, asked), "the live orders")
    shown = read_list(content.get("orders"), "orders")
    filled = read_list(call(send, session, of_account("/iserver/account/trades", session)), "the trades")
    rows = [row for row in shown if not is_of_another(row, session, "acct")]
    trades = [trade for trade in filled if not is_of_another(trade, session, "account")]
    named = session.around.listings.named(wire.keys_of(rows, "secType"))
    found = [_report_or_why(row, named) for row in rows]
    found += _forgotten(trades, found)
    is_whole = content.get("snapshot") is True and len(shown) < MAX_ROWS
    is_of_others = _are_of_others(shown, rows) or _are_of_others(filled, trades)
    is_ours = was_selected(send, session, selected) and not is_of_others
    return book_of(found, is_whole=is_whole and is_ours)


def _are_of_others(shown: list[Any], ours: list[Any]) -> bool:
    return bool(shown) and not ours


def _report_or_why(value: Any, named: Mapping[str, Listing]) -> OrderReport | UnreadableRow:  # noqa: ANN401
    try:
        row = read_object(value, "an order")
        instrument = wire.read_instrument(row, named, "secType", "ticker", "listingExchange")
        return wire.read_row(row, instrument)
    except OutcomeUnknown as error:
        return UnreadableRow(*_names_of(value, "orderId"), why=error.message)


def _forgotten(trades: list[Any], found: list[OrderReport | UnreadableRow]) -> list[UnreadableRow]:
    """Return what fills tell of orders that the live orders lack, one entry an order."""
    shown = {name for row in found for name in (row.broker_order_id, row.client_tag) if name is not None}
    lacking: dict[tuple[str | None, str | None], UnreadableRow] = {}
    for trade in trades:
        names = _names_of(trade, "order_id")
        if not shown.intersection(names):
            lacking[names] = UnreadableRow(*names, why="it has fills, and the live orders lack it")
    return list(lacking.values())


def _names_of(value: Any, order_id: str) -> tuple[str | None, str | None]:  # noqa: ANN401
    return _text_or_none(value, order_id), _text_or_none(value, "order_ref")


def _text_or_none(value: Any, name: str) -> str | None:  # noqa: ANN401
    try:
        return read_optional_text(read_object(value, "a row"), name)
    except OutcomeUnknown:
        return None
