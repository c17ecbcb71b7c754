"""What Kotak's refusals tell about an order: a definite no only where one is documented."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.adapter import errors
from order_router.adapter.http import HttpResponse
from order_router.adapter.port import PlaceIntent
from order_router.brokers import kotak_neo
from order_router.brokers.kotak_neo.refusals import RULES, NoData, Refusal, find_refusal, read_refusal
from order_router.brokers.registry import load_broker
from tests.contract.canaries import load_canaries
from tests.contract.conftest import samples_folder
from tests.fakes.orders import a_request

KNOWN = {rule.code for rule in RULES if rule.code is not None}


INVALID = {"stat": "Not_Ok", "emsg": "Invalid session", "stCode": 1003}
INVALID_TOKEN = {"stCode": 100010, "errMsg": "invalid session token", "stat": "invalid session token"}
GATEWAYS = {
    "fault": {"code": 900901, "message": "Invalid Credentials", "description": "Access failure for API"}
}


def means(
    code: str | None,
    words: str = "words",
    *,
    status: int = 200,
    names_an_order: bool = False,
    is_write: bool = True,
) -> type[errors.BrokerError]:
    refusal = Refusal(status, code, words)
    return type(read_refusal(refusal, names_an_order=names_an_order, is_write=is_write))


def read_book(status: int, body: bytes) -> None:
    session = load_canaries(samples_folder("kotak_neo"), load_broker("kotak_neo")).session
    kotak_neo.read_orders(lambda _: HttpResponse(status=status, body=body), session)


def place(status: int, body: bytes) -> None:
    session = load_canaries(samples_folder("kotak_neo"), load_broker("kotak_neo")).session
    tag = "ORD7K2M4QX5ZB3TDLW6A"
    request = a_request(instrument="NSE:RELIANCE", product="CNC", order_type="LIMIT", limit_price="1512.50")
    intent = PlaceIntent(client_order_id=tag, client_tag=tag, request=request)
    kotak_neo.place_order(lambda _: HttpResponse(status=status, body=body), session, intent)


@pytest.mark.parametrize("is_write", [False, True])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 429])
@pytest.mark.parametrize("code", ["1037", "100008"])
def test_an_address_that_is_refused_is_never_taken_for_a_dead_session(
    code: str, status: int, *, is_write: bool
) -> None:
    assert means(code, status=status, is_write=is_write) is errors.PermissionDenied


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, INVALID),
        (403, INVALID),
        (200, INVALID | {"emsg": "other words"}),
        (200, INVALID_TOKEN),
        (403, {"message": "Forbidden"}),
        (401, GATEWAYS),
        (401, {"status": "error"}),
        (403, {"stat": "Not_Ok", "emsg": "No Data", "stCode": 5203}),
        (403, {"stat": "Ok", "stCode": 200, "data": []}),
    ],
)
def test_a_dead_session_is_one_to_a_read_whatever_else_its_answer_says(status: int, answer: Any) -> None:
    with pytest.raises(errors.SessionExpired):
        read_book(status, json.dumps(answer).encode())


@pytest.mark.parametrize("body", [b"", b"<html>403 Forbidden</html>", b"[]"])
def test_a_read_that_is_forbidden_without_a_body_met_a_dead_session(body: bytes) -> None:
    with pytest.raises(errors.SessionExpired):
        read_book(403, body)
    with pytest.raises(errors.OutcomeUnknown):
        place(403, body)


@pytest.mark.parametrize("status", [200, 400, 403])
def test_a_write_is_sent_again_after_the_words_for_a_dead_session_that_its_page_has(status: int) -> None:
    with pytest.raises(errors.SessionExpired):
        place(status, json.dumps(INVALID).encode())


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, INVALID | {"emsg": "error from core"}),
        (200, INVALID_TOKEN),
        (403, {"message": "Forbidden"}),
        (401, GATEWAYS),
    ],
)
def test_a_write_is_never_sent_again_after_words_that_its_page_does_not_have(
    status: int, answer: Any
) -> None:
    with pytest.raises(errors.OutcomeUnknown):
        place(status, json.dumps(answer).encode())


@pytest.mark.parametrize("code", sorted(KNOWN))
@pytest.mark.parametrize("status", [201, 204, 302, 408, 500, 502, 503, 504])
def test_no_code_is_definite_with_a_status_that_is_not(code: str, status: int) -> None:
    assert means(code, status=status, names_an_order=True) is errors.OutcomeUnknown


@given(code=st.integers(0, 200_000).map(str).filter(lambda code: code not in KNOWN))
def test_a_code_that_no_page_has_leaves_the_outcome_unknown(code: str) -> None:
    assert means(code, "insufficient balance, order rejected") is errors.OutcomeUnknown
    assert means(code, "order not found", names_an_order=True) is errors.OutcomeUnknown


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("please provide valid quantity", errors.InvalidOrder),
        ("please provide valid Trading Symbol", errors.InvalidSymbol),
        ("invalid instrument", errors.InvalidSymbol),
        ("something else", errors.InvalidOrder),
    ],
)
def test_1009_is_a_wrong_field_and_its_words_say_which(
    words: str, expected: type[errors.BrokerError]
) -> None:
    assert means("1009", words) is expected


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        ("1002", "Invalid input parameters", errors.InvalidOrder),
        ("1008", "Market closed", errors.MarketClosed),
        ("1010", "Quantity not allowed", errors.InvalidOrder),
        ("1010", "Order not found", errors.OutcomeUnknown),
        ("1005", "Internal server error", errors.OutcomeUnknown),
        ("1007", "Exchange not reachable", errors.OutcomeUnknown),
    ],
)
def test_a_placement_is_refused_as_its_page_lists_it(
    code: str, words: str, expected: type[errors.BrokerError]
) -> None:
    assert means(code, words) is expected


def test_an_order_that_is_not_there_is_one_only_where_one_was_named() -> None:
    assert means("1010", "Order not found", names_an_order=True) is errors.OrderNotFound
    assert means("1010", "contract expired", names_an_order=True) is errors.InvalidOrder


@pytest.mark.parametrize("code", ["1006", "1021"])
def test_what_is_said_of_an_order_counts_only_where_one_was_named(code: str) -> None:
    assert means(code, "order is completed", names_an_order=True) is errors.Rejected
    assert means(code, "order is completed") is errors.OutcomeUnknown


def test_a_tag_that_was_used_leaves_the_outcome_unknown() -> None:
    """The order may be there: 32 is also what a second sending of the same order is answered with."""
    assert means("32", "error from core") is errors.OutcomeUnknown


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [("5203", "No Data", NoData), ("5204", "No Data", NoData), ("5204", "Bad Input", errors.OutcomeUnknown)],
)
def test_only_words_of_no_data_make_an_empty_list(
    code: str, words: str, expected: type[errors.BrokerError]
) -> None:
    assert means(code, words) is expected


@pytest.mark.parametrize(
    "answer",
    [
        {"stat": "Ok", "stCode": 200, "nOrdNo": "1", "errMsg": "insufficient balance"},
        {"stat": "Ok", "stCode": 1004, "errMsg": "insufficient balance"},
        {"stat": "Not_Ok", "stCode": 200, "errMsg": "insufficient balance"},
        {"stat": "Not_Ok", "stCode": 1004},
        {"error": []},
        {"status": "error"},
        {"status": "ERROR", "fault": "words"},
        [],
        None,
    ],
)
def test_an_answer_that_is_half_a_refusal_is_none(answer: object) -> None:
    if answer == {"status": "error"}:
        with pytest.raises(errors.OutcomeUnknown):
            find_refusal(200, answer)
        return
    assert find_refusal(200, answer) is None
