"""Probes of queries, indexes and batches."""

from typing import Any

from tests.conformance.aws import GATE, ORDERS, PAPER, Aws, Item, invalid
from tests.conformance.probe import probe

BY_PK = "pk = :pk"


def fill(aws: Aws, sort_keys: list[str], **attributes: Item) -> str:
    """Store an item for each sort key under a partition key of our own and return that."""
    pk = aws.name()
    for sk in sort_keys:
        aws.dynamodb.put_item(TableName=PAPER, Item={"pk": {"S": pk}, "sk": {"S": sk}, **attributes})
    return pk


def query(aws: Aws, pk: str, condition: str = "", values: Item | None = None, **request: Any) -> Item:
    """Query the paper table by partition key, and by more."""
    answer: Item = aws.dynamodb.query(
        TableName=PAPER,
        KeyConditionExpression=BY_PK + condition,
        ExpressionAttributeValues={":pk": {"S": pk}, **(values or {})},
        **request,
    )
    return answer


def sort_keys(answer: Item) -> list[str]:
    return [item["sk"]["S"] for item in answer["Items"]]


def pages(aws: Aws, pk: str, **request: Any) -> list[list[str]]:
    """Return the sort keys of every page."""
    found: list[list[str]] = []
    start: Item = {}
    while True:
        answer = query(aws, pk, **request, **start)
        found.append(sort_keys(answer))
        if "LastEvaluatedKey" not in answer:
            return found
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def put_order(aws: Aws, account: str, **attributes: str) -> Item:
    """Store an order with these texts, in the index `attention` if they have its key; return its key."""
    key = {"client_order_id": {"S": aws.name()}}
    texts = {name: {"S": value} for name, value in attributes.items()}
    aws.dynamodb.put_item(TableName=ORDERS, Item={**key, "account": {"S": account}, **texts})
    return key


def in_attention(aws: Aws, account: str, **request: Any) -> list[Item]:
    answer = aws.dynamodb.query(
        TableName=ORDERS,
        IndexName="attention",
        KeyConditionExpression="attention_account = :account",
        ExpressionAttributeValues={":account": {"S": account}},
        **request,
    )
    return [{"client_order_id": item["client_order_id"]} for item in answer["Items"]]


@probe
def a_query_sorts_by_the_sort_key(aws: Aws) -> None:
    """Results are sorted by the sort key, strings by their UTF-8 bytes; descending if asked. Page: Query."""
    pk = fill(aws, ["b", "a", "Z", "\u00e9", "10", "9"])
    ordered = ["10", "9", "Z", "a", "b", "\u00e9"]

    assert sort_keys(query(aws, pk)) == ordered
    assert sort_keys(query(aws, pk, ScanIndexForward=False)) == ordered[::-1]
    assert query(aws, pk)["Count"] == 6


@probe
def a_query_sees_one_partition(aws: Aws) -> None:
    """A query returns all items with that partition key value, and no other. Page: Query."""
    pk = fill(aws, ["a"])
    fill(aws, ["b"])

    assert sort_keys(query(aws, pk)) == ["a"]
    assert sort_keys(query(aws, aws.name())) == []


@probe
def pages_follow_each_other(aws: Aws) -> None:
    """ExclusiveStartKey takes the former LastEvaluatedKey; none means the end. Page: Paginating table query results."""
    pk = fill(aws, list("abcde"))

    assert [page for page in pages(aws, pk, Limit=2) if page] == [["a", "b"], ["c", "d"], ["e"]]
    backwards = pages(aws, pk, Limit=3, ScanIndexForward=False)
    assert [page for page in backwards if page] == [["e", "d", "c"], ["b", "a"]]


@probe
def a_page_ends_at_its_limit(aws: Aws) -> None:
    """A query that stops at Limit returns the key to go on with. Page: Query, Limit."""
    pk = fill(aws, list("abc"))

    answer = query(aws, pk, Limit=2)

    assert answer["LastEvaluatedKey"] == {"pk": {"S": pk}, "sk": {"S": "b"}}
    assert "LastEvaluatedKey" not in query(aws, pk)


@probe
def a_key_to_go_on_with_is_no_promise(aws: Aws) -> None:
    """A query that processed as many items as its limit stops with a key, though no more follow. Page: Query, Limit."""
    pk = fill(aws, list("abc"))

    answer = query(aws, pk, Limit=3)

    assert answer["LastEvaluatedKey"] == {"pk": {"S": pk}, "sk": {"S": "c"}}
    assert sort_keys(query(aws, pk, ExclusiveStartKey=answer["LastEvaluatedKey"])) == []


@probe
def a_page_holds_1_mb(aws: Aws) -> None:
    """A query reads at most 1 MB of data a page. Page: Query."""
    pk = fill(aws, list("abcd"), pad={"S": "x" * 390 * 1024})

    found = pages(aws, pk)

    assert [key for page in found for key in page] == list("abcd")
    assert max(map(len, found)) <= 3


