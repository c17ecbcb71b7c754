"""A notice in words: links for people, one line for a summary, counts before lines."""

from dataclasses import replace

import pytest

from order_router.domain.notices import KINDS, Notice
from order_router.domain.telling import (
    LAST_OF,
    Held,
    Telling,
    delivery_id,
    line_of,
    summary_of,
    text_of,
    title_of,
)
from tests.fakes.clock import MONDAY_MORNING

NOTICE = Notice(
    kind="login_needed", account="main", message="log in to Zerodha", link="https://router.test/login-canary"
)
TELLING = Telling(
    telling_id="t-1", notice=NOTICE, at=MONDAY_MORNING, stop_link="https://router.test/stop-canary"
)


def test_a_title_says_what_and_whose() -> None:
    assert title_of(TELLING) == "URGENT: Log in needed [main]"
    fill = replace(TELLING, notice=Notice(kind="fill", account="all", message=""))
    assert title_of(fill) == "Order filled"


def test_the_words_have_the_time_at_the_exchange_and_the_links() -> None:
    assert text_of(TELLING).splitlines() == [
        "log in to Zerodha",
        "23 Nov 2026 10:00:00 IST",
        "Log in: https://router.test/login-canary",
        "Stop new orders: https://router.test/stop-canary",
    ]


def test_the_words_name_the_order_they_are_about() -> None:
    fill = Notice(kind="fill", account="main", message="BUY 5 NSE:INFY is filled", client_order_id="a1")

    assert text_of(replace(TELLING, notice=fill, stop_link=None)) == (
        "BUY 5 NSE:INFY is filled\n23 Nov 2026 10:00:00 IST\norder a1"
    )


@pytest.mark.parametrize(("length", "told"), [(2999, 2999), (3000, 3000), (3001, 3000)])
def test_words_are_told_whole_up_to_3000_characters(length: int, told: int) -> None:
    long = replace(NOTICE, message="x" * length)

    assert text_of(replace(TELLING, notice=long)).splitlines()[0] == "x" * told


def test_links_show_in_no_repr_and_in_no_line_of_a_summary() -> None:
    assert "canary" not in repr(TELLING)
    assert "canary" not in line_of(NOTICE, MONDAY_MORNING)


def test_a_summary_counts_by_kind_and_shows_the_last_lines() -> None:
    lines = (*(("fill", f"fill {number}") for number in range(30)), ("rejected", "margin"))

    message = summary_of(Held(lines=lines, more=4)).message.splitlines()

    assert message[0] == "30 x Order filled, 1 x Order rejected by the broker, 4 that no room was left for"
    assert message[1] == "(the last 20:)"
    assert message[2:] == [*(f"fill {number}" for number in range(11, 30)), "margin"]


@pytest.mark.parametrize("count", [1, 20])
def test_a_summary_that_shows_every_line_says_nothing_of_others(count: int) -> None:
    lines = tuple(("fill", f"fill {number}") for number in range(count))

    message = summary_of(Held(lines)).message.splitlines()

    assert message == [f"{count} x Order filled", *(f"fill {number}" for number in range(count))]


def test_a_full_summary_loses_no_line() -> None:
    lines = tuple(
        ("fill", line_of(Notice(kind="fill", account="", message="x" * 500), MONDAY_MORNING))
        for _ in range(20)
    )
    notice = summary_of(Held(lines=(*lines, ("fill", "the last"))))

    assert "the last" in text_of(replace(TELLING, notice=notice))


@pytest.mark.parametrize(("more", "shown"), [(0, 2), (1, 1)])
def test_a_summary_shows_what_just_fits(more: int, shown: int) -> None:
    head = len(f"2 x Order filled\n{LAST_OF}\n")
    one = "x" * 1000
    rest = "y" * (3000 - head - len(one) - 1 + more)

    message = summary_of(Held((("fill", rest), ("fill", one)))).message.splitlines()

    assert [line for line in message if set(line) <= {"x", "y"}] == [rest, one][-shown:]


def test_a_full_summary_of_many_kinds_loses_the_oldest_lines_and_not_the_newest() -> None:
    kinds = [kind for kind in KINDS if kind not in {"test", "summary"}]
    lines = tuple(
        (kind, line_of(Notice(kind=kind, account="", message=f"{number} {'x' * 500}"), MONDAY_MORNING))
        for number in range(8)
        for kind in kinds
    )
    notice = summary_of(Held(lines=lines, more=12))

    told = text_of(replace(TELLING, notice=notice)).splitlines()
    shown = notice.message.splitlines()[2:]
    assert notice.message.splitlines()[1] == f"(the last {len(shown)}:)"
    assert 10 < len(shown) < 20
    assert shown == [line for _, line in lines[-len(shown) :]] == told[2 : 2 + len(shown)]


def test_a_line_is_one_line_and_short() -> None:
    notice = Notice(kind="alarm", account="all", message="one\ntwo " + "x" * 1000)

    assert line_of(notice, MONDAY_MORNING).startswith("10:00:00 Alarm: one two xxx")
    assert len(line_of(notice, MONDAY_MORNING)) == 140


def test_a_delivery_has_one_id_for_a_message_and_a_channel() -> None:
    ids = {delivery_id("m-1", "phone"), delivery_id("m-1", "mail"), delivery_id("m-2", "phone")}

    assert len(ids) == 3
    assert delivery_id("m-1", "phone") in ids
    assert not any("." in one for one in ids)
