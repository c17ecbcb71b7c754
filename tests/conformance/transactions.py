"""Probes of transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.conformance.aws import GATE, Aws, Item, invalid, refused
from tests.conformance.probe import probe

ONE = {"N": "1"}


def put_new(key: Item, **attributes: Item) -> Item:
    """Put an item that must not be there, and ask to see the one that is."""
    return {
        "Put": {
            "TableName": GATE,
            "Item": {**key, **attributes},
            "ConditionExpression": "attribute_not_exists(gate)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def count_up(key: Item, **request: Any) -> Item:
    values = {":one": ONE, **request.pop("ExpressionAttributeValues", {})}
    update = {"TableName": GATE, "Key": key, "UpdateExpression": "ADD n :one", **request}
    return {"Update": {**update, "ExpressionAttributeValues": values}}


def remove(key: Item, **request: Any) -> Item:
    return {"Delete": {"TableName": GATE, "Key": key, **request}}


def check(key: Item, condition: str, **request: Any) -> Item:
    return {"ConditionCheck": {"TableName": GATE, "Key": key, "ConditionExpression": condition, **request}}


@contextmanager
def cancelled(*codes: str) -> Iterator[list[Item]]:
    """The block's transaction must be cancelled for these reasons in this order; yields the reasons."""
    reasons: list[Item] = []
    with refused("TransactionCanceledException") as caught:
        yield reasons
    response: Any = caught.value.response
    reasons += response["CancellationReasons"]
    assert tuple(reason["Code"] for reason in reasons) == codes


@probe
def all_of_a_transaction_is_done(aws: Aws) -> None:
    """Put, Update, Delete and ConditionCheck succeed together. Page: TransactWriteItems."""
    made, counted, gone, seen = aws.key(), aws.key(), aws.stored(), aws.stored()

    aws.dynamodb.transact_write_items(
        TransactItems=[put_new(made), count_up(counted), remove(gone), check(seen, "attribute_exists(gate)")]
    )

    assert [aws.read(key) for key in (made, counted, gone, seen)] == [made, {**counted, "n": ONE}, None, seen]


@probe
def one_failed_condition_cancels_all(aws: Aws) -> None:
    """All operations succeed or none does. Page: Transactions: how it works."""
    made, counted, gone, seen = aws.key(), aws.stored(n=ONE), aws.stored(), aws.key()

    with cancelled("None", "None", "None", "ConditionalCheckFailed"):
        aws.dynamodb.transact_write_items(
            TransactItems=[
                put_new(made),
                count_up(counted),
                remove(gone),
                check(seen, "attribute_exists(gate)"),
            ]
        )

    assert [aws.read(key) for key in (made, counted, gone)] == [None, {**counted, "n": ONE}, gone]


@probe
def reasons_come_in_the_order_of_the_operations(aws: Aws) -> None:
    """The list of reasons is in the order of TransactItems; NONE where nothing was wrong. Page: TransactWriteItems."""
    there, full = aws.stored(), aws.stored(n={"N": "100"})
    room = {"ConditionExpression": "n < :limit", "ExpressionAttributeValues": {":limit": {"N": "100"}}}

    with cancelled("ConditionalCheckFailed", "None", "ConditionalCheckFailed", "None"):
        aws.dynamodb.transact_write_items(
            TransactItems=[
                put_new(there),
                check(aws.key(), "attribute_not_exists(gate)"),
                count_up(full, **room),
                put_new(aws.key()),
            ]
        )


@probe
def a_reason_shows_the_item_if_asked(aws: Aws) -> None:
    """ReturnValuesOnConditionCheckFailure ALL_OLD puts the item into the reason. Pages: Put; CancellationReason."""
    there, other = aws.stored(owner={"S": "w-1"}), aws.stored()
    unasked = check(other, "attribute_not_exists(gate)")

    with cancelled("ConditionalCheckFailed", "ConditionalCheckFailed") as reasons:
        aws.dynamodb.transact_write_items(TransactItems=[put_new(there), unasked])

    assert reasons[0]["Item"] == {**there, "owner": {"S": "w-1"}}
    assert "Item" not in reasons[1]
    assert reasons[0]["Message"] == "The conditional request failed"


@probe
def a_reason_shows_no_item_where_none_is(aws: Aws) -> None:
    """There is no item to return where none is stored. Page: CancellationReason."""
    missing = check(aws.key(), "attribute_exists(gate)", ReturnValuesOnConditionCheckFailure="ALL_OLD")

    with cancelled("ConditionalCheckFailed") as reasons:
        aws.dynamodb.transact_write_items(TransactItems=[missing])

    assert not reasons[0].get("Item")


@probe
def an_update_that_cannot_be_done_cancels_all(aws: Aws) -> None:
    """A wrong type met while it is done is a reason ValidationError. Page: TransactWriteItems, cancellation reasons."""
    made, word = aws.key(), aws.stored(n={"S": "text"})

    with cancelled("None", "ValidationError"):
        aws.dynamodb.transact_write_items(TransactItems=[put_new(made), count_up(word)])

    assert aws.read(made) is None