@probe
def a_paginator_reads_every_page(aws: Aws) -> None:
    """The client's paginator follows LastEvaluatedKey. Page: Paginating table query results."""
    pk = fill(aws, list("abcde"))

    found = aws.dynamodb.get_paginator("query").paginate(
        TableName=PAPER,
        KeyConditionExpression=BY_PK,
        ExpressionAttributeValues={":pk": {"S": pk}},
        Limit=2,
    )

    assert [key for page in found for key in sort_keys(page)] == list("abcde")


@probe
def a_sort_key_is_compared(aws: Aws) -> None:
    """Sort key conditions: =, <, <=, >, >=, BETWEEN, begins_with. Page: Key condition expressions."""
    pk = fill(aws, ["order#1", "order#2", "trade#1"])
    one, two = {":a": {"S": "order#1"}}, {":a": {"S": "order#1"}, ":b": {"S": "order#2"}}
    found = {
        " AND sk = :a": (one, ["order#1"]),
        " AND sk > :a": (one, ["order#2", "trade#1"]),
        " AND sk >= :a": (one, ["order#1", "order#2", "trade#1"]),
        " AND sk < :a": (one, []),
        " AND sk <= :a": (one, ["order#1"]),
        " AND sk BETWEEN :a AND :b": (two, ["order#1", "order#2"]),
        " AND begins_with(sk, :a)": ({":a": {"S": "order#"}}, ["order#1", "order#2"]),
    }

    assert {
        text: (values, sort_keys(query(aws, pk, text, values))) for text, (values, _) in found.items()
    } == found


@probe
def a_key_condition_names_one_partition(aws: Aws) -> None:
    """The partition key is given by equality, and only key attributes with it. Page: Key condition expressions."""
    for condition in ("pk > :v", "begins_with(pk, :v)", "sk = :v", "pk = :v AND absent = :v", "pk <> :v"):
        with invalid():
            aws.dynamodb.query(
                TableName=PAPER,
                KeyConditionExpression=condition,
                ExpressionAttributeValues={":v": {"S": "a"}},
            )


@probe
def a_key_condition_has_the_keys_type(aws: Aws) -> None:
    """A value in a key condition is of the key's type. Known by AWS's own message. Page: CommonErrors."""
    with invalid():
        aws.dynamodb.query(
            TableName=PAPER, KeyConditionExpression=BY_PK, ExpressionAttributeValues={":pk": {"N": "5"}}
        )


@probe
def a_filter_comes_after_the_limit(aws: Aws) -> None:
    """A filter is applied after the items were read; ScannedCount counts those. Page: Filter expressions for Query."""
    pk = fill(aws, list("ab"))
    aws.dynamodb.put_item(TableName=PAPER, Item={"pk": {"S": pk}, "sk": {"S": "c"}, "n": {"N": "5"}})

    answer = query(
        aws, pk, values={":n": {"N": "5"}}, FilterExpression="n = :n", ProjectionExpression="sk, n"
    )
    first = query(aws, pk, values={":n": {"N": "5"}}, FilterExpression="n = :n", Limit=1)

    assert answer["Items"] == [{"sk": {"S": "c"}, "n": {"N": "5"}}]
    assert (answer["Count"], answer["ScannedCount"]) == (1, 3)
    assert (first["Items"], "LastEvaluatedKey" in first) == ([], True)


@probe
def a_count_shows_no_items(aws: Aws) -> None:
    """Select COUNT returns the number of matching items and not the items. Page: Query, Select."""
    answer = query(aws, fill(aws, list("abc")), Select="COUNT")

    assert answer["Count"] == 3
    assert "Items" not in answer


@probe
def a_sparse_index_holds_what_has_its_key(aws: Aws) -> None:
    """An item appears in an index only if it has the index's key attributes. Page: Sparse indexes."""
    account = aws.name()
    open_order = put_order(aws, account, attention_account=account, attention_at="2026-11-23T04:30Z")
    put_order(aws, account)
    put_order(aws, account, attention_account=account)

    assert in_attention(aws, account) == [open_order]


@probe
def an_index_follows_its_items(aws: Aws) -> None:
    """When an item loses its key it leaves the index, when that changes it moves. Page: Global secondary indexes."""
    account, other = aws.name(), aws.name()
    moved, ended, gone = (
        put_order(aws, account, attention_account=account, attention_at=at) for at in ("1", "2", "3")
    )

    aws.dynamodb.update_item(
        TableName=ORDERS,
        Key=moved,
        UpdateExpression="SET attention_account = :other",
        ExpressionAttributeValues={":other": {"S": other}},
    )
    aws.dynamodb.update_item(TableName=ORDERS, Key=ended, UpdateExpression="REMOVE attention_account")
    aws.dynamodb.delete_item(TableName=ORDERS, Key=gone)

    assert in_attention(aws, account) == []
    assert in_attention(aws, other) == [moved]


