"""`router order`, `positions`, `holdings` and `funds`: what goes over the wire, and what is told of the answer."""

from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request

import pytest

from infra.cli.api import Reply
from infra.cli.asking import AnswerLost
from tests.unit.cli.trying import API_URL, Answers, Ran, Stack

ORDER: dict[str, Any] = {
    "client_order_id": "ORD7K2M4QX5ZB3TDLW6A",
    "account": "paper",
    "state": "open",
    "instrument": "NSE:INFY",
    "side": "BUY",
    "quantity": 5,
    "filled_quantity": 0,
    "order_type": "LIMIT",
    "limit_price": "1500.05",
    "trigger_price": None,
    "average_price": None,
    "product": "CNC",
    "reason": None,
    "history": [
        {"at": "2026-11-23T04:30:00.000Z", "event": "received", "state": "received"},
        {
            "at": "2026-11-23T04:30:00.010Z",
            "event": "rejected",
            "state": "rejected",
            "reason": {"code": "ORDER_REJECTED", "message": "no"},
        },
    ],
}
FILLED = ORDER | {"state": "filled", "filled_quantity": 5, "average_price": "1499.95"}
LIMIT = ["--type", "LIMIT", "--limit-price", "1500.05", "--product", "CNC", "--account", "paper"]


def path_and_query(answers: Answers) -> tuple[str, dict[str, str]]:
    parts = urlsplit(answers.last.full_url)
    return parts.path.removeprefix("/api"), {name: one for name, (one,) in parse_qs(parts.query).items()}


def place(stack: Stack, *more: str) -> Ran:
    return stack.run("order", "place", "BUY", "5", "NSE:INFY", *more)


def test_an_order_is_sent_as_it_was_typed_and_its_price_is_exact(stack: Stack) -> None:
    stack.answers.will(ORDER, 201)

    ran = place(stack, *LIMIT, "--idempotency-key", "mine-1")

    assert ran.code == 0
    assert ran.out.strip() == "ORD7K2M4QX5ZB3TDLW6A open: BUY 5 NSE:INFY LIMIT limit 1500.05 CNC"
    assert ran.err.strip() == "follow it: router order watch ORD7K2M4QX5ZB3TDLW6A"
    assert stack.answers.body == {
        "account": "paper",
        "instrument": "NSE:INFY",
        "side": "BUY",
        "quantity": 5,
        "order_type": "LIMIT",
        "limit_price": "1500.05",
        "product": "CNC",
        "validity": "DAY",
    }
    assert stack.answers.last.get_header("Idempotency-key") == "mine-1"
    assert stack.answers.last.get_header("X-api-key") == "or_key"


def test_an_order_for_after_the_market_says_so(stack: Stack) -> None:
    stack.answers.will(ORDER | {"after_market": True}, 201)

    ran = place(stack, *LIMIT, "--after-market")

    assert stack.answers.body["after_market"] is True
    assert ran.out.strip() == "ORD7K2M4QX5ZB3TDLW6A open: BUY 5 NSE:INFY LIMIT limit 1500.05 after market CNC"


def test_an_order_for_after_the_market_that_cannot_wait_is_not_sent(stack: Stack) -> None:
    ran = place(stack, *LIMIT, "--after-market", "--validity", "IOC")

    assert ran.code != 0
    assert "after_market must not have validity IOC" in ran.err
    assert stack.answers.asked == []


def test_an_order_without_a_key_of_its_own_gets_a_new_one_each_time(stack: Stack) -> None:
    stack.answers.will(ORDER, 201)
    stack.answers.will(ORDER, 201)

    place(stack, *LIMIT)
    place(stack, *LIMIT)

    first, second = (asked.get_header("Idempotency-key") for asked in stack.answers.asked)
    assert first
    assert first != second


def test_words_may_be_typed_in_lower_case(stack: Stack) -> None:
    stack.answers.will(FILLED, 201)

    stack.ok(
        "order",
        "place",
        "sell",
        "5",
        "NSE:INFY",
        "--type",
        "market",
        "--product",
        "mis",
        "--account",
        "paper",
    )

    assert (stack.answers.body["side"], stack.answers.body["product"]) == ("SELL", "MIS")


