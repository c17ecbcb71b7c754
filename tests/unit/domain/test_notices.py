"""Kinds of notices: urgency by kind, repeats by key, and no kind told that the table lacks."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import order_router
from order_router.domain.notices import KINDS, Notice, Urgency, kind_of, notice_key
from order_router.domain.order_news import NEWS

LAYER = Path(order_router.__file__).parent
NOTICE = Notice(kind="unknown", account="main", message="look at the book", client_order_id="a1")


def test_a_kind_that_the_table_lacks_is_urgent() -> None:
    assert kind_of(replace(NOTICE, kind="no such kind")).urgency is Urgency.URGENT


def test_a_repeat_in_other_words_is_known_by_its_subject() -> None:
    first = replace(NOTICE, message="12 s old", subject="orders")

    assert notice_key(first) == notice_key(replace(first, message="19 s old"))


def test_without_a_subject_other_words_are_other_news() -> None:
    assert notice_key(NOTICE) != notice_key(replace(NOTICE, message="look again"))


def test_another_kind_account_order_or_subject_is_other_news() -> None:
    first = replace(NOTICE, subject="orders")
    others = [
        replace(first, kind="duplicate"),
        replace(first, account="second"),
        replace(first, client_order_id="a2"),
        replace(first, client_order_id=None),
        replace(first, subject="replies"),
    ]

    assert len({notice_key(one) for one in [first, *others]}) == len(others) + 1


def test_parts_that_run_together_are_told_apart() -> None:
    one = Notice(kind="alarm", account="ab", message="", subject="c")

    assert notice_key(one) != notice_key(replace(one, account="a", subject="bc"))


def test_a_link_shows_in_no_repr() -> None:
    assert "canary" not in repr(replace(NOTICE, link="https://router.test/canary"))


def test_every_kind_that_is_told_is_in_the_table() -> None:
    told = {kind for path in LAYER.rglob("*.py") for kind in _kinds(ast.parse(path.read_text()))}

    assert {"unknown", "login_needed", "instruments_not_refreshed"} <= told
    assert told - KINDS.keys() == set()


def test_every_kind_in_the_table_is_told_by_something() -> None:
    trees = [ast.parse(path.read_text()) for path in LAYER.rglob("*.py")]
    told = {kind for tree in trees for kind in [*_kinds(tree), *_chosen_kinds(tree)]}
    streamed = {kind for kind, _ in NEWS.values()}

    assert KINDS.keys() - told - streamed == set()
    assert streamed - {kind for kind in KINDS if KINDS[kind].is_streamed} == set()


def _chosen_kinds(tree: ast.AST) -> Iterator[str]:
    """Yield the texts of which one is taken as a kind: `kind = "a" if ... else "b"`, or handed to a `_tell`."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="kind")], value=value):
                chosen = [value]
            case ast.Call(func=ast.Name(id="Notice"), keywords=words):
                chosen = [word.value for word in words if word.arg == "kind"]
            case ast.Call(func=ast.Name(id="_tell"), args=args):
                chosen = args[1:2]
            case _:
                continue
        for expression in chosen:
            branches = (
                [expression.body, expression.orelse] if isinstance(expression, ast.IfExp) else [expression]
            )
            yield from (
                one.value for one in branches if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )


def _kinds(tree: ast.AST) -> Iterator[str]:
    """Yield the kinds that stand as texts in calls of `tell(desk, kind, ...)` and `Notice(kind=...)`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else None
        given = node.args[1:2] if name == "tell" else []
        given += [word.value for word in node.keywords if name == "Notice" and word.arg == "kind"]
        yield from (
            one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)
        )
