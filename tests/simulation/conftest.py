"""A process for long runs."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.simulation.runs import RunMany, run_many


@pytest.fixture(scope="session")
def run_afresh() -> Iterator[RunMany]:
    """`run_many` in a process that has run no test yet.

    In one that has run thousands, what is free lies between what is kept, all over its memory: there a day of the
    simulation takes half as long again.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda make, seeds: pool.submit(run_many, make, seeds).result()
