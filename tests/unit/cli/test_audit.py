"""`router audit`: a day in a file that shows every change of it."""

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from order_router.domain.audit import line_of_change, line_of_turn, lines_of
from order_router.domain.change_log import Change, What
from order_router.domain.kill_switch import EVERYTHING, SwitchState, Turn
from order_router.domain.meter import Counted
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.world import World
from tests.unit.cli.trying import Stack

DAY = "2026-11-23"


def a_day_s_lines() -> list[dict[str, Any]]:
    world = World()
    orders = [world.place(f"k-{number}", limit_price="1400").order for number in range(3)]
    return [dict(line) for order in orders for line in lines_of(order)]


A_CHANGE = Change(
    at=MONDAY_MORNING - timedelta(seconds=1),
    what=What.LIMITS_SET,
    whose=Counted("account", "paper"),
    by="laptop",
    before={"max_quantity": 5},
    after={"max_quantity": 9},
    number=1,
)


def a_day_s_turns() -> list[dict[str, Any]]:
    turn = Turn(at=MONDAY_MORNING - timedelta(minutes=1), by="laptop", reason="it buys too much")
    on = SwitchState(switch=EVERYTHING).turned_on(turn, lets_exits=False)
    return [dict(line_of_turn(on)), dict(line_of_turn(on.turned_off(turn)))]


def will_answer(
    stack: Stack, lines: list[dict[str, Any]], pages: int = 1, turns: list[dict[str, Any]] | None = None
) -> None:
    """Have the stack tell a day: its orders on so many pages; its turns, and one change, on the first."""
    size = len(lines) // pages + 1
    for page in range(pages):
        cursor = f"c-{page + 1}" if page + 1 < pages else None
        there = [] if page else turns or []
        rows = lines[page * size : (page + 1) * size]
        changes = [dict(line_of_change(A_CHANGE))] if there else []
        stack.answers.will({"lines": rows, "turns": there, "changes": changes, "next_cursor": cursor})


def exported(stack: Stack, path: Path) -> Path:
    will_answer(stack, a_day_s_lines(), turns=a_day_s_turns())
    stack.ok("audit", "export", DAY, "--output", path)
    return path


def test_a_day_is_asked_for_page_by_page_and_told_as_it_happened(stack: Stack) -> None:
    lines = a_day_s_lines()
    will_answer(stack, lines[::-1], pages=3)

    ran = stack.ok("audit", "export", DAY, "--account", "paper")

    document = [json.loads(line) for line in ran.out.splitlines()]
    queries = [parse_qs(urlsplit(one.full_url).query) for one in stack.answers.asked]
    assert [query.get("cursor") for query in queries] == [None, ["c-1"], ["c-2"]]
    assert all((query["day"], query["account"]) == ([DAY], ["paper"]) for query in queries)
    assert (document[0]["day"], document[-1]["lines"]) == (DAY, len(lines))
    told = [(line["client_order_id"], line["line"]) for line in document[1:-1]]
    assert told == sorted(told)
    assert document[-1]["digest"] in ran.err


