"""A small broker: an adapter of one write and one read request, and the side of it that holds the truth.

An outcome is chosen for every write. A late order and a lagging book are the two ways in which a book lacks an order
that was accepted: with the answer lost, and with the order acknowledged.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from order_router.adapter.errors import NotSent, OrderNotFound, OutcomeUnknown, Rejected
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.port import Acknowledged, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.brokers.paper.profile import profile as paper
from order_router.domain.reports import OrderBook, OrderReport, ReportedState
from order_router.domain.vocabulary import OrderType
from tests.fakes.orders import a_request

ENDPOINT = "paper://search"
REQUEST = a_request(strategy="trend")
ORDER_TYPE = OrderType.LIMIT
CREATED, OK, PARTIAL_CONTENT, REFUSED, NOT_FOUND = 201, 200, 206, 400, 404


class Outcome(StrEnum):
    """What becomes of one write."""

    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    REFUSED = "connection refused"
    REQUEST_LOST = "request lost"
    ANSWER_LOST = "accepted, answer lost"
    LATE = "accepted late, answer lost"
    LAGGING = "acknowledged, book lags"


@dataclass(frozen=True, slots=True)
class Row:
    """One accepted order, and whether the book shows it yet."""

    broker_order_id: str
    tag: str
    state: ReportedState = ReportedState.OPEN
    filled_quantity: int = 0
    is_visible: bool = True


@dataclass(frozen=True, slots=True)
class Book:
    """The broker's truth: accepted orders, whether a definite no was said, writes that were tried and that left."""

    rows: tuple[Row, ...] = ()
    said_no: bool = False
    writes: int = 0
    left: int = 0

    @property
    def is_lagging(self) -> bool:
        """Return whether an accepted order is not shown yet."""
        return any(not row.is_visible for row in self.rows)


def take_write(book: Book, tag: str, outcome: Outcome) -> tuple[Book, HttpResponse | Exception]:
    """Return the book after a write with this outcome, and what the worker hears."""
    book = replace(book, writes=book.writes + 1)
    if outcome is Outcome.REFUSED:
        return book, NotSent("connection refused")
    book = replace(book, left=book.left + 1)
    if outcome is Outcome.REQUEST_LOST:
        return book, OutcomeUnknown("no answer in time")
    if outcome is Outcome.REJECTED:
        return replace(book, said_no=True), HttpResponse(status=REFUSED, body=b"short of funds")
    row = Row(f"b-{len(book.rows) + 1}", tag, is_visible=outcome not in {Outcome.LATE, Outcome.LAGGING})
    book = replace(book, rows=(*book.rows, row))
    if outcome in {Outcome.ANSWER_LOST, Outcome.LATE}:
        return book, OutcomeUnknown("no answer in time")
    return book, HttpResponse(status=CREATED, body=row.broker_order_id.encode())


def answer_read(book: Book, path: str) -> HttpResponse:
    """Answer for the whole book, or for one order of it."""
    named = path.removeprefix("/orders").strip("/")
    rows = [row for row in book.rows if row.is_visible and named in {"", row.broker_order_id}]
    if named and not rows:
        return HttpResponse(status=NOT_FOUND)
    lines = (f"{row.broker_order_id} {row.tag} {row.state} {row.filled_quantity}" for row in rows)
    return HttpResponse(status=OK, body="\n".join(lines).encode())


def moves(book: Book) -> list[tuple[str, Book]]:
    """Return what may happen at the broker by itself during the session."""
    if not book.rows:
        return []
    row = book.rows[0]
    if not row.is_visible:
        return [("the book shows the order", _with(book, is_visible=True))]
    if row.state is ReportedState.OPEN:
        return [
            ("2 fill", _with(book, state=ReportedState.PARTIALLY_FILLED, filled_quantity=2)),
            ("the exchange rejects", _with(book, state=ReportedState.REJECTED)),
        ]
    if row.state is ReportedState.PARTIALLY_FILLED:
        return [("all fill", _with(book, state=ReportedState.FILLED, filled_quantity=REQUEST.quantity))]
    return []


def end_day(book: Book) -> Book:
    """Return the book after the close: what still rests expires."""
    resting = {ReportedState.OPEN, ReportedState.PARTIALLY_FILLED}
    rows = tuple(
        replace(row, is_visible=True, state=ReportedState.EXPIRED)
        if row.state in resting
        else replace(row, is_visible=True)
        for row in book.rows
    )
    return replace(book, rows=rows)


def _with(book: Book, **changes: Any) -> Book:
    return replace(book, rows=(replace(book.rows[0], **changes), *book.rows[1:]))


class SearchBroker:
    """An adapter like any other: one write places, one read looks."""

    profile = replace(
        paper, name="search", title="Search", endpoint=ENDPOINT, rejects_after_acknowledging=True
    )

    def place_order(self, send: Send, session: BrokerSession, intent: PlaceIntent, /) -> Acknowledged:
        """Place one order with one write request."""
        url = f"{session.endpoint}/orders"
        answer = send(HttpRequest(method="POST", url=url, body=intent.client_tag.encode(), is_write=True))
        if answer.status != CREATED:
            raise Rejected(answer.body.decode())
        return Acknowledged(answer.body.decode())

    def read_order(self, send: Send, session: BrokerSession, target: OrderTarget, /) -> OrderReport:
        """Read one order."""
        url = f"{session.endpoint}/orders/{target.broker_order_id}"
        answer = send(HttpRequest(method="GET", url=url))
        if answer.status == NOT_FOUND:
            raise OrderNotFound(f"no order {target.broker_order_id}")
        return _report(answer.body.decode())

    def read_orders(self, send: Send, session: BrokerSession, /) -> OrderBook:
        """Read the book; status 206 is one that was cut."""
        answer = send(HttpRequest(method="GET", url=f"{session.endpoint}/orders"))
        reports = tuple(_report(line) for line in answer.body.decode().splitlines())
        return OrderBook(reports, is_complete=answer.status == OK)


def _report(line: str) -> OrderReport:
    broker_order_id, tag, state, filled_quantity = line.split()
    return OrderReport(
        broker_order_id=broker_order_id,
        state=ReportedState(state),
        status=state,
        instrument=REQUEST.instrument,
        side=REQUEST.side,
        quantity=REQUEST.quantity,
        filled_quantity=int(filled_quantity),
        order_type=ORDER_TYPE,
        product=REQUEST.product,
        client_tag=tag,
        message="refused at the exchange" if state == ReportedState.REJECTED else None,
    )
