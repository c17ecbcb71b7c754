"""Any calls in any order: a state machine over the API and the webhook finds nothing, and finds what is broken."""

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import OrderRouterMachine

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "200"))
STEPS = int(os.environ.get("MACHINE_STEPS", "30"))
NORMAL = 200


def _settings(examples: int, *, is_random: bool) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=not is_random,
        print_blob=is_random,
        suppress_health_check=list(HealthCheck),
        # explaining a failure would trace every line, greenlets and all
        phases=(Phase.generate, Phase.shrink),
    )


def test_no_sequence_of_calls_breaks_a_promise() -> None:
    # the same examples at each commit, others in each long run
    run_state_machine_as_test(OrderRouterMachine, settings=_settings(EXAMPLES, is_random=EXAMPLES > NORMAL))
