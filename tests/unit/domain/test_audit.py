"""An order's history as lines of an audit, and the chain that shows a change of them."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from order_router.domain.audit import (
    SCHEMA,
    START,
    WHAT,
    AuditBroken,
    Line,
    chained,
    digest_of,
    in_order,
    jsonl,
    line_of_change,
    line_of_turn,
    lines_of,
    read_jsonl,
    verified,
    whole,
)
from order_router.domain.change_log import Change, What
from order_router.domain.history import Event
from order_router.domain.kill_switch import EVERYTHING, KillSwitch, StopScope, SwitchState, Turn
from order_router.domain.lifecycle import EventKind
from order_router.domain.meter import Counted
from order_router.domain.order import Order, apply, new_order
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_request, an_order


def test_every_event_is_said_in_words() -> None:
    assert set(WHAT) == set(EventKind)
    assert all(WHAT.values())


def test_the_first_line_says_what_was_asked_for_even_after_a_change() -> None:
    order = opened(new_order(an_order(), "key laptop"))
    change = Event(kind=EventKind.MODIFIED, at=MONDAY_MORNING, request=a_request(quantity=3))

    lines = lines_of(apply(order, change))

    assert (lines[0]["request"]["quantity"], lines[-1]["request"]["quantity"]) == (5, 3)
    assert lines[0]["evidence"] == {"asked_by": "key laptop"}
    assert lines[0]["deadline"] == "2026-11-23T04:30:30.000000Z"
    assert [line["line"] for line in lines] == [0, 1, 2, 3]


def test_what_an_earlier_release_did_not_keep_is_not_made_up() -> None:
    """Its changes did not keep what they replaced."""
    change = Event(kind=EventKind.MODIFIED, at=MONDAY_MORNING, request=a_request(quantity=3))
    order = apply(opened(new_order(an_order())), change)
    *steps, last = order.history
    earlier = replace(order, history=(*steps, replace(last, event=change)))

    assert lines_of(opened(new_order(an_order())))[0]["request"]["quantity"] == 5
    assert lines_of(order)[0]["request"]["quantity"] == 5
    assert "request" not in lines_of(earlier)[0]


def test_the_first_of_many_changes_says_what_stood_before_all_of_them() -> None:
    order = opened(new_order(an_order()))
    for quantity in (4, 3, 2):
        change = Event(kind=EventKind.MODIFIED, at=MONDAY_MORNING, request=a_request(quantity=quantity))
        order = apply(order, change)

    assert [line["request"]["quantity"] for line in lines_of(order) if "request" in line] == [5, 4, 3, 2]


def test_a_fill_says_how_much_and_at_what_price_as_text() -> None:
    fill = Event(
        kind=EventKind.FILLED, at=MONDAY_MORNING, filled_quantity=5, average_price=Decimal("1500.0500")
    )

    line = lines_of(apply(opened(new_order(an_order())), fill))[-1]

    assert (line["event"], line["filled_quantity"], line["average_price"]) == ("filled", 5, "1500.0500")


def test_lines_of_many_orders_stand_as_they_happened() -> None:
    first, second = opened(new_order(an_order("k-1"))), opened(new_order(an_order("k-2")))

    lines = in_order([*lines_of(second), *lines_of(first)])

    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert {line["client_order_id"] for line in lines} == {first.client_order_id, second.client_order_id}


DEMO = KillSwitch(StopScope.STRATEGY, "demo")
STOP = Turn(
    at=MONDAY_MORNING, by="laptop", reason="it buys too much", cancels_open=True, closes_positions=False
)


def test_a_turn_says_who_turned_which_switch_when_why_and_what_else_was_asked_for() -> None:
    line = line_of_turn(SwitchState(switch=DEMO).turned_on(STOP, lets_exits=True))

    assert line == {
        "at": "2026-11-23T04:30:00.000000Z",
        "switch": "kill#strategy#demo",
        "turn": 1,
        "strategy": "demo",
        "event": "kill_on",
        "what": line["what"],
        "by": "laptop",
        "reason": "it buys too much",
        "since": "2026-11-23T04:30:00.000000Z",
        "lets_exits": True,
        "cancel_open": True,
        "close_positions": False,
    }
    assert "closes a position" in line["what"]


def test_a_turn_of_an_earlier_release_says_no_more_than_it_kept() -> None:
    line = line_of_turn(
        SwitchState(switch=EVERYTHING).turned_on(Turn(at=MONDAY_MORNING, by="a", reason=""), lets_exits=False)
    )

    assert {"cancel_open", "close_positions", "account", "strategy"}.isdisjoint(line)
    assert "whatever it is for" in line["what"]


def test_letting_go_says_what_is_stopped_no_more() -> None:
    on = SwitchState(switch=DEMO).turned_on(STOP, lets_exits=True)

    line = line_of_turn(on.turned_off(Turn(at=MONDAY_MORNING, by="laptop", reason="mended")))

    assert (line["event"], line["reason"]) == ("kill_off", "mended")
    assert line["what"] == "let go: this switch stops nothing of strategy demo any more"


@pytest.mark.parametrize(
    ("whose", "said"),
    [
        (Counted("account", "paper"), {"account": "paper"}),
        (Counted("strategy", "demo"), {"strategy": "demo"}),
    ],
)
def test_a_change_of_limits_says_whose_they_are(whose: Counted, said: dict[str, str]) -> None:
    change = Change(at=MONDAY_MORNING, what=What.LIMITS_SET, whose=whose, by="laptop", before={}, after={})

    line = line_of_change(change)

    assert {name: line[name] for name in ("account", "strategy") if line.get(name)} == said
    assert line["change"] == 0, "it is not kept yet, and has no number"


def test_turns_stand_among_the_orders_as_they_happened() -> None:
    on = SwitchState(switch=DEMO).turned_on(STOP, lets_exits=False)
    off = on.turned_off(Turn(at=MONDAY_MORNING + timedelta(minutes=1), by="laptop", reason="mended"))

    lines = in_order(
        [*lines_of(opened(new_order(an_order()))), line_of_turn(off), line_of_turn(on)],
    )

    assert [line["event"] for line in lines] == ["kill_on", "received", "submitting", "opened", "kill_off"]
    assert verified(whole(lines, about={}))["lines"] == 5


EARLIER = (
    '{"audit": "order-router", "schema": 1, "day": "2026-11-20", '
    '"previous": "0000000000000000000000000000000000000000000000000000000000000000", '
    '"digest": "0cfc3bdb5d0d1d7472b48795d1ce1cdc2c3d73a7caac8f14d827f9a663df83e8"}\n'
    '{"at": "2026-11-20T04:30:00.000000Z", "client_order_id": "AAAAAAAAAAAAAAAAAAAA", "line": 0, "event": "received", '
    '"previous": "0cfc3bdb5d0d1d7472b48795d1ce1cdc2c3d73a7caac8f14d827f9a663df83e8", '
    '"digest": "3100194ffc99cb841598657f4ea88d35671b62104a8c6570d35192138f9f1399"}\n'
    '{"end": true, "lines": 1, '
    '"previous": "3100194ffc99cb841598657f4ea88d35671b62104a8c6570d35192138f9f1399", '
    '"digest": "a943a46f3d26533f8f4fed0063cc980bf2540f8c5b479b5b42ea98230085460f"}\n'
)
"""A day as the release before this one wrote it: its head says schema 1, and counts no turns."""


def test_a_document_of_an_earlier_release_is_verified_still() -> None:
    document = read_jsonl(EARLIER)

    assert verified(document)["lines"] == 1
    assert (document[0]["schema"], SCHEMA) == (1, 3)
    with pytest.raises(AuditBroken):
        verified([{**document[0], "day": "2026-11-19"}, *document[1:]])


def a_document(orders: int = 2) -> list[dict[str, Any]]:
    lines = [
        line for number in range(orders) for line in lines_of(opened(new_order(an_order(f"k-{number}"))))
    ]
    text = jsonl(whole(lines, about={"day": "2026-11-23"}))
    return [json.loads(line) for line in text.splitlines()]


def test_a_document_that_nobody_touched_is_verified() -> None:
    document = a_document()

    end = verified(document)

    assert (end["lines"], end["digest"]) == (6, document[-1]["digest"])
    assert document[0]["previous"] == START
    assert document[0]["day"] == "2026-11-23"


@pytest.mark.parametrize(
    "lines",
    [
        [{"audit": "order-router"}, {"note": "one"}, {"end": True, "lines": 2}],
        [{"audit": "order-router"}, {"end": True, "lines": 0}, {"end": True, "lines": 1}],
        [{"audit": "order-router"}, {"note": "one"}, {"end": False, "lines": 1}],
    ],
)
def test_a_chain_that_was_made_anew_must_still_count_to_its_end(lines: list[dict[str, Any]]) -> None:
    with pytest.raises(AuditBroken):
        verified(list(chained(lines)))


def test_a_file_without_a_line_is_no_document() -> None:
    with pytest.raises(AuditBroken, match="the end is missing after line 0"):
        verified(())


def test_a_day_without_orders_has_a_document_too() -> None:
    assert verified(whole((), about={}))["lines"] == 0


@pytest.mark.parametrize("text", ["", "a", "é", '"', "line\nbreak"])
def test_any_words_survive_the_file(text: str) -> None:
    lines = [json.loads(line) for line in jsonl(chained([{"note": text}])).splitlines()]

    assert [line["note"] for line in lines] == [text]


def test_the_file_and_what_its_digests_are_made_of_are_ascii() -> None:
    line = {"note": "é", "a": 1}

    assert jsonl([line]) == '{"note": "\\u00e9", "a": 1}\n'
    assert digest_of(line) == hashlib.sha256(b'{"a":1,"note":"\\u00e9"}').hexdigest()


@given(st.data())
def test_no_line_can_be_changed_left_out_doubled_or_moved_unnoticed(data: st.DataObject) -> None:
    document: list[Line] = list(a_document())
    place = data.draw(st.integers(0, len(document) - 1))
    damage = data.draw(st.sampled_from(["change", "add", "drop", "double", "move", "cut", "redigest"]))
    line = dict(document[place])
    if damage == "change":
        name = data.draw(st.sampled_from(sorted(line)))
        document[place] = {**line, name: "another"}
    elif damage == "add":
        document[place] = {**line, "also": True}
    elif damage == "drop":
        del document[place]
    elif damage == "double":
        document.insert(place, line)
    elif damage == "move":
        other = (place + 1) % len(document)
        document[place], document[other] = document[other], document[place]
    elif damage == "cut":
        document = document[:place]
    else:
        unsigned = {key: value for key, value in line.items() if key not in {"digest", "previous"}}
        document[place] = next(iter(chained([{**unsigned, "note": "another"}])))

    with pytest.raises(AuditBroken):
        verified(document)


@pytest.mark.parametrize("text", ["", "a", "é", '"', "line\nbreak", "\r", "\x1e", "\u2028", "\ud800"])
def test_what_was_written_is_read_to_the_letter(text: str) -> None:
    document = whole([{"at": "x", "by": text, "account": None}], about={"day": "2026-11-23"})

    assert tuple(read_jsonl(jsonl(document))) == document


@pytest.mark.parametrize(
    "row",
    [
        '{"by": "nobody", "by": "laptop"}',
        '{"of": {"by": "nobody", "by": "laptop"}}',
        '{"by":"laptop"}',
        '{"by": "laptop"} ',
        '{"by": "laptop"}\r',
        '{"by": "\\u006captop"}',
        '{"by": "läptop"}',
        '{"line": 1e0}',
        '["by", "laptop"]',
        "{",
        "",
    ],
)
def test_a_line_that_is_not_to_the_letter_as_written_is_named(row: str) -> None:
    with pytest.raises(AuditBroken, match="line 2 is not"):
        read_jsonl(f'{{"audit": "order-router"}}\n{row}\n{{"end": true}}\n')


def test_a_last_line_without_its_end_is_named() -> None:
    with pytest.raises(AuditBroken, match="line 2 has no end"):
        read_jsonl('{"audit": "order-router"}\n{"end": true}')


@given(st.data())
def test_no_letter_of_a_file_can_be_changed_left_out_or_added_unnoticed(data: st.DataObject) -> None:
    text = jsonl(a_document())
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(max_codepoint=0x7F))
    damage = data.draw(st.sampled_from(["change", "drop", "add"]))
    rest = text[place:] if damage == "add" else text[place + 1 :]
    touched = text[:place] + ("" if damage == "drop" else letter) + rest
    assume(touched != text)

    with pytest.raises(AuditBroken):
        verified(read_jsonl(touched))


def opened(order: Order) -> Order:
    submitting = apply(order, Event(kind=EventKind.SUBMITTING, at=MONDAY_MORNING))
    return apply(submitting, Event(kind=EventKind.OPENED, at=MONDAY_MORNING, broker_order_id="b-1"))
