"""Probes of batches of writes."""

from typing import Any

from tests.conformance.aws import GATE, ORDERS, PAPER, Aws, Item, invalid
from tests.conformance.probe import probe


def put(key: Item, **attributes: Item) -> Item:
    return {"PutRequest": {"Item": {**key, **attributes}}}


def delete(key: Item) -> Item:
    return {"DeleteRequest": {"Key": key}}


def write(aws: Aws, *requests: Item, table: str = GATE, **more: Any) -> Item:
    """Send a batch of writes to one table."""
    answer: Item = aws.dynamodb.batch_write_item(RequestItems={table: list(requests)}, **more)
    return answer


@probe
def a_batch_puts_and_deletes(aws: Aws) -> None:
    """A batch holds puts and deletes; what is not done is left in UnprocessedItems. Page: BatchWriteItem."""
    old, new, gone = aws.stored(n={"N": "1"}), aws.key(), aws.stored(n={"N": "1"})

    answer = write(aws, put(old, m={"N": "2"}), put(new, n={"N": "3"}), delete(gone), delete(aws.key()))

    assert answer["UnprocessedItems"] == {}
    assert aws.read(old) == {**old, "m": {"N": "2"}}
    assert aws.read(new) == {**new, "n": {"N": "3"}}
    assert aws.read(gone) is None


@probe
def a_batch_may_name_several_tables(aws: Aws) -> None:
    """Puts and deletes go to one or more tables. Page: BatchWriteItem."""
    gate, row = aws.key(), {"pk": {"S": aws.name()}, "sk": {"S": "a"}}

    aws.dynamodb.batch_write_item(RequestItems={GATE: [put(gate)], PAPER: [put(row)]})

    assert aws.read(gate) == gate
    assert aws.read(row, PAPER) == row


@probe
def a_batch_of_writes_holds_25(aws: Aws) -> None:
    """More than 25 requests in the batch are refused, and none of them is done. Page: BatchWriteItem."""
    keys = [aws.key() for _ in range(26)]

    with invalid():
        write(aws, *(put(key) for key in keys))
    assert [aws.read(key) for key in keys] == [None] * 26

    write(aws, *(put(key) for key in keys[:25]))
    assert aws.read(keys[24]) == keys[24]


@probe
def a_batch_writes_an_item_once(aws: Aws) -> None:
    """Multiple operations on the same item in one batch are refused. Page: BatchWriteItem."""
    key = aws.key()

    for requests in ((put(key), put(key)), (put(key, n={"N": "1"}), delete(key))):
        with invalid():
            write(aws, *requests)
    assert aws.read(key) is None


@probe
def a_batch_checks_its_keys(aws: Aws) -> None:
    """Key attributes that do not match the table's schema are refused, and nothing is done. Page: BatchWriteItem."""
    key = aws.key()

    for wrong in (put({"other": {"S": "x"}}), delete({"other": {"S": "x"}}), put({"gate": {"N": "1"}})):
        with invalid():
            write(aws, put(key), wrong)
    assert aws.read(key) is None


@probe
def a_batch_tells_what_it_used(aws: Aws) -> None:
    """ReturnConsumedCapacity TOTAL gives the units of the batch for each table. Page: BatchWriteItem."""
    answer = write(aws, put(aws.key()), put(aws.key()), ReturnConsumedCapacity="TOTAL")

    assert [(used["TableName"], used["CapacityUnits"]) for used in answer["ConsumedCapacity"]] == [(GATE, 2)]
    assert "ConsumedCapacity" not in write(aws, put(aws.key()))


@probe
def a_write_costs_a_unit_for_each_kb(aws: Aws) -> None:
    """A unit is 1 KB of the larger of the old and the new item, rounded up. Page: Read and write operations."""
    key = aws.stored(pad={"S": "x" * 3000})

    answer = write(aws, put(key, pad={"S": "x"}), ReturnConsumedCapacity="TOTAL")

    assert answer["ConsumedCapacity"][0]["CapacityUnits"] == 3


@probe
def an_index_costs_writes_too(aws: Aws) -> None:
    """A new index entry is a write to it, a change of its key two. Page: Write throughput for secondary indexes."""
    key = {"client_order_id": {"S": aws.name()}}
    shown = {"attention_account": {"S": "a"}, "attention_at": {"S": "1"}}
    units = [
        write(aws, put(key, **attributes), table=ORDERS, ReturnConsumedCapacity="TOTAL")
        for attributes in (shown, {**shown, "n": {"N": "1"}}, {**shown, "attention_at": {"S": "2"}}, {})
    ]

    assert [answer["ConsumedCapacity"][0]["CapacityUnits"] for answer in units] == [2, 2, 3, 2]