@probe
def a_transaction_shows_in_an_index(aws: Aws) -> None:
    """Indexes follow the writes of transactions too. Page: Transactions: how it works."""
    account, key = aws.name(), {"client_order_id": {"S": aws.name()}}
    attention = {"attention_account": {"S": account}, "attention_at": {"S": "1"}}

    aws.dynamodb.transact_write_items(
        TransactItems=[{"Put": {"TableName": ORDERS, "Item": {**key, **attention}}}]
    )

    assert in_attention(aws, account) == [key]


@probe
def an_index_sorts_and_pages(aws: Aws) -> None:
    """An index has an order of its own; its pages go on by its key and the table's. Page: Global secondary indexes."""
    account = aws.name()
    made = [put_order(aws, account, attention_account=account, attention_at=at) for at in ("2", "3", "1")]
    ordered = [made[2], made[0], made[1]]
    first = aws.dynamodb.query(
        TableName=ORDERS,
        IndexName="attention",
        KeyConditionExpression="attention_account = :account",
        ExpressionAttributeValues={":account": {"S": account}},
        Limit=2,
    )

    assert in_attention(aws, account) == ordered
    assert first["LastEvaluatedKey"].keys() == {"client_order_id", "attention_account", "attention_at"}
    assert in_attention(aws, account, ExclusiveStartKey=first["LastEvaluatedKey"]) == ordered[2:]


@probe
def items_of_one_index_key_all_show(aws: Aws) -> None:
    """In an index the key value does not need to be unique. Page: Global secondary indexes."""
    account = aws.name()
    made = [put_order(aws, account, attention_account=account, attention_at="1") for _ in range(5)]
    found: list[Item] = []
    start: Item = {}
    while True:
        answer = aws.dynamodb.query(
            TableName=ORDERS,
            IndexName="attention",
            KeyConditionExpression="attention_account = :account",
            ExpressionAttributeValues={":account": {"S": account}},
            Limit=2,
            **start,
        )
        found += [{"client_order_id": item["client_order_id"]} for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    assert sorted(found, key=str) == sorted(made, key=str)


@probe
def an_index_is_not_read_consistently(aws: Aws) -> None:
    """Strongly consistent reads are not supported on global secondary indexes. Page: Query, ConsistentRead."""
    with invalid():
        in_attention(aws, aws.name(), ConsistentRead=True)


@probe
def an_index_that_is_not_there_is_refused(aws: Aws) -> None:
    """The table has the index that is named. Known by AWS's own message. Page: CommonErrors."""
    with invalid():
        aws.dynamodb.query(
            TableName=GATE,
            IndexName="none",
            KeyConditionExpression="gate = :v",
            ExpressionAttributeValues={":v": {"S": "a"}},
        )


@probe
def a_start_lies_in_the_partition(aws: Aws) -> None:
    """A starting key is of the queried partition. Known by AWS's own message. Page: CommonErrors."""
    pk = fill(aws, ["a"])

    with invalid():
        query(aws, pk, ExclusiveStartKey={"pk": {"S": "other"}, "sk": {"S": "a"}})
    with invalid():
        query(aws, pk, ExclusiveStartKey={"pk": {"S": pk}})


@probe
def a_batch_reads_what_is_there(aws: Aws) -> None:
    """A batch returns the items that exist, in no order. Page: BatchGetItem."""
    keys = [aws.stored(n={"N": "5"}), aws.key(), aws.stored(n={"N": "5"})]

    answer = aws.dynamodb.batch_get_item(RequestItems={GATE: {"Keys": keys, "ConsistentRead": True}})

    found = sorted(answer["Responses"][GATE], key=str)
    assert found == sorted(({**key, "n": {"N": "5"}} for key in (keys[0], keys[2])), key=str)
    assert not answer.get("UnprocessedKeys")


@probe
def a_batch_has_100_distinct_keys(aws: Aws) -> None:
    """Up to 100 items a batch, each key once. Page: BatchGetItem."""
    key = aws.key()

    for keys in ([aws.key() for _ in range(101)], [key, key]):
        with invalid():
            aws.dynamodb.batch_get_item(RequestItems={GATE: {"Keys": keys}})


@probe
def a_read_shows_only_what_is_asked(aws: Aws) -> None:
    """ProjectionExpression names the attributes to retrieve, nested ones too. Page: Projection expressions."""
    key = aws.stored(n={"N": "5"}, nested={"M": {"a": {"N": "1"}, "b": {"N": "2"}}})

    found = aws.dynamodb.get_item(TableName=GATE, Key=key, ProjectionExpression="n, nested.b, absent")

    assert found["Item"] == {"n": {"N": "5"}, "nested": {"M": {"b": {"N": "2"}}}}
