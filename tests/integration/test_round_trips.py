"""An order costs one AWS call before the broker's write and one after it, counted as botocore sends them."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from unittest.mock import Mock, patch

import boto3
import pytest
from moto import mock_aws

from order_router import parts
from order_router.aws.paper_table import PaperTable
from order_router.aws.queues import write_message
from order_router.aws.sessions import secret_name
from order_router.domain.limits import Limits
from order_router.domain.request import parse_request
from order_router.domain.vocabulary import Source
from order_router.ports import PlaceOrder
from order_router.service.timing import API_MAX_AGE
from tests.bench.place_function import PlaceFunction, loaded
from tests.bench.seeds import (
    FUNCTION_ENVIRONMENT,
    GATE,
    INSTRUMENTS,
    ORDERS,
    PAPER,
    SESSION,
    SETTINGS,
    open_paper,
    order_body,
    put_account,
)
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.simulators.kite import running

TABLES = {
    ORDERS: ("client_order_id",),
    SETTINGS: ("kind", "id"),
    GATE: ("gate",),
    PAPER: ("pk", "sk"),
    INSTRUMENTS: ("pk", "sk"),
}
ONE_AND_ONE = (["dynamodb.TransactWriteItems"], ["dynamodb.TransactWriteItems"])
"""Each of these orders fills at once: what it no longer binds is written with its end."""

NOTICES = "https://sqs.ap-south-1.amazonaws.com/123456789012/notices"
"""There is no such queue: an order that is told of by the orders' stream asks for none."""

EVERY_LIMIT = Limits(
    max_quantity=100,
    max_order_value=Decimal(100000),
    price_band_percent=Decimal(5),
    max_open_orders=50,
    max_gross_exposure=Decimal(10000000),
    max_net_exposure=Decimal(10000000),
    max_instrument_gross_exposure=Decimal(10000000),
    max_instrument_net_exposure=Decimal(10000000),
    max_daily_loss=Decimal(1000000),
)


@pytest.fixture
def queue_of_notices() -> Iterator[Mock]:
    """What a client for the queue of notices is made by."""
    with patch.object(parts, "make_hasty_client") as made:
        yield made


@pytest.fixture
def place(queue_of_notices: Mock) -> Iterator[PlaceFunction]:
    """The real function over moto, with an account at each broker; zerodha is the simulator on a socket."""
    with running() as kite, mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="ap-south-1")
        for table, key in TABLES.items():
            _create(dynamodb, table, key)
        for broker in ("paper", "zerodha"):
            put_account(dynamodb, broker, broker)
        put_account(dynamodb, "paper", "limited", EVERY_LIMIT)
        open_paper(PaperTable(dynamodb, PAPER), "paper", "limited")
        boto3.client("secretsmanager", region_name="ap-south-1").create_secret(
            Name=secret_name(FUNCTION_ENVIRONMENT["SECRETS_PREFIX"], "zerodha"), SecretString=SESSION
        )
        set_here = {"BROKER_ENDPOINT_ZERODHA": kite.url, "NOTICE_QUEUE_URL": NOTICES}
        # a clock that stands: on a busy machine the first secret takes longer than a call of the broker's is good
        with loaded(FUNCTION_ENVIRONMENT | set_here, clock=FakeClock()) as function:
            yield function


@pytest.mark.parametrize("broker", ["zerodha", "paper", "limited"])
def test_a_warm_order_costs_one_aws_call_before_the_broker_and_one_after(
    place: PlaceFunction, queue_of_notices: Mock, broker: str
) -> None:
    place.place(broker, "the-first-fills-the-caches")
    place.journal.departures.clear()

    answer = place.place(broker, "warm")

    assert answer["statusCode"] == 201
    assert place.journal.calls_around_the_write(except_table=PAPER) == ONE_AND_ONE
    assert queue_of_notices.mock_calls == []
    asked = [one.name for one in place.journal.departures if one.to_broker]
    assert asked == ["broker POST", "broker GET"]


def test_a_queued_alert_costs_the_same(place: PlaceFunction) -> None:
    place.place("zerodha", "the-first-fills-the-caches")
    place.journal.departures.clear()

    answer = place.handler({"Records": [_record("zerodha")]}, None)

    assert answer == {"batchItemFailures": []}
    assert place.journal.calls_around_the_write() == ONE_AND_ONE


def test_an_alert_that_is_refused_is_told_by_the_stream_and_queues_nothing(
    place: PlaceFunction, queue_of_notices: Mock
) -> None:
    record = _record("limited", quantity=101)
    place.journal.departures.clear()

    answer = place.handler({"Records": [record]}, None)

    assert answer == {"batchItemFailures": []}
    assert "dynamodb.PutItem" in [one.name for one in place.journal.departures]
    assert queue_of_notices.mock_calls == []


def test_a_cold_order_also_reads_its_account_its_instrument_and_its_session(place: PlaceFunction) -> None:
    place.place("zerodha", "cold")

    before, after = place.journal.calls_around_the_write()

    assert before == [
        "dynamodb.GetItem",
        "dynamodb.GetItem",
        "dynamodb.TransactWriteItems",
        "secrets-manager.GetSecretValue",
    ]
    assert after == ["dynamodb.TransactWriteItems"]


def _create(dynamodb: Any, table: str, key: tuple[str, ...]) -> None:
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in key],
        KeySchema=[
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(key, ("HASH", "RANGE"), strict=False)
        ],
    )


def _record(account: str, **changes: Any) -> dict[str, Any]:
    now = MONDAY_MORNING
    command = PlaceOrder(
        request=parse_request(order_body(account) | changes),
        idempotency_key="alert:1",
        source=Source.ALERT,
        received_at=now,
        deadline=now + API_MAX_AGE,
    )
    return {"messageId": "m-1", "receiptHandle": "r-1", "body": write_message(command), "attributes": {}}
