"""What must stay true of queues and of who is called by them."""

from collections.abc import Iterator

import pytest

from order_router.domain.account import Strategy
from tests.architecture.template import (
    functions,
    logical_ids,
    resources,
    seconds_allowed,
    statements,
    template,
    texts,
)
from tests.faults.look_queue import HIDDEN_S

QUEUES = resources("AWS::SQS::Queue")
FUNCTION_NAMES = {
    name: entry["Properties"]["CodeUri"].removeprefix("functions/")
    for name, entry in template()["Resources"].items()
    if entry["Type"] == "AWS::Serverless::Function"
}
CALLS = {"sqs:SendMessage", "sns:Publish", "lambda:InvokeFunction"}
"""What AWS counts along one chain of calls."""

LONGEST_RETENTION_S = 14 * 86_400
"""For how long SQS keeps a message at most."""

ASKED_FOR_AGAIN = {
    "ReconcileQueue": "the schedule looks at every account, whether a message asks or not",
    "RefreshQueue": "the next day's list makes an old request pointless",
}

ASK_FOR_THEMSELVES = {"place", "reconcile", "kill_work", "notify", "instruments_refresh"}


def _called_by(resource: str) -> set[str]:
    """The functions that a queue, a topic or a call wakes; a queue's dead letters too."""
    own = {FUNCTION_NAMES[resource]} if resource in FUNCTION_NAMES else set()
    dead = logical_ids(QUEUES[resource].get("RedrivePolicy")) if resource in QUEUES else set()
    read = {
        function
        for function, entry in functions().items()
        for event in entry.get("Events", {}).values()
        if event["Type"] in {"SQS", "SNS"} and resource in logical_ids(event["Properties"])
    }
    return own.union(read, *(_called_by(letters) for letters in dead))


def _calls(function: str) -> Iterator[str]:
    """The functions that one may call, straight or through a queue or a topic."""
    role = next(iter(texts(functions()[function]["Role"]))).removesuffix(".Arn")
    for row in statements(role):
        if CALLS & set(row["Action"]):
            for resource in logical_ids(row["Resource"]):
                yield from _called_by(resource)


def _comes_back(function: str) -> bool:
    seen: set[str] = set()
    ahead = set(_calls(function))
    while ahead - seen:
        seen |= ahead
        ahead = {called for one in ahead for called in _calls(one)}
    return function in seen


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_that_may_cause_its_own_next_call_is_not_stopped_for_it(function: str) -> None:
    """Lambda stops what was called about 16 times in one chain, a close of positions among it, unless told not to."""
    assert functions()[function].get("RecursiveLoop") == ("Allow" if _comes_back(function) else None)


def test_those_that_cause_their_own_next_call_are_known_by_name() -> None:
    assert {function for function in functions() if _comes_back(function)} == ASK_FOR_THEMSELVES


def _oldest_alert_s() -> int:
    (most,) = (one.le for one in Strategy.model_fields["max_age_s"].metadata if hasattr(one, "le"))
    return int(most)


def test_an_order_whose_worker_died_keeps_those_behind_it_waiting_no_longer_than_a_worker_lives() -> None:
    hidden_s = QUEUES["OrderQueue"]["VisibilityTimeout"]

    assert seconds_allowed("place") < hidden_s <= seconds_allowed("place") + 10
    # a worker that is called only as its message comes again has an order of the usual age, and that no longer trades
    assert Strategy.model_fields["max_age_s"].default < hidden_s


def test_a_throttled_order_is_no_dead_letter_before_it_is_too_old_to_trade() -> None:
    queue = QUEUES["OrderQueue"]

    assert queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"] > 2 * _oldest_alert_s()


def test_a_look_that_failed_is_made_again_soon_after_its_worker_can_live() -> None:
    hidden_s = QUEUES["ReconcileQueue"]["VisibilityTimeout"]

    assert seconds_allowed("reconcile") < hidden_s <= seconds_allowed("reconcile") + 10
    assert hidden_s == HIDDEN_S, "the crash tests play the queue as it is"


def test_looks_that_fail_for_some_minutes_are_no_dead_letters_and_are_told_as_such_in_a_quarter_of_an_hour() -> (
    None
):
    """No alarm of the queue's age tells them: a standard queue's leaves out what was received three times."""
    queue = QUEUES["ReconcileQueue"]
    given_up_after_s = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
    told = resources("AWS::CloudWatch::Alarm")["ReconcileDeadLettersAlarm"]

    assert 10 * 60 < given_up_after_s < 15 * 60
    assert logical_ids(queue["RedrivePolicy"]) == logical_ids(told["Dimensions"]) == {"ReconcileDeadLetters"}
    assert (told["MetricName"], told["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 1)


def test_what_was_accepted_is_kept_for_as_long_as_a_queue_keeps_anything() -> None:
    kept = {name for name, one in QUEUES.items() if one.get("MessageRetentionPeriod") == LONGEST_RETENTION_S}

    assert kept == set(QUEUES) - set(ASKED_FOR_AGAIN)
