"""Hand every test of this folder each broker of the registry, or each of its cases."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import settings

from order_router.adapter.port import Broker
from order_router.brokers.registry import BROKERS, load_broker
from tests.contract import hostile
from tests.contract.canaries import Canaries, load_canaries
from tests.contract.samples import Case, load_cases


def samples_folder(name: str) -> Path:
    """Return the folder of a broker's samples, found without importing the broker."""
    brokers = importlib.util.find_spec(BROKERS[name].rpartition(".")[0])
    assert brokers is not None
    assert brokers.submodule_search_locations
    return Path(brokers.submodule_search_locations[0]) / name / "samples"


def all_cases() -> list[tuple[str, Case]]:
    """Return each case of each broker."""
    return [(name, case) for name in BROKERS for case in load_cases(samples_folder(name))]


def one_of_each_shape(pairs: list[tuple[str, Case]]) -> list[tuple[str, Case]]:
    """Return the first case of each broker, call, status and shape of answer: what differs is a word or a number."""
    return list({(name, *_shape_of(case)): (name, case) for name, case in reversed(pairs)}.values())[::-1]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for `case` each case of each broker, one that asks for a broker each broker.

    One that asks for an `attacked_case` spoils every field of its answers, one by one: it gets one case of each shape
    while somebody works, all of them at a commit.
    """
    wanted = {"case", "attacked_case", "broker_name"}.intersection(metafunc.fixturenames)
    if wanted == {"broker_name"}:
        metafunc.parametrize("broker_name", list(BROKERS))
    for argument in wanted - {"broker_name"}:
        is_quick = argument == "attacked_case" and settings.get_current_profile_name() == "quick"
        pairs = one_of_each_shape(all_cases()) if is_quick else all_cases()
        ids = [f"{name}-{case.name}" for name, case in pairs]
        metafunc.parametrize(("broker_name", argument), pairs, ids=ids)


def _shape_of(case: Case) -> tuple[str, str]:
    return case.call, repr([hostile.shape(answer) for answer in case.answers])


@pytest.fixture
def broker(broker_name: str) -> Broker:
    """The adapter."""
    return load_broker(broker_name)


@pytest.fixture
def cases(broker_name: str) -> tuple[Case, ...]:
    """All the broker's cases."""
    return load_cases(samples_folder(broker_name))


@pytest.fixture
def canaries(broker_name: str, broker: Broker) -> Canaries:
    """A session and credentials full of canaries."""
    return load_canaries(samples_folder(broker_name), broker)
