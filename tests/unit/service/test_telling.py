"""Telling: each channel by itself, repeats dropped, quiet hours and rates as summaries, nothing lost on the way."""

from datetime import time, timedelta
from typing import Any

import pytest

from order_router.aws.notice_memory import MOST_HELD_URGENT
from order_router.domain.channel import ChannelRefused
from order_router.domain.notices import Notice
from order_router.domain.telling import MAX_LINE, Delivery, Flush, Waiting, delivery_id
from order_router.service.telling import deliver, flush, spread
from tests.fakes.aws import Wrapped
from tests.fakes.client_errors import client_error
from tests.fakes.telling_world import EMAIL, TELEGRAM, WEBHOOK, TellingWorld, down

LINK = "https://router.test/v1/sessions/main/login?token=canary"


def test_each_channel_is_told_once() -> None:
    world = TellingWorld(TELEGRAM, EMAIL, WEBHOOK)

    world.tell("stray")
    world.settle()

    assert [played.kinds for played in world.spoken.values()] == [["stray"]] * 3
    assert world.depth() == 0


def test_a_repeat_within_its_window_is_no_news_and_after_it_is() -> None:
    world = TellingWorld(TELEGRAM)

    for message in ("4 orders wait", "9 orders wait"):
        world.tell("alarm", message, subject="orders")
        world.settle()
    world.clock.advance(15 * 60)
    world.tell("alarm", "7 orders wait", subject="orders")
    world.settle()

    assert [telling.notice.message for telling in world.telegram.said] == ["4 orders wait", "7 orders wait"]


def test_a_message_that_comes_twice_is_told_once_on_each_channel() -> None:
    world = TellingWorld(TELEGRAM, EMAIL)
    world.tell()
    (record,) = world.receive()

    world.handle({"Records": [record]})
    world.handle({"Records": [record]})
    world.settle()

    assert (len(world.telegram.said), len(world.email.said)) == (1, 1)


def test_a_worker_that_dies_while_it_spreads_leaves_no_channel_out() -> None:
    world = TellingWorld(TELEGRAM, EMAIL)
    world.tell()
    sends = iter([world.sqs.send_message, _raise_throttled])

    def send_message(**request: Any) -> Any:
        return next(sends)(**request)

    dying = Wrapped(world.sqs, send_message=send_message)
    world.queue._client = lambda: dying
    world.settle()
    world.queue._client = lambda: world.sqs

    world.pass_time(5)

    assert (len(world.telegram.said), len(world.email.said)) == (1, 1)


def _raise_throttled(**_: Any) -> Any:
    raise client_error("SendMessage", "ThrottlingException", "slow down")


def test_a_channel_that_fails_is_tried_again_later_each_time_and_hurts_no_other() -> None:
    world = TellingWorld(TELEGRAM, EMAIL)
    world.telegram.failures.extend([down(), down()])

    world.tell()
    world.settle()
    told_at_once = (len(world.telegram.said), len(world.email.said))
    world.pass_time(5)
    after_one = len(world.telegram.said)
    world.pass_time(14)
    too_soon = len(world.telegram.said)
    world.pass_time(1)

    assert told_at_once == (0, 1)
    assert (after_one, too_soon, len(world.telegram.said)) == (0, 0, 1)
    assert world.depth() == 0


def test_a_channel_says_when_it_wants_to_be_asked_again() -> None:
    world = TellingWorld(TELEGRAM)
    world.telegram.failures.append(down(retry_after_s=40))

    world.tell()
    world.settle()
    world.pass_time(39)
    before = len(world.telegram.said)
    world.pass_time(1)

    assert (before, len(world.telegram.said)) == (0, 1)


def test_what_a_channel_refuses_stays_in_the_queue_for_whoever_mends_it() -> None:
    world = TellingWorld(TELEGRAM)
    world.telegram.failures.extend([ChannelRefused("chat not found")] * 7)

    world.tell()
    for _ in range(7):
        world.pass_time(600)

    assert world.telegram.kinds == []
    assert world.depth() == 1
    world.pass_time(600)
    assert world.telegram.kinds == ["duplicate"]


def test_a_defect_in_one_channel_hurts_no_other() -> None:
    world = TellingWorld(TELEGRAM, EMAIL)
    world.telegram.failures.append(ZeroDivisionError())

    world.tell()
    world.settle()

    assert world.email.kinds == ["duplicate"]
    world.pass_time(180)
    assert world.telegram.kinds == ["duplicate"]


