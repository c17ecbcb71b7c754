"""What turns at order books promise: in memory it is asked here, of DynamoDB in `integration/`."""

from datetime import timedelta

from order_router.service.book_turns import BookTurns
from tests.fakes.clock import MONDAY_MORNING as NOW

MS = timedelta(milliseconds=1)
SOON, LATER = NOW + timedelta(seconds=5), NOW + timedelta(seconds=20)


class BookTurnsContract:
    """What is promised: a test class inherits this and offers `turns`."""

    def test_a_turn_that_nobody_has_is_taken_and_all_others_are_told_until_when(
        self, turns: BookTurns
    ) -> None:
        assert turns.free_at("book") is None
        assert turns.take("book", "a", NOW, until=LATER) is None

        assert turns.take("book", "b", NOW, until=LATER + MS) == LATER
        assert turns.free_at("book") == LATER

    def test_a_turn_ends_by_itself(self, turns: BookTurns) -> None:
        turns.take("book", "a", NOW, until=SOON)

        assert turns.take("book", "b", SOON - MS, until=LATER) == SOON
        assert turns.take("book", "b", SOON, until=LATER) is None

    def test_a_take_that_is_repeated_recognises_itself(self, turns: BookTurns) -> None:
        assert [turns.take("book", "a", NOW, until=LATER) for _ in range(2)] == [None, None]

    def test_whoever_has_it_lets_it_rest_for_less_than_its_time(self, turns: BookTurns) -> None:
        turns.take("book", "a", NOW, until=LATER)

        turns.rest("book", SOON, taker="a")

        assert turns.free_at("book") == SOON

    def test_nobody_shortens_what_another_has(self, turns: BookTurns) -> None:
        turns.take("book", "b", NOW, until=LATER)

        turns.rest("book", SOON, taker="a")
        turns.rest("book", SOON)

        assert turns.free_at("book") == LATER

    def test_a_rest_can_be_made_longer_by_anybody(self, turns: BookTurns) -> None:
        turns.rest("book", SOON)

        turns.rest("book", LATER)
        turns.rest("book", SOON)

        assert turns.free_at("book") == LATER
        assert turns.take("book", "a", LATER - MS, until=LATER) == LATER

    def test_each_name_has_its_own(self, turns: BookTurns) -> None:
        turns.take("book", "a", NOW, until=LATER)

        assert turns.take("other", "b", NOW, until=LATER) is None
