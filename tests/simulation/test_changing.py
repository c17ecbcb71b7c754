"""A change that sets back what nobody asked to is noticed, and one that could not know of it is not blamed."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.fakes.clock import MONDAY_MORNING
from tests.simulation.changing import AT_ONCE, Changing, Left
from tests.simulation.network import STALE_BOOK
from tests.simulation.wants import Terms

NOW, SOON = MONDAY_MORNING, MONDAY_MORNING + timedelta(seconds=1)
PRICE: dict[str, Any] = {"limit_price": Decimal(1390)}
QUANTITY: dict[str, Any] = {"quantity": 7}
TERMS = Terms("NSE:INFY", "BUY", 5, Decimal(1450))
CHEAPER = replace(TERMS, **PRICE)
LARGER = replace(TERMS, **QUANTITY)


def broken(changing: Changing, *hits: str) -> list[str]:
    said: list[str] = []
    changing.judge(Counter(hits), lambda holds, rule: None if holds else said.append(rule))
    return said


def cheaper(changing: Changing, *, is_answered: bool = True) -> Left:
    """Return the change of an order's price as it left; its call is over."""
    ask = changing.ask("A", PRICE)
    left = changing.leaves("A", TERMS, NOW)
    if is_answered:
        changing.answered("A", ask)
    return left


def test_a_change_that_is_as_it_was_asked_for_is_right() -> None:
    changing = Changing()

    changing.made(cheaper(changing), CHEAPER, SOON)

    assert broken(changing) == []


def test_a_change_that_sets_back_what_was_changed_before_is_noticed() -> None:
    changing = Changing()
    changing.made(cheaper(changing), CHEAPER, SOON)
    changing.ask("A", QUANTITY)

    changing.made(changing.leaves("A", CHEAPER, SOON), LARGER, SOON)

    assert len(broken(changing)) == 1
    assert broken(changing, "modify: broker.read: stale book") == []


def test_two_changes_that_cross_on_their_way_are_not_judged() -> None:
    changing = Changing()
    first = cheaper(changing)
    changing.ask("A", QUANTITY)
    second = changing.leaves("A", TERMS, NOW)
    changing.made(first, CHEAPER, SOON)

    changing.made(second, LARGER, SOON)

    assert broken(changing) == []


def test_an_order_to_which_a_change_came_late_is_not_judged() -> None:
    changing = Changing()
    late = NOW + AT_ONCE + timedelta(microseconds=1)
    changing.made(cheaper(changing), CHEAPER, late)
    changing.ask("A", QUANTITY)

    changing.made(changing.leaves("A", CHEAPER, late), LARGER, late)

    assert broken(changing) == []


def test_a_change_that_nobody_noted_is_not_judged() -> None:
    changing = Changing()

    changing.made(changing.leaves("A", TERMS, NOW), LARGER, SOON)

    assert broken(changing) == []


def test_a_change_of_a_call_without_an_answer_is_right_later_too() -> None:
    changing = Changing()
    cheaper(changing, is_answered=False)

    changing.made(changing.leaves("A", TERMS, SOON), CHEAPER, SOON)

    assert broken(changing) == []


def test_a_change_that_was_made_and_is_said_not_to_be_is_noticed() -> None:
    changing = Changing()
    changing.made(cheaper(changing), CHEAPER, SOON)

    changing.said_not_made("A", NOW)

    assert broken(changing) == [f"made, and said not to be: ['A, asked at {NOW.isoformat()}']"]
    assert broken(changing, f"zerodha book: {STALE_BOOK}") == []


def test_what_was_not_made_since_or_came_late_may_be_said_not_to_be_made() -> None:
    changing = Changing()
    changing.said_not_made("A", NOW)
    changing.made(changing.leaves("A", TERMS, NOW), TERMS, SOON)
    changing.said_not_made("A", NOW)
    changing.made(cheaper(changing), CHEAPER, SOON)
    changing.said_not_made("A", SOON)
    changing.made(cheaper(changing), CHEAPER, NOW + 2 * AT_ONCE)
    changing.said_not_made("A", NOW)

    assert broken(changing) == []
