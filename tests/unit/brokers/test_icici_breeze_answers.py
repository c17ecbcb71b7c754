"""Breeze's answers: what a refusal proves, what a row says, what a book of four exchanges is."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter import errors
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.port import OrderTarget
from order_router.adapter.session import BrokerSession, Secret
from order_router.brokers import icici_breeze
from order_router.brokers.icici_breeze import wire
from order_router.brokers.icici_breeze.refusals import Refusal, read_refusal
from order_router.brokers.registry import load_broker
from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import Listing
from order_router.domain.reports import ReportedState
from tests.contract.canaries import load_canaries
from tests.contract.conftest import samples_folder
from tests.exact_json import dump_json
from tests.fakes.orders import a_request

RELIANCE = parse_instrument("NSE:RELIANCE")
ROW: dict[str, Any] = {
    "order_id": "20261120N300001234",
    "exchange_code": "NSE",
    "stock_code": "RELIND",
    "product_type": "Cash",
    "action": "Buy",
    "order_type": "Limit",
    "stoploss": "0.00",
    "quantity": "10",
    "price": "1512.50",
    "validity": "Day",
    "average_price": "0",
    "cancelled_quantity": "0",
    "pending_quantity": "10",
    "status": "Ordered",
    "user_remark": "",
    "order_datetime": "20-Nov-2026 10:02:11",
}
LIMIT = {"Success": None, "Status": 5, "Error": "Limit exceed: API call per minute:Try after some time"}
DEAD = {"Success": None, "Status": 401, "Error": "Unauthorized"}
NOTHING = {"Success": None, "Status": 404, "Error": "No Data Found"}


def session() -> BrokerSession:
    return load_canaries(samples_folder("icici_breeze"), load_broker("icici_breeze")).session


class Answers:
    """A `send` that answers with these, one after the other."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        self.answers = list(answers)
        self.sent: list[HttpRequest] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        status, content = self.answers.pop(0)
        return HttpResponse(status=status, body=dump_json(content).encode())


