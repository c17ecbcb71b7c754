"""What a run of many seeds notices beside what its judge says."""

import logging
from dataclasses import dataclass
from random import Random

import pytest

from order_router.ports import StoreUnavailable
from tests.simulation.runs import run_many
from tests.simulation.stack import Stack

log = logging.getLogger("order_router.anything")


@dataclass
class Logged:
    """A run in which the router catches an error and goes on; None: all is well."""

    stack: Stack
    caught: tuple[Exception | None] | None

    def run(self) -> str:
        if self.caught is not None:
            log.error("caught", exc_info=self.caught[0])
        return "digest"


@pytest.mark.parametrize(
    ("error", "is_noticed"),
    [(StoreUnavailable("the table did not answer"), False), (KeyError("a defect"), True), (None, True)],
)
def test_an_error_that_no_fault_explains_is_noticed_of_its_own_seed(
    error: Exception | None, *, is_noticed: bool
) -> None:
    def make(seed: int) -> Logged:
        return Logged(Stack(Random(seed)), (error,) if seed == 1 else None)  # noqa: S311 - a seed, not a secret

    found = run_many(make, range(4)).violations

    assert set(found) == ({1} if is_noticed else set())