def test_a_message_that_asks_for_nothing_is_let_go(caplog: pytest.LogCaptureFixture) -> None:
    world = TellingWorld(TELEGRAM)
    for body in ("", "{}", '{"schema":2}', '{"schema":1,"notice":{"kind":3}}', f'{{"link":"{LINK}"'):
        world.sqs.send_message(QueueUrl=world.url, MessageBody=body or " ")

    world.settle()

    assert world.depth() == 0
    assert "canary" not in repr([vars(one) for one in caplog.records])


def test_who_queues_a_notice_is_not_hurt_by_a_queue_that_is_down(caplog: pytest.LogCaptureFixture) -> None:
    world = TellingWorld(TELEGRAM)
    world.notifier._queue._client = lambda: Wrapped(world.sqs, send_message=_raise_throttled)

    assert not world.notifier.tell(Notice(kind="login_needed", account="main", message="log in", link=LINK))

    assert [one.message for one in caplog.records] == ["could not queue a notice"]
    assert "canary" not in repr([vars(one) for one in caplog.records])


def test_words_with_half_of_a_character_are_told_without_it() -> None:
    world = TellingWorld(TELEGRAM)

    world.tell("alert_refused", "an alert became no order: buy INFY\ud83d: ALERT_REFUSED")
    world.settle()

    (telling,) = world.telegram.said
    assert telling.notice.message == "an alert became no order: buy INFY?: ALERT_REFUSED"


def test_what_the_stream_tells_is_not_queued_as_well() -> None:
    world = TellingWorld(TELEGRAM)

    for kind in ("refused", "stale", "held", "unknown", "closed"):
        world.tell(kind)

    assert world.depth() == 0


def test_what_is_told_late_carries_the_time_when_it_happened() -> None:
    world = TellingWorld(TELEGRAM)
    happened = world.clock.now()
    world.tell("stray")

    world.pass_time(90)

    assert [telling.at for telling in world.telegram.said] == [happened]


def test_what_nobody_dated_is_dated_as_it_is_spread() -> None:
    world = TellingWorld(TELEGRAM)
    spread(world.desk, Notice(kind="stray", account="main", message="look"), "m-1")

    world.pass_time(90)

    assert [telling.at for telling in world.telegram.said] == [world.clock.now() - timedelta(seconds=90)]


# ---------------------------------------------------------------- quiet hours and rates
NIGHT = {"quiet_from": time(22), "quiet_to": time(7)}


def asleep() -> TellingWorld:
    """A world at 23:00 in Kolkata, and a trader who sleeps from 22 to 7."""
    world = TellingWorld(TELEGRAM.model_copy(update=NIGHT))
    world.clock.advance(13 * 3600)
    return world


def test_what_can_wait_in_quiet_hours_comes_as_one_summary_in_the_morning() -> None:
    world = asleep()
    world.tell("instruments_not_refreshed", "those of Zerodha stay")
    world.tell("limit_near", "no room in INFY")
    world.settle()

    for _ in range(8 * 60 - 1):
        world.pass_time(60)
    before_seven = len(world.telegram.said)
    world.pass_time(61)

    assert before_seven == 0
    (summary,) = world.telegram.said
    assert summary.notice.kind == "summary"
    assert "those of Zerodha stay" in summary.notice.message
    assert "no room in INFY" in summary.notice.message
    world.pass_time(3600)
    assert (len(world.telegram.said), world.depth()) == (1, 0)


def test_what_is_urgent_wakes_the_trader() -> None:
    world = asleep()

    world.tell("unreadable")
    world.settle()

    assert world.telegram.kinds == ["unreadable"]


def test_more_than_a_person_reads_in_a_minute_comes_as_one_summary() -> None:
    world = TellingWorld(TELEGRAM.model_copy(update={"per_minute": 3}))
    for number in range(10):
        world.tell("limit_near", f"limit {number} is near")
    world.settle()
    at_once = world.telegram.kinds[:]

    world.pass_time(61)

    assert at_once == ["limit_near"] * 3
    assert world.telegram.kinds[3:] == ["summary"]
    assert "7 x Near a limit" in world.telegram.said[-1].notice.message
    assert world.depth() == 0


