"""The notifier's HTTP face and its triggers: who may ask, what a channel said, what an order's change becomes."""

import json
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from order_router.api.endpoint import route
from order_router.api.notifications import list_channels, tell_test
from order_router.api.tellings import tell_changes
from order_router.aws.notice_queue import read_telling
from order_router.aws.order_record import order_item
from order_router.aws.order_stream import read_change
from order_router.domain.channel import ChannelRefused
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.notices import Notice
from order_router.domain.order import Order, apply
from order_router.ports import StoreUnavailable
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_submitting_order
from tests.fakes.telling_world import TELEGRAM, WEBHOOK, TellingWorld, down
from tests.unit.api.events import ADMIN, NOBODY, READER, TRADER, event

LIST, TEST = "GET /v1/notifications", "POST /v1/notifications/{channel}/test"


def ask(world: TellingWorld, key: str, **changes: Any) -> tuple[int, dict[str, Any]]:
    table = {LIST: partial(list_channels, world.desk), TEST: partial(tell_test, world.desk)}
    answer = route(table)(event(key, **changes), None)
    return answer["statusCode"], json.loads(answer["body"])


def test_channels_are_listed() -> None:
    status, content = ask(TellingWorld(TELEGRAM, WEBHOOK), LIST, caller=ADMIN)

    assert status == 200
    assert [one["name"] for one in content["channels"]] == ["hook", "phone"]


def test_a_webhook_s_address_is_answered_without_what_may_be_a_secret() -> None:
    world = TellingWorld(WEBHOOK.model_copy(update={"url": "https://hooks.example.com/services/canary"}))

    _, content = ask(world, LIST, caller=ADMIN)

    assert content["channels"][0]["url"] == "https://hooks.example.com/..."
    assert "canary" not in json.dumps(content)


@pytest.mark.parametrize("key", [LIST, TEST])
@pytest.mark.parametrize(("caller", "status"), [(NOBODY, 401), (READER, 403), (TRADER, 403)])
def test_only_an_admin_may_ask(key: str, caller: dict[str, str], status: int) -> None:
    world = TellingWorld(TELEGRAM)

    assert ask(world, key, caller=caller, path={"channel": "phone"})[0] == status
    assert world.telegram.said == []


def test_a_test_is_told_at_once() -> None:
    world = TellingWorld(TELEGRAM, WEBHOOK)

    status, content = ask(world, TEST, path={"channel": "phone"})

    assert (status, content["told"]) == (200, True)
    assert (world.telegram.kinds, world.webhook.kinds) == (["test"], [])


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (ChannelRefused("Telegram answered 400: chat not found"), 422, "CHANNEL_REFUSED"),
        (down(), 503, "CHANNEL_UNAVAILABLE"),
    ],
)
def test_what_a_channel_said_is_the_answer(failure: Exception, status: int, code: str) -> None:
    world = TellingWorld(TELEGRAM)
    world.telegram.failures.append(failure)

    answered, content = ask(world, TEST, path={"channel": "phone"})

    assert (answered, content["code"], content["detail"]) == (status, code, str(failure))


def test_a_channel_that_is_not_there_is_said_so() -> None:
    assert ask(TellingWorld(), TEST, path={"channel": "phone"})[1]["code"] == "CHANNEL_UNKNOWN"


# ---------------------------------------------------------------- the orders' stream
def changed(new: Order, old: Order | None = None, event_name: str = "MODIFY") -> dict[str, Any]:
    images = {"NewImage": order_item(new, "w-2")}
    if old is not None:
        images["OldImage"] = order_item(old, "w-1")
    return {"eventSource": "aws:dynamodb", "eventName": event_name, "dynamodb": images}


def filled(quantity: int, before: Order) -> Order:
    kind = EventKind.FILLED if quantity == 5 else EventKind.PARTIALLY_FILLED
    return apply(
        before,
        Event(kind=kind, at=MONDAY_MORNING, filled_quantity=quantity, average_price=Decimal("1500.05")),
    )


OPEN = apply(a_submitting_order(), Event(kind=EventKind.OPENED, at=MONDAY_MORNING))


def test_a_change_of_an_order_is_told_on_each_channel_once_however_often_it_comes() -> None:
    world = TellingWorld(TELEGRAM, WEBHOOK)
    part = filled(2, OPEN)
    records = [changed(part, OPEN), changed(filled(5, part), part)]

    for _ in range(2):
        tell_changes(world.queue, read_change)({"Records": records})
        world.settle()

    assert sorted(world.telegram.kinds) == sorted(world.webhook.kinds) == ["fill", "partial"]


def test_only_what_is_new_in_an_order_is_queued() -> None:
    world = TellingWorld(TELEGRAM)
    part = filled(2, OPEN)

    tell_changes(world.queue, read_change)({"Records": [changed(filled(5, part), part)]})

    assert world.depth() == 1


def test_a_stream_without_old_images_tells_no_step_twice() -> None:
    world = TellingWorld(TELEGRAM)
    part = filled(2, OPEN)

    tell_changes(world.queue, read_change)({"Records": [changed(part), changed(filled(5, part))]})
    world.settle()

    assert sorted(world.telegram.kinds) == ["fill", "partial"]


def test_what_is_no_news_queues_nothing() -> None:
    world = TellingWorld(TELEGRAM)
    removed = {"eventSource": "aws:dynamodb", "eventName": "REMOVE", "dynamodb": {"OldImage": {}}}

    tell_changes(world.queue, read_change)({"Records": [changed(OPEN, a_submitting_order()), removed]})

    assert world.depth() == 0


def test_an_order_that_cannot_be_read_does_not_hold_up_those_behind_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = TellingWorld(TELEGRAM)
    damaged = changed(filled(5, OPEN), OPEN)
    damaged["dynamodb"]["NewImage"]["schema"] = {"N": "99"}

    tell_changes(world.queue, read_change)({"Records": [damaged, changed(filled(5, OPEN), OPEN)]})
    world.settle()

    assert world.telegram.kinds == ["fill"]
    assert "a change of an order is not readable" in caplog.messages


def test_a_queue_that_is_down_brings_the_batch_again() -> None:
    class Down:
        def put(self, *_: Any) -> None:
            raise StoreUnavailable("queueing a notice: Throttling")

        def release(self, *_: Any) -> None:
            raise NotImplementedError

    with pytest.raises(StoreUnavailable):
        tell_changes(Down(), read_change)({"Records": [changed(filled(5, OPEN), OPEN)]})


def test_a_message_carries_the_whole_notice() -> None:
    world = TellingWorld()
    notice = Notice(
        kind="login_needed",
        account="main",
        message="log in",
        client_order_id="a1",
        subject="today",
        at=MONDAY_MORNING,
        link="https://router.test/x",
    )

    world.notifier.tell(notice)
    (record,) = world.receive()

    assert read_telling(record["body"]) == notice