def test_the_account_may_come_from_the_environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_ACCOUNT", "kite")
    stack.answers.will(ORDER, 201)

    place(stack, *LIMIT[:-2])

    assert stack.answers.body["account"] == "kite"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (LIMIT[:-2], "name the account: --account, or set ROUTER_ACCOUNT"),
        (["--product", "CNC", "--account", "paper"], "Missing option '--type'"),
        (["--type", "LIMIT", "--account", "paper"], "Missing option '--product'"),
        (
            ["--type", "LIMIT", "--product", "CNC", "--account", "paper"],
            "router: limit_price: Field required",
        ),
        ([*LIMIT, "--trigger-price", "1"], "trigger_price: Extra inputs"),
        ([*LIMIT, "--limit-price", "1e999"], "limit_price: "),
        ([*LIMIT, "--limit-price", "NaN"], "limit_price: "),
        ([*LIMIT, "--limit-price", "1.23456"], "limit_price: "),
        ([*LIMIT, "--product", "SOON"], "--product"),
        ([*LIMIT, "one more"], "too many arguments"),
    ],
)
def test_an_order_that_cannot_be_is_never_sent(stack: Stack, arguments: list[str], words: str) -> None:
    ran = place(stack, *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert words in ran.line
    assert stack.answers.asked == []


def test_a_rejected_order_fails_with_the_brokers_words_and_its_id(stack: Stack) -> None:
    problem = {
        "code": "ORDER_REJECTED",
        "status": 422,
        "detail": "RMS: margin exceeds",
        "order": ORDER | {"state": "rejected"},
    }
    stack.answers.will(problem, 422)

    ran = place(stack, *LIMIT, "--json")

    assert ran.code == 1
    assert ran.line == (
        "router: ORDER_REJECTED: RMS: margin exceeds (order ORD7K2M4QX5ZB3TDLW6A is rejected)"
    )
    assert ran.json["error"]["problem"] == problem


def test_a_lost_answer_tells_how_to_send_the_same_order_again(stack: Stack) -> None:
    stack.answers.replies.append(AnswerLost("the answer was lost"))

    ran = place(stack, *LIMIT)

    sent = stack.answers.last.get_header("Idempotency-key")
    assert ran.code == 1
    assert f"send it again with --idempotency-key {sent}: it is one order" in ran.line


@pytest.mark.parametrize(("status", "code"), [(500, "INTERNAL_ERROR"), (503, "STORE_UNAVAILABLE")])
def test_an_error_that_may_leave_an_order_tells_how_to_send_the_same_order_again(
    stack: Stack, status: int, code: str
) -> None:
    problem = {"code": code, "status": status, "detail": "it could not be written down"}
    stack.answers.will(problem, status)

    ran = place(stack, *LIMIT, "--json")

    sent = stack.answers.last.get_header("Idempotency-key")
    assert ran.code == 1
    assert f"send it again with --idempotency-key {sent}: it is one order" in ran.line
    assert (ran.json["error"]["code"], ran.json["error"]["problem"]) == (code, problem)


def test_an_order_that_is_known_not_to_stand_is_not_to_be_sent_again(stack: Stack) -> None:
    refused = {"code": "BROKER_SESSION_EXPIRED", "status": 503, "detail": "no session"}
    stack.answers.will(refused | {"order": ORDER | {"state": "refused"}}, 503)
    stack.answers.will({"code": "BUSY", "status": 429, "detail": "ten a second"}, 429)

    assert "send it again" not in place(stack, *LIMIT).line
    assert "send it again" not in place(stack, *LIMIT).line


def test_an_order_whose_answer_nobody_waits_for_tells_how_to_send_it_again(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str | None] = []

    def interrupted(_: Answers, request: Request) -> Reply:
        keys.append(request.get_header("Idempotency-key"))
        raise KeyboardInterrupt

    monkeypatch.setattr(Answers, "__call__", interrupted)

    ran = place(stack, *LIMIT)

    assert ran.code == 130
    again = f"send it again with --idempotency-key {keys[0]}: it is one order"
    assert stack.typist.told == [f"no answer was waited for: it may have been done; {again}"]


def test_only_what_is_named_is_changed(stack: Stack) -> None:
    stack.answers.will(ORDER)

    stack.ok("order", "modify", "ORD1", "--quantity", "7", "--limit-price", "1490.10")

    assert (stack.answers.last.method, path_and_query(stack.answers)[0]) == ("PATCH", "/v1/orders/ORD1")
    assert stack.answers.body == {"quantity": 7, "limit_price": "1490.10"}


def test_a_price_is_taken_away_by_name(stack: Stack) -> None:
    stack.answers.will(ORDER)

    stack.ok("order", "modify", "ORD1", "--type", "MARKET", "--limit-price", "none")

    assert stack.answers.body == {"order_type": "MARKET", "limit_price": None}


@pytest.mark.parametrize("more", [[], ["--limit-price", "x"], ["--quantity", "0"]])
def test_a_change_that_cannot_be_is_never_sent(stack: Stack, more: list[str]) -> None:
    ran = stack.run("order", "modify", "ORD1", *more)

    assert ran.code == 2
    assert ran.line
    assert stack.answers.asked == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--not-placed"], {"outcome": "not_placed"}),
        (["--broker-order-id", "2511-7"], {"outcome": "placed", "broker_order_id": "2511-7"}),
        (
            ["--broker-order-id", "7", "--filled-quantity", "0"],
            {"outcome": "ended", "broker_order_id": "7", "filled_quantity": 0},
        ),
        (
            ["--broker-order-id", "7", "--filled-quantity", "5", "--average-price", "1500.05"],
            {"outcome": "ended", "broker_order_id": "7", "filled_quantity": 5, "average_price": "1500.05"},
        ),
    ],
)
def test_an_unknown_order_is_settled_by_what_the_broker_s_app_shows(
    stack: Stack, more: list[str], said: dict[str, Any]
) -> None:
    stack.answers.will(ORDER | {"state": "rejected"})

    stack.ok("order", "settle", "ORD1", "--reason", "looked it up", *more)

    assert (stack.answers.last.method, path_and_query(stack.answers)[0]) == ("POST", "/v1/orders/ORD1/settle")
    assert stack.answers.body == {**said, "reason": "looked it up"}


