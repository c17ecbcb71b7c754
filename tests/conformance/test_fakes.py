"""What the fakes promise beyond AWS: nothing shared, nothing ignored, the same again, and minutes in no time."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from tests.architecture.template import resources
from tests.conformance.aws import GATE, ORDERS, PAPER, Aws, bodies, fakes, make_tables, refused
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.sqs import FakeSqs, template_queues

KEY = {"gate": {"S": "g-1"}}
NESTED = {"M": {"legs": {"L": [{"S": "x"}]}}}
STORED = {**KEY, "legs": NESTED, "note": {"S": "x"}}
MINUTES, DAYS = 60, 86_400


@pytest.fixture
def database() -> FakeDynamoDB:
    return FakeDynamoDB(template_tables())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queues(clock: FakeClock) -> FakeSqs:
    return FakeSqs(clock, template_queues())


def send(queues: FakeSqs, once: str = "k-1", body: str = "a") -> None:
    queues.send_message(
        QueueUrl=queues.url("OrderQueue"),
        MessageBody=body,
        MessageGroupId="g",
        MessageDeduplicationId=once,
    )


def receive(queues: FakeSqs, name: str = "OrderQueue") -> list[dict[str, Any]]:
    answer = queues.receive_message(QueueUrl=queues.url(name), MaxNumberOfMessages=10)
    return list(answer.get("Messages", ()))


def spoil(value: Any) -> None:
    value["legs"]["M"]["legs"]["L"][0]["S"] = "spoiled"
    value["note"]["S"] = "spoiled"
    value["more"] = {"S": "spoiled"}


@pytest.mark.parametrize("write", ["put_item", "transact_write_items"])
def test_what_was_stored_is_not_what_the_caller_holds(database: FakeDynamoDB, write: str) -> None:
    item: dict[str, Any] = deepcopy(STORED)
    put = {"TableName": GATE, "Item": item}
    if write == "put_item":
        database.put_item(**put)
    else:
        database.transact_write_items(TransactItems=[{"Put": put}])

    spoil(item)

    assert database.items(GATE) == [STORED]


def test_what_was_updated_is_not_what_the_caller_holds(database: FakeDynamoDB) -> None:
    values: dict[str, Any] = {":legs": deepcopy(NESTED)}
    database.update_item(
        TableName=GATE, Key=KEY, UpdateExpression="SET legs = :legs", ExpressionAttributeValues=values
    )

    values[":legs"]["M"]["legs"]["L"].append({"S": "spoiled"})

    assert database.items(GATE) == [{**KEY, "legs": NESTED}]


READS: dict[str, Callable[[FakeDynamoDB], Any]] = {
    "get": lambda database: database.get_item(TableName=GATE, Key=KEY)["Item"],
    "batch": lambda database: database.batch_get_item(RequestItems={GATE: {"Keys": [KEY]}})["Responses"][
        GATE
    ][0],
    "query": lambda database: database.query(
        TableName=GATE, KeyConditionExpression="gate = :g", ExpressionAttributeValues={":g": KEY["gate"]}
    )["Items"][0],
    "old": lambda database: database.put_item(TableName=GATE, Item=STORED, ReturnValues="ALL_OLD")[
        "Attributes"
    ],
    "new": lambda database: database.update_item(
        TableName=GATE,
        Key=KEY,
        UpdateExpression="REMOVE absent",
        ReturnValues="ALL_NEW",
    )["Attributes"],
    "items": lambda database: database.items(GATE)[0],
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_what_was_read_is_not_what_is_stored(
    database: FakeDynamoDB, read: Callable[[FakeDynamoDB], Any]
) -> None:
    database.put_item(TableName=GATE, Item=STORED)

    spoil(read(database))

    assert database.get_item(TableName=GATE, Key=KEY)["Item"] == STORED


def test_an_instance_begins_empty_whatever_another_holds(database: FakeDynamoDB) -> None:
    database.put_item(TableName=GATE, Item=KEY)

    assert FakeDynamoDB(template_tables()).items(GATE) == []


def test_a_digest_tells_states_apart_and_not_how_they_came(database: FakeDynamoDB) -> None:
    twin = FakeDynamoDB(template_tables())
    for one, order in ((database, "ab"), (twin, "ba")):
        for name in order:
            one.put_item(TableName=GATE, Item={"gate": {"S": name}})
    assert database.digest() == twin.digest()

    twin.delete_item(TableName=GATE, Key={"gate": {"S": "a"}})

    assert database.digest() != twin.digest()


def test_the_tables_are_the_templates() -> None:
    described = {name: table.description for name, table in template_tables().items()}

    for name, properties in resources("AWS::DynamoDB::Table").items():
        assert described[name]["KeySchema"] == properties["KeySchema"]
    assert {ORDERS, GATE, PAPER} <= described.keys()
    assert template_tables()[ORDERS].indexes.keys() == {"by_account_day", "attention"}


def test_an_index_may_lag_and_catch_up(database: FakeDynamoDB) -> None:
    def open_orders() -> int:
        answer = database.query(
            TableName=ORDERS,
            IndexName="attention",
            KeyConditionExpression="attention_account = :a",
            ExpressionAttributeValues={":a": {"S": "paper"}},
        )
        return int(answer["Count"])

    open_order = {"attention_account": {"S": "paper"}, "attention_at": {"S": "1"}}
    database.put_item(TableName=ORDERS, Item={"client_order_id": {"S": "o-1"}, **open_order})
    database.freeze_index(ORDERS, "attention")
    database.put_item(TableName=ORDERS, Item={"client_order_id": {"S": "o-2"}, **open_order})
    assert open_orders() == 1

    database.thaw_index(ORDERS, "attention")

    assert open_orders() == 2


@pytest.mark.parametrize(
    ("call", "request_"),
    [
        ("get_item", {"TableName": GATE, "Key": KEY, "ReturnConsumedCapacity": "TOTAL"}),
        ("get_item", {"Key": KEY}),
        ("put_item", {"TableName": GATE, "Item": {"gate": {"S": 5}}}),
        ("put_item", {"TableName": GATE, "Item": {"gate": {"N": 5}}}),
        ("put_item", {"TableName": GATE, "Item": {"gate": {"X": "5"}}}),
        ("put_item", {"TableName": GATE, "Item": {"gate": "g-1"}}),
        ("transact_write_items", {"TransactItems": [{"Put": {"TableName": GATE, "Item": KEY, "Spare": 1}}]}),
    ],
)
def test_what_botocore_would_not_send_is_not_taken(
    database: FakeDynamoDB, call: str, request_: dict[str, Any]
) -> None:
    with pytest.raises(ParamValidationError):
        getattr(database, call)(**request_)


def test_a_queue_takes_no_parameter_that_it_would_ignore(queues: FakeSqs) -> None:
    url = queues.url("ReconcileQueue")

    with pytest.raises(ParamValidationError):
        queues.send_message(QueueUrl=url, MessageBody="a", MessageAttributes={})
    with pytest.raises(NotImplementedError):
        queues.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    with pytest.raises(NotImplementedError):
        queues.create_queue(QueueName="other", Attributes={"KmsMasterKeyId": "x"})


def test_the_queues_are_the_templates(queues: FakeSqs) -> None:
    found = {
        name: queues.get_queue_attributes(QueueUrl=queues.url(name), AttributeNames=["All"])["Attributes"]
        for name in resources("AWS::SQS::Queue")
    }

    for name, properties in resources("AWS::SQS::Queue").items():
        assert found[name]["VisibilityTimeout"] == str(properties.get("VisibilityTimeout", 30))
        assert found[name]["MessageRetentionPeriod"] == str(properties.get("MessageRetentionPeriod", 345_600))
        assert ("FifoQueue" in found[name]) == properties.get("FifoQueue", False)
    assert '"maxReceiveCount": 20' in found["OrderQueue"]["RedrivePolicy"]
    assert "OrderDeadLetters.fifo" in found["OrderQueue"]["RedrivePolicy"]


def test_a_deduplication_id_is_new_again_after_five_minutes(queues: FakeSqs, clock: FakeClock) -> None:
    send(queues)
    [message] = receive(queues)
    queues.delete_message(QueueUrl=queues.url("OrderQueue"), ReceiptHandle=message["ReceiptHandle"])

    clock.advance(5 * MINUTES - 0.001)
    send(queues)
    assert receive(queues) == []
    clock.advance(0.001)
    send(queues)

    assert bodies(receive(queues)) == ["a"]


def test_a_duplicate_does_not_make_its_window_longer(queues: FakeSqs, clock: FakeClock) -> None:
    send(queues)
    clock.advance(4 * MINUTES)
    send(queues)
    clock.advance(1 * MINUTES)

    send(queues, body="b")

    assert bodies(receive(queues)) == ["a", "b"]


def test_a_message_is_gone_after_the_retention(queues: FakeSqs, clock: FakeClock) -> None:
    send(queues)
    clock.advance(14 * DAYS - 1)
    assert len(queues.messages(queues.url("OrderQueue"))) == 1

    clock.advance(1)

    assert receive(queues) == []
    assert queues.next_visible_at(queues.url("OrderQueue")) is None


def test_a_handle_ends_with_its_visibility(queues: FakeSqs, clock: FakeClock) -> None:
    send(queues)
    [message] = receive(queues)
    url = queues.url("OrderQueue")
    hidden = template_queues()["OrderQueue"].visibility
    assert queues.next_visible_at(url) == FakeClock().now() + hidden
    clock.advance(hidden.total_seconds())

    with refused("InvalidParameterValue"):
        queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert bodies(receive(queues)) == ["a"]


def test_an_old_handle_of_a_standard_queue_deletes_nothing(queues: FakeSqs, clock: FakeClock) -> None:
    url = queues.url("ReconcileQueue")
    queues.send_message(QueueUrl=url, MessageBody="a")
    [old] = receive(queues, "ReconcileQueue")
    clock.advance(360)
    [new] = receive(queues, "ReconcileQueue")

    queues.delete_message(QueueUrl=url, ReceiptHandle=old["ReceiptHandle"])
    assert len(queues.messages(url)) == 1
    queues.delete_message(QueueUrl=url, ReceiptHandle=new["ReceiptHandle"])

    assert queues.messages(url) == []


def test_a_fifo_dead_letter_lives_its_own_two_weeks(queues: FakeSqs, clock: FakeClock) -> None:
    send(queues)
    for _ in range(20):
        assert bodies(receive(queues)) == ["a"]
        clock.advance(template_queues()["OrderQueue"].visibility.total_seconds())
    clock.advance(3 * DAYS)
    assert receive(queues) == []
    clock.advance(14 * DAYS - 1)

    assert bodies(receive(queues, "OrderDeadLetters")) == ["a"]
    clock.advance(1)
    assert receive(queues, "OrderDeadLetters") == []


def test_the_same_calls_give_the_same_answers() -> None:
    def run() -> list[Any]:
        queues = FakeSqs(FakeClock(), template_queues())
        send(queues)
        return [receive(queues), queues.messages(queues.url("OrderQueue"))]

    assert run() == run()


def test_an_error_has_the_shape_of_botocores() -> None:
    with fakes() as aws:
        make_tables(aws)
        answer = _refusal(aws)

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["Error"]["Code"] == "ValidationException"


def _refusal(aws: Aws) -> Any:
    with pytest.raises(ClientError) as caught:
        aws.read({"gate": {"S": ""}})
    assert caught.value.operation_name == "GetItem"
    return caught.value.response
