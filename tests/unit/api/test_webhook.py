"""Who sent an alert, and what it says."""

import contextlib
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from order_router.api.alert import parse_alert
from order_router.api.http import ApiRequest, BodyUnreadable, Forbidden, Unauthenticated
from order_router.api.webhook import alert_of, check_address, refusals_told, sender_of, unreadable_told
from order_router.domain.account import Strategy
from order_router.domain.alert import Alert, AlertRefused, closes, requests_of
from order_router.domain.errors import SettingUnreadable
from order_router.domain.notices import notice_key
from order_router.ports import StoreUnavailable
from tests.fakes.queues import MemoryNotifier
from tests.fakes.settings import MemorySettings
from tests.unit.api.events import request

TOKEN = "t" * 43
BODY = {
    "strategy": "demo",
    "token": TOKEN,
    "ticker": "RELIANCE",
    "exchange": "NSE",
    "action": "buy",
    "contracts": "5",
    "price": 2900.5,
    "position_size": "5",
    "market_position": "long",
    "order_id": "Long",
    "time": "2026-11-23T04:30:00Z",
    "whatever": {"else": 1},
}
IN_BODY = "POST /v1/webhooks/tradingview"
IN_PATH = "POST /v1/webhooks/tradingview/{token}"


@pytest.fixture
def settings() -> MemorySettings:
    settings = MemorySettings()
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    settings.put_strategy(
        Strategy.model_validate(
            {
                "name": "demo",
                "accounts": ["paper"],
                "token_digests": [digest],
                "order_type": "MARKET",
                "product": "MIS",
                "max_quantity": 100,
            }
        )
    )
    return settings


def body(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (BODY | changes).items() if value is not ...}


def authenticated_alert(asked: ApiRequest, settings: MemorySettings) -> tuple[Alert, Strategy]:
    sender = sender_of(asked, settings)
    return alert_of(asked, sender), sender.strategy


def test_a_token_in_the_body_opens_its_strategy(settings: MemorySettings) -> None:
    alert, strategy = authenticated_alert(request(IN_BODY, body()), settings)

    assert strategy.name == "demo"
    assert (alert.ticker, alert.action, alert.contracts, alert.price) == ("RELIANCE", "buy", "5", "2900.5")


@pytest.mark.parametrize(
    ("said", "is_after_market"),
    [(..., False), (None, False), ("", False), (False, False), (True, True), ("true", True)],
)
def test_an_alert_may_say_that_its_order_is_for_after_the_market(
    settings: MemorySettings, said: object, is_after_market: bool
) -> None:
    alert, strategy = authenticated_alert(request(IN_BODY, body(after_market=said)), settings)

    (order,) = requests_of(alert, strategy)

    assert order.after_market is (True if is_after_market else None)


def test_another_word_for_after_the_market_is_refused(settings: MemorySettings) -> None:
    with pytest.raises(ValidationError, match="after_market"):
        authenticated_alert(request(IN_BODY, body(after_market="tonight")), settings)


def test_a_token_in_the_path_opens_its_strategy(settings: MemorySettings) -> None:
    asked = request(IN_PATH, body(token=..., strategy=...), path={"token": TOKEN})

    assert authenticated_alert(asked, settings)[1].name == "demo"


@pytest.mark.parametrize("is_base64", [False, True])
@pytest.mark.parametrize("content_type", ["text/plain; charset=utf-8", "application/json", ""])
def test_the_content_type_decides_nothing(
    settings: MemorySettings, content_type: str, is_base64: bool
) -> None:
    asked = request(IN_BODY, body(), headers={"content-type": content_type}, is_base64=is_base64)

    assert authenticated_alert(asked, settings)[0].ticker == "RELIANCE"


@pytest.mark.parametrize(
    "token", [..., "", "t" * 42, "t" * 44, "T" * 43, 5, None, ["t"], "é" * 43, "x" * 5000]
)
def test_a_wrong_token_is_a_401_whatever_else_is_wrong(settings: MemorySettings, token: object) -> None:
    with pytest.raises(Unauthenticated) as raised:
        authenticated_alert(request(IN_BODY, body(token=token, action=5)), settings)

    assert raised.value.code == "WEBHOOK_TOKEN_UNKNOWN"


