"""An order's way through the queue: whole, in its group, and never half understood."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.aws.queues import MessageUnreadable, group_of, read_message, write_message
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import Source
from order_router.ports import PlaceOrder, ResumeOrder
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.generated import moments, requests
from tests.fakes.orders import a_request

# what SQS takes as a group or a deduplication id:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html, read 2026-11-21
LEGAL_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")

COMMAND = PlaceOrder(
    request=a_request(),
    idempotency_key="k-1",
    source=Source.ALERT,
    received_at=MONDAY_MORNING,
    deadline=MONDAY_MORNING + timedelta(seconds=30),
)


def body(**changes: Any) -> str:
    """Return the message of COMMAND with these fields changed."""
    return json.dumps(json.loads(write_message(COMMAND)) | changes)


@given(
    request=requests(),
    key=st.text(min_size=1),
    source=st.sampled_from(Source),
    received_at=moments(),
    deadline=moments(),
)
def test_a_message_brings_the_order_back_whole(
    request: OrderRequest, key: str, source: Source, received_at: datetime, deadline: datetime
) -> None:
    command = PlaceOrder(
        request=request, idempotency_key=key, source=source, received_at=received_at, deadline=deadline
    )

    assert read_message(write_message(command)) == command


@given(request=requests())
def test_a_group_is_one_that_sqs_takes(request: OrderRequest) -> None:
    assert LEGAL_ID.fullmatch(group_of(request))


def test_a_message_to_go_on_names_the_stored_order() -> None:
    assert read_message('{"schema": 1, "resume": "ABCDEFGHIJ234567ABCD"}') == ResumeOrder(
        "ABCDEFGHIJ234567ABCD"
    )


@pytest.mark.parametrize("name", ["null", '""', "7", "[]"])
def test_a_message_to_go_on_without_a_name_is_unreadable(name: str) -> None:
    with pytest.raises(MessageUnreadable):
        read_message(f'{{"schema": 1, "resume": {name}}}')


def test_a_group_is_one_account_and_one_instrument() -> None:
    groups = {
        group_of(a_request(account=account, instrument=instrument, side=side))
        for account in ("paper", "live")
        for instrument in ("NSE:INFY", "BSE:INFY", "NSE:TCS")
        for side in ("BUY", "SELL")
    }

    assert len(groups) == 6


def test_times_come_back_in_utc() -> None:
    read = read_message(body(received_at="2026-11-23T10:00:00+05:30"))

    assert isinstance(read, PlaceOrder)
    assert (read.received_at, read.received_at.tzinfo) == (MONDAY_MORNING, UTC)


NO_MESSAGE = {
    "nothing": "",
    "text": "hello",
    "null": "null",
    "number": "7",
    "list": "[]",
    "text in JSON": '"schema"',
    "empty object": "{}",
    "cut off": write_message(COMMAND)[:-1],
    "two at once": write_message(COMMAND) * 2,
    "a key twice": '{"schema":1,"schema":1}',
    "not a number": body(schema=float("nan")),
    "deep": "[" * 100_000,
    "another schema": body(schema=2),
    "no schema": body(schema=None),
    "a long schema": body(schema="9" * 5000),
    "request null": body(request=None),
    "request a list": body(request=[]),
    "request a text": body(request="BUY 5 INFY"),
    "request empty": body(request={}),
    "request with more": body(request={**json.loads(write_message(COMMAND))["request"], "lots": 1}),
    "a quantity that is a fraction": body(
        request={**json.loads(write_message(COMMAND))["request"], "quantity": 1.5}
    ),
    "a quantity below nothing": body(
        request={**json.loads(write_message(COMMAND))["request"], "quantity": -5}
    ),
    "key null": body(idempotency_key=None),
    "key empty": body(idempotency_key=""),
    "key a number": body(idempotency_key=7),
    "source unknown": body(source="pigeon"),
    "source null": body(source=None),
    "time without a zone": body(received_at="2026-11-23T04:30:00"),
    "time a number": body(received_at=1795408200),
    "time null": body(deadline=None),
    "no time": body(deadline="soon"),
    "time before UTC began": body(received_at="0001-01-01T00:00:00+05:30"),
    "time after UTC ends": body(deadline="9999-12-31T23:59:59-05:30"),
}


@pytest.mark.parametrize("text", NO_MESSAGE.values(), ids=NO_MESSAGE.keys())
def test_what_is_no_message_is_named_so(text: str) -> None:
    with pytest.raises(MessageUnreadable) as caught:
        read_message(text)

    assert caught.value.code == "MESSAGE_UNREADABLE"
    assert len(caught.value.message) < 120


@pytest.mark.parametrize("name", sorted(json.loads(write_message(COMMAND))))
def test_a_message_that_lacks_a_field_is_named_so(name: str) -> None:
    fields = json.loads(write_message(COMMAND))
    del fields[name]

    with pytest.raises(MessageUnreadable):
        read_message(json.dumps(fields))


@given(st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_random_text_is_never_an_order(text: str) -> None:
    with pytest.raises(MessageUnreadable):
        read_message(text)


@given(
    name=st.sampled_from(sorted(json.loads(write_message(COMMAND)))),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda children: st.lists(children) | st.dictionaries(st.text(), children),
        max_leaves=5,
    ),
)
def test_a_message_with_one_field_spoilt_is_read_or_named_unreadable(name: str, value: object) -> None:
    try:
        read = read_message(body(**{name: value}))
    except MessageUnreadable:
        return
    assert isinstance(read, PlaceOrder)