@pytest.mark.parametrize(
    "more",
    [
        ["--reason", "looked it up"],
        ["--not-placed"],
        ["--reason", "looked it up", "--not-placed", "--broker-order-id", "7"],
        ["--reason", "looked it up", "--not-placed", "--filled-quantity", "5"],
        ["--reason", "looked it up", "--broker-order-id", "7", "--filled-quantity", "5"],
        ["--reason", "", "--not-placed"],
    ],
)
def test_a_statement_that_says_too_little_or_too_much_is_never_sent(stack: Stack, more: list[str]) -> None:
    ran = stack.run("order", "settle", "ORD1", *more)

    assert ran.code == 2
    assert ran.line
    assert stack.answers.asked == []


def test_one_order_is_cancelled_by_its_id_whatever_is_in_it(stack: Stack) -> None:
    stack.answers.will(ORDER | {"state": "cancelled"})

    stack.ok("order", "cancel", "../accounts?x")

    assert (stack.answers.last.method, path_and_query(stack.answers)) == (
        "DELETE",
        ("/v1/orders/..%2Faccounts%3Fx", {}),
    )


@pytest.mark.parametrize(
    ("command", "event", "word"),
    [
        (["cancel", "ORD1"], "cancel_unresolved", "cancelled"),
        (["modify", "ORD1", "--quantity", "7"], "modify_unresolved", "changed"),
    ],
)
def test_a_change_that_the_broker_did_not_answer_is_not_done(
    stack: Stack, command: list[str], event: str, word: str
) -> None:
    step = {"at": "2026-11-23T04:31:00.000Z", "event": event, "state": "open"}
    stack.answers.will(ORDER | {"history": [*ORDER["history"], step]}, 202)

    ran = stack.run("order", *command)

    follow = "follow it: router order watch ORD7K2M4QX5ZB3TDLW6A"
    assert (ran.code, ran.err.strip()) == (1, f"whether it was {word} is not known yet; {follow}")
    assert ran.out.startswith("ORD7K2M4QX5ZB3TDLW6A open")


def test_every_order_is_cancelled_only_of_a_named_account(stack: Stack) -> None:
    error = {"code": "ORDER_REJECTED", "detail": "too late"}
    results = [
        {"client_order_id": "A", "outcome": "cancelled", "order": ORDER | {"state": "cancelled"}},
        {"client_order_id": "B", "outcome": "failed", "order": ORDER, "error": error},
    ]
    stack.answers.will({"account": "paper", "results": results})

    ran = stack.run("order", "cancel", "--all", "--account", "paper")
    unnamed = [stack.run("order", "cancel", *more) for more in ([], ["--all"], ["ORD1", "--all"])]

    assert ran.code == 1
    assert "too late" in ran.out
    assert stack.answers.body == {"account": "paper"}
    assert [one.code for one in unnamed] == [2, 2, 2]
    assert len(stack.answers.asked) == 1


