"""How many examples a property is tried on: few while somebody works, more at each commit, many to prove it.

HYPOTHESIS_PROFILE chooses: `quick` where nothing is said, `commit` for the whole run, `prove` for the long one.
"""

import gc
import os
import sys
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings

from tests.turns import Turns

EXAMPLES = {"quick": 20, "commit": 100, "prove": 2_000}

for name, examples in EXAMPLES.items():
    # a busy machine is no failure: properties have no time limit
    settings.register_profile(name, max_examples=examples, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

if sys.pycache_prefix is None:
    # compiling is most of a collection; what a test starts keeps nothing, as nobody else here does
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".local" / "pycache")
    sys.dont_write_bytecode = False

PROCESSORS = os.process_cpu_count() or 1
TURNS, PIPE = pytest.StashKey[Turns](), "turns"


def pytest_collection_finish() -> None:
    """Keep what was collected out of every later look for garbage: thousands of tests, and all that they import."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)  # of xdist, which a mutant's process does without
def pytest_xdist_auto_num_workers() -> int:
    """Work with two processes more than there are processors.

    Two groups wait for stacks most of their time; of the others no more run at once than there are processors.
    """
    return PROCESSORS + 2


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a new worker where its turns are."""
    config = node.config
    if TURNS not in config.stash:
        folder = TemporaryDirectory()
        config.add_cleanup(folder.cleanup)
        config.stash[TURNS] = Turns.new(Path(folder.name, PIPE), PROCESSORS)
    node.workerinput[PIPE] = str(config.stash[TURNS].pipe)


def pytest_configure(config: pytest.Config) -> None:
    """Open a worker's turns."""
    if PIPE in getattr(config, "workerinput", {}):
        config.stash[TURNS] = Turns(Path(config.workerinput[PIPE]))  # type: ignore[attr-defined]  # xdist sets it


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Run a test when it is its turn; one that waits for a stack needs none."""
    turns = item.config.stash.get(TURNS, None)
    if turns is None or item.get_closest_marker("system") is not None:
        return (yield)
    with turns.one():
        return (yield)
