"""Queue records: a failed one comes back with those behind it, and soon."""

from collections.abc import Mapping
from typing import Any

import pytest

from order_router.api.records import each_record
from order_router.domain.errors import RouterError
from order_router.domain.gate import PaceExceeded

EVENT = {"Records": [{"messageId": f"m-{n}", "receiptHandle": f"r-{n}", "body": str(n)} for n in range(4)]}


def test_all_taken_is_no_failure() -> None:
    taken: list[str] = []

    answer = each_record(lambda record: taken.append(record["body"]))(EVENT, None)

    assert answer == {"batchItemFailures": []}
    assert taken == ["0", "1", "2", "3"]


def test_the_first_failure_sends_back_itself_and_all_behind_it() -> None:
    taken: list[str] = []
    released: list[tuple[str, int]] = []

    def take(record: Mapping[str, Any]) -> None:
        if record["body"] == "1":
            raise RouterError("not now")
        taken.append(record["body"])

    answer = each_record(take, lambda handle, delay: released.append((handle, delay)))(EVENT, None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": f"m-{n}"} for n in (1, 2, 3)]}
    assert taken == ["0"]
    assert released == [("r-1", 2), ("r-2", 2), ("r-3", 2)]


@pytest.mark.parametrize(("retry_after_s", "delay"), [(0.3, 2), (2.0, 2), (2.1, 3), (41.5, 42)])
def test_a_record_that_waits_for_a_free_call_comes_when_there_is_one(
    retry_after_s: float, delay: int
) -> None:
    released: list[tuple[str, int]] = []

    def take(_record: Mapping[str, Any]) -> None:
        raise PaceExceeded(retry_after_s)

    each_record(take, lambda handle, delay: released.append((handle, delay)))(EVENT, None)

    assert released == [(f"r-{n}", delay) for n in range(4)]


def test_an_unexpected_error_sends_the_record_back_too() -> None:
    def take(_record: Mapping[str, Any]) -> None:
        raise ZeroDivisionError

    assert len(each_record(take)(EVENT, None)["batchItemFailures"]) == 4


def test_a_failing_release_fails_nothing_more() -> None:
    def take(_record: Mapping[str, Any]) -> None:
        raise RouterError("not now")

    def release(_handle: str, _delay: int) -> None:
        raise RouterError("the queue did not answer")

    assert len(each_record(take, release)(EVENT, None)["batchItemFailures"]) == 4