def too_much() -> tuple[TellingWorld, Flush]:
    """A world in which one of two notices waits for its summary, and the command to tell it."""
    world = TellingWorld(TELEGRAM.model_copy(update={"per_minute": 1}))
    world.clock.advance(20.5)
    for number in range(2):
        world.tell("limit_near", f"limit {number} is near")
    world.settle()
    return world, Flush("phone", world.clock.now() + timedelta(seconds=39.5))


def test_what_is_too_much_for_a_minute_waits_for_the_next_one_and_no_longer() -> None:
    world, _ = too_much()

    world.pass_time(39.4)
    before_the_minute = world.telegram.kinds[1:]
    world.pass_time(0.6)

    assert before_the_minute == []
    assert world.telegram.kinds[1:] == ["summary"]


def test_a_summary_is_told_at_its_time_and_put_back_before_it() -> None:
    world, command = too_much()

    world.clock.advance(39.499)
    flush(world.desk, command)
    too_soon = (world.telegram.kinds[1:], world.depth())
    world.clock.advance(0.001)
    flush(world.desk, command)

    assert too_soon == ([], 2)
    assert world.telegram.kinds[1:] == ["summary"]


@pytest.mark.parametrize("is_enabled", [False, None])
def test_a_summary_for_a_channel_that_is_off_or_gone_is_let_go(is_enabled: bool | None) -> None:
    world, _ = too_much()
    if is_enabled is None:
        world.settings.remove("phone")
    else:
        world.settings.put(TELEGRAM.model_copy(update={"is_enabled": is_enabled}))

    world.pass_time(60)

    assert (world.telegram.kinds[1:], world.depth()) == ([], 0)


def test_urgent_ones_have_room_of_their_own() -> None:
    world = TellingWorld(TELEGRAM.model_copy(update={"per_minute": 1}))
    for number in range(5):
        world.tell("limit_near", f"limit {number} is near")

    for number in range(5):
        world.tell("unreadable", f"message {number}")
    world.settle()

    assert world.telegram.kinds.count("unreadable") == 5
    assert world.telegram.kinds.count("limit_near") == 1


def test_a_link_never_waits_for_a_summary() -> None:
    world = TellingWorld(TELEGRAM.model_copy(update={"per_minute": 1}))
    for number in range(70):
        world.tell("login_needed", f"log in {number}", link=LINK)

    world.settle()

    assert world.telegram.kinds == ["login_needed"] * 70


def test_a_summary_that_fails_is_told_later_and_once() -> None:
    world = TellingWorld(TELEGRAM.model_copy(update={"per_minute": 1}))
    for number in range(4):
        world.tell("limit_near", f"limit {number} is near")
    world.settle()
    world.telegram.failures.extend([down()] * 3)
    world.pass_time(61)
    failed = world.telegram.kinds[1:]

    world.pass_time(600)

    assert failed == []
    assert world.telegram.kinds[1:] == ["summary"]
    assert "3 x Near a limit" in world.telegram.said[-1].notice.message
    assert world.depth() == 0


def test_two_summaries_in_one_breath_are_no_repeat_of_each_other() -> None:
    world = TellingWorld(WEBHOOK.model_copy(update={"per_minute": 1}))
    for number in range(3):
        world.tell("limit_near", f"limit {number} is near")
    world.settle()
    world.webhook.failures.extend([down(), down()])
    world.pass_time(60)
    for number in range(3, 6):
        world.tell("limit_near", f"limit {number} is near")

    for _ in range(10):
        world.pass_time(6)

    summaries = [telling for telling in world.webhook.said if telling.notice.kind == "summary"]
    assert [telling.notice.message.splitlines()[0] for telling in summaries] == ["2 x Near a limit"] * 2
    assert len({telling.telling_id for telling in summaries}) == 2


def test_a_worker_that_dies_with_a_summary_leaves_it_to_the_next() -> None:
    world = TellingWorld(TELEGRAM.model_copy(update={"per_minute": 1}))
    for number in range(3):
        world.tell("limit_near", f"limit {number} is near")
    world.settle()
    world.clock.advance(61)
    assert world.memory.take_held("phone", world.clock.now()) is not None  # and dies here

    world.settle()
    meanwhile = world.telegram.kinds[1:]
    world.pass_time(600)

    assert meanwhile == []
    assert world.telegram.kinds[1:] == ["summary"]


