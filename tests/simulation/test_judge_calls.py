"""The judge speaks of a call that should not have left, and of what is said of an order without proof."""

import json
from dataclasses import replace

import pytest

from order_router.adapter.http import HttpResponse
from order_router.aws.order_record import order_item
from order_router.domain.errors import Reason
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Event, Order, apply
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.orders import a_submitting_order
from tests.simulation.judge import Judge, Write
from tests.simulators.kite_behaviours import TIMED_OUT


def a_judge() -> Judge:
    return Judge(FakeClock())


def stored(judge: Judge, order: Order) -> Order:
    judge.order_written(order_item(order, "w-1"))
    return order


def sent(judge: Judge, order: Order) -> Write:
    request = order.request
    body = {
        "tag": order.client_order_id,
        "quantity": request.quantity,
        "limit_price": str(request.limit_price),
    }
    write = Write("POST", json.dumps(body).encode(), "paper", "orders")
    judge.call_left(write)
    return write


def an_answer(status: int, error_type: str, message: str = "no") -> HttpResponse:
    content = {"status": "error", "error_type": error_type, "message": message}
    return HttpResponse(status=status, headers={}, body=json.dumps(content).encode())


def ended(order: Order, kind: EventKind) -> Order:
    if kind is not EventKind.REJECTED:
        order = apply(order, Event(kind=EventKind.NEVER_SENT, at=MONDAY_MORNING))
    return apply(order, Event(kind=kind, at=MONDAY_MORNING, reason=Reason("A_REASON", "words")))


BEFORE_THE_ORDER_SYSTEM = [an_answer(429, "NetworkException"), an_answer(403, "TokenException")]
PROOF_OF_NOTHING = [
    an_answer(503, "GeneralException"),
    an_answer(400, "OrderException", TIMED_OUT),
    an_answer(429, "GeneralException"),
    HttpResponse(status=400, headers={}, body=b"<html>"),
    HttpResponse(status=200, headers={}, body=b"{}"),
]


@pytest.mark.parametrize("answer", BEFORE_THE_ORDER_SYSTEM)
def test_what_was_refused_before_the_order_system_may_leave_again(answer: HttpResponse) -> None:
    judge = a_judge()
    order = stored(judge, a_submitting_order())
    judge.call_answered(sent(judge, order), answer)

    sent(judge, order)

    assert judge.broken == []


@pytest.mark.parametrize("answer", PROOF_OF_NOTHING)
def test_what_may_be_there_already_may_not_leave_again(answer: HttpResponse) -> None:
    judge = a_judge()
    order = stored(judge, a_submitting_order())
    judge.call_answered(sent(judge, order), answer)

    sent(judge, order)

    assert any("left again" in rule for rule in judge.broken)


@pytest.mark.parametrize("answer", [*PROOF_OF_NOTHING, *BEFORE_THE_ORDER_SYSTEM])
def test_no_order_is_rejected_unless_its_broker_said_no(answer: HttpResponse) -> None:
    judge = a_judge()
    order = stored(judge, a_submitting_order())
    judge.call_answered(sent(judge, order), answer)
    stored(judge, ended(order, EventKind.REJECTED))

    judge.judge_end([])

    assert any("never said no" in rule for rule in judge.broken)


def test_a_broker_s_no_is_believed() -> None:
    judge = a_judge()
    order = stored(judge, a_submitting_order())
    judge.call_answered(sent(judge, order), an_answer(400, "InputException"))
    stored(judge, ended(order, EventKind.REJECTED))

    judge.judge_end([])

    assert judge.broken == []


@pytest.mark.parametrize("kind", [EventKind.REFUSED, EventKind.WENT_STALE])
@pytest.mark.parametrize("has_left", [True, False])
def test_an_order_that_may_have_left_was_neither_refused_nor_too_old(kind: EventKind, has_left: bool) -> None:
    judge = a_judge()
    order = stored(judge, a_submitting_order())
    if has_left:
        sent(judge, order)
    after = ended(order, kind)
    stored(judge, replace(after, version=order.version + 1))

    judge.judge_end([])

    assert any("may have left" in rule for rule in judge.broken) is has_left
