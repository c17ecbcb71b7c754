"""Every broker of the registry keeps the contract; a new one is checked here unasked."""

import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from order_router.adapter import errors
from order_router.adapter.http import HttpResponse
from order_router.adapter.port import Broker, ModifyIntent
from order_router.domain.reports import OrderBook, PositionBook
from tests.contract import checks, claims, hostile
from tests.contract.canaries import Canaries
from tests.contract.samples import JSON_HEADERS, Case, Script
from tests.exact_json import dump_json

WORD = "A NEW WORD"
BOOKS = (OrderBook, PositionBook)
STATUSES = (200, 201, 204, 302, 400, 403, 404, 429, 500)
UNREADABLE_HEADS = (
    *((status, JSON_HEADERS) for status in (200, 400, *hostile.SERVER_FAULTS)),
    (200, {"content-type": "text/html"}),
    (200, {"content-type": "text/csv"}),
    (200, {}),
)
EXAMPLES = settings(
    max_examples=settings().max_examples // 2,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def as_body(value: object) -> bytes:
    return dump_json(value).encode()


def test_a_broker_offers_the_whole_port_and_a_sane_profile(broker_name: str, broker: Broker) -> None:
    assert broker.profile.name == broker_name
    assert claims.wrong_port(broker) == []


def test_every_claim_of_the_profile_has_a_sample(broker: Broker, cases: tuple[Case, ...]) -> None:
    assert claims.missing_samples(broker, cases) == []


def test_what_the_profile_does_not_claim_is_unsupported_before_anything_is_sent(
    broker: Broker, canaries: Canaries, cases: tuple[Case, ...]
) -> None:
    modified = next(case.intent for case in cases if isinstance(case.intent, ModifyIntent) and case.succeeds)

    for _, intent in claims.unclaimed_intents(broker, cases):
        with pytest.raises(errors.Unsupported):
            broker.place_order(Script(()), canaries.session, intent)
        changed = ModifyIntent(
            broker_order_id=modified.broker_order_id, before=modified.before, request=intent.request
        )
        with pytest.raises(errors.Unsupported):
            broker.modify_order(Script(()), canaries.session, changed)


def test_a_feature_that_the_profile_does_not_claim_is_unsupported(broker: Broker, canaries: Canaries) -> None:
    for call, intent in claims.unclaimed_calls(broker):
        with pytest.raises(errors.Unsupported):
            getattr(broker, call)(Script(()), canaries.session, intent)


def test_a_case_sends_what_its_sample_holds_and_reads_what_it_expects(
    broker: Broker, canaries: Canaries, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    outcome = checks.perform(broker, canaries, case)

    assert checks.wrong_requests(broker, case, outcome.sent) == []
    assert checks.wrong_outcome(case, outcome) == []
    assert checks.secrets_shown(canaries, outcome, caplog.text) == []


def test_a_word_that_nobody_knows_is_never_a_default(broker: Broker, canaries: Canaries, case: Case) -> None:
    for field in case.word_fields:
        for index, answer in enumerate(case.answers):
            changed = hostile.with_word(answer, field, WORD) if isinstance(answer, HttpResponse) else None
            if changed is None:
                continue
            outcome = checks.perform(broker, canaries, case.with_answer(index, changed))
            assert checks.wrong_unknown_word(case, outcome, WORD) == [], field


@pytest.mark.parametrize("failure", [errors.NotSent, errors.DeadlinePassed, errors.OutcomeUnknown])
def test_what_the_transport_says_goes_through_unchanged(
    broker: Broker, canaries: Canaries, case: Case, failure: type[errors.BrokerError]
) -> None:
    for index in range(len(case.answers)):
        outcome = checks.perform(broker, canaries, case.with_answer(index, failure("the transport's words")))

        assert type(outcome.error) is failure
        assert len(outcome.sent) == index + 1


def test_an_unreadable_answer_raises_only_our_errors_and_never_a_rejection(
    broker: Broker, canaries: Canaries, cases: tuple[Case, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        HttpResponse(status=status, headers=headers, body=body)
        for status, headers in UNREADABLE_HEADS
        for body in hostile.UNREADABLE.values()
    ]
    for case in _one_of_each_call(cases):
        for index, _ in _readable_answers(case):
            for answer in answers:
                _hold(broker, canaries, case.with_answer(index, answer), is_unreadable=True)
    assert "canary" not in caplog.text


def test_a_server_fault_says_nothing_about_the_order(broker: Broker, canaries: Canaries, case: Case) -> None:
    for index, answer in _readable_answers(case):
        for status in hostile.SERVER_FAULTS:
            changed = HttpResponse(status=status, headers=answer.headers, body=answer.body)
            _hold(broker, canaries, case.with_answer(index, changed), is_unreadable=True)


def test_a_truncated_answer_says_nothing_about_the_order(
    broker: Broker, canaries: Canaries, case: Case
) -> None:
    for index, answer in _readable_answers(case):
        for body in hostile.truncated(answer.body):
            changed = HttpResponse(status=answer.status, headers=answer.headers, body=body)
            _hold(broker, canaries, case.with_answer(index, changed), is_unreadable=True)


def test_a_field_of_the_wrong_type_raises_only_our_errors(
    broker: Broker, canaries: Canaries, attacked_case: Case
) -> None:
    case = attacked_case
    for index, answer in _readable_answers(case):
        for what, changed in hostile.mutations(answer):
            outcome = checks.perform(broker, canaries, case.with_answer(index, changed))
            assert checks.wrong_under_attack(case, outcome, is_unreadable=False) == [], what
            is_refusal = isinstance(outcome.error, errors.Rejected | errors.NotSent)
            assert not (case.is_write and case.succeeds and is_refusal), what


def test_a_broker_that_repeats_our_secrets_does_not_make_us_tell_them(
    broker: Broker, canaries: Canaries, case: Case
) -> None:
    text = " ".join(canaries.handed_to(case.call))
    for index, answer in _readable_answers(case):
        for told in hostile.repeating(answer, text, but=case.word_fields):
            outcome = checks.perform(broker, canaries, case.with_answer(index, told))
            unreadable = outcome.value.unreadable if isinstance(outcome.value, BOOKS) else ()
            assert checks.secrets_shown(canaries, outcome, repr(unreadable)) == []


@EXAMPLES
@given(content=st.binary(max_size=200) | hostile.random_json.map(as_body), status=st.sampled_from(STATUSES))
def test_random_answers_raise_only_our_errors(
    broker: Broker, canaries: Canaries, cases: tuple[Case, ...], content: bytes, status: int
) -> None:
    answer = HttpResponse(status=status, headers=JSON_HEADERS, body=content)
    for case in _one_of_each_call(cases):
        changed = case.with_answer(len(case.answers) - 1, answer)
        _hold(broker, canaries, changed, is_unreadable=case.is_write)


def _one_of_each_call(cases: tuple[Case, ...]) -> list[Case]:
    return list({case.call: case for case in cases if case.succeeds}.values())


def _readable_answers(case: Case) -> list[tuple[int, HttpResponse]]:
    return [
        (index, answer)
        for index, answer in enumerate(case.answers)
        if isinstance(answer, HttpResponse) and hostile.parsed(answer) is not None
    ]


def _hold(broker: Broker, canaries: Canaries, case: Case, *, is_unreadable: bool) -> None:
    outcome = checks.perform(broker, canaries, case)
    assert checks.wrong_under_attack(case, outcome, is_unreadable=is_unreadable) == []
    assert checks.secrets_shown(canaries, outcome, "") == []