@probe
def a_token_makes_a_repeat_harmless(aws: Aws) -> None:
    """A repeat with the same ClientRequestToken changes nothing, 10 minutes long. Page: TransactWriteItems."""
    key, token = aws.key(), aws.name()

    for _ in range(3):
        aws.dynamodb.transact_write_items(TransactItems=[count_up(key)], ClientRequestToken=token)

    assert aws.read(key) == {**key, "n": ONE}


@probe
def a_token_repeats_although_its_condition_fails_now(aws: Aws) -> None:
    """The repeat is answered with success, not judged anew. Page: Transactions: how it works, idempotency."""
    operations, token = [put_new(aws.key())], aws.name()

    for _ in range(2):
        aws.dynamodb.transact_write_items(TransactItems=operations, ClientRequestToken=token)


@probe
def a_token_is_for_one_request(aws: Aws) -> None:
    """The same token with another parameter is IdempotentParameterMismatch. Page: TransactWriteItems, errors."""
    key, token = aws.key(), aws.name()
    aws.dynamodb.transact_write_items(TransactItems=[count_up(key)], ClientRequestToken=token)

    with refused("IdempotentParameterMismatchException"):
        aws.dynamodb.transact_write_items(TransactItems=[count_up(aws.key())], ClientRequestToken=token)
    assert aws.read(key) == {**key, "n": ONE}


@probe
def a_cancelled_transaction_may_be_asked_again_with_its_token(aws: Aws) -> None:
    """Only a request that succeeded is remembered by its token. Page: Transactions: how it works, idempotency."""
    key, token = aws.stored(), aws.name()
    operations = [put_new(key)]
    with cancelled("ConditionalCheckFailed"):
        aws.dynamodb.transact_write_items(TransactItems=operations, ClientRequestToken=token)

    aws.dynamodb.delete_item(TableName=GATE, Key=key)
    aws.dynamodb.transact_write_items(TransactItems=operations, ClientRequestToken=token)

    assert aws.read(key) == key


@probe
def a_transaction_meets_an_item_once(aws: Aws) -> None:
    """No two operations of a transaction may target the same item. Page: TransactWriteItems."""
    key = aws.stored()

    with invalid():
        aws.dynamodb.transact_write_items(TransactItems=[count_up(key), check(key, "attribute_exists(gate)")])


@probe
def a_transaction_has_100_operations(aws: Aws) -> None:
    """Up to 100 actions; more is a ValidationException. Page: TransactWriteItems."""
    keys = [aws.key() for _ in range(101)]

    aws.dynamodb.transact_write_items(TransactItems=[count_up(key) for key in keys[:100]])
    with invalid():
        aws.dynamodb.transact_write_items(TransactItems=[count_up(key) for key in keys])
    assert aws.read(keys[100]) is None


@probe
def a_transaction_has_4_mb(aws: Aws) -> None:
    """The items of a transaction have at most 4 MB together. Page: TransactWriteItems."""
    pad = {"S": "x" * 399 * 1024}

    with invalid():
        aws.dynamodb.transact_write_items(TransactItems=[put_new(aws.key(), pad=pad) for _ in range(11)])


@probe
def a_user_error_refuses_the_whole_request(aws: Aws) -> None:
    """The entire request is rejected if there is a user error such as a wrong key. Page: TransactWriteItems."""
    made = aws.key()

    with refused("ValidationException", "TransactionCanceledException"):
        aws.dynamodb.transact_write_items(TransactItems=[put_new(made), count_up({"gate": {"N": "5"}})])
    assert aws.read(made) is None


@probe
def a_transaction_on_a_missing_table_is_refused(aws: Aws) -> None:
    """ResourceNotFoundException: a table does not exist. Page: TransactWriteItems, errors."""
    made = aws.key()
    elsewhere = {"Put": {"TableName": "NoSuchTable", "Item": aws.key()}}

    with refused("ResourceNotFoundException"):
        aws.dynamodb.transact_write_items(TransactItems=[put_new(made), elsewhere])
    assert aws.read(made) is None


@probe
def a_set_is_kept_by_conditional_updates(aws: Aws) -> None:
    """ADD and DELETE of set elements under a `contains` condition. Pages: Update expressions; Operators."""
    key, value = aws.key(), {":one": {"S": "o-1"}, ":ones": {"SS": ["o-1"]}}
    update = {"TableName": GATE, "Key": key, "ExpressionAttributeValues": value}
    add = {
        "UpdateExpression": "ADD open_orders :ones",
        "ConditionExpression": "NOT contains(open_orders, :one)",
    }
    take = {
        "UpdateExpression": "DELETE open_orders :ones",
        "ConditionExpression": "contains(open_orders, :one)",
    }

    aws.dynamodb.transact_write_items(TransactItems=[{"Update": {**update, **add}}])
    with cancelled("ConditionalCheckFailed"):
        aws.dynamodb.transact_write_items(TransactItems=[{"Update": {**update, **add}}])
    aws.dynamodb.transact_write_items(TransactItems=[{"Update": {**update, **take}}])

    assert aws.read(key) == key