def test_a_token_does_not_open_another_strategy(settings: MemorySettings) -> None:
    with pytest.raises(Unauthenticated):
        authenticated_alert(request(IN_BODY, body(strategy="other")), settings)


def test_an_unreadable_alert_is_no_alert(settings: MemorySettings) -> None:
    with pytest.raises(BodyUnreadable):
        authenticated_alert(request(IN_BODY, '{"token": '), settings)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ticker": ...}, "ticker"),
        ({"ticker": ""}, "ticker"),
        ({"action": None}, "action"),
        ({"contracts": "NaN"}, "contracts"),
        ({"contracts": "-5"}, "contracts"),
        ({"contracts": "1e3"}, "contracts"),
        ({"price": "abc"}, "price"),
        ({"time": "{{timenow}}"}, "time"),
        ({"time": "2026-11-23T04:30:00"}, "time"),
        ({"time": 5}, "time"),
    ],
)
def test_every_bad_field_of_an_alert_is_named(
    settings: MemorySettings, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        authenticated_alert(request(IN_BODY, body(**changes)), settings)

    assert {line["loc"][0] for line in raised.value.errors()} == {field}


def test_only_allowed_addresses_may_send_when_some_are_named() -> None:
    asked = request(IN_BODY, body(), source_ip="203.0.113.9")

    check_address(asked, ())
    check_address(asked, ("203.0.113.9",))
    with pytest.raises(Forbidden):
        check_address(asked, ("52.89.214.238",))


@pytest.mark.parametrize("odd", [None, 7, True, [], "x" * 300])
def test_an_odd_hint_about_the_position_never_refuses_an_alert(settings: MemorySettings, odd: object) -> None:
    alert = parse_alert({"ticker": "INFY", "action": "buy", "position_size": odd, "market_position": odd})

    strategy = settings.strategy("demo")
    assert strategy is not None
    assert not closes(alert.to_alert(), strategy)


@pytest.mark.parametrize(
    ("body", "does_close"),
    [
        ('{"action": "sell", "contracts": "5", "position_size": "0"}', True),
        ('{"action": "sell", "contracts": 5, "position_size": 0}', True),
        ('{"action": "sell", "contracts": 5, "position_size": 0.0}', True),
        ('{"action": "sell", "contracts": 5, "position_size": 2.5}', True),
        ('{"action": "buy", "contracts": 5, "position_size": -5}', True),
        ('{"action": "buy", "contracts": 5, "position_size": 5}', False),
        ('{"action": "sell", "contracts": 5, "position_size": false}', False),
        ('{"action": "sell", "contracts": 5, "position_size": 1e999999}', False),
        ('{"action": "sell", "contracts": 5, "position_size": "-0.%s1"}' % ("0" * 70), False),
    ],
)
def test_a_position_size_says_the_same_with_and_without_quotes(
    settings: MemorySettings, body: str, does_close: bool
) -> None:
    whole = body.replace("{", '{"ticker": "INFY", "exchange": "NSE", ')

    alert, strategy = authenticated_alert(request(IN_PATH, whole, path={"token": TOKEN}), settings)

    assert (requests_of(alert, strategy)[0].position_effect == "CLOSE") is does_close


def refused(asked: ApiRequest, settings: MemorySettings, error: Exception | None = None) -> list[str]:
    notifier, sender = MemoryNotifier(), sender_of(asked, settings)
    with contextlib.suppress(Exception), refusals_told(notifier, asked, sender):
        requests_of(alert_of(asked, sender), sender.strategy)
        if error is not None:
            raise error
    assert {notice.kind for notice in notifier.notices} <= {"alert_refused"}
    return [notice.message for notice in notifier.notices]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"contracts": "101"}, "ALERT_REFUSED: strategy demo allows at most 100, the alert asks for 101"),
        ({"contracts": "NaN"}, "INVALID_REQUEST: these fields are not valid: contracts"),
        ({"exchange": "MOON"}, "ALERT_REFUSED: exchange must be one of"),
        ({"action": "hold"}, "ALERT_REFUSED: action must be buy or sell, received 'hold'"),
    ],
)
def test_the_trader_is_told_of_an_alert_that_becomes_no_order(
    settings: MemorySettings, changes: dict[str, Any], words: str
) -> None:
    told = refused(request(IN_BODY, body(**changes)), settings)

    assert len(told) == 1
    assert told[0].startswith(
        f"an alert of strategy demo became no order: {body(**changes)['action']} RELIANCE: {words}"
    )


