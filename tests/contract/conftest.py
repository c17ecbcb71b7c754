"""Hand every test of this folder each broker of the registry, or each of its cases."""

import importlib.util
from pathlib import Path

import pytest

from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession
from order_router.brokers.registry import BROKERS, load_broker
from tests.contract.samples import Case, load_cases, load_session


def samples_folder(name: str) -> Path:
    """Return the folder of a broker's samples, found without importing the broker."""
    brokers = importlib.util.find_spec(BROKERS[name].rpartition(".")[0])
    assert brokers is not None
    assert brokers.submodule_search_locations
    return Path(brokers.submodule_search_locations[0]) / name / "samples"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for `case` each case of each broker, one that asks for a broker each broker."""
    if "case" in metafunc.fixturenames:
        pairs = [(name, case) for name in BROKERS for case in load_cases(samples_folder(name))]
        metafunc.parametrize(
            ("broker_name", "case"), pairs, ids=[f"{name}-{case.name}" for name, case in pairs]
        )
    elif "broker_name" in metafunc.fixturenames:
        metafunc.parametrize("broker_name", list(BROKERS))


@pytest.fixture
def broker(broker_name: str) -> Broker:
    """The adapter."""
    return load_broker(broker_name)


@pytest.fixture
def cases(broker_name: str) -> tuple[Case, ...]:
    """All the broker's cases."""
    return load_cases(samples_folder(broker_name))


@pytest.fixture
def session(broker_name: str, broker: Broker) -> BrokerSession:
    """A session full of canaries."""
    return load_session(samples_folder(broker_name), broker)
