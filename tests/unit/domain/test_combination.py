"""What a trader may define as one combination."""

import pytest

from order_router.domain.combination import (
    MAX_RATIO,
    MOST_LEGS,
    CombinationRefused,
    combination_named,
    require_legs,
)
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.listing import Leg
from order_router.domain.vocabulary import Exchange, Side


def leg(name: str, ratio: int = 1, side: Side = Side.BUY) -> Leg:
    return Leg(instrument=parse_instrument(name), side=side, ratio=ratio)


SHARES = [leg(f"NYSE:S{number}") for number in range(MOST_LEGS + 1)]


@pytest.mark.parametrize(
    "legs",
    [
        SHARES[:2],
        SHARES[:MOST_LEGS],
        [leg("NYSE:IBM", 1), leg("NYSE:GE", 2, Side.SELL)],
        [leg("NYSE:IBM", MAX_RATIO), leg("NYSE:GE", MAX_RATIO - 1)],
    ],
)
def test_two_to_six_legs_in_lowest_terms_are_one_combination(legs: list[Leg]) -> None:
    require_legs(legs)


@pytest.mark.parametrize(
    ("legs", "words"),
    [
        ([], "expected 2 to 6 legs, received 0"),
        (SHARES[:1], "expected 2 to 6 legs, received 1"),
        (SHARES, "expected 2 to 6 legs, received 7"),
        ([SHARES[0], leg("NYSE:IBM", 0)], "a ratio of 1 to 100 for NYSE:IBM, received 0"),
        ([SHARES[0], leg("NYSE:IBM", -1)], "a ratio of 1 to 100 for NYSE:IBM, received -1"),
        ([SHARES[0], leg("NYSE:IBM", 101)], "a ratio of 1 to 100 for NYSE:IBM, received 101"),
        ([leg("NYSE:IBM"), leg("NYSE:IBM", side=Side.SELL)], "each instrument in one leg"),
        ([leg("NYSE:IBM", 2), leg("NYSE:GE", 4)], "multiples of 2"),
        ([SHARES[0], leg("COMBO:OTHER")], "cannot be a combination itself"),
    ],
)
def test_what_is_no_combination_is_refused_by_name(legs: list[Leg], words: str) -> None:
    with pytest.raises(CombinationRefused, match=words):
        require_legs(legs)


@pytest.mark.parametrize("name", ["A", "AAPL-DEC-200-205", "X.1_2", "9" * 30])
def test_a_combination_is_an_instrument_of_its_name(name: str) -> None:
    assert combination_named(name) == Instrument(Exchange.COMBO, name)
    assert parse_instrument(f"COMBO:{name}") == combination_named(name)


@pytest.mark.parametrize("name", ["", "a", "-A", "A B", "A:B", "9" * 31, "A;B", "É"])
def test_a_name_that_nobody_could_write_again_is_refused(name: str) -> None:
    with pytest.raises(CombinationRefused, match="expected a name"):
        combination_named(name)
