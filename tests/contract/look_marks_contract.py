"""What marks of next looks promise: in memory it is asked here, of DynamoDB in `integration/`."""

from datetime import timedelta

import pytest

from order_router.ports import LookMarks
from tests.fakes.clock import MONDAY_MORNING as NOW

MS = timedelta(milliseconds=1)
SOON = NOW + timedelta(seconds=5)


class LookMarksContract:
    """What is promised: a test class inherits this and offers `marks`."""

    @pytest.mark.parametrize("look", ["a", None])
    def test_where_nothing_is_marked_a_look_begins_and_none_is_coming(
        self, marks: LookMarks, look: str | None
    ) -> None:
        assert not marks.is_coming("paper", since=NOW)
        assert [marks.begin("paper", look, since=NOW) for _ in range(2)] == [True, True]
        assert not marks.is_coming("paper", since=NOW)

    def test_all_but_the_look_that_is_marked_stand_back(self, marks: LookMarks) -> None:
        marks.expect("paper", "a", SOON, since=NOW)

        assert marks.is_coming("paper", since=NOW)
        assert [marks.begin("paper", look, since=NOW) for look in (None, "b", "a")] == [False, False, True]

    def test_once_it_has_begun_nobody_stands_back(self, marks: LookMarks) -> None:
        marks.expect("paper", "a", SOON, since=NOW)
        marks.begin("paper", "a", since=NOW)

        assert not marks.is_coming("paper", since=NOW)
        assert marks.begin("paper", "b", since=NOW)

    def test_a_mark_that_comes_after_its_look_has_begun_is_refused(self, marks: LookMarks) -> None:
        marks.begin("paper", "a", since=NOW)

        marks.expect("paper", "a", SOON, since=NOW)

        assert not marks.is_coming("paper", since=NOW)

    def test_the_first_mark_stands(self, marks: LookMarks) -> None:
        marks.expect("paper", "a", SOON, since=NOW)

        marks.expect("paper", "b", SOON + MS, since=NOW)

        assert [marks.begin("paper", look, since=NOW) for look in ("b", "a")] == [False, True]

    def test_a_mark_counts_up_to_when_it_was_due_and_no_longer(self, marks: LookMarks) -> None:
        marks.expect("paper", "a", SOON, since=NOW)
        late = SOON + MS

        assert marks.is_coming("paper", since=SOON)
        assert not marks.begin("paper", "b", since=SOON)
        assert not marks.is_coming("paper", since=late)
        marks.expect("paper", "c", late, since=late)
        assert [marks.begin("paper", look, since=late) for look in ("a", "c")] == [False, True]

    def test_a_look_may_begin_over_a_mark_that_counts_no_longer(self, marks: LookMarks) -> None:
        marks.expect("paper", "a", SOON, since=NOW)

        assert marks.begin("paper", "b", since=SOON + MS)

    def test_each_account_has_its_own(self, marks: LookMarks) -> None:
        marks.expect("paper", "a", SOON, since=NOW)

        assert not marks.is_coming("other", since=NOW)
        assert marks.begin("other", "b", since=NOW)
