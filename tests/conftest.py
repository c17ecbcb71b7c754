"""How many examples a property is tried on: few while somebody works, more at each commit, many to prove it.

HYPOTHESIS_PROFILE chooses: `quick` where nothing is said, `commit` for the whole run, `prove` for the long one.
"""

import gc
import os

import pytest
from hypothesis import settings

EXAMPLES = {"quick": 20, "commit": 100, "prove": 2_000}

for name, examples in EXAMPLES.items():
    # a busy machine is no failure: properties have no time limit
    settings.register_profile(name, max_examples=examples, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_collection_finish() -> None:
    """Keep what was collected out of every later look for garbage: thousands of tests, and all that they import."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)  # of xdist, which a mutant's process does without
def pytest_xdist_auto_num_workers() -> int:
    """Work with one process more than there are processors.

    Two groups wait for stacks most of their time. With more, the stacks' own processes starve on a slow machine.
    """
    return (os.process_cpu_count() or 1) + 1
