"""What leaves long after its gate, or after a switch stood, is noticed; what was under way may still leave."""

from datetime import timedelta

import pytest

from order_router.aws.order_record import order_item
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import apply
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.orders import a_submitting_order
from tests.simulation.judge import Judge, Write
from tests.simulation.stops import LONGEST_CALL

AGAIN = (
    Event(kind=EventKind.NEVER_SENT, at=MONDAY_MORNING),
    Event(kind=EventKind.SUBMITTING, at=MONDAY_MORNING),
)
OPENED = Event(kind=EventKind.OPENED, at=MONDAY_MORNING, broker_order_id="b-1")
CHANGE = Event(kind=EventKind.MODIFY_REQUESTED, at=MONDAY_MORNING)
CANCEL = Event(kind=EventKind.CANCEL_REQUESTED, at=MONDAY_MORNING)
MOMENT = timedelta(milliseconds=1)
SWITCHES = ["kill#global", "kill#account#paper", "kill#strategy#demo"]


class Scene:
    """An order, its judge, and the switches of the table."""

    def __init__(self, effect: str | None = None) -> None:
        self.clock = FakeClock()
        self.judge = Judge(self.clock)
        self.order = a_submitting_order(strategy="demo", position_effect=effect)

    def store(self, *events: Event) -> None:
        for event in events:
            self.order = apply(self.order, event)
        self.judge.order_written(order_item(self.order, "w-1"))

    def turn(self, switch: str, *, is_on: bool = True, lets_exits: bool = False) -> None:
        item = {"engaged": {"BOOL": is_on}, "lets_exits": {"BOOL": lets_exits}}
        self.judge.switch_written(switch, item)

    def leave(self, method: str = "POST") -> None:
        body = b"{}" if method != "POST" else self.order.client_order_id.encode()
        self.judge.call_left(Write(method, body, "paper", "b-1"))

    def broke(self, words: str) -> bool:
        return any(words in rule for rule in self.judge.broken)


@pytest.mark.parametrize("late", [timedelta(0), MOMENT])
@pytest.mark.parametrize("switch", SWITCHES)
def test_what_had_passed_its_gate_may_leave_until_its_call_ends(switch: str, late: timedelta) -> None:
    scene = Scene()
    scene.store()
    scene.turn(switch)
    scene.clock.advance((LONGEST_CALL + late).total_seconds())

    scene.leave()

    assert scene.broke("was on") is scene.broke("after its gate") is bool(late)


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("events", [(), AGAIN, (OPENED, CHANGE)])
def test_nothing_passes_its_gate_while_a_switch_stands(switch: str, events: tuple[Event, ...]) -> None:
    scene = Scene()
    if events:
        scene.store()
    scene.turn(switch)

    scene.store(*events)

    assert scene.broke("stood")


@pytest.mark.parametrize("lets_exits", [True, False])
def test_exits_pass_a_switch_that_lets_them(*, lets_exits: bool) -> None:
    scene = Scene("CLOSE")
    scene.turn("kill#global", lets_exits=lets_exits)

    scene.store()

    assert scene.broke("stood") is not lets_exits


def test_a_switch_of_another_account_stops_nothing() -> None:
    scene = Scene()
    scene.turn("kill#account#kite")
    scene.turn("kill#global")
    scene.turn("kill#global", is_on=False)

    scene.store()
    scene.leave()

    assert scene.judge.broken == []


@pytest.mark.parametrize(("method", "change"), [("PUT", CHANGE), ("DELETE", CANCEL)])
def test_a_change_leaves_soon_after_its_gate(method: str, change: Event) -> None:
    scene = Scene()
    scene.store()
    scene.store(OPENED, change)
    scene.clock.advance((LONGEST_CALL + MOMENT).total_seconds())

    scene.leave(method)

    assert scene.broke("after its gate")


def test_no_switch_stops_a_cancel() -> None:
    scene = Scene()
    scene.store()
    scene.turn("kill#global")
    scene.clock.advance(60)

    scene.store(OPENED, CANCEL)
    scene.leave("DELETE")

    assert scene.judge.broken == []
