"""The judge sees each order as it is stored and what is told of it, and nothing that was not stored or queued."""

from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from order_router.aws.notice_queue import QueueNotifier
from order_router.aws.order_record import order_item
from order_router.domain import order_news
from order_router.domain.errors import Reason
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import apply
from order_router.domain.unshown import asked_evidence
from order_router.domain.vocabulary import Source
from order_router.ports import Notice
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.orders import a_submitting_order, an_order
from tests.simulation.judge import Judge
from tests.simulation.stack import Stack


def a_put(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"Put": {"TableName": "OrdersTable", "Item": item}}]


def test_a_write_that_its_token_answers_is_not_a_write_of_old_news() -> None:
    stack = Stack(Random(1))  # noqa: S311 - nothing is secret here
    first, later = order_item(an_order(), "w-1"), order_item(a_submitting_order(), "w-2")
    stack.dynamodb.transact_write_items(TransactItems=a_put(first), ClientRequestToken="token-1")
    stack.dynamodb.transact_write_items(TransactItems=a_put(later), ClientRequestToken="token-2")

    stack.dynamodb.transact_write_items(TransactItems=a_put(first), ClientRequestToken="token-1")

    assert stack.judge.broken == []


def test_old_news_that_is_stored_is_seen() -> None:
    stack = Stack(Random(1))  # noqa: S311 - nothing is secret here
    first, later = order_item(an_order(), "w-1"), order_item(a_submitting_order(), "w-2")
    stack.dynamodb.transact_write_items(TransactItems=a_put(first))
    stack.dynamodb.transact_write_items(TransactItems=a_put(later))

    stack.dynamodb.transact_write_items(TransactItems=a_put(first))

    assert any("lost a version" in rule for rule in stack.judge.broken)


def ended(kind: EventKind) -> list[str]:
    """Return what the judge says of an alert's order that ends so."""
    judge, order = Judge(FakeClock()), replace(an_order(), source=Source.ALERT)
    judge.order_written(order_item(order, "w-1"))
    after = apply(order, Event(kind=kind, at=MONDAY_MORNING, reason=Reason("A_REASON", "words")))
    judge.order_written(order_item(after, "w-1"))
    judge.judge_end([])
    return judge.broken


@pytest.mark.parametrize("kind", [EventKind.REFUSED, EventKind.WENT_STALE])
def test_whoever_sent_an_alert_hears_that_its_order_was_not_placed(kind: EventKind) -> None:
    told = ended(kind)
    with patch.object(order_news, "NEWS", {}):
        untold = ended(kind)

    assert told == []
    assert any("was not told" in rule for rule in untold)


@pytest.mark.parametrize("is_told", [True, False])
def test_a_person_is_told_of_an_unknown_order_by_what_is_stored_of_it(*, is_told: bool) -> None:
    judge, order = Judge(FakeClock()), a_submitting_order()
    judge.order_written(order_item(order, "w-1"))
    kinds = (EventKind.OUTCOME_LOST, EventKind.PERSON_TOLD)
    for kind in kinds[: 1 + is_told]:
        order = apply(order, Event(kind=kind, at=MONDAY_MORNING))
        judge.order_written(order_item(order, "w-1"))

    judge.judge_end([])

    assert any("nobody was told" in rule for rule in judge.broken) is not is_told


def test_an_opening_that_is_not_queued_to_be_told_is_noticed() -> None:
    judge = Judge(FakeClock())
    for is_on in (True, False):
        judge.switch_written("breaker#zerodha#kite", {"engaged": {"BOOL": is_on}})

    judge.judge_circuits(has_queue_failed=False)

    assert any("1 openings, told of 0" in rule for rule in judge.broken)


@pytest.mark.parametrize(
    ("told", "untold"), [("breaker_open", "breaker_closed"), ("breaker_closed", "breaker_open")]
)
def test_of_a_circuit_both_its_opening_and_its_closing_are_told(told: str, untold: str) -> None:
    judge = Judge(FakeClock())
    for is_on in (True, False):
        judge.switch_written("breaker#zerodha#kite", {"engaged": {"BOOL": is_on}})
    judge.notices.append((MONDAY_MORNING, Notice(kind=told, account="kite", message="words", subject="s")))

    judge.judge_circuits(has_queue_failed=False)

    assert [untold in rule for rule in judge.broken] == [True]


def test_what_is_queued_to_be_told_is_a_notice() -> None:
    stack = Stack(Random(1))  # noqa: S311 - nothing is secret here
    url = stack.sqs.url("NoticeQueue")
    notice = Notice(kind="breaker_open", account="kite", message="words")

    QueueNotifier(lambda: stack.sqs, url, stack.hub).tell(notice)
    told = [(one.kind, one.account) for _, one in stack.judge.notices]
    stack.sqs.send_message(QueueUrl=url, MessageBody="{}")

    assert told == [("breaker_open", "kite")]
    assert any("nothing to tell" in rule for rule in stack.judge.broken)


@pytest.mark.parametrize("kind", [EventKind.MODIFY_UNRESOLVED, EventKind.CANCEL_REQUESTED])
def test_a_change_of_which_nobody_knows_in_the_end_if_it_was_made_is_noticed(kind: EventKind) -> None:
    judge, order = Judge(FakeClock()), a_submitting_order()
    for one in (EventKind.OPENED, EventKind.MODIFY_REQUESTED, kind):
        order = apply(order, Event(kind=one, at=MONDAY_MORNING))
    judge.order_written(order_item(order, "w-1"))
    judge.judge_told()
    end = apply(order, Event(kind=EventKind.CANCELLED, at=MONDAY_MORNING))
    ended = Judge(FakeClock())
    ended.order_written(order_item(end, "w-1"))
    ended.judge_told()

    assert any("may have been changed" in rule for rule in judge.broken)
    assert ended.broken == []


@pytest.mark.parametrize(("also", "is_noticed"), [(None, False), (EventKind.CANCEL_REQUESTED, True)])
def test_a_change_of_what_no_report_shows_may_stay_open(also: EventKind | None, is_noticed: bool) -> None:
    judge, order = Judge(FakeClock()), a_submitting_order()
    order = apply(order, Event(kind=EventKind.OPENED, at=MONDAY_MORNING))
    asked = asked_evidence(order, order.request.model_copy(update={"disclosed_quantity": 1}))
    order = apply(order, Event(kind=EventKind.MODIFY_REQUESTED, at=MONDAY_MORNING, evidence=asked))
    if also is not None:
        order = apply(order, Event(kind=also, at=MONDAY_MORNING))
    judge.order_written(order_item(order, "w-1"))

    judge.judge_told()

    assert any("may have been changed" in rule for rule in judge.broken) is is_noticed
