"""`router instruments`: looked for by name or by parts, loaded anew and followed to the end."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.unit.cli.trying import Answers, Stack

OPTION: dict[str, Any] = {
    "instrument": "NFO:NIFTY26NOV26500CE",
    "instrument_type": "CE",
    "underlying": "NIFTY",
    "expiry": "2026-11-24",
    "strike": "26500",
    "lot_size": 75,
    "tick_size": "0.05",
    "freeze_quantity": None,
    "broker": "zerodha",
    "broker_symbol": "NIFTY26NOV26500CE",
    "broker_key": "12345",
}
LIST: dict[str, Any] = {
    "broker": "zerodha",
    "loaded_at": "2026-11-23T02:30:00.000Z",
    "rows": {"NSE": 9000, "NFO": 40000},
    "expired": 3,
    "put": 120,
    "deleted": 7,
    "unchanged": 48880,
    "write_units": "120",
    "read_s": "1.25",
    "write_s": "2.5",
    "tried_at": "2026-11-23T02:30:00.000Z",
    "is_under_way": False,
    "problem": None,
}
LATER = "2026-11-23T04:31:00.000Z"
BUSY = LIST | {"is_under_way": True}
DONE = LIST | {"loaded_at": LATER, "tried_at": LATER}
REFUSED = LIST | {"tried_at": LATER, "problem": {"code": "INSTRUMENT_LIST_REFUSED", "message": "too short"}}


def query(answers: Answers) -> dict[str, str]:
    return {name: one for name, (one,) in parse_qs(urlsplit(answers.last.full_url).query).items()}


def lists(stack: Stack, *states: dict[str, Any]) -> None:
    for state in states:
        stack.answers.will({"lists": [state]})


def test_instruments_are_looked_for_by_their_parts(stack: Stack) -> None:
    stack.answers.will({"instruments": [OPTION], "next_cursor": None})

    ran = stack.ok(
        *("instruments", "search", "--underlying", "NIFTY", "--expiry", "2026-11-24", "--strike", "26500"),
        *("--right", "ce", "--exchange", "nfo", "--account", "kite"),
    )

    assert query(stack.answers) == {
        "account": "kite",
        "exchange": "NFO",
        "underlying": "NIFTY",
        "expiry": "2026-11-24",
        "strike": "26500",
        "right": "CE",
        "limit": "50",
    }
    assert ran.out.splitlines()[1].split() == [
        *("NFO:NIFTY26NOV26500CE", "CE", "2026-11-24", "26500", "75", "0.05", "zerodha", "NIFTY26NOV26500CE")
    ]


def test_a_search_stops_at_its_limit_and_says_so(stack: Stack) -> None:
    stack.answers.will({"instruments": [OPTION] * 200, "next_cursor": "c"})
    stack.answers.will({"instruments": [OPTION] * 50, "next_cursor": "d"})

    ran = stack.ok("instruments", "search", "NIFTY", "--limit", "250")

    assert query(stack.answers) == {"query": "NIFTY", "limit": "50", "cursor": "c"}
    assert ran.err.strip() == "there are more: --limit shows more than 250"


def test_one_instrument_is_shown(stack: Stack) -> None:
    stack.answers.will(OPTION)

    assert stack.json("instruments", "show", "nfo:nifty26nov26500ce") == OPTION
    assert stack.answers.last.full_url.endswith("/v1/instruments/NFO%3ANIFTY26NOV26500CE")


def test_an_option_chain_is_shown_by_strike(stack: Stack) -> None:
    row = {"strike": "26500", "right": "CE", "instrument": "NFO:NIFTY26NOV26500CE", "last_price": "102.35"}
    blank = dict.fromkeys(("bid_price", "ask_price", "volume", "open_interest"))
    stack.answers.will({"account": "kite", "options": [row | blank | {"bid_price": "102.3"}]})

    ran = stack.ok(
        "instruments", "chain", "nse:nifty 50", "2026-11-24", "--account", "kite", "--strikes", "1"
    )

    assert query(stack.answers) == {
        "account": "kite",
        "underlying": "NSE:NIFTY 50",
        "expiry": "2026-11-24",
        "strikes": "1",
    }
    assert ran.out.splitlines()[1].split() == ["26500", "CE", "NFO:NIFTY26NOV26500CE", "102.3", "102.35"]


def test_an_unknown_instrument_is_told_in_one_line(stack: Stack) -> None:
    stack.answers.will({"code": "NO_SUCH_INSTRUMENT", "detail": "Zerodha lists no NSE:NOPE"}, 404)

    ran = stack.run("instruments", "show", "NSE:NOPE")

    assert (ran.code, ran.line) == (1, "router: NO_SUCH_INSTRUMENT: Zerodha lists no NSE:NOPE")


def test_the_lists_are_told_with_their_counts_and_the_exchanges_clock(stack: Stack) -> None:
    lists(stack, LIST)

    shown = stack.ok("instruments", "status").out.splitlines()[1]

    assert shown.split() == ["zerodha", "23", "Nov", "08:00", "IST", "49,000", "120", "7", "3.8"]


def test_a_refresh_is_followed_until_it_was_tried(stack: Stack) -> None:
    lists(stack, LIST)
    stack.answers.will({"brokers": ["zerodha"]}, 202)
    lists(stack, LIST, BUSY, DONE)

    ran = stack.ok("instruments", "refresh", "--broker", "zerodha", "--any-count", "--json")

    assert ran.json["lists"] == [DONE]
    assert stack.clock.slept == [2.0, 2.0]
    asked = [request for request in stack.answers.asked if request.get_method() == "POST"]
    assert [request.data for request in asked] == [b'{"takes_any_count": true, "broker": "zerodha"}']


def test_a_look_that_fails_does_not_end_the_following(stack: Stack) -> None:
    lists(stack, LIST)
    stack.answers.will({"brokers": ["zerodha"]}, 202)
    stack.answers.will({"status": 503, "code": "STORE_UNAVAILABLE", "detail": "busy"}, 503)
    lists(stack, DONE)

    assert stack.json("instruments", "refresh")["lists"] == [DONE]


def test_a_list_that_was_refused_fails_and_says_why(stack: Stack) -> None:
    lists(stack, LIST)
    stack.answers.will({"brokers": ["zerodha"]}, 202)
    lists(stack, REFUSED)

    ran = stack.run("instruments", "refresh")

    assert ran.code == 1
    assert "INSTRUMENT_LIST_REFUSED: too short" in ran.out


def test_a_refresh_that_takes_too_long_is_left(stack: Stack) -> None:
    lists(stack, LIST)
    stack.answers.will({"brokers": ["zerodha"]}, 202)
    lists(stack, BUSY, BUSY, BUSY)

    ran = stack.run("instruments", "refresh", "--timeout", "4")

    assert ran.code == 1
    assert ran.err.strip() == "not done yet: zerodha (router instruments status)"


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_refresh_may_be_asked_for_alone(stack: Stack, more: list[str]) -> None:
    lists(stack, LIST)
    stack.answers.will({"brokers": ["zerodha"]}, 202)

    ran = stack.ok("instruments", "refresh", "--no-wait", *more)

    assert "zerodha" in ran.out
    assert len(stack.answers.asked) == 2