class CountingListings:
    """Counts look-ups."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.asked = inner, 0

    def of(self, instrument: Any) -> Listing | None:
        found: Listing | None = self.inner.of(instrument)
        return found

    def chain(self, *_: object) -> tuple[Listing, ...]:
        return ()

    def named(self, broker_keys: Collection[str]) -> Mapping[str, Listing]:
        self.asked += 1
        found: Mapping[str, Listing] = self.inner.named(broker_keys)
        return found


def success(*rows: dict[str, Any]) -> tuple[int, object]:
    return 200, {"Success": list(rows), "Status": 200, "Error": None}


@pytest.mark.parametrize(
    ("http_status", "status", "words", "means"),
    [
        (401, 5, "Limit exceed: API call per minute:Try after some time", errors.RateLimited),
        (200, 5, "Limit exceed: API call per day: ", errors.RateLimited),
        (429, 429, "Too many", errors.RateLimited),
        (401, 401, "anything else", errors.SessionExpired),
        (200, 500, "Resource not available.", errors.Rejected),
        (401, 500, "Resource not available.", errors.SessionExpired),
        (500, 500, "Price should be in multiples of: 0.05", errors.OutcomeUnknown),
        (503, 5, "Limit exceed: API call per minute", errors.OutcomeUnknown),
        (302, 500, "Invalid session.", errors.OutcomeUnknown),
        (200, 504, "no", errors.OutcomeUnknown),
        (400, 500, "no", errors.OutcomeUnknown),
    ],
)
def test_a_refusal_proves_what_its_status_and_words_say(
    http_status: int, status: int, words: str, means: type[errors.BrokerError]
) -> None:
    assert type(read_refusal(Refusal(http_status, status, words, words), names_an_order=False)) is means


def test_a_secret_that_is_part_of_a_refusals_words_does_not_change_what_it_means() -> None:
    short = replace(session(), secrets={name: Secret("Limit") for name in session().secrets})

    with pytest.raises(errors.RateLimited) as caught:
        icici_breeze.read_funds(Answers((401, LIMIT)), short)

    assert "Limit" not in caught.value.message


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("20-Nov-2026 10:02:11", datetime(2026, 11, 20, 4, 32, 11, tzinfo=UTC)),
        ("20-Nov-2026 10:02", datetime(2026, 11, 20, 4, 32, 59, tzinfo=UTC)),
        ("20-NOV-2026 10:02:11", datetime(2026, 11, 20, 4, 32, 11, tzinfo=UTC)),
        ("", None),
    ],
)
def test_a_time_without_seconds_is_the_last_of_its_minute(shown: str, expected: datetime | None) -> None:
    assert wire.read_order_time({"order_datetime": shown}) == expected


def test_words_are_known_whatever_their_capitals() -> None:
    shouted = {name: value.upper() for name, value in ROW.items() if isinstance(value, str)}

    report = wire.read_row(shouted, RELIANCE)

    assert (report.state, report.status) == (ReportedState.OPEN, "ORDERED")


@pytest.mark.parametrize(
    ("changes", "state", "filled"),
    [
        ({}, ReportedState.OPEN, 0),
        # the columns of an order that rests have been seen at zero
        ({"pending_quantity": "0"}, ReportedState.OPEN, 0),
        ({"pending_quantity": "6", "average_price": "1512"}, ReportedState.PARTIALLY_FILLED, 4),
        (
            {"status": "Partially Executed", "pending_quantity": "6", "average_price": "1512"},
            ReportedState.PARTIALLY_FILLED,
            4,
        ),
        ({"status": "Executed", "pending_quantity": "0", "average_price": "1512"}, ReportedState.FILLED, 10),
        ({"status": "Rejected", "pending_quantity": "0"}, ReportedState.REJECTED, 0),
        ({"status": "Rejected", "cancelled_quantity": "10"}, ReportedState.REJECTED, 0),
        ({"cancelled_quantity": "10"}, ReportedState.OPEN, 0),
    ],
)
def test_what_has_filled_is_told_by_status_columns_and_price(
    changes: dict[str, str], state: ReportedState, filled: int
) -> None:
    report = wire.read_row(ROW | changes, RELIANCE)

    assert (report.state, report.filled_quantity) == (state, filled)


@pytest.mark.parametrize(
    ("status", "pending", "cancelled", "state"),
    [
        # these two as users of the API have published them
        ("Cancelled", 10, 10, ReportedState.CANCELLED),
        ("Expired", 10, 0, ReportedState.EXPIRED),
        ("Cancelled", 0, 10, ReportedState.CANCELLED),
        ("Cancelled", 0, 0, ReportedState.CANCELLED),
        ("Partially Executed And Cancelled", 6, 6, ReportedState.CANCELLED),
        ("Partially Executed And Cancelled", 9, 9, ReportedState.CANCELLED),
        ("Partially Executed And Cancelled", 1, 1, ReportedState.CANCELLED),
        ("Partially Executed And Cancelled", 0, 6, ReportedState.CANCELLED),
        ("Partially Executed And Expired", 6, 0, ReportedState.EXPIRED),
        ("Partially Executed And Expired", 6, 6, ReportedState.EXPIRED),
    ],
)
def test_what_an_ended_order_leaves_counts_once_though_it_stays_pending(
    status: str, pending: int, cancelled: int, state: ReportedState
) -> None:
    is_part = status.startswith("Partially")
    columns = {"pending_quantity": str(pending), "cancelled_quantity": str(cancelled)}
    price = {"average_price": "1512"} if is_part else {}

    report = wire.read_row(ROW | columns | price | {"status": status}, RELIANCE)

    assert (report.state, report.filled_quantity) == (state, 10 - max(pending, cancelled) if is_part else 0)


@pytest.mark.parametrize(
    ("status", "pending", "cancelled", "average_price"),
    [
        # the columns tell two fills
        ("Partially Executed And Cancelled", 5, 3, "1512"),
        ("Partially Executed And Cancelled", 10, 3, "1512"),
        # nothing is left, or everything
        ("Partially Executed And Cancelled", 0, 0, "1512"),
        ("Partially Executed And Cancelled", 10, 10, "1512"),
        # of one that is still there nobody knows whether what was cancelled stays pending
        ("Partially Executed", 3, 3, "1512"),
        ("Ordered", 3, 3, "1512"),
        # something filled that the status does not tell of
        ("Cancelled", 3, 3, "0"),
        ("Cancelled", 0, 3, "0"),
        ("Expired", 3, 0, "0"),
    ],
)
def test_columns_that_do_not_tell_one_fill_are_not_believed(
    status: str, pending: int, cancelled: int, average_price: str
) -> None:
    columns = {"pending_quantity": str(pending), "cancelled_quantity": str(cancelled)}

    with pytest.raises(errors.OutcomeUnknown):
        wire.read_row(ROW | columns | {"status": status, "average_price": average_price}, RELIANCE)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "Rejected", "average_price": "1512"},
        {"status": "Cancelled", "average_price": "1512"},
        {"status": "Partially Executed"},
        {"status": "Partially Executed", "pending_quantity": "0", "average_price": "1512"},
        {"status": "Partially Executed And Cancelled", "pending_quantity": "0", "average_price": "1512"},
        {"status": "Ordered", "pending_quantity": "0", "average_price": "1512"},
        {"status": "Ordered", "pending_quantity": "11", "average_price": "1512"},
        {"quantity": "0"},
        {"price": "-1"},
    ],
)
def test_a_row_that_contradicts_itself_is_not_believed(changes: dict[str, str]) -> None:
    with pytest.raises(errors.OutcomeUnknown):
        wire.read_row(ROW | changes, RELIANCE)


def test_a_word_that_may_be_a_secret_is_not_told() -> None:
    with pytest.raises(errors.OutcomeUnknown) as caught:
        wire.read_row(ROW | {"status": "Ordered by 8213377"}, RELIANCE)

    assert "8213377" not in str(caught.value)


def test_one_look_up_serves_a_whole_book() -> None:
    listings = CountingListings(session().around.listings)
    counted = replace(session(), around=replace(session().around, listings=listings))
    answers = Answers((200, NOTHING), success(ROW | {"exchange_code": "BSE"}), success(), success(ROW, ROW))

    book = icici_breeze.read_orders(answers, counted)

    assert (len(book.reports), book.is_complete, listings.asked) == (3, True, 1)


@pytest.mark.parametrize(("answer", "failure"), [(DEAD, errors.SessionExpired), (LIMIT, errors.RateLimited)])
def test_a_book_is_not_read_on_with_a_dead_session_or_over_the_limit(
    answer: dict[str, Any], failure: type[errors.BrokerError]
) -> None:
    answers = Answers((200, NOTHING), (401, answer))

    with pytest.raises(failure):
        icici_breeze.read_orders(answers, session())

    assert len(answers.sent) == 2


def test_a_book_of_which_no_part_can_be_read_is_none() -> None:
    with pytest.raises(errors.OutcomeUnknown, match="the orders on BFO"):
        icici_breeze.read_orders(Answers(*[(502, {})] * 4), session())


@pytest.mark.parametrize(
    "words", ["No Positions available.", "No positions available", "NO POSITIONS AVAILABLE."]
)
def test_a_flat_account_has_no_positions_in_a_success_that_says_so(words: str) -> None:
    answer = {"Success": None, "Status": 200, "Error": words}

    book = icici_breeze.read_positions(Answers((200, answer)), session())

    assert (book.positions, book.unreadable) == ((), ())
    with pytest.raises(errors.OutcomeUnknown):
        icici_breeze.read_holdings(Answers((200, answer)), session())


@pytest.mark.parametrize(
    ("http_status", "answer"),
    [
        (200, {"Success": None, "Status": 200, "Error": "No Positions available. Try after some time"}),
        (200, {"Success": None, "Status": 200, "Error": "Positions not available."}),
        (200, {"Success": None, "Status": 200, "Error": None}),
        (200, {"Success": None, "Status": 500, "Error": "No Positions available."}),
        (200, {"Success": [{}], "Status": 200, "Error": "No Positions available."}),
        (200, {"Status": 200, "Error": "No Positions available."}),
        (500, {"Success": None, "Status": 200, "Error": "No Positions available."}),
    ],
)
def test_nothing_else_is_read_as_a_flat_account(http_status: int, answer: dict[str, Any]) -> None:
    with pytest.raises(errors.BrokerError):
        icici_breeze.read_positions(Answers((http_status, answer)), session())


def test_an_order_of_which_two_rows_come_is_not_known() -> None:
    target = OrderTarget(broker_order_id=ROW["order_id"], request=a_request(product="CNC"))

    with pytest.raises(errors.OutcomeUnknown, match="one row"):
        icici_breeze.read_order(Answers(success(ROW, ROW)), session(), target)
    with pytest.raises(errors.OutcomeUnknown, match="another order"):
        icici_breeze.read_order(Answers(success(ROW | {"order_id": "OTHER"})), session(), target)


def test_a_quote_is_that_of_its_own_exchange() -> None:
    quote = {"exchange_code": "NSE", "ltp": Decimal("1512.45"), "ltt": ""}
    others = [quote | {"exchange_code": "BSE", "ltp": Decimal(9)}, quote]

    (read,) = icici_breeze.read_quotes(Answers(success(*others)), session(), [RELIANCE])

    assert read.last_price == Decimal("1512.45")
    with pytest.raises(errors.OutcomeUnknown, match="one quote"):
        icici_breeze.read_quotes(Answers(success(quote, quote)), session(), [RELIANCE])
