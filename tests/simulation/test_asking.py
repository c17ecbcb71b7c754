"""An answer that names too little, too much or another order is noticed, whatever became of the orders."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from order_router.aws.order_record import order_item
from order_router.domain.identity import client_order_id
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.orders import an_order
from tests.simulation.asking import RESENT_WITHIN, Asked, names_of
from tests.simulation.gateway import LOST, Answer
from tests.simulation.judge import Judge

ALERT: dict[str, str | None] = {
    "strategy": "demo",
    "exchange": "NSE",
    "ticker": "INFY",
    "action": "buy",
    "contracts": "5",
}
ALERT |= {"price": "1500.05", "time": None}
TEXT = json.dumps(ALERT)
NAMES = names_of(TEXT, ALERT, MONDAY_MORNING)
MOMENT = timedelta(milliseconds=1)
ORDER = {"account": "kite", "instrument": "NSE:INFY"}
NAME = client_order_id("kite", "api:key-1")


def asked() -> Asked:
    return Asked(Judge(FakeClock()))


@pytest.mark.parametrize("named", [(), NAMES[:1], NAMES[1:], (*NAMES, "A" * 20), NAMES[::-1]])
def test_an_alert_that_was_taken_has_an_order_in_each_account(named: tuple[str, ...]) -> None:
    people = asked()
    people.alert_came(TEXT, ALERT, MONDAY_MORNING)

    people.alert_answered(TEXT, ALERT, Answer(202, {"client_order_ids": list(named)}))

    assert people.judge.broken != []


def test_an_alert_s_own_orders_are_expected_from_then_on() -> None:
    people = asked()
    people.alert_came(TEXT, ALERT, MONDAY_MORNING)

    people.alert_answered(TEXT, ALERT, Answer(202, {"client_order_ids": list(NAMES)}))

    assert people.judge.broken == []
    assert people.accepted == set(NAMES)


@pytest.mark.parametrize("answer", [LOST, Answer(503), Answer(422, {"code": "ALERT_REFUSED"})])
def test_nothing_is_expected_of_an_alert_that_was_not_taken(answer: Answer) -> None:
    people = asked()
    people.alert_came(TEXT, ALERT, MONDAY_MORNING)

    people.alert_answered(TEXT, ALERT, answer)

    assert (people.accepted, people.judge.broken) == (set(), [])


@pytest.mark.parametrize(("after", "is_noticed"), [(RESENT_WITHIN - MOMENT, True), (RESENT_WITHIN, False)])
def test_an_alert_without_a_time_is_one_alert_for_half_a_minute(
    after: timedelta, *, is_noticed: bool
) -> None:
    people = asked()
    for at in (MONDAY_MORNING, MONDAY_MORNING, MONDAY_MORNING + after):
        people.alert_came(TEXT, ALERT, at)
        order = replace(an_order(), client_order_id=names_of(TEXT, ALERT, at)[0])
        people.judge.items[order.client_order_id] = order_item(order, "w-1")

    people.judge_resends()

    assert any("is another one" in rule for rule in people.judge.broken) is is_noticed


def test_a_resend_that_became_no_order_is_no_other_alert() -> None:
    people = asked()
    for seconds in (0, 5, 10):
        people.alert_came(TEXT, ALERT, MONDAY_MORNING + timedelta(seconds=seconds))
    order = replace(an_order(), client_order_id=NAMES[0])
    people.judge.items[order.client_order_id] = order_item(order, "w-1")

    people.judge_resends()

    assert people.judge.broken == []


@pytest.mark.parametrize("content", [{}, {"client_order_id": "A" * 20}])
def test_a_placed_order_is_named_as_its_key_says(content: dict[str, str]) -> None:
    people = asked()

    people.order_answered("key-1", ORDER, Answer(201, content))

    assert people.judge.broken != []


@pytest.mark.parametrize("answer", [Answer(201, {"client_order_id": NAME}), Answer(409), LOST])
def test_a_key_s_own_order_is_right(answer: Answer) -> None:
    people = asked()

    people.order_answered("key-1", ORDER, answer)

    assert people.judge.broken == []
