"""Every probe asked of every implementation: what AWS documents is the judge."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.conformance import (
    batches,
    conditions,
    fifo,
    lists,
    queries,
    queues,
    secrets,
    transactions,
    updates,
    values,
)
from tests.conformance.aws import FAKES, MINISTACK, MOTO, Aws, fakes, make_tables, ministack, moto
from tests.conformance.differences import KNOWN_DIFFERENCES
from tests.conformance.probe import PROBES, Probe

MODULES = (conditions, updates, lists, values, transactions, queries, batches, fifo, queues, secrets)
ON_A_STACK = (pytest.mark.system, pytest.mark.xdist_group("conformance"))
FAILURES = (
    AssertionError,
    ClientError,
    BotoCoreError,
    LookupError,
    ValueError,
    NotImplementedError,
    pytest.fail.Exception,
)
START: dict[str, Callable[[Path], AbstractContextManager[Aws]]] = {
    FAKES: lambda _: fakes(),
    MOTO: lambda _: moto(),
    MINISTACK: ministack,
}


@pytest.fixture(scope="module")
def aws(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """The implementation that is asked, with tables of its own."""
    with START[request.param](tmp_path_factory.mktemp("aws")) as aws:
        make_tables(aws)
        yield aws


@pytest.fixture
def _known_difference(request: pytest.FixtureRequest) -> None:
    """Expect what is known to differ, and let it be told if it does no more."""
    named = request.node.callspec.params
    does = KNOWN_DIFFERENCES.get((named["probe"].__name__, named["aws"]))
    if does is not None:
        reason = f"{does}; documented: {named['probe'].__doc__}"
        request.applymarker(pytest.mark.xfail(strict=True, raises=FAILURES, reason=reason))


@pytest.mark.usefixtures("_known_difference")
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
@pytest.mark.parametrize(
    "aws", [FAKES, MOTO, pytest.param(MINISTACK, marks=ON_A_STACK)], indirect=True, scope="module"
)
def test_does_what_aws_documents(aws: Aws, probe: Probe) -> None:
    probe(aws)


def test_every_probe_says_what_is_documented_and_where() -> None:
    unnamed = [probe.__name__ for probe in PROBES if "Page" not in (probe.__doc__ or "")]

    assert unnamed == []
    assert len({probe.__name__ for probe in PROBES}) == len(PROBES) >= 60
    assert {probe.__module__ for probe in PROBES} == {module.__name__ for module in MODULES}


def test_differences_are_named_for_others_only() -> None:
    names = {probe.__name__ for probe in PROBES}

    assert {name for name, _ in KNOWN_DIFFERENCES} <= names
    assert {implementation for _, implementation in KNOWN_DIFFERENCES} <= {MOTO, MINISTACK}
