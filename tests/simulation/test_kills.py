"""An order that nobody asked for is noticed, and a stop whose work is not done, or whose end nobody was told."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from order_router.aws.values import to_item
from order_router.domain.kill_work import KillWork, Phase
from order_router.ports import Notice
from tests.fakes.clock import MONDAY_MORNING
from tests.simulation.kills import WORK, Kills
from tests.simulation.wants import Terms, Wants

TERMS = Terms("NSE:INFY", "SELL", 5, None)
EXIT: dict[str, Any] = {
    "instrument": "NSE:INFY",
    "product": "MIS",
    "side": "SELL",
    "quantity": 5,
    "key": "kill:w-1:NSE:INFY:MIS:0",
    "client_order_id": "OF-A-STOP",
}


def kills(phase: Phase = Phase.DONE) -> Kills:
    """Return a work as it was stored, first with an exit and then without."""
    found = Kills()
    for exits in ([EXIT], []):
        fields: dict[str, Any] = {
            "work_id": "w-1",
            "account": "kite",
            "switch": "kill#global",
            "by": "trader",
        }
        times = dict.fromkeys(("since", "requested_at", "updated_at"), MONDAY_MORNING)
        work = KillWork.model_validate({**fields, **times, "phase": phase, "exits": exits})
        found.written(to_item({"gate": f"{WORK}kite", "document": work.model_dump_json()}))
    return found


def broken_by(judge: Any, *arguments: Any) -> list[str]:
    said: list[str] = []
    judge(*arguments, lambda holds, rule: None if holds else said.append(rule))
    return said


def told(work_id: str | None) -> list[tuple[datetime, Notice]]:
    return [(MONDAY_MORNING, Notice(kind="kill_outcome", account="kite", message="words", subject=work_id))]


def test_an_order_is_asked_for_by_a_caller_or_by_a_stop() -> None:
    wants = Wants()
    wants.ask("OF-A-CALLER", TERMS, MONDAY_MORNING + timedelta(seconds=10))

    found = broken_by(kills().judge_asked, ["OF-A-CALLER", "OF-A-STOP", "OF-NOBODY"], wants)

    assert found == ["nobody asked for ['OF-NOBODY']"]


@pytest.mark.parametrize(("subject", "is_noticed"), [("w-1", False), ("w-2", True), (None, True)])
def test_the_end_of_a_stop_s_work_is_told_as_its_own(subject: str | None, *, is_noticed: bool) -> None:
    found = broken_by(kills().judge_told, told(subject))

    assert any("was not told" in rule for rule in found) is is_noticed


def test_work_that_is_left_to_be_done_is_noticed() -> None:
    found = broken_by(kills(Phase.CLOSING).judge_told, told("w-1"))

    assert found == ["the work of the kill switch for kite is closing in the end"]