def test_a_file_is_its_owner_s_alone_and_never_takes_another_s_place(stack: Stack, tmp_path: Path) -> None:
    path = exported(stack, tmp_path / "day.jsonl")
    before = path.read_text()

    will_answer(stack, [])
    again = stack.run("audit", "export", DAY, "--output", path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert again.code == 1
    assert "is there already" in again.line
    assert path.read_text() == before


def test_a_file_that_nobody_touched_is_verified(stack: Stack, tmp_path: Path) -> None:
    path = exported(stack, tmp_path / "day.jsonl")

    document = stack.json("audit", "verify", path)

    assert (document["lines"], document["turns"], document["changes"]) == (12, 2, 1)
    assert document["digest"] == json.loads(path.read_text().splitlines()[-1])["digest"]


def test_turns_stand_where_they_happened_and_the_head_counts_them(stack: Stack, tmp_path: Path) -> None:
    path = exported(stack, tmp_path / "day.jsonl")

    head, *lines, _ = [json.loads(line) for line in path.read_text().splitlines()]
    assert (head["schema"], head["kill_switch_turns"], head["breaker_and_limit_changes"]) == (3, 2, 1)
    assert [line["event"] for line in lines[:4]] == ["kill_on", "kill_off", "limits_set", "received"]


def test_a_stack_of_an_earlier_release_is_exported_and_nobody_takes_it_for_a_day_without_turns(
    stack: Stack, tmp_path: Path
) -> None:
    path = tmp_path / "day.jsonl"
    stack.answers.will({"lines": a_day_s_lines(), "next_cursor": None})

    ran = stack.ok("audit", "export", DAY, "--output", path)

    without = "without kill switches, without breakers and limits"
    assert without in ran.out
    head = json.loads(path.read_text().splitlines()[0])
    assert not {"kill_switch_turns", "breaker_and_limit_changes"} & head.keys()
    verified = stack.json("audit", "verify", path)
    assert (verified["turns"], verified["changes"]) == (None, None)
    assert without in stack.ok("audit", "verify", path).out


def test_a_file_of_some_accounts_says_so(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    page = {"accounts": ["mine", "other"], "lines": a_day_s_lines(), "turns": [], "changes": []}
    stack.answers.will({**page, "next_cursor": None})

    ran = stack.ok("audit", "export", DAY, "--output", path)

    assert json.loads(path.read_text().splitlines()[0])["accounts"] == ["mine", "other"]
    words = "of no account but mine, other"
    assert words in ran.out
    assert words in stack.ok("audit", "verify", path).out


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"by": "laptop"', '"by": "phone"'),
        ('"reason": "it buys too much"', '"reason": "a test"'),
        ('"quantity": 5', '"quantity": 6'),
        ('"event": "opened"', '"event": "filled"'),
        ('"end": true', '"end": false'),
    ],
)
def test_a_file_that_was_touched_is_named(stack: Stack, tmp_path: Path, old: str, new: str) -> None:
    path = exported(stack, tmp_path / "day.jsonl")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    ran = stack.run("audit", "verify", path)

    assert ran.code == 1
    assert "line " in ran.line


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('"by": "laptop"', '"by": "nobody", "by": "laptop"', id="a key twice"),
        pytest.param('"quantity": 5', '"quantity": 9, "quantity": 5', id="a key twice further in"),
        pytest.param('"by": "laptop"', '"by":  "laptop"', id="a space more"),
        pytest.param('"laptop"', '"\\u006captop"', id="a letter written otherwise"),
        pytest.param('"line": 0', '"line": -0', id="a number written otherwise"),
        pytest.param('{"at"', ' {"at"', id="a space before"),
        pytest.param("}\n", "}\r\n", id="another end of a line"),
        pytest.param("}\n", "}\x1e\n", id="a mark at its end"),
        pytest.param('{"at"', '\n{"at"', id="an empty line"),
        pytest.param('"laptop"', '"l\u00e4ptop"', id="not ASCII"),
    ],
)
def test_a_line_that_only_a_kind_parser_takes_is_named(
    stack: Stack, tmp_path: Path, old: str, new: str
) -> None:
    path = exported(stack, tmp_path / "day.jsonl")
    text = path.read_text()
    number = text[: text.index(old)].count("\n") + 1
    path.write_bytes(text.replace(old, new, 1).encode("latin-1"))

    ran = stack.run("audit", "verify", path)

    assert ran.code == 1
    assert f"line {number} " in ran.line


def test_a_last_line_without_its_end_is_named(stack: Stack, tmp_path: Path) -> None:
    path = exported(stack, tmp_path / "day.jsonl")
    path.write_text(path.read_text().rstrip("\n"))

    assert "line 14 " in stack.run("audit", "verify", path).line


def test_what_the_screen_showed_is_verified_as_well(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    will_answer(stack, a_day_s_lines(), turns=a_day_s_turns())
    path.write_text(stack.ok("audit", "export", DAY).out)

    assert stack.json("audit", "verify", path)["lines"] == 12


@pytest.mark.parametrize("text", ["", "no json\n", "[]\n", "1\n", "[" * 100_000 + "\n", '{"digest": 1}\n'])
def test_what_is_no_audit_is_not_taken_for_one(stack: Stack, tmp_path: Path, text: str) -> None:
    path = tmp_path / "day.jsonl"
    path.write_text(text)

    assert stack.run("audit", "verify", path).code == 1


@pytest.mark.parametrize("day", ["yesterday", "23-11-2026", "", "2026-02-30"])
def test_a_day_is_a_date(stack: Stack, day: str) -> None:
    assert stack.run("audit", "export", day).code == 2
    assert stack.answers.asked == []
