"""Each mutant by hand is noticed by the test that it names; without a mutant the same tests pass."""

from collections.abc import Iterator

import pytest

from tests.mutants import table
from tests.mutants.by_hand import MUTANTS
from tests.mutants.client import ForkServer
from tests.mutants.mutant import Mutant
from tests.mutants.worker import Job

# one worker holds the fork server for all of them
pytestmark = pytest.mark.xdist_group("mutants")


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer() as started:
        yield started


def test_there_are_sixty_or_more_and_each_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 60


def test_without_a_mutant_every_named_test_is_there_and_passes(server: ForkServer) -> None:
    named = tuple(dict.fromkeys(test for mutant in MUTANTS for test in mutant.killed_by))

    verdict = server.run(Job(named), timeout_s=300)

    assert (verdict.exit_code, verdict.missing) == (0, []), verdict.words
    assert verdict.passed >= len(named)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_noticed(server: ForkServer, mutant: Mutant) -> None:
    verdict = server.run(Job(mutant.killed_by, mutant.module, mutant.source()))

    assert verdict.is_used, f"no named test imports {mutant.file}"
    assert verdict.exit_code != 0, f"survived: {mutant.breaks}"
    assert verdict.is_meant, f"{verdict.error} {verdict.words}"


def test_the_page_lists_them_all() -> None:
    assert table.page() == table.PAGE.read_text(encoding="utf-8"), "run python -m tests.mutants.table"
