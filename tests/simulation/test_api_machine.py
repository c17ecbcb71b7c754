"""Any calls in any order: a state machine over the API and the webhook finds nothing, and finds what is broken."""

import os
from contextlib import ExitStack
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RULE_MARKER, run_state_machine_as_test

from order_router.domain.meter import Counted
from order_router.service import stating
from tests.simulation.machine import OrderRouterMachine
from tests.simulation.machine_breaks import BREAKS
from tests.simulation.machine_changes import LIES
from tests.simulation.machine_inputs import LIMIT_ORDER, AlertBody
from tests.simulation.machine_trouble import Named
from tests.simulation.network import REQUEST_LOST
from tests.simulation.stack import MINUTE

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "200"))
NORMAL, ENOUGH = 200, 1000
"""A broken promise ends its run when it is noticed; which example does depends on what else a process has imported."""
STEPS = int(os.environ.get("MACHINE_STEPS", "30" if EXAMPLES <= NORMAL else "50"))


def _settings(examples: int, *, is_random: bool = False, is_shrunk: bool = True) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=not is_random,
        print_blob=is_random,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=is_shrunk,
        # explaining a failure would trace every line, greenlets and all
        phases=(Phase.generate, Phase.shrink) if is_shrunk else (Phase.generate,),
    )


def test_no_sequence_of_calls_breaks_a_promise() -> None:
    # the same examples at each commit, others in each long run
    run_state_machine_as_test(OrderRouterMachine, settings=_settings(EXAMPLES, is_random=EXAMPLES > NORMAL))


def test_an_order_made_while_the_audit_is_read_is_nobody_elses() -> None:
    # the first reader of all may be shown what a worker stores between two of its pages
    machine = OrderRouterMachine()
    machine.start(seed=0)

    fields = {
        "ticker": "INFY",
        "exchange": "NSE",
        "action": "buy",
        "contracts": "5",
        "price": "1450",
        "position_size": "5",
    }
    machine.send_alert(
        alert=AlertBody("demo", tuple(fields.items()), has_time=False), in_path=False, trouble=None
    )
    machine.look(what="audit", owner=Counted("account", "paper"))

    machine.teardown()


def test_a_person_s_word_that_is_believed_on_its_own_is_noticed() -> None:
    # by chance an order is unknown, is told, and is the one that somebody is mistaken of, in one example of hundreds
    machine, end = OrderRouterMachine(), ExitStack()
    end.callback(machine.teardown)
    machine.start(seed=0)
    lost = Named("*: broker.place", REQUEST_LOST)
    placed = machine.place_new(terms=LIMIT_ORDER, spelling="plain", trouble=lost)
    machine.let_time_pass(microseconds=3 * MINUTE)
    for lie in LIES:
        machine.misstate_order(known=placed, lie=lie, trouble=None)

    with patch.object(stating, "has_day_ended", lambda *_: True), pytest.raises(AssertionError), end:
        machine.misstate_order(known=placed, lie=LIES[-1], trouble=None)


def _narrowed(*kept: str) -> type[OrderRouterMachine]:
    """Return the machine with these rules only: what a break needs comes together in few examples."""
    names = {
        name for name in dir(OrderRouterMachine) if hasattr(getattr(OrderRouterMachine, name), RULE_MARKER)
    }
    assert names >= set(kept), set(kept) - names
    return type("Narrowed", (OrderRouterMachine,), dict.fromkeys(names - set(kept)))


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_promise_is_noticed(broken: str) -> None:
    one = BREAKS[broken]

    with patch.object(one.holder, one.name, one.replacement), pytest.raises(AssertionError) as noticed:
        run_state_machine_as_test(_narrowed(*one.rules), settings=_settings(ENOUGH, is_shrunk=False))
    print(f"{broken}: {noticed.value}")
