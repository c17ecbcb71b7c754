"""Probes of lists that grow and change hands in one update: notices that wait for a summary."""

import pytest
from botocore.exceptions import ClientError

from tests.conformance.aws import GATE, Aws, Item, refused
from tests.conformance.probe import probe

HOLD = (
    "SET entries = list_append(if_not_exists(entries, :none), :more),"
    " ids = list_append(if_not_exists(ids, :none), :ids)"
)
ROOM = "NOT contains(ids, :id) AND (attribute_not_exists(ids) OR size(ids) < :most)"
TAKE = "SET taken = entries, taken_more = if_not_exists(more, :zero) REMOVE entries, ids, more"


def hold(aws: Aws, key: Item, name: str) -> None:
    values = {
        ":none": {"L": []},
        ":more": {"L": [{"M": {"id": {"S": name}}}]},
        ":ids": {"L": [{"S": name}]},
        ":id": {"S": name},
        ":most": {"N": "2"},
    }
    aws.update(key, HOLD, ConditionExpression=ROOM, ExpressionAttributeValues=values)


@probe
def a_list_that_is_not_there_is_begun_and_goes_on(aws: Aws) -> None:
    """list_append over if_not_exists begins a list or adds at its end. Page: Update expressions, SET."""
    key = aws.key()

    hold(aws, key, "a")
    hold(aws, key, "b")

    assert (aws.read(key) or {})["ids"] == {"L": [{"S": "a"}, {"S": "b"}]}


@probe
def a_list_is_asked_what_is_in_it_and_how_long_it_is(aws: Aws) -> None:
    """`contains` looks into a list, `size` counts its elements. Page: Operators and functions."""
    key = aws.key()
    hold(aws, key, "a")

    with refused("ConditionalCheckFailedException"):
        hold(aws, key, "a")
    hold(aws, key, "b")
    with refused("ConditionalCheckFailedException"):
        hold(aws, key, "c")

    assert (aws.read(key) or {})["ids"] == {"L": [{"S": "a"}, {"S": "b"}]}


@probe
def an_attribute_is_moved_in_one_update(aws: Aws) -> None:
    """SET reads the item as it was before the update, and REMOVE takes the old place away. Page: UpdateItem."""
    key = aws.key()
    hold(aws, key, "a")

    aws.update(
        key,
        TAKE,
        ConditionExpression="attribute_exists(entries) AND attribute_not_exists(taken)",
        ExpressionAttributeValues={":zero": {"N": "0"}},
    )

    entry = {"M": {"id": {"S": "a"}}}
    assert aws.read(key) == {**key, "taken": {"L": [entry]}, "taken_more": {"N": "0"}}


@probe
def what_was_taken_is_not_taken_twice(aws: Aws) -> None:
    """A condition that does not hold leaves the item as it is. Page: Condition expressions."""
    key = aws.stored(taken={"L": []}, entries={"L": [{"S": "b"}]})

    with pytest.raises(ClientError):
        aws.update(
            key,
            TAKE,
            ConditionExpression="attribute_exists(entries) AND attribute_not_exists(taken)",
            ExpressionAttributeValues={":zero": {"N": "0"}},
        )

    found = aws.dynamodb.get_item(TableName=GATE, Key=key, ConsistentRead=True)["Item"]
    assert found["entries"] == {"L": [{"S": "b"}]}