def test_cancelling_all_is_asked_again_while_some_were_not_tried_and_others_were(stack: Stack) -> None:
    late = {"code": "CANCEL_NOT_TRIED", "detail": "there was no time left for this one: ask again"}

    def line(name: str, outcome: str) -> dict[str, Any]:
        found = {"client_order_id": name, "outcome": outcome, "order": ORDER}
        return found | ({"error": late} if outcome == "not_tried" else {})

    for results in (
        [line("A", "cancelled"), line("B", "not_tried"), line("C", "not_tried")],
        [line("B", "cancelled"), line("C", "not_tried")],
        [line("C", "not_tried")],
    ):
        stack.answers.will({"account": "paper", "results": results})

    ran = stack.run("order", "cancel", "--all", "--account", "paper", "--json")

    outcomes = {one["client_order_id"]: one["outcome"] for one in ran.json["results"]}
    assert outcomes == {"A": "cancelled", "B": "cancelled", "C": "not_tried"}
    assert (ran.code, len(stack.answers.asked)) == (1, 3)


def test_a_cancel_among_all_that_the_broker_did_not_answer_is_not_done(stack: Stack) -> None:
    results = [
        {"client_order_id": "A", "outcome": "cancelled", "order": ORDER | {"state": "cancelled"}},
        {"client_order_id": "B", "outcome": "unresolved", "order": ORDER},
    ]
    stack.answers.will({"account": "paper", "results": results})

    ran = stack.run("order", "cancel", "--all", "--account", "paper")

    words = "whether 1 of them were cancelled is not known yet: router order watch tells"
    assert (ran.code, ran.err.strip()) == (1, words)


def test_what_was_cancelled_is_shown_though_the_call_for_the_others_fails(stack: Stack) -> None:
    late = {"code": "CANCEL_NOT_TRIED", "detail": "there was no time left for this one: ask again"}
    results = [
        {"client_order_id": "A", "outcome": "cancelled", "order": ORDER},
        {"client_order_id": "B", "outcome": "not_tried", "order": ORDER, "error": late},
    ]
    stack.answers.will({"account": "paper", "results": results})
    stack.answers.will({"code": "STORE_UNAVAILABLE", "detail": "no answer"}, 503)

    ran = stack.run("order", "cancel", "--all", "--account", "paper", "--json")

    assert {one["client_order_id"]: one["outcome"] for one in ran.json["results"]} == {
        "A": "cancelled",
        "B": "not_tried",
    }
    assert (ran.code, ran.json["error"]["code"]) == (1, "STORE_UNAVAILABLE")


def test_cancelling_all_that_fails_at_once_is_an_error(stack: Stack) -> None:
    stack.answers.will({"code": "STORE_UNAVAILABLE", "detail": "no answer"}, 503)

    ran = stack.run("order", "cancel", "--all", "--account", "paper", "--json")

    assert (ran.code, ran.json["error"]["code"]) == (1, "STORE_UNAVAILABLE")


def test_a_list_goes_on_until_there_is_no_more(stack: Stack) -> None:
    stack.answers.will({"orders": [ORDER], "next_cursor": "c"})
    stack.answers.will({"orders": [FILLED], "next_cursor": None})

    orders = stack.json("order", "list", "--account", "paper", "--state", "open", "--day", "2026-11-20")[
        "orders"
    ]

    assert [order["state"] for order in orders] == ["open", "filled"]
    _, query = path_and_query(stack.answers)
    assert query == {"account": "paper", "state": "open", "day": "2026-11-20", "limit": "199", "cursor": "c"}


def test_a_list_goes_on_past_a_page_without_orders(stack: Stack) -> None:
    stack.answers.will({"orders": [], "next_cursor": "c"})
    stack.answers.will({"orders": [ORDER], "next_cursor": None})

    assert [order["state"] for order in stack.json("order", "list", "--state", "open")["orders"]] == ["open"]


def test_a_list_ends_at_its_limit(stack: Stack) -> None:
    stack.answers.will({"orders": [ORDER], "next_cursor": "c"})

    assert len(stack.json("order", "list", "--limit", "1")["orders"]) == 1


def test_an_orders_history_is_told_line_by_line(stack: Stack) -> None:
    stack.answers.will(ORDER)

    lines = stack.ok("order", "show", "ORD1").out.splitlines()

    assert lines[1].split() == ["2026-11-23T04:30:00.000Z", "received"]
    assert lines[2].split() == ["2026-11-23T04:30:00.010Z", "rejected", "ORDER_REJECTED:", "no"]


def test_an_order_is_watched_until_it_has_ended(stack: Stack) -> None:
    for answer in (ORDER, ORDER, FILLED):
        stack.answers.will(answer)

    ran = stack.ok("order", "watch", "ORD1")

    assert "filled" in ran.out
    assert stack.clock.slept == [1.0, 1.0]
    assert stack.answers.replies == []