def test_more_than_a_summary_holds_is_counted() -> None:
    world = TellingWorld(TELEGRAM.model_copy(update={"per_minute": 1}))
    for number in range(230):
        world.tell("limit_near", f"limit {number} is near")
    world.settle()

    world.pass_time(61)

    (summary,) = world.telegram.said[1:]
    assert "200 x Near a limit" in summary.notice.message
    assert "29 that no room was left for" in summary.notice.message
    assert len(summary.notice.message) < 3000


def test_an_urgent_one_finds_room_in_a_summary_that_is_full_of_others() -> None:
    world = TellingWorld(TELEGRAM.model_copy(update={"per_minute": 1}))
    for number in range(230):
        world.tell("limit_near", f"limit {number} is near")
    for number in range(100):
        world.tell("unreadable", f"message {number}")
    world.settle()
    assert world.telegram.kinds.count("unreadable") == 60

    world.pass_time(61)

    summary = world.telegram.said[-1].notice.message
    assert "200 x Near a limit, 40 x A message that is no order, 29 that no room was left for" in summary
    assert summary.endswith("message 99")


def test_a_summary_that_is_full_to_the_brim_fits_where_it_is_kept() -> None:
    world = TellingWorld(TELEGRAM)
    for taken in (False, True):
        for number in range(MOST_HELD_URGENT + 1):
            line = "\u0930" * MAX_LINE
            world.memory.hold(
                Waiting(
                    delivery_id=delivery_id(f"{taken} {number}", "phone"),
                    channel="phone",
                    kind="instruments_not_refreshed",
                    line=line,
                    is_urgent=True,
                )
            )
        if not taken:
            assert world.memory.take_held("phone", world.clock.now()) is not None

    world.memory.give_back("phone")
    held = world.memory.take_held("phone", world.clock.now())
    assert held is not None
    assert (len(held.lines), held.more) == (MOST_HELD_URGENT, 1)


# ---------------------------------------------------------------- who is told what
def test_a_channel_of_other_accounts_is_not_told() -> None:
    world = TellingWorld(TELEGRAM.model_copy(update={"accounts": ("second",)}), EMAIL)

    world.tell(account="main")
    world.settle()

    assert (world.telegram.kinds, world.email.kinds) == ([], ["duplicate"])


def test_a_channel_that_was_removed_meanwhile_holds_nothing_up() -> None:
    world = TellingWorld(TELEGRAM)
    world.telegram.failures.append(down())
    world.tell()
    world.settle()

    world.settings.remove("phone")
    world.pass_time(5)

    assert (world.telegram.kinds, world.depth()) == ([], 0)


def test_a_link_to_the_kill_switch_goes_with_what_may_want_it_and_with_nothing_else() -> None:
    world = TellingWorld(TELEGRAM)

    world.tell("duplicate")
    world.tell("login_failed")
    world.settle()

    links = {telling.notice.kind: telling.stop_link for telling in world.telegram.said}
    assert links == {"duplicate": "https://router.test/stop-canary", "login_failed": None}
    assert world.stopped == ["kill#account#main"]
    assert "canary" not in repr(world.telegram.said)


def test_a_link_stops_everything_where_the_notice_is_about_no_single_account() -> None:
    world = TellingWorld(TELEGRAM)

    world.tell("breaker_open", account="all")
    world.settle()

    assert world.stopped == ["kill#global"]


def test_a_link_that_cannot_be_made_holds_no_notice_back() -> None:
    world = TellingWorld(TELEGRAM)
    world.has_stop_links = False

    world.tell()
    world.settle()

    assert [telling.stop_link for telling in world.telegram.said] == [None]


def test_a_delivery_that_was_told_is_not_told_again_when_its_note_is_found() -> None:
    world = TellingWorld(TELEGRAM)
    notice = Notice(kind="test", account="all", message="hello")
    delivery = Delivery(delivery_id="d-1", channel="phone", notice=notice, at=world.clock.now())

    deliver(world.desk, delivery)
    world.clock.advance(timedelta(hours=3).total_seconds())
    deliver(world.desk, delivery)

    assert world.telegram.kinds == ["test"]


def test_a_memory_that_is_down_sends_the_delivery_back() -> None:
    world = TellingWorld(TELEGRAM)
    world.tell()
    world.memory._client = Wrapped(world.dynamodb, put_item=_raise_throttled)
    world.settle()

    world.memory._client = world.dynamodb
    world.pass_time(600)

    assert world.telegram.kinds == ["duplicate"]
