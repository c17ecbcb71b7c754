"""Versions of orders in a bucket with a lock: each is there once, and stays."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from order_router.api.archive import each_change
from order_router.aws.audit_archive import AuditBucket
from order_router.aws.breakers_table import BreakersTable
from order_router.aws.kill_tables import KillSwitchesTable
from order_router.aws.order_record import order_item
from order_router.domain.audit import read_jsonl, verified
from order_router.domain.breaker import Breaker, opened
from order_router.domain.errors import Reason
from order_router.domain.history import Event
from order_router.domain.kill_switch import EVERYTHING, KillSwitch, StopScope, SwitchState, Turn
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Order, apply, new_order
from order_router.ports import StoreUnavailable
from tests.fakes.aws import aws_client, aws_in_memory, make_table
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.orders import an_order

BUCKET = "audit"


@pytest.fixture
def s3() -> Iterator[Any]:
    with aws_in_memory():
        client = aws_client("s3")
        client.create_bucket(
            Bucket=BUCKET,
            ObjectLockEnabledForBucket=True,
            CreateBucketConfiguration={"LocationConstraint": "ap-south-1"},
        )
        client.put_object_lock_configuration(
            Bucket=BUCKET,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 5}},
            },
        )
        yield client


def a_record(order: Order, number: int = 1, **changes: Any) -> dict[str, Any]:
    image = {"NewImage": order_item(order, "w-1") | changes}
    return {"eventName": "MODIFY", "dynamodb": {"SequenceNumber": f"{number}", **image}}


def an_opened_order() -> Order:
    order = apply(new_order(an_order()), Event(kind=EventKind.SUBMITTING, at=MONDAY_MORNING))
    return apply(order, Event(kind=EventKind.OPENED, at=MONDAY_MORNING, broker_order_id="b-1"))


STOP = Turn(at=MONDAY_MORNING, by="laptop", reason="it buys too much", cancels_open=True)
DEMO = KillSwitch(StopScope.STRATEGY, "demo")


def turn_record(switch: KillSwitch = DEMO, name: str = "INSERT", **changes: Any) -> dict[str, Any]:
    """What the gate's stream tells of the first turn of a switch, as the table wrote it."""
    client = aws_client("dynamodb")
    table = make_table(client, "GateTable")
    before = SwitchState(switch=switch)
    switches = KillSwitchesTable(client, table, FakeClock())
    switches.turn(before.turned_on(STOP, lets_exits=False), before=before)
    key = {"gate": {"S": f"kill-log#{switch.key}#1"}}
    item = client.get_item(TableName=table, Key=key)["Item"]
    client.delete_table(TableName=table)
    return {
        "eventName": name,
        "dynamodb": {"SequenceNumber": "21", "Keys": key, "NewImage": item | changes},
    }


def texts(s3: Any) -> dict[str, str]:
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode() for key in keys}


def test_each_version_is_a_document_of_its_own_that_holds_all_before_it(s3: Any) -> None:
    bucket, born = AuditBucket(s3, BUCKET), new_order(an_order())
    opened = an_opened_order()

    for order in (born, opened):
        bucket.keep(a_record(order))

    folder = f"orders/2026-11-23/paper/{born.client_order_id}"
    found = texts(s3)
    assert list(found) == [f"{folder}/000000.jsonl", f"{folder}/000002.jsonl"]
    documents = [read_jsonl(text) for text in found.values()]
    assert [verified(document)["lines"] for document in documents] == [1, 3]
    assert documents[1][0]["version"] == 2
    assert [line["event"] for line in documents[1][1:-1]] == ["received", "submitting", "opened"]


def test_a_version_is_locked_for_the_years_that_the_bucket_says(s3: Any) -> None:
    AuditBucket(s3, BUCKET).keep(a_record(an_opened_order()))
    (key,) = texts(s3)
    (version,) = s3.list_object_versions(Bucket=BUCKET)["Versions"]

    kept = s3.head_object(Bucket=BUCKET, Key=key)
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    assert (kept["ObjectLockRetainUntilDate"] - version["LastModified"]).days >= 5 * 365
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=BUCKET, Key=key, VersionId=version["VersionId"])


def test_a_version_that_comes_again_is_not_written_again(s3: Any) -> None:
    bucket, record = AuditBucket(s3, BUCKET), a_record(an_opened_order())

    for _ in range(3):
        bucket.keep(record)

    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 1


def test_a_record_that_this_release_cannot_read_is_kept_as_it_stands(s3: Any) -> None:
    AuditBucket(s3, BUCKET).keep(a_record(an_opened_order(), 17, schema={"N": "99"}))

    ((key, text),) = texts(s3).items()
    assert key == "orders/unreadable/17.json"
    assert json.loads(text)["schema"] == {"N": "99"}


def test_a_deletion_is_kept_as_what_it_is(s3: Any) -> None:
    keys = {"client_order_id": {"S": "A" * 20}}

    AuditBucket(s3, BUCKET).keep({"dynamodb": {"SequenceNumber": "18", "Keys": keys}})

    ((key, text),) = texts(s3).items()
    assert (key, json.loads(text)) == ("orders/deleted/18.json", {"deleted": {"client_order_id": "A" * 20}})


