"""Of the tests that compute, as many run at once as there are processors."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.turns import Turns


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Turns]]:
    pipe = tmp_path / "turns"
    with ExitStack() as stack:
        stack.callback(Turns.new(pipe, 2).close)

        def worker() -> Turns:
            turns = Turns(pipe)
            stack.callback(turns.close)
            return turns

        yield worker


def test_a_third_worker_goes_on_when_one_of_two_turns_comes_back(opened: Callable[[], Turns]) -> None:
    def third() -> bool:
        with opened().one() as is_turn:
            return is_turn

    with ThreadPoolExecutor(1) as pool, opened().one() as is_first:
        with opened().one() as is_second:
            waiting = pool.submit(third)
            with opened().one(patience_s=0) as is_left:
                assert (is_first, is_second, is_left) == (True, True, False)
            assert not waiting.done()
        assert waiting.result()


def test_a_turn_comes_back_from_a_test_that_fails(opened: Callable[[], Turns]) -> None:
    for _ in range(3):
        with pytest.raises(AssertionError), opened().one(patience_s=0):
            raise AssertionError

    with opened().one() as is_turn, opened().one() as is_another:
        assert (is_turn, is_another) == (True, True)


def test_turns_that_the_dead_took_stop_nobody_for_good(opened: Callable[[], Turns]) -> None:
    dead = ExitStack()
    for _ in range(2):
        dead.enter_context(opened().one())

    with opened().one(patience_s=0) as is_turn:
        assert not is_turn
