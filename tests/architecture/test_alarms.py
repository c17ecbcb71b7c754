"""Every alarm is heard, says what is done, and can be switched off with its cost."""

import re
from typing import Any

import pytest

from order_router.brokers.registry import BROKERS
from order_router.domain.alarm import Act, read_description
from order_router.domain.breaker import LONGEST_PAUSE
from order_router.domain.channel import wait_s
from order_router.logs import NAMESPACE
from tests.architecture.template import (
    functions,
    logical_ids,
    resources,
    seconds_allowed,
    statements,
    template,
    texts,
)

ALARMS = resources("AWS::CloudWatch::Alarm")
DEAD_LETTERS = {name for name in resources("AWS::SQS::Queue") if name.endswith("DeadLetters")}
TAKEN_BY_A_FUNCTION = {"OrderDeadLetters"}
WATCHED_BY_ITS_DEAD_LETTERS = {"RefreshQueue"}
QUEUES = resources("AWS::SQS::Queue")
WAITS_WHERE_ALL_IS_WELL = {
    "Kill": QUEUES["KillQueue"]["VisibilityTimeout"],
    "Reconcile": LONGEST_PAUSE.total_seconds()
    + QUEUES["ReconcileQueue"]["VisibilityTimeout"]
    + seconds_allowed("reconcile"),
    "Notice": sum(
        wait_s(failures, None)
        for failures in range(1, QUEUES["NoticeQueue"]["RedrivePolicy"]["maxReceiveCount"])
    ),
}
"""For how many seconds a message may lie in a queue that does as it should, retries included (of a look, one)."""

WATCHED_BY_A_PARAMETER = {"AuditDeadLetters"}
ENDS_IN_SILENCE = {
    "SessionsAlarm": "one look a day measures it: the minute after, no data would say that all have logged in",
} | {
    f"{name}Alarm": "SQS stops measuring a queue that nobody touches, whatever lies in it"
    for name in DEAD_LETTERS - TAKEN_BY_A_FUNCTION
}
ENDS_IN_SILENCE |= {
    name: "an open breaker lets no call pass that could be measured: its closing is told"
    for name, alarm in ALARMS.items()
    if alarm["AlarmDescription"].startswith("breaker ")
}
STANDS_WITHOUT_DATA = {
    "UnknownOrdersAlarm": "ten minutes may lie between looks: only a look that finds none ends it",
}


def asked(alarm: dict[str, Any]) -> Any:
    return read_description(alarm["AlarmDescription"], {})


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_is_heard_as_it_comes_and_as_it_goes(name: str) -> None:
    alarm = ALARMS[name]

    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert alarm.get("OKActions") == (None if name in ENDS_IN_SILENCE else [{"Ref": "AlarmTopic"}])
    assert alarm["TreatMissingData"] == ("ignore" if name in STANDS_WITHOUT_DATA else "notBreaching")
    of_archive = name.startswith("Audit")
    assert template()["Resources"][name]["Condition"] == ("HasAuditAlarm" if of_archive else "HasAlarms")
    assert alarm["AlarmName"]["Fn::Sub"].startswith("${AWS::StackName}-")


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_says_in_its_first_words_what_is_done(name: str) -> None:
    alarm = ALARMS[name]
    found = asked(alarm)

    assert alarm["AlarmDescription"].startswith(f"{found.act}")
    assert len(found.words) > 10
    # the local stack has no formulas over metrics, and fails to deploy one
    assert "Metrics" not in alarm


def test_each_broker_that_can_be_out_of_reach_has_an_alarm_that_opens_its_breakers() -> None:
    brokers = {found.broker for found in map(asked, ALARMS.values()) if found.act is Act.BREAKER}
    measured = {
        one["Value"]
        for alarm in ALARMS.values()
        for one in alarm.get("Dimensions", ())
        if one["Name"] == "broker"
    }

    assert brokers == measured == set(BROKERS) - {"paper"}


def test_no_alarm_stops_everything_unless_it_is_set_so() -> None:
    assert not [name for name, alarm in ALARMS.items() if asked(alarm).act is Act.KILL]
    assert template()["Parameters"]["AlarmsThatKill"]["Default"] == ""


