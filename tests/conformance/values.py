"""Probes of data types, keys and limits."""

from typing import Any

from tests.conformance.aws import GATE, ORDERS, Aws, Item, invalid, refused
from tests.conformance.probe import probe

KB = 1024


def nested(levels: int) -> Any:
    value: Any = {"S": "deep"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


@probe
def a_number_keeps_38_digits(aws: Aws) -> None:
    """Numbers have up to 38 digits of precision. Page: Naming rules and data types, number."""
    for digits in ("9" * 38, "-0." + "1" * 38, "1" * 20 + "." + "2" * 18):
        key = aws.stored(n={"N": digits})
        assert (aws.read(key) or {})["n"] == {"N": digits}


@probe
def a_number_of_39_digits_is_refused(aws: Aws) -> None:
    """More than 38 digits of precision results in an exception. Page: Naming rules and data types, number."""
    with invalid():
        aws.stored(n={"N": "1" * 39})
    with invalid():
        aws.stored(n={"N": "1." + "1" * 38})


@probe
def a_number_has_a_magnitude(aws: Aws) -> None:
    """Numbers lie between 1E-130 and 9.99...E+125. Page: Naming rules and data types, number."""
    for digits in ("1E+126", "-1E+126", "1E-131"):
        with invalid():
            aws.stored(n={"N": digits})


@probe
def needless_zeros_are_trimmed(aws: Aws) -> None:
    """Leading and trailing zeroes are trimmed. Page: Naming rules and data types, number."""
    spelled = {"007": "7", "1.50": "1.5", "0.0": "0", "-0.10": "-0.1", "1E2": "100", "+5": "5"}
    for given, kept in spelled.items():
        key = aws.stored(n={"N": given})
        assert (aws.read(key) or {})["n"] == {"N": kept}, given


@probe
def what_is_no_number_is_refused(aws: Aws) -> None:
    """A number is sent as text and must be one. Known by AWS's own message. Page: CommonErrors."""
    for text in ("", "five", "NaN", "Infinity", "1 000", "0x10"):
        with invalid():
            aws.stored(n={"N": text})


@probe
def every_type_comes_back_as_it_went_in(aws: Aws) -> None:
    """Scalars, documents and sets. Page: Naming rules and data types."""
    attributes: Item = {
        "text": {"S": "\u20b9 1,500"},
        "empty": {"S": ""},
        "truth": {"BOOL": False},
        "missing": {"NULL": True},
        "data": {"B": b"\x00\xff"},
        "nested": {"M": {"many": {"L": [{"S": "x"}, {"N": "5"}, {"M": {}}]}}},
    }

    key = aws.stored(**attributes)

    assert aws.read(key) == {**key, **attributes}


@probe
def an_item_holds_400_kb_names_counted(aws: Aws) -> None:
    """An item has at most 400 KB, attribute names and values together. Page: Constraints, item size."""
    key = aws.key()
    used = len("gate") + len(key["gate"]["S"]) + len("pad")

    aws.dynamodb.put_item(TableName=GATE, Item={**key, "pad": {"S": "x" * (400 * KB - used)}})
    with invalid():
        aws.dynamodb.put_item(TableName=GATE, Item={**key, "pad": {"S": "x" * (400 * KB - used + 1)}})


@probe
def a_size_is_counted_in_utf8(aws: Aws) -> None:
    """Strings are Unicode in UTF-8, and so is their size. Page: Item sizes and formats."""
    with invalid():
        aws.stored(pad={"S": "\u20b9" * (150 * KB)})


@probe
def an_update_does_not_outgrow_an_item(aws: Aws) -> None:
    """The limit of 400 KB holds for the updated item. Page: Constraints, item size."""
    key = aws.stored(pad={"S": "x" * (300 * KB)})

    with invalid():
        aws.update(key, "SET more = :more", ExpressionAttributeValues={":more": {"S": "x" * (101 * KB)}})
    assert "more" not in (aws.read(key) or {})


@probe
def documents_nest_32_levels(aws: Aws) -> None:
    """Lists and maps nest up to 32 levels deep. Page: Constraints, nested attribute depth."""
    aws.stored(deep=nested(31))
    with invalid():
        aws.stored(deep=nested(33))


@probe
def a_key_is_not_empty(aws: Aws) -> None:
    """A string key must have a length greater than zero. Page: Constraints, partition keys and sort keys."""
    with invalid():
        aws.dynamodb.put_item(TableName=GATE, Item={"gate": {"S": ""}})
    with invalid():
        aws.read({"gate": {"S": ""}})


@probe
def a_partition_key_has_2048_bytes(aws: Aws) -> None:
    """A partition key value has 1 to 2048 bytes. Page: Constraints, partition keys and sort keys."""
    aws.dynamodb.put_item(TableName=GATE, Item={"gate": {"S": "k" * 2048}})
    with invalid():
        aws.dynamodb.put_item(TableName=GATE, Item={"gate": {"S": "k" * 2049}})


@probe
def an_item_has_its_key_in_the_right_type(aws: Aws) -> None:
    """Every item has all of its table's key attributes, of their types. Page: PutItem."""
    with invalid():
        aws.dynamodb.put_item(TableName=GATE, Item={"other": {"S": "x"}})
    with invalid():
        aws.dynamodb.put_item(TableName=GATE, Item={"gate": {"N": "5"}})


@probe
def a_key_has_just_its_attributes(aws: Aws) -> None:
    """For the primary key all of its attributes must be given, and no others. Page: GetItem."""
    for key in ({"gate": {"N": "5"}}, {"other": {"S": "x"}}, {**aws.key(), "n": {"N": "5"}}):
        with invalid():
            aws.read(key)


@probe
def a_set_is_never_empty(aws: Aws) -> None:
    """Empty sets are not allowed. Page: Naming rules and data types, sets."""
    for kind in ("SS", "NS"):
        with invalid():
            aws.stored(marks={kind: []})
    with invalid():
        aws.update(aws.key(), "ADD marks :none", ExpressionAttributeValues={":none": {"SS": []}})


@probe
def a_set_holds_each_value_once(aws: Aws) -> None:
    """Each value within a set must be unique. Page: Naming rules and data types, sets."""
    with invalid():
        aws.stored(marks={"SS": ["a", "b", "a"]})


@probe
def an_index_key_has_its_type_and_is_not_empty(aws: Aws) -> None:
    """An index key attribute, where there is one, is of its type and not empty. Pages: PutItem; Constraints."""
    for wrong in ({"N": "5"}, {"S": ""}):
        with invalid():
            aws.dynamodb.put_item(
                TableName=ORDERS, Item={"client_order_id": {"S": aws.name()}, "account_day": wrong}
            )


@probe
def a_null_is_true(aws: Aws) -> None:
    """An attribute of type NULL has the value true. Known by AWS's own message. Page: CommonErrors."""
    with invalid():
        aws.stored(nothing={"NULL": False})


@probe
def an_attribute_has_one_type(aws: Aws) -> None:
    """Of the data types of AttributeValue one is given. Known by AWS's own message. Page: CommonErrors."""
    with invalid():
        aws.stored(two={"S": "x", "N": "5"})
    with invalid():
        aws.stored(none={})


@probe
def a_table_that_is_not_there_is_not_found(aws: Aws) -> None:
    """ResourceNotFoundException: the table does not exist. Page: GetItem, errors."""
    with refused("ResourceNotFoundException"):
        aws.read(aws.key(), table="NoSuchTable")
    with refused("ResourceNotFoundException"):
        aws.dynamodb.put_item(TableName="NoSuchTable", Item=aws.key())
    with refused("ResourceNotFoundException"):
        aws.dynamodb.describe_table(TableName="NoSuchTable")


@probe
def a_table_is_described(aws: Aws) -> None:
    """TableStatus is ACTIVE when the table is ready for use. Page: DescribeTable."""
    table = aws.dynamodb.describe_table(TableName=ORDERS)["Table"]

    assert table["TableStatus"] == "ACTIVE"
    assert table["KeySchema"] == [{"AttributeName": "client_order_id", "KeyType": "HASH"}]
