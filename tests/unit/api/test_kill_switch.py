"""The kill switch over the API: who may, what is asked, what is answered, and the page behind a link."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from order_router.api.endpoint import answer_event
from order_router.api.http import Answer
from order_router.api.kill_switch import (
    engage_switch,
    press_link,
    release_switch,
    show_link,
    show_switches,
)
from order_router.domain.account import Account, Strategy
from order_router.domain.kill_switch import EVERYTHING, KillSwitch, StopScope, SwitchState, Turn
from order_router.domain.vocabulary import OrderType, Product
from order_router.ports import StoreUnavailable
from order_router.service.kill_links import KillLinks
from tests.fakes.kill import KillWorld
from tests.unit.api.events import NOBODY, READER, TRADER, event

STATUS, ENGAGE, RELEASE = "GET /v1/kill-switch", "POST /v1/kill-switch", "DELETE /v1/kill-switch"
SHOW, PRESS = "GET /v1/kill-switch/link", "POST /v1/kill-switch/link"
HANDLERS = {
    STATUS: show_switches,
    ENGAGE: engage_switch,
    RELEASE: release_switch,
    SHOW: show_link,
    PRESS: press_link,
}
PAPER = {"scope": "account", "name": "paper"}
OWN_ADMIN = {"key_id": "k-own", "scopes": "admin", "accounts": "paper"}


@pytest.fixture
def kill() -> KillWorld:
    made = KillWorld()
    made.world.settings.put_account(Account(name="other", broker="paper"))
    for name, accounts in (("demo", ("paper",)), ("both", ("paper", "other"))):
        made.world.settings.put_strategy(
            Strategy(
                name=name,
                accounts=accounts,
                order_type=OrderType.MARKET,
                product=Product.MIS,
                max_quantity=9,
            )
        )
    return made


def ask(kill: KillWorld, route: str, body: object = None, **more: Any) -> Answer:
    return answer_event(event(route, body, **more), lambda request: HANDLERS[route](kill.desk, request))


def is_on(kill: KillWorld, switch: KillSwitch = EVERYTHING) -> bool:
    return kill.switches.get(switch).is_on


def test_a_stop_is_answered_with_how_the_switch_stands(kill: KillWorld) -> None:
    answer = ask(kill, ENGAGE, PAPER | {"reason": "it buys too much"})

    assert answer.status == 200
    assert answer.content == {
        **PAPER,
        "is_on": True,
        "lets_exits": False,
        "since": "2026-11-23T04:30:00.000Z",
        "turned_at": "2026-11-23T04:30:00.000Z",
        "turned_by": "k-admin",
        "reason": "it buys too much",
        "work": [],
    }


def test_a_stop_needs_no_reason_and_letting_go_does(kill: KillWorld) -> None:
    assert ask(kill, ENGAGE, {"scope": "global"}).status == 200

    for reason in ({}, {"reason": ""}, {"reason": "  "}, {"reason": None}, {"reason": "a\nb\nc"}):
        refused = ask(kill, RELEASE, {"scope": "global", **reason})
        assert (refused.status, refused.content["code"]) == (422, "INVALID_REQUEST")
        assert [line["field"] for line in refused.content["errors"]] == ["reason"]
    assert is_on(kill)

    released = ask(kill, RELEASE, {"scope": "global", "reason": "mended"})
    assert (released.status, released.content["is_on"], released.content["reason"]) == (200, False, "mended")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"scope": "all"},
        {"scope": "global", "name": "paper"},
        {"scope": "account"},
        {"scope": "account", "name": "No Name"},
        {"scope": "global", "close": True},
        {"scope": "global", "close_positions": True},
        {"scope": "global", "close_positions": True, "confirm": True, "lets_exits": False},
        {"scope": "strategy", "name": "demo", "close_positions": True, "confirm": True},
        {"scope": "global", "lets_exits": 1},
        {"scope": "global", "close_positions": True, "confirm": "yes"},
        {"scope": "global", "lets_exits": "perhaps"},
    ],
)
def test_what_is_not_clear_stops_nothing_and_says_why(kill: KillWorld, body: dict[str, Any]) -> None:
    refused = ask(kill, ENGAGE, body)

    assert (refused.status, refused.content.get("code")) == (422, "INVALID_REQUEST")
    assert kill.switches.known() == ()


def test_names_that_nobody_has_are_refused(kill: KillWorld) -> None:
    for scope, code in (("account", "ACCOUNT_UNKNOWN"), ("strategy", "STRATEGY_UNKNOWN")):
        refused = ask(kill, ENGAGE, {"scope": scope, "name": "papr"})
        assert (refused.status, refused.content["code"]) == (422, code)


@pytest.mark.parametrize("route", [STATUS, ENGAGE, RELEASE])
@pytest.mark.parametrize(("caller", "status"), [(NOBODY, 401), (READER, 403), (TRADER, 403)])
def test_only_an_admin_turns_and_sees_switches(
    kill: KillWorld, route: str, caller: dict[str, str], status: int
) -> None:
    body = None if route == STATUS else PAPER | {"reason": "mended"}

    assert ask(kill, route, body, caller=caller).status == status
    assert kill.switches.known() == ()


@pytest.mark.parametrize(
    ("switch", "status"),
    [
        (PAPER, 200),
        ({"scope": "strategy", "name": "demo"}, 200),
        ({"scope": "account", "name": "other"}, 403),
        ({"scope": "strategy", "name": "both"}, 403),
        ({"scope": "global"}, 403),
    ],
)
def test_an_admin_of_some_accounts_stops_those_alone(
    kill: KillWorld, switch: dict[str, str], status: int
) -> None:
    assert ask(kill, ENGAGE, switch, caller=OWN_ADMIN).status == status
    assert ask(kill, RELEASE, switch | {"reason": "mended"}, caller=OWN_ADMIN).status == status


def test_work_is_answered_as_begun_and_shown_as_done(kill: KillWorld) -> None:
    order = kill.world.place("k-1", order_type="LIMIT", limit_price="1400").order
    answer = ask(kill, ENGAGE, {"scope": "global", "cancel_open": True})
    assert answer.status == 202
    assert [(work["account"], work["phase"]) for work in answer.content["work"]] == [
        ("other", "cancelling"),
        ("paper", "cancelling"),
    ]

    kill.run_passes()

    by_account = {work["account"]: work for work in ask(kill, STATUS).content["work"]}
    assert {work["phase"] for work in by_account.values()} == {"done"}
    assert by_account["paper"]["cancelled"] == [
        {"client_order_id": order.client_order_id, "outcome": "cancelled", "code": None, "message": None}
    ]


def test_a_stop_whose_work_could_not_begin_is_no_success_but_stands(kill: KillWorld) -> None:
    kill.queue.is_down = True

    answer = ask(kill, ENGAGE, {"scope": "global", "cancel_open": True})

    assert (answer.status, answer.content["code"]) == (503, "STORE_UNAVAILABLE")
    assert "is on" in answer.content["detail"]
    assert is_on(kill)


def test_the_status_names_what_stops_everything_even_if_it_was_never_turned(kill: KillWorld) -> None:
    ask(kill, ENGAGE, PAPER)

    switches = ask(kill, STATUS).content["switches"]

    assert [(one["scope"], one["name"], one["is_on"]) for one in switches] == [
        ("global", None, False),
        ("account", "paper", True),
    ]
    assert "history" not in switches[0]


def test_the_history_of_turns_is_told_if_it_is_asked_for(kill: KillWorld) -> None:
    ask(kill, ENGAGE, PAPER | {"reason": "one"})
    ask(kill, RELEASE, PAPER | {"reason": "two"})

    everything, paper = ask(kill, STATUS, query={"history": "true"}).content["switches"]

    assert everything["history"] == []
    assert [(turn["is_on"], turn["reason"]) for turn in paper["history"]] == [(False, "two"), (True, "one")]
    assert ask(kill, STATUS, query={"history": "yes"}).content["code"] == "INVALID_REQUEST"


def test_an_admin_of_some_accounts_sees_those_and_what_stops_everything(kill: KillWorld) -> None:
    for switch in (PAPER, {"scope": "account", "name": "other"}, {"scope": "strategy", "name": "both"}):
        ask(kill, ENGAGE, switch | {"cancel_open": True})

    seen = ask(kill, STATUS, caller=OWN_ADMIN).content

    assert [(one["scope"], one["name"]) for one in seen["switches"]] == [
        ("global", None),
        ("account", "paper"),
    ]
    assert {work["account"] for work in seen["work"]} == {"paper"}


def test_the_switch_of_a_strategy_that_is_gone_is_nobody_s_of_some_accounts(kill: KillWorld) -> None:
    gone = SwitchState(switch=KillSwitch(StopScope.STRATEGY, "gone"))
    turn = Turn(at=kill.world.clock.now(), by="laptop", reason="")
    kill.switches.turn(gone.turned_on(turn, lets_exits=False), before=gone)
    wanted = {"scope": "strategy", "name": "gone", "reason": "mended"}

    seen = ask(kill, STATUS, caller=OWN_ADMIN).content["switches"]
    answer = ask(kill, RELEASE, wanted, caller=OWN_ADMIN)

    assert [one["scope"] for one in seen] == ["global"]
    assert (answer.status, answer.content["code"]) == (403, "ACCOUNT_FORBIDDEN")
    assert is_on(kill, gone.switch)
    assert ask(kill, RELEASE, wanted).status == 200


# ---------------------------------------------------------------- the one-tap link
def a_token(kill: KillWorld, switch: KillSwitch = EVERYTHING) -> str:
    links = KillLinks(
        tickets=kill.tickets,
        clock=kill.world.clock,
        nonce=lambda: "canary/token+1",
        address=lambda: "https://api.example",
    )
    url = links.issue(switch)
    assert url is not None
    return parse_qs(urlsplit(url).query)["token"][0]


def press(kill: KillWorld, token: str) -> Answer:
    return ask(kill, PRESS, urlencode({"token": token}), caller=NOBODY)


def test_a_link_shows_one_button_and_stops_nothing(kill: KillWorld) -> None:
    token = a_token(kill, KillSwitch(StopScope.ACCOUNT, "paper"))

    for _ in range(2):
        shown = ask(kill, SHOW, query={"token": token}, caller=NOBODY)

    assert shown.status == 200
    assert shown.text is not None
    assert shown.text.count("<button>") == 1
    assert "Stop account paper now" in shown.text
    assert '<form method="post" action="?">' in shown.text
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert kill.switches.known() == ()


def test_its_button_stops_once_and_says_so(kill: KillWorld) -> None:
    token = a_token(kill)

    pressed = press(kill, token)

    assert pressed.status == 200
    assert "<h1>Stopped</h1>" in (pressed.text or "")
    assert kill.switches.get(EVERYTHING).by == "link"
    ask(kill, RELEASE, {"scope": "global", "reason": "mended"})
    again = press(kill, token)
    assert again.status == 403
    assert "KILL_LINK_INVALID" in (again.text or "")
    assert not is_on(kill)


@pytest.mark.parametrize("token", ["", "guessed", "<script>", "a" * 5000])
def test_a_token_that_was_never_given_stops_nothing_and_is_not_repeated(kill: KillWorld, token: str) -> None:
    a_token(kill)

    for answer in (ask(kill, SHOW, query={"token": token}, caller=NOBODY), press(kill, token)):
        assert answer.status == 403
        assert token == "" or token not in (answer.text or "")
    assert kill.switches.known() == ()


@pytest.mark.parametrize("body", ["", "token", "\x00", "&".join(f"a{n}=1" for n in range(100))])
def test_a_form_that_is_none_stops_nothing(kill: KillWorld, body: str) -> None:
    assert ask(kill, PRESS, body, caller=NOBODY).status == 403


def test_a_button_that_could_not_stop_says_that_nothing_is_sure(kill: KillWorld) -> None:
    token = a_token(kill)
    kill.switches.fails = 1

    failed = press(kill, token)
    pressed = press(kill, token)

    assert failed.status == 503
    assert "<h1>Not known to be stopped</h1>" in (failed.text or "")
    assert "STORE_UNAVAILABLE" in (failed.text or "")
    assert pressed.status == 200


def test_a_button_that_stopped_does_not_deny_it_though_its_link_could_not_be_used_up(
    kill: KillWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def use(*_: object) -> bool:
        raise StoreUnavailable("using a kill link: ThrottlingException")

    monkeypatch.setattr(kill.tickets, "use", use)

    pressed = press(kill, a_token(kill))

    assert is_on(kill)
    assert "Not stopped" not in (pressed.text or "")
