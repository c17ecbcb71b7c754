"""Each mutant by hand is noticed by the test that it names; without a mutant the same tests pass."""

from collections.abc import Iterator

import pytest

from tests.depth import IS_WHOLE
from tests.mutants import table
from tests.mutants.by_hand import MUTANTS, PROTOCOL
from tests.mutants.client import ForkServer
from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.worker import Job

# one worker holds the fork server for all of them
pytestmark = pytest.mark.xdist_group("mutants")

CONTRACTS = (*ROOT.glob("tests/contract/*_contract.py"), *ROOT.glob("tests/fakes/*_contract.py"))
"""Where the tests stand that stores in memory and tables have in common."""

RUN = MUTANTS if IS_WHOLE else PROTOCOL


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer() as started:
        yield started


def test_there_are_sixty_or_more_and_each_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len(PROTOCOL) >= 60


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_line_that_a_mutant_breaks_and_the_tests_that_it_names_are_there(mutant: Mutant) -> None:
    assert mutant.source()

    for name in mutant.killed_by:
        file, *_, test = name.partition("[")[0].split("::")
        places = ((ROOT / file), *CONTRACTS) if "::Test" in name else (ROOT / file,)
        assert any(f"def {test}(" in place.read_text(encoding="utf-8") for place in places), name


def test_without_a_mutant_every_named_test_is_there_and_passes(server: ForkServer) -> None:
    named = tuple(dict.fromkeys(test for mutant in RUN for test in mutant.killed_by))

    verdict = server.run(Job(named), timeout_s=300)

    assert (verdict.exit_code, verdict.missing) == (0, []), verdict.words
    assert verdict.passed >= len(named)


def test_tests_of_a_folder_run_with_one_of_the_folder_above_between_them(server: ForkServer) -> None:
    # the fixtures of its conftest.py are theirs, too
    job = Job(
        (
            "tests/unit/cli/test_algo_id.py::test_a_broker_that_takes_no_algo_id_gets_none",
            "tests/unit/test_error_count.py::test_a_worker_that_is_set_up_again_counts_once",
            "tests/unit/cli/test_keys_and_strategies.py::test_a_key_is_printed_alone_once_and_listed_by_its_name",
        )
    )

    verdict = server.run(job, timeout_s=120)

    assert (verdict.exit_code, verdict.killed_by) == (0, ""), verdict.words


@pytest.mark.parametrize("mutant", RUN, ids=lambda mutant: mutant.name)
def test_a_mutant_is_noticed(server: ForkServer, mutant: Mutant) -> None:
    verdict = server.run(Job(mutant.killed_by, mutant.module, mutant.source()))

    assert verdict.is_used, f"no named test imports {mutant.file}"
    assert verdict.exit_code != 0, f"survived: {mutant.breaks}"
    assert verdict.is_meant, f"{verdict.error} {verdict.words}"


def test_the_page_lists_them_all() -> None:
    assert table.page() == table.PAGE.read_text(encoding="utf-8"), "run python -m tests.mutants.table"
