"""What Kotak's refusals tell about an order: a definite no only where one is documented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.adapter import errors
from order_router.brokers.kotak_neo.refusals import RULES, NoData, Refusal, find_refusal, read_refusal

KNOWN = {rule.code for rule in RULES if rule.code is not None}


def means(
    code: str | None, words: str = "words", *, status: int = 200, names_an_order: bool = False
) -> type[errors.BrokerError]:
    return type(read_refusal(Refusal(status, code, words), names_an_order=names_an_order))


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429])
@pytest.mark.parametrize("code", ["1037", "100008"])
def test_an_address_that_is_refused_is_never_taken_for_a_dead_session(code: str, status: int) -> None:
    assert means(code, status=status) is errors.PermissionDenied


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