def test_what_may_not_be_kept_comes_again_with_all_that_follows(s3: Any) -> None:
    records = [a_record(new_order(an_order(f"k-{number}")), number) for number in range(3)]
    with Stubber(s3) as stub:
        stub.add_response("put_object", {})
        stub.add_client_error("put_object", "SlowDown", http_status_code=503)

        answer = each_change(AuditBucket(s3, BUCKET).keep)({"Records": records}, None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_a_bucket_that_is_not_there_loses_nothing_in_silence(s3: Any) -> None:
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        AuditBucket(s3, "another").keep(a_record(an_opened_order()))


def test_a_version_is_sent_with_the_checksum_that_a_lock_asks_for(s3: Any) -> None:
    wanted = {"Bucket": BUCKET, "IfNoneMatch": "*", "ChecksumAlgorithm": "SHA256"}
    with Stubber(s3) as stub:
        stub.add_response("put_object", {}, {**wanted, "Key": ANY, "Body": ANY, "ContentType": ANY})

        AuditBucket(s3, BUCKET).keep(a_record(an_opened_order()))


@pytest.mark.parametrize(
    ("switch", "folder"), [(EVERYTHING, "global"), (DEMO, "strategy/demo")], ids=["global", "strategy"]
)
def test_each_turn_of_a_switch_is_a_document_of_its_own(s3: Any, switch: KillSwitch, folder: str) -> None:
    bucket, record = AuditBucket(s3, BUCKET), turn_record(switch)

    for _ in range(3):
        bucket.keep(record)

    ((key, text),) = texts(s3).items()
    assert key == f"switches/2026-11-23/{folder}/000001.jsonl"
    head, turn, _ = read_jsonl(text)
    assert verified(read_jsonl(text))["lines"] == head["kill_switch_turns"] == 1
    assert (turn["event"], turn["by"], turn["reason"]) == ("kill_on", "laptop", "it buys too much")
    assert turn["cancel_open"] is True
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 1


def test_what_changes_a_turn_is_kept_beside_it_and_takes_nobody_in(s3: Any) -> None:
    bucket = AuditBucket(s3, BUCKET)
    bucket.keep(turn_record())

    bucket.keep(turn_record(name="MODIFY", turned_by={"S": "somebody else"}))

    found = texts(s3)
    assert list(found) == ["switches/2026-11-23/strategy/demo/000001.jsonl", "switches/changed/21.json"]
    assert [("somebody else" in text) for text in found.values()] == [False, True]


def test_a_turn_that_is_deleted_or_unreadable_is_kept_as_what_it_is(s3: Any) -> None:
    bucket, record = AuditBucket(s3, BUCKET), turn_record()
    del record["dynamodb"]["NewImage"]

    bucket.keep(record | {"eventName": "REMOVE"})
    bucket.keep(turn_record(version={"N": "7"}))

    assert list(texts(s3)) == ["switches/deleted/21.json", "switches/unreadable/21.json"]


@pytest.mark.parametrize("name", ["kill#global", "kill-index", "kill-link#abc", "meter#paper", "hold#demo"])
def test_nothing_else_of_the_gate_gets_into_the_archive(s3: Any, name: str) -> None:
    key = {"gate": {"S": name}}
    record = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "22", "Keys": key, "NewImage": key}}

    AuditBucket(s3, BUCKET).keep(record)

    assert texts(s3) == {}


def change_record(name: str = "INSERT", **changes: Any) -> dict[str, Any]:
    """What the gate's stream tells of a breaker's opening, as the table wrote it."""
    client = aws_client("dynamodb")
    table = make_table(client, "GateTable")
    closed = Breaker(broker="paper", account="paper")
    down = Reason("ALARM", "it is down")
    breakers = BreakersTable(client, table, FakeClock())
    breakers.write(opened(closed, MONDAY_MORNING, by="alarm", reason=down), replacing=closed)
    key = {"gate": {"S": "change-log#2026-11-23#1"}}
    item = client.get_item(TableName=table, Key=key)["Item"]
    client.delete_table(TableName=table)
    return {"eventName": name, "dynamodb": {"SequenceNumber": "31", "Keys": key, "NewImage": item | changes}}


def test_a_change_of_a_breaker_is_a_document_of_its_own(s3: Any) -> None:
    AuditBucket(s3, BUCKET).keep(change_record())

    ((key, text),) = texts(s3).items()
    document = read_jsonl(text)
    assert key == "changes/2026-11-23/000001.jsonl"
    assert verified(document)["lines"] == 1
    assert document[0]["breaker_and_limit_changes"] == 1
    assert (document[1]["event"], document[1]["by"]) == ("breaker_open", "alarm")


@pytest.mark.parametrize(
    ("name", "changed", "kept_as"),
    [
        ("MODIFY", {}, "changes/changed/31.json"),
        ("INSERT", {"number": {"N": "2"}}, "changes/unreadable/31.json"),
        ("INSERT", {"before": {"S": "{"}}, "changes/unreadable/31.json"),
    ],
)
def test_a_change_that_is_no_new_one_or_not_readable_is_kept_beside_it(
    s3: Any, name: str, changed: dict[str, Any], kept_as: str
) -> None:
    AuditBucket(s3, BUCKET).keep(change_record(name, **changed))

    assert list(texts(s3)) == [kept_as]


def test_how_many_changes_a_day_has_is_nobody_s_history(s3: Any) -> None:
    record = change_record()
    record["dynamodb"]["Keys"] = {"gate": {"S": "change-count#2026-11-23"}}

    AuditBucket(s3, BUCKET).keep(record)

    assert texts(s3) == {}