def test_only_alarms_that_there_are_can_be_set_to_stop_everything() -> None:
    allowed = re.compile(template()["Parameters"]["AlarmsThatKill"]["AllowedPattern"])
    names = [next(texts(alarm["AlarmName"])).removeprefix("${AWS::StackName}-") for alarm in ALARMS.values()]

    assert allowed.search("")
    assert allowed.search(",".join(names))
    assert [name for name in names if not allowed.search(name)] == []
    mistyped = ["unknown-order", "unknown-orders,", "unknown-orders, throttles", ",throttles", "all"]
    assert [text for text in mistyped if allowed.search(text)] == []


def test_every_queue_of_dead_letters_is_watched() -> None:
    watched = {text for alarm in ALARMS.values() for text in texts(alarm.get("Dimensions", []))}

    assert {name for name in DEAD_LETTERS if f"{name}.QueueName" not in watched} <= WATCHED_BY_A_PARAMETER


def test_every_queue_that_somebody_waits_for_has_an_alarm_of_its_age() -> None:
    aged = {
        text.removesuffix(".QueueName")
        for alarm in ALARMS.values()
        if alarm["MetricName"] == "ApproximateAgeOfOldestMessage"
        for text in texts(alarm["Dimensions"])
        if text.endswith(".QueueName")
    }

    assert aged == set(QUEUES) - DEAD_LETTERS - WATCHED_BY_ITS_DEAD_LETTERS | TAKEN_BY_A_FUNCTION


def test_no_alarm_counts_what_waits_in_a_queue_whose_function_takes_it_at_once() -> None:
    """However often it fails, a message that is hidden from the next try does not wait."""
    taken = {
        queue
        for entry in functions().values()
        for event in entry.get("Events", {}).values()
        if event["Type"] == "SQS"
        for queue in logical_ids(event["Properties"])
    }
    counted = {
        queue
        for alarm in ALARMS.values()
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
        for queue in logical_ids(alarm["Dimensions"])
    }

    assert taken & DEAD_LETTERS == TAKEN_BY_A_FUNCTION
    assert counted == DEAD_LETTERS - TAKEN_BY_A_FUNCTION


def test_a_letter_that_its_function_cannot_take_care_of_is_told_before_the_third_try() -> None:
    """One try that failed is none yet; of a third, SQS's page leaves open whether the letter still counts."""
    hidden_s = QUEUES["OrderDeadLetters"]["VisibilityTimeout"]
    alarm = ALARMS["OrderDeadLettersAlarm"]

    assert QUEUES["OrderDeadLetters"]["FifoQueue"] is True, (
        "only there does a message that failed go on ageing"
    )
    assert hidden_s + seconds_allowed("dead_letters") < alarm["Threshold"]
    assert alarm["Threshold"] + alarm["Period"] <= 2 * hidden_s


@pytest.mark.parametrize("name", sorted(WAITS_WHERE_ALL_IS_WELL))
def test_a_queue_that_does_as_it_should_is_never_too_old(name: str) -> None:
    assert ALARMS[f"{name}QueueAgeAlarm"]["Threshold"] > WAITS_WHERE_ALL_IS_WELL[name]


def test_the_parameter_says_how_many_alarms_there_are() -> None:
    of_archive = sum(name.startswith("Audit") for name in ALARMS)

    said = template()["Parameters"]["Alarms"]["Description"]
    assert of_archive == 1
    assert f"({len(ALARMS) - 1} alarms, one more with an archive" in said


def test_what_was_caught_is_told() -> None:
    of_ours = {alarm["MetricName"]: alarm for alarm in ALARMS.values() if alarm["Namespace"] == NAMESPACE}

    told = of_ours["unexpected_errors"]
    assert (told["Statistic"], told["Threshold"], told["EvaluationPeriods"]) == ("Sum", 1, 1)
    assert told["Dimensions"] == [{"Name": "stack", "Value": {"Ref": "AWS::StackName"}}]
    assert asked(told).act is Act.TELL


def test_who_acts_on_alarms_reaches_switches_and_no_order() -> None:
    (reached,) = [row for row in statements("AlarmRole") if "dynamodb:PutItem" in row["Action"]]

    assert reached["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["breaker#*", "change-*", "kill#*", "kill-*"]}
    }


def test_what_costs_can_be_left_out() -> None:
    parameters = template()["Parameters"]

    assert (parameters["Alarms"]["Default"], parameters["Dashboard"]["Default"]) == ("true", "false")
    assert template()["Resources"]["WatchDashboard"]["Condition"] == "HasDashboard"