def test_a_look_that_fails_does_not_end_the_watch(stack: Stack) -> None:
    busy = {"status": 503, "code": "STORE_UNAVAILABLE", "detail": "the tables do not answer"}
    stack.answers.will(ORDER)
    for _ in range(2):
        for _ in range(4):
            stack.answers.will(busy, 503)
        stack.answers.will(ORDER)
    stack.answers.will(FILLED)

    assert "filled" in stack.ok("order", "watch", "ORD1").out


@pytest.mark.parametrize(("status", "looks"), [(503, 5), (429, 5), (403, 1)])
def test_a_watch_ends_where_looking_on_is_of_no_use(stack: Stack, status: int, looks: int) -> None:
    stack.answers.will(ORDER)
    for _ in range(looks):
        stack.answers.will({"status": status, "code": "NO", "detail": "no"}, status)

    ran = stack.run("order", "watch", "ORD1")

    assert (ran.code, ran.line) == (1, "router: NO: no")
    assert stack.answers.replies == []


def test_watching_stops_when_the_time_is_up(stack: Stack) -> None:
    for _ in range(4):
        stack.answers.will(ORDER)

    ran = stack.run("order", "watch", "ORD1", "--timeout", "3")

    assert ran.code == 1
    assert "not all have ended" in ran.err
    assert stack.clock.slept == [1.0, 1.0, 1.0]


def test_unless_one_is_named_the_days_open_orders_are_watched(stack: Stack) -> None:
    stack.answers.will({"orders": [ORDER, FILLED | {"client_order_id": "DONE"}], "next_cursor": None})
    stack.answers.will(FILLED)

    watched = stack.json("order", "watch", "--account", "paper")["orders"]

    assert [order["client_order_id"] for order in watched] == ["ORD7K2M4QX5ZB3TDLW6A"]


def test_a_portfolio_is_one_accounts_or_everybodys(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_ACCOUNT", "paper")
    row = {"segment": "all", "available": "10.50", "used": "0", "cash": None, "collateral": None}
    for _ in range(2):
        stack.answers.will({"accounts": [{"account": "paper", "funds": [row]}]})

    shown = stack.ok("funds").out.splitlines()
    of_one = path_and_query(stack.answers)
    stack.ok("funds", "--all-accounts")

    assert shown[1].split() == ["paper", "all", "10.50", "0"]
    assert of_one == ("/v1/funds", {"account": "paper"})
    assert path_and_query(stack.answers) == ("/v1/funds", {})


@pytest.mark.parametrize("what", ["positions", "holdings", "funds"])
def test_one_accounts_failure_stands_beside_the_others_rows(stack: Stack, what: str) -> None:
    entries = [
        {"account": "kite", "error": {"code": "BROKER_SESSION_EXPIRED", "detail": "log in first"}},
        {"account": "paper", what: []},
    ]
    stack.answers.will({"accounts": entries})

    ran = stack.run(what)

    assert ran.code == 1
    assert ran.line == "kite: BROKER_SESSION_EXPIRED: log in first"


@pytest.mark.parametrize(("name", "shown"), [("IBM", "IBM"), (None, "without a name")])
def test_a_position_that_cannot_be_read_is_said_to_be_left_out(
    stack: Stack, name: str | None, shown: str
) -> None:
    row = {"name": name, "why": "expected a whole number in position"}
    stack.answers.will({"accounts": [{"account": "ib", "positions": [], "unreadable": [row]}]})

    ran = stack.run("positions")

    assert ran.code == 1
    assert ran.line == f"ib: a row that cannot be read is left out: {shown}: {row['why']}"


def test_a_brokers_words_cannot_steer_the_terminal(stack: Stack) -> None:
    stack.answers.will(ORDER | {"state": "\x1b[31mopen", "instrument": "[red]NSE:INFY\x9b"})

    ran = stack.ok("order", "show", "ORD1")
    stack.answers.will({"orders": [ORDER | {"instrument": "[red]NSE:INFY\x1b]0;x\x07"}], "next_cursor": None})
    listed = stack.ok("order", "list")

    for out in (ran.out, listed.out):
        assert not any(letter in out for letter in "\x1b\x9b\x07")
    assert "[red]NSE:INFY" in listed.out


def test_the_api_is_asked_at_its_own_address(stack: Stack) -> None:
    stack.answers.will({"orders": [], "next_cursor": None})

    stack.ok("order", "list")

    assert stack.answers.last.full_url.startswith(f"{API_URL}/v1/orders?")
