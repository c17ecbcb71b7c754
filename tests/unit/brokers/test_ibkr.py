"""Interactive Brokers' small parts, where samples and simulator cannot show every edge."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter import errors
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers import ibkr
from order_router.brokers.ibkr import (
    contracts,
    instruments,
    login,
    questions,
    refusals,
    session,
    signing,
    wire,
)
from order_router.domain.instrument import parse_instrument
from order_router.domain.reports import ReportedState
from tests.exact_json import dump_json
from tests.simulators.ibkr_login import SESSION

AT = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
GUARDS = ("o163", "o382", "o383", "o403", "o451", "o2137", "o10138", "o10288", "p6", "p12")


def session_of(**changes: str) -> BrokerSession:
    secrets = {name: Secret(text) for name, text in (SESSION | changes).items()}
    around = Surroundings(now=lambda: AT, nonce=lambda: "n1")
    return BrokerSession("main", "https://api.ibkr.com/v1/api", secrets, around)


def answering(*contents: Any) -> Any:
    waiting = [dump_json(content).encode() for content in contents]
    return lambda _: HttpResponse(status=200, body=waiting.pop(0))


# ------------------------------------------------------------ signing and the key of the day


def test_a_shared_secret_whose_first_bit_is_set_gets_a_leading_zero() -> None:
    assert login._as_bytes(0x80FF) == b"\x00\x80\xff"
    assert login._as_bytes(0x7FFF) == b"\x7f\xff"
    assert login._as_bytes(0x0101) == b"\x01\x01"


def test_the_query_and_the_secrets_place_are_as_documented() -> None:
    signed = signing.base_string("GET", "https://h/a b", {"oauth_b": "2", "oauth_a": "1"}, prepend="ff")

    assert signed == b"ffGET&https%3A%2F%2Fh%2Fa+b&oauth_a%3D1%26oauth_b%3D2"


@pytest.mark.parametrize(("consumer", "realm"), [("TESTCONS", "test_realm"), ("QWERTYUIO", "limited_poa")])
def test_only_the_vendor_s_test_consumer_has_its_own_realm(consumer: str, realm: str) -> None:
    written = signing.authorization(session_of(consumer_key=consumer), "GET", "https://h/x")

    assert written.startswith(f'OAuth realm="{realm}", oauth_consumer_key="{consumer}"')


def test_the_same_address_with_another_query_has_the_same_signature() -> None:
    one, other = (signing.authorization(session_of(), "GET", f"https://h/x?{query}") for query in "ab")

    assert one == other
    assert one != signing.authorization(session_of(), "POST", "https://h/x?a")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("live_session_token", "not base64"),
        ("consumer_key", 'A"B'),
        ("access_token", "a\nb"),
        ("account_id", "U1234567/../x"),
    ],
)
def test_a_stored_text_that_fits_no_request_is_a_dead_session_and_never_sent(name: str, text: str) -> None:
    sent: list[HttpRequest] = []

    with pytest.raises(errors.SessionExpired, match=name) as raised:
        ibkr.read_funds(sent.append, session_of(**{name: text}))  # type: ignore[arg-type]
    assert sent == []
    assert text not in str(raised.value)


def test_numbers_go_out_with_their_own_digits() -> None:
    content = {"a": [Decimal("1500.10"), 1, True, None, "x"], "b": {"c": Decimal("1E+2")}}

    assert session.exact_json(content) == '{"a":[1500.10,1,true,null,"x"],"b":{"c":100}}'


# ------------------------------------------------------------ questions


def test_nothing_that_guards_against_a_wrong_order_is_answered_with_yes() -> None:
    assert not set(GUARDS) & set(questions.ANSWERED_YES)


@pytest.mark.parametrize("ids", [[guard] for guard in GUARDS] + [["o354", "o451"], ["o451", "o354"]])
def test_a_question_with_one_guard_in_it_is_not_answered(ids: list[str]) -> None:
    asked = [{"id": "a-1", "message": ["Sure?"], "messageIds": ids}]
    found = questions.read_answer(asked, ())

    assert isinstance(found, questions.Question)
    assert not found.is_answered_yes


@pytest.mark.parametrize("reply_id", ["", "../orders", "a/b", "-1", "a" * 65])
def test_a_question_s_id_never_becomes_another_path(reply_id: str) -> None:
    asked = [{"id": reply_id, "message": ["Sure?"], "messageIds": ["o354"]}]

    with pytest.raises(errors.OutcomeUnknown):
        questions.read_answer(asked, ())


@pytest.mark.parametrize("order_id", ["-1", "0", "01", "1.5", "abc", "1" * 20])
def test_an_acknowledgement_names_an_order_by_digits(order_id: str) -> None:
    with pytest.raises(errors.OutcomeUnknown):
        questions.read_answer([{"order_id": order_id, "order_status": "Submitted"}], ())


# ------------------------------------------------------------ refusals


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(
    "words", ["Bad Request: no bridge", "Insufficient funds", "OrderID 1 doesn't exist", "limit"]
)
def test_no_server_s_fault_is_a_definite_answer_to_a_write(status: int, words: str) -> None:
    refusal = refusals.Refusal(status, words)

    for names_an_order in (True, False):
        found = refusals.read_refusal(refusal, is_write=True, names_an_order=names_an_order)
        assert type(found) is errors.OutcomeUnknown


def test_a_tag_that_comes_again_is_never_a_rejection() -> None:
    words = "Order couldn't be submitted: Local order ID=X is already registered. Insufficient margin"

    for status in (200, 400):
        found = refusals.read_refusal(refusals.Refusal(status, words), is_write=True, names_an_order=False)
        assert type(found) is errors.OutcomeUnknown


def test_words_are_one_line_without_secrets() -> None:
    assert (
        session.cleaned("account U1234567\n is <b>not</b> yours", ("U1234567",))
        == "account *** is <b>not</b> yours"
    )


# ------------------------------------------------------------ names of contracts


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("AAPL261218C00200000", ("AAPL", date(2026, 12, 18), "C", Decimal(200))),
        ("SPY270115P00650500", ("SPY", date(2027, 1, 15), "P", Decimal("650.5"))),
        ("F261218C00000500", ("F", date(2026, 12, 18), "C", Decimal("0.5"))),
    ],
)
def test_an_option_s_symbol_is_read_and_written(symbol: str, parts: tuple[Any, ...]) -> None:
    found = contracts.parse_option(symbol)

    assert found is not None
    assert (found.root, found.expiry, found.right, found.strike) == parts
    assert contracts.option_symbol(found) == symbol


@pytest.mark.parametrize("symbol", ["AAPL", "AAPL261318C00200000", "AAPL261218X00200000", "AAPL261218C200"])
def test_what_is_no_option_s_symbol_is_none(symbol: str) -> None:
    assert contracts.parse_option(symbol) is None


@pytest.mark.parametrize(
    ("symbol", "root", "month"),
    [
        ("ESZ6", "ES", "202612"),
        ("ESH7", "ES", "202703"),
        ("CLF5", "CL", "203501"),
        ("6EZ6", "6E", "202612"),
        ("M2KU6", "M2K", "202609"),
    ],
)
def test_a_future_s_year_is_the_next_that_ends_so(symbol: str, root: str, month: str) -> None:
    found = contracts.parse_future(symbol, date(2026, 11, 23))

    assert found is not None
    assert (found.root, found.month) == (root, month)


@pytest.mark.parametrize("symbol", ["ES", "ESA6", "Z6", "ESZ26", "ES DEC26"])
def test_what_is_no_future_s_symbol_is_none(symbol: str) -> None:
    assert contracts.parse_future(symbol, date(2026, 11, 23)) is None


def test_two_contracts_that_fit_one_name_are_no_answer() -> None:
    both = [{"conid": 1, "exchange": "NASDAQ"}, {"conid": 2, "exchange": "NASDAQ"}]
    send = answering({"AAPL": [{"name": "A", "contracts": both}]})

    with pytest.raises(errors.OutcomeUnknown, match="2 contracts fit"):
        instruments.find_listing(send, session_of(), parse_instrument("NASDAQ:AAPL"))


def test_a_share_of_another_kind_or_currency_is_not_the_one() -> None:
    stocks = {"AAPL": [{"name": "A", "contracts": [{"conid": 1, "exchange": "NASDAQ"}]}]}
    rules = {
        "con_id": 1,
        "instrument_type": "STK",
        "currency": "USD",
        "rules": {"increment": Decimal("0.01")},
    }

    for changed in ({"currency": "MXN"}, {"instrument_type": "CFD"}):
        send = answering(stocks, rules | changed)
        assert instruments.find_listing(send, session_of(), parse_instrument("NASDAQ:AAPL")) is None
    found = instruments.find_listing(answering(stocks, rules), session_of(), parse_instrument("NASDAQ:AAPL"))
    assert found is not None


# ------------------------------------------------------------ rows


@pytest.mark.parametrize(
    ("status", "changes", "state"),
    [
        ("PendingSubmit", {}, ReportedState.PENDING),
        ("PreSubmitted", {}, ReportedState.PENDING),
        ("PreSubmitted", {"orderType": "Stop"}, ReportedState.OPEN),
        ("PreSubmitted", {"orderType": "STOP_LIMIT"}, ReportedState.OPEN),
        ("Submitted", {}, ReportedState.OPEN),
        ("Submitted", {"filledQuantity": 4}, ReportedState.PARTIALLY_FILLED),
        ("WarnState", {}, ReportedState.OPEN),
        ("PendingCancel", {"filledQuantity": 4}, ReportedState.PARTIALLY_FILLED),
        ("PreCancelled", {}, ReportedState.OPEN),
        ("Filled", {"filledQuantity": 10}, ReportedState.FILLED),
        ("Cancelled", {}, ReportedState.CANCELLED),
        ("ApiCancelled", {"filledQuantity": 4}, ReportedState.CANCELLED),
        ("Cancelled", {"order_cancellation_by_system_reason": "tick"}, ReportedState.REJECTED),
        (
            "Cancelled",
            {"order_cancellation_by_system_reason": "tick", "filledQuantity": 4},
            ReportedState.CANCELLED,
        ),
        ("Inactive", {}, ReportedState.REJECTED),
        ("Inactive", {"order_ccp_status": "Pending Submit"}, ReportedState.PENDING),
    ],
)
def test_each_status_is_read_as_documented(
    status: str, changes: dict[str, Any], state: ReportedState
) -> None:
    row = {
        "orderId": 1,
        "status": status,
        "secType": "STK",
        "side": "BUY",
        "totalSize": Decimal("10.0"),
        "filledQuantity": 0,
        "orderType": "Limit",
        "price": "1",
        "timeInForce": "DAY",
    }

    assert wire.read_row(row | changes, parse_instrument("NASDAQ:AAPL")).state is state


def test_a_part_of_a_share_is_not_rounded() -> None:
    row = {"orderId": 1, "totalSize": Decimal("10.5"), "filledQuantity": 0}

    with pytest.raises(errors.OutcomeUnknown, match="whole number"):
        wire.read_row(row, parse_instrument("NASDAQ:AAPL"))


def test_orders_read_back_and_a_book_stay_within_a_username_s_ten_requests_a_second() -> None:
    of_an_order, of_a_book = 2, 4

    assert ibkr.profile.order_calls_per_second * of_an_order + of_a_book <= 10
