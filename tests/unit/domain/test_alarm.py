"""What an alarm's description asks for: an alarm that does not say whose breaker stops nobody."""

import pytest

from order_router.domain.alarm import Act, Alarm, AlarmState, Asked, read_description

ZERODHA = {"stack": "router", "broker": "zerodha"}


@pytest.mark.parametrize(
    ("text", "dimensions", "asked"),
    [
        ("tell: Look.", {}, Asked(act=Act.TELL, words="Look.")),
        ("Look.", {}, Asked(act=Act.TELL, words="Look.")),
        ("", ZERODHA, Asked(act=Act.TELL, words="")),
        ("kill: Too much.", ZERODHA, Asked(act=Act.KILL, words="Too much.")),
        ("breaker zerodha: Down.", {}, Asked(act=Act.BREAKER, words="Down.", broker="zerodha")),
        (
            "breaker kotak_neo/live-2: Down.",
            ZERODHA,
            Asked(act=Act.BREAKER, words="Down.", broker="kotak_neo", account="live-2"),
        ),
        ("breaker: Down.", ZERODHA, Asked(act=Act.BREAKER, words="Down.", broker="zerodha")),
        (
            "breaker: Down.",
            ZERODHA | {"account": "live"},
            Asked(act=Act.BREAKER, words="Down.", broker="zerodha", account="live"),
        ),
        (
            "breaker zerodha: Down.",
            {"account": "live"},
            Asked(act=Act.BREAKER, words="Down.", broker="zerodha"),
        ),
        ("breaker: Down.", {"account": "live"}, Asked(act=Act.TELL, words="Down.")),
        ("breakers zerodha: Down.", {}, Asked(act=Act.TELL, words="breakers zerodha: Down.")),
        ("KILL: all", {}, Asked(act=Act.TELL, words="KILL: all")),
        ("  tell:\n  two\nlines ", {}, Asked(act=Act.TELL, words="two\nlines")),
    ],
)
def test_the_first_words_say_what_is_done(text: str, dimensions: dict[str, str], asked: Asked) -> None:
    assert read_description(text, dimensions) == asked


@pytest.mark.parametrize("start", ["", "tell: ", "kill: "])
@pytest.mark.parametrize(("length", "told"), [(399, 399), (400, 400), (401, 400), (5000, 400)])
def test_words_end_after_400_characters(start: str, length: int, told: int) -> None:
    assert read_description(start + "x" * length, {}).words == "x" * told


def an_alarm(name: str, state: AlarmState = AlarmState.OK, before: AlarmState = AlarmState.ALARM) -> Alarm:
    return Alarm(name=name, state=state, before=before, act=Act.TELL, words="")


@pytest.mark.parametrize(
    ("name", "is_named"),
    [
        ("unknown-orders", True),
        ("router-unknown-orders", True),
        ("orders", False),
        ("xunknown-orders", False),
    ],
)
def test_an_alarm_is_known_by_its_name_without_the_stack_s(name: str, is_named: bool) -> None:
    assert an_alarm(name).is_named("unknown-orders") is is_named


def test_only_what_was_on_is_over() -> None:
    assert an_alarm("a").is_over
    assert not an_alarm("a", before=AlarmState.INSUFFICIENT_DATA).is_over
    assert not an_alarm("a", state=AlarmState.INSUFFICIENT_DATA).is_over