def test_each_alert_that_is_refused_in_the_same_words_is_news_and_one_that_comes_again_is_none(
    settings: MemorySettings,
) -> None:
    notifier = MemoryNotifier()
    first = request(IN_BODY, body(contracts="101", time="2026-11-23T04:30:00Z"))
    next_one = request(IN_BODY, body(contracts="101", time="2026-11-23T04:35:00Z"))
    without_time = request(IN_BODY, body(contracts="101", time=...))
    later = replace(without_time, received_at=without_time.received_at + timedelta(minutes=1))

    for asked in (first, first, next_one, without_time, later):
        sender = sender_of(asked, settings)
        with pytest.raises(AlertRefused), refusals_told(notifier, asked, sender):
            requests_of(alert_of(asked, sender), sender.strategy)

    keys = [notice_key(notice) for notice in notifier.notices]
    assert len({notice.message for notice in notifier.notices}) == 1
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


def test_the_trader_is_told_of_a_body_that_nobody_can_read(settings: MemorySettings) -> None:
    (told,) = refused(request(IN_PATH, "buy!", path={"token": TOKEN}), settings)

    assert "BODY_UNREADABLE" in told


@pytest.mark.parametrize("field", ["ticker", "action", "exchange", "price"])
def test_a_token_in_a_wrong_field_is_not_told(settings: MemorySettings, field: str) -> None:
    for told in refused(request(IN_BODY, body(**{field: TOKEN})), settings):
        assert TOKEN[:8] not in told


def test_an_alert_that_comes_again_or_that_nobody_vouches_for_is_not_told(settings: MemorySettings) -> None:
    assert refused(request(IN_BODY, body()), settings) == []
    assert refused(request(IN_BODY, body()), settings, StoreUnavailable("no answer")) == []
    assert refused(request(IN_BODY, body(strategy="other")), settings) == []


class Unreadable(MemorySettings):
    """Settings of which a strategy is stored as no release but a newer one reads it."""

    def strategy_of_token(self, token: str) -> Strategy | None:
        raise SettingUnreadable("STRATEGY demo is not readable: of_a_newer_release")


@pytest.mark.parametrize(
    "asked", [request(IN_BODY, body()), request(IN_PATH, "buy!", path={"token": TOKEN})], ids=["body", "path"]
)
def test_the_trader_is_told_of_an_alert_whose_strategy_this_release_cannot_read(asked: ApiRequest) -> None:
    notifier = MemoryNotifier()

    for _ in range(2):
        with pytest.raises(SettingUnreadable), unreadable_told(notifier):
            sender_of(asked, Unreadable())

    # a repeat of the same words is no news within a quarter of an hour
    assert {(one.kind, one.account, one.message) for one in notifier.notices} == {
        (
            "alert_refused",
            "*",
            "an alert became no order: SETTING_UNREADABLE: STRATEGY demo is not readable: of_a_newer_release",
        )
    }


def test_a_sender_whom_nobody_knows_is_not_told(settings: MemorySettings) -> None:
    notifier = MemoryNotifier()

    with pytest.raises(Unauthenticated), unreadable_told(notifier):
        sender_of(request(IN_BODY, body(token="u" * 43)), settings)

    assert notifier.notices == []


def test_a_refusal_is_still_the_answer(settings: MemorySettings) -> None:
    asked = request(IN_BODY, body())

    with pytest.raises(AlertRefused), refusals_told(MemoryNotifier(), asked, sender_of(asked, settings)):
        raise AlertRefused("no")
