"""The judge speaks of a call that should not have left, of what is said without proof, of a limit that is passed."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from order_router.adapter.http import HttpResponse
from order_router.aws.order_record import order_item
from order_router.domain.errors import Reason
from order_router.domain.exchange_time import exchange_day
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.limits import Limits
from order_router.domain.order import Order, apply
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.orders import a_submitting_order, an_order
from tests.simulation.judge import Judge, Write
from tests.simulation.limited import Counts, Held
from tests.simulation.wants import terms_of
from tests.simulators.kite_behaviours import TIMED_OUT

EXCHANGES = ("NSE", "BSE")


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


CHANGES = {"PUT": EventKind.MODIFY_REQUESTED, "DELETE": EventKind.CANCEL_REQUESTED}
OPENED = Event(kind=EventKind.OPENED, at=MONDAY_MORNING, broker_order_id="b-1")


@pytest.mark.parametrize("method", CHANGES)
def test_a_change_leaves_once_for_each_time_that_it_was_written_down(method: str) -> None:
    judge, change = a_judge(), Write(method, b"{}", "paper", "b-1")
    order = stored(judge, apply(stored(judge, a_submitting_order()), OPENED))
    stored(judge, apply(order, Event(kind=CHANGES[method], at=MONDAY_MORNING)))
    judge.call_left(change)
    assert judge.broken == []

    judge.call_left(change)

    assert any("without a stored intent" in rule for rule in judge.broken)


def test_a_change_is_not_written_down_by_another_kind_of_change() -> None:
    judge = a_judge()
    order = stored(judge, apply(stored(judge, a_submitting_order()), OPENED))
    stored(judge, apply(order, Event(kind=EventKind.CANCEL_REQUESTED, at=MONDAY_MORNING)))

    judge.call_left(Write("PUT", b"{}", "paper", "b-1"))

    assert any("without a stored intent" in rule for rule in judge.broken)


@pytest.mark.parametrize(("venue", "is_too_many"), [("paper", False), ("https", True)])
def test_calls_of_two_exchanges_are_one_pace_where_the_broker_counts_the_account(
    venue: str, is_too_many: bool
) -> None:
    judge = a_judge()
    orders = [an_order(f"k-{number}", instrument=f"{EXCHANGES[number % 2]}:INFY") for number in range(10)]
    for order in orders:
        judge.order_written(order_item(order, "w-1"))
        body = json.dumps({"tag": order.client_order_id}).encode()
        judge.call_left(Write("POST", body, venue, "orders"))

    assert any("calls in a second" in rule for rule in judge.broken) is is_too_many


@pytest.mark.parametrize("late_s", [0, 1])
def test_an_order_is_too_old_by_when_it_was_asked_for_and_not_by_its_record(late_s: int) -> None:
    judge = a_judge()
    order = stored(judge, a_submitting_order())
    until = MONDAY_MORNING - timedelta(seconds=late_s)
    judge.wants.ask(order.client_order_id, terms_of(order.request), until)

    sent(judge, order)

    assert any("too old" in rule for rule in judge.broken) is bool(late_s)


@pytest.mark.parametrize("effect", [None, "CLOSE"])
def test_no_exit_waits_for_an_entry(effect: str | None) -> None:
    judge = a_judge()
    order = an_order(strategy="demo", position_effect=effect)

    stored(judge, apply(order, Event(kind=EventKind.HELD, at=MONDAY_MORNING)))

    assert any("was held" in rule for rule in judge.broken) is (effect == "CLOSE")


HOLD = f"hold#paper#demo#NSE:INFY#{exchange_day(MONDAY_MORNING)}"


@pytest.mark.parametrize("is_unknown", [True, False])
@pytest.mark.parametrize("is_held", [True, False])
def test_the_holds_are_those_of_the_unknown_orders(is_unknown: bool, is_held: bool) -> None:
    judge, order = a_judge(), a_submitting_order(strategy="demo")
    lost = Event(kind=EventKind.OUTCOME_LOST, at=MONDAY_MORNING)
    stored(judge, apply(stored(judge, order), lost if is_unknown else OPENED))
    hold = {"gate": {"S": HOLD}} | ({"orders": {"SS": [order.client_order_id]}} if is_held else {})

    judge.judge_holds([hold])

    assert (judge.broken == []) is (is_unknown == is_held)


LIMITS = Held(
    account=Limits(
        max_quantity=100,
        max_order_value=Decimal(100_000),
        max_orders_per_day=3,
        max_gross_exposure=Decimal(20_000),
        max_net_exposure=Decimal(10_000),
        max_daily_loss=Decimal(5_000),
    )
)


METER = f"meter#account#paper#{exchange_day(MONDAY_MORNING)}"


def as_item(amounts: dict[str, int]) -> dict[str, dict[str, str]]:
    """Return whole numbers as DynamoDB has them."""
    return {name: {"N": f"{amount}"} for name, amount in amounts.items()}


@pytest.mark.parametrize(
    ("attribute", "side", "found", "is_within"),
    [
        ("gross", "BUY", 20_000, True),
        ("gross", "BUY", 20_001, False),
        ("gross@NSE:INFY", "BUY", 50_000, True),
        ("net_if_bought", "BUY", 10_001, False),
        ("net_if_bought", "BUY", -10_001, True),
        ("net_if_sold", "SELL", -10_001, False),
        ("net_if_sold", "SELL", 10_001, True),
        ("loss", "SELL", 5_001, False),
    ],
)
def test_no_entry_takes_a_count_past_its_limit(
    attribute: str, side: str, found: int, *, is_within: bool
) -> None:
    judge = Judge(FakeClock(), counts=Counts(LIMITS))
    order = replace(a_submitting_order(side=side, limit_price="1500"), counted_price=Decimal(1500))
    stored(judge, order)
    bought = {"net_if_bought": found, "net_if_sold": found + 7500}.get(attribute, 7500)
    amounts = {
        "orders": 1,
        "open": 1,
        "reserved": 7500,
        "net_if_bought": bought,
        "net_if_sold": bought - 7500,
    }

    judge.counts.meter_written(METER, as_item(amounts | {attribute: found}), judge.require)

    assert (judge.broken == []) is is_within


@pytest.mark.parametrize("bought", [7499, 7501])
def test_net_is_as_far_apart_either_way_as_what_rests(bought: int) -> None:
    judge = Judge(FakeClock(), counts=Counts(LIMITS))
    order = replace(a_submitting_order(side="BUY", limit_price="1500"), counted_price=Decimal(1500))
    stored(judge, order)

    amounts = {"orders": 1, "open": 1, "reserved": 7500, "net_if_bought": bought}
    judge.counts.meter_written(METER, as_item(amounts), judge.require)

    assert len(judge.broken) == 1


@pytest.mark.parametrize(("quantity", "is_within"), [(66, True), (67, False), (101, False)])
def test_no_entry_is_larger_than_its_limits(quantity: int, *, is_within: bool) -> None:
    judge = Judge(FakeClock(), counts=Counts(LIMITS))

    stored(judge, replace(a_submitting_order(quantity=quantity), counted_price=Decimal(1500)))

    assert (judge.broken == []) is is_within
