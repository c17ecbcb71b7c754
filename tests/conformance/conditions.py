"""Probes of condition expressions."""

import operator
from itertools import product
from typing import Any

from tests.conformance.aws import GATE, Aws, holds, invalid, refused
from tests.conformance.probe import probe

FAILED = "ConditionalCheckFailedException"
FIVE, NINE, TEN = {"N": "5"}, {"N": "9"}, {"N": "10"}
COMPARATORS = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@probe
def an_item_that_must_not_exist_is_put_once(aws: Aws) -> None:
    """`attribute_not_exists` on the key keeps a put from replacing an item. Page: PutItem."""
    item = aws.key()
    once = {"TableName": GATE, "Item": item, "ConditionExpression": "attribute_not_exists(gate)"}
    aws.dynamodb.put_item(**once)

    with refused(FAILED):
        aws.dynamodb.put_item(**once)


@probe
def an_attribute_exists_or_does_not(aws: Aws) -> None:
    """`attribute_exists` and `attribute_not_exists` ask whether a path is there. Page: Operators and functions."""
    key = aws.stored(seen={"NULL": True})

    assert holds(aws, key, "attribute_exists(seen)")
    assert not holds(aws, key, "attribute_not_exists(seen)")
    assert not holds(aws, key, "attribute_exists(absent)")
    assert not holds(aws, aws.key(), "attribute_exists(gate)")


@probe
def numbers_compare_by_value(aws: Aws) -> None:
    """=, <>, <, <=, > and >= compare two operands; numbers compare as numbers. Page: Operators and functions."""
    key = aws.stored(n=NINE)

    for (symbol, compare), other in product(COMPARATORS.items(), (5, 9, 10)):
        assert holds(aws, key, f"n {symbol} :other", other={"N": str(other)}) == compare(9, other), symbol


@probe
def texts_compare_by_their_bytes(aws: Aws) -> None:
    """Strings are compared by the bytes of their UTF-8 encoding: "Z" comes before "a". Page: Data types."""
    key = aws.stored(word={"S": "Z"})

    assert holds(aws, key, "word < :other", other={"S": "a"})
    assert holds(aws, key, "word < :other", other={"S": "\u00e9"})
    assert not holds(aws, key, "word < :other", other={"S": "Y\uffff"})


@probe
def values_of_two_types_are_never_equal(aws: Aws) -> None:
    """A value of another type does not match, in equality and in order. Page: Legacy conditions, EQ and LT."""
    key = aws.stored(n=NINE)

    assert not holds(aws, key, "n = :other", other={"S": "9"})
    assert holds(aws, key, "n <> :other", other={"S": "9"})
    assert not holds(aws, key, "n < :other", other={"S": "99"})


@probe
def equal_numbers_may_be_spelled_differently(aws: Aws) -> None:
    """Leading and trailing zeros of numbers are trimmed. Page: Naming rules and data types."""
    key = aws.stored(n={"N": "1500.50"})

    assert holds(aws, key, "n = :other", other={"N": "01500.5"})


@probe
def between_includes_both_ends(aws: Aws) -> None:
    """a BETWEEN b AND c: true if a >= b and a <= c. Page: Operators and functions."""
    key = aws.stored(n=NINE)

    assert holds(aws, key, "n BETWEEN :low AND :high", low=NINE, high=TEN)
    assert holds(aws, key, "n BETWEEN :low AND :high", low=FIVE, high=NINE)
    assert not holds(aws, key, "n BETWEEN :low AND :high", low=TEN, high={"N": "11"})


@probe
def in_takes_any_of_a_list(aws: Aws) -> None:
    """a IN (b, c): true if a equals any value of the list. Page: Operators and functions."""
    key = aws.stored(word={"S": "open"})

    assert holds(aws, key, "word IN (:a, :b)", a={"S": "filled"}, b={"S": "open"})
    assert not holds(aws, key, "word IN (:a, :b)", a={"S": "filled"}, b={"S": "ope"})


@probe
def a_text_begins_with_another(aws: Aws) -> None:
    """`begins_with` is true if the attribute begins with the substring. Page: Operators and functions."""
    key = aws.stored(word={"S": "order#1"})

    assert holds(aws, key, "begins_with(word, :start)", start={"S": "order#"})
    assert not holds(aws, key, "begins_with(word, :start)", start={"S": "rder"})
    assert not holds(aws, key, "begins_with(absent, :start)", start={"S": "order#"})


@probe
def contains_looks_into_texts_sets_and_lists(aws: Aws) -> None:
    """`contains`: a substring of a string, an element of a set or of a list. Page: Operators and functions."""
    key = aws.stored(word={"S": "order#1"}, marks={"SS": ["a-1", "b-2"]}, many={"L": [NINE, {"S": "x"}]})

    assert holds(aws, key, "contains(word, :part)", part={"S": "der#"})
    assert holds(aws, key, "contains(marks, :part)", part={"S": "a-1"})
    assert not holds(aws, key, "contains(marks, :part)", part={"S": "a"})
    assert holds(aws, key, "contains(many, :part)", part=NINE)
    assert not holds(aws, key, "contains(absent, :part)", part={"S": "a"})


@probe
def size_counts_characters_and_elements(aws: Aws) -> None:
    """`size`: a string's length, the number of elements of a set, list or map. Page: Operators and functions."""
    key = aws.stored(word={"S": "order"}, marks={"SS": ["a", "b"]}, many={"L": [NINE]}, nested={"M": {}})

    assert holds(aws, key, "size(word) = :n", n=FIVE)
    assert holds(aws, key, "size(marks) = :n", n={"N": "2"})
    assert holds(aws, key, "size(many) = :n", n={"N": "1"})
    assert holds(aws, key, "size(nested) < :n", n={"N": "1"})


@probe
def an_attribute_has_a_type(aws: Aws) -> None:
    """`attribute_type` is true if the attribute is of that data type. Page: Operators and functions."""
    key = aws.stored(marks={"SS": ["a"]})

    assert holds(aws, key, "attribute_type(marks, :kind)", kind={"S": "SS"})
    assert not holds(aws, key, "attribute_type(marks, :kind)", kind={"S": "S"})


@probe
def not_binds_before_and_and_and_before_or(aws: Aws) -> None:
    """Precedence: comparisons, functions, parentheses, NOT, AND, OR. Page: Operators and functions."""
    key = aws.stored(a={"S": "yes"}, b={"S": "no"})
    yes, no = {"S": "yes"}, {"S": "no"}

    assert holds(aws, key, "a = :yes OR b = :yes AND b = :yes", yes=yes)
    assert not holds(aws, key, "(a = :yes OR b = :yes) AND b = :yes", yes=yes)
    assert holds(aws, key, "NOT b = :yes AND b = :no", yes=yes, no=no)
    assert not holds(aws, key, "NOT (b = :yes OR b = :no)", yes=yes, no=no)


@probe
def a_path_leads_into_maps_and_lists(aws: Aws) -> None:
    """A document path names nested attributes by `.` and `[n]`. Page: Referring to item attributes."""
    key = aws.stored(bracket={"M": {"legs": {"L": [{"M": {"quantity": FIVE}}]}}})

    assert holds(aws, key, "bracket.legs[0].quantity = :n", n=FIVE)
    assert not holds(aws, key, "attribute_exists(bracket.legs[1])")
    assert not holds(aws, key, "attribute_exists(bracket.legs.quantity)")


@probe
def a_reserved_word_is_no_name(aws: Aws) -> None:
    """A reserved word as an attribute name needs a placeholder. Pages: Reserved words; Expression attribute names."""
    key = aws.stored(state={"S": "open"})
    values = {":open": {"S": "open"}}
    request = {"TableName": GATE, "Item": key, "ExpressionAttributeValues": values}

    with invalid():
        aws.dynamodb.put_item(**request, ConditionExpression="state = :open")
    names = {"#state": "state"}
    aws.dynamodb.put_item(**request, ConditionExpression="#state = :open", ExpressionAttributeNames=names)


@probe
def a_placeholder_that_is_not_used_is_refused(aws: Aws) -> None:
    """Every value and name that is given is used. Known by AWS's own message. Page: CommonErrors."""
    request = {"TableName": GATE, "Item": aws.key(), "ConditionExpression": "attribute_not_exists(gate)"}

    with invalid():
        aws.dynamodb.put_item(**request, ExpressionAttributeValues={":spare": FIVE})
    with invalid():
        aws.dynamodb.put_item(**request, ExpressionAttributeNames={"#spare": "gate"})


@probe
def a_placeholder_that_is_not_given_is_refused(aws: Aws) -> None:
    """Every value and name that is used is given. Known by AWS's own message. Page: CommonErrors."""
    request = {"TableName": GATE, "Item": aws.key()}

    with invalid():
        aws.dynamodb.put_item(**request, ConditionExpression="n = :missing")
    with invalid():
        aws.dynamodb.put_item(**request, ConditionExpression="attribute_exists(#missing)")


@probe
def an_expression_must_be_well_formed(aws: Aws) -> None:
    """What is not of the grammar is refused. Page: Operators and functions, syntax of condition expressions."""
    for expression in ("n =", "n = :n AND", "attribute_exists(n", "n == :n", ""):
        values = {"ExpressionAttributeValues": {":n": FIVE}} if ":n" in expression else {}
        with invalid():
            aws.dynamodb.put_item(TableName=GATE, Item=aws.key(), ConditionExpression=expression, **values)


@probe
def a_function_is_one_of_the_list(aws: Aws) -> None:
    """Only the functions of the syntax are known, by their exact names. Page: Operators and functions, functions."""
    for function in ("guess", "ATTRIBUTE_EXISTS"):
        with invalid():
            aws.update(aws.key(), "REMOVE n", ConditionExpression=f"{function}(n)")


@probe
def a_type_that_has_no_order_is_not_compared(aws: Aws) -> None:
    """<, <=, >, >= and BETWEEN take strings, numbers and binaries. Page: Legacy conditions, LT."""
    with invalid():
        aws.update(
            aws.key(),
            "SET seen = :truth",
            ConditionExpression="n < :truth",
            ExpressionAttributeValues={":truth": {"BOOL": True}},
        )


@probe
def a_failed_condition_shows_the_item_if_asked(aws: Aws) -> None:
    """ReturnValuesOnConditionCheckFailure ALL_OLD returns the item in the error, NONE nothing. Page: PutItem."""
    key = aws.stored(n=FIVE)
    request = {"TableName": GATE, "Item": key, "ConditionExpression": "attribute_not_exists(gate)"}

    with refused(FAILED) as caught:
        aws.dynamodb.put_item(**request, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    shown: Any = caught.value.response
    assert shown["Item"] == {**key, "n": FIVE}
    with refused(FAILED) as caught:
        aws.dynamodb.put_item(**request)
    assert "Item" not in caught.value.response


@probe
def a_failed_condition_on_nothing_shows_nothing(aws: Aws) -> None:
    """There is no item to return where none is stored. Page: UpdateItem."""
    with refused(FAILED) as caught:
        aws.update(
            aws.key(),
            "SET n = :n",
            ConditionExpression="attribute_exists(gate)",
            ExpressionAttributeValues={":n": FIVE},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert not caught.value.response.get("Item")


@probe
def a_delete_is_conditional_too(aws: Aws) -> None:
    """A delete whose condition is false deletes nothing. Page: DeleteItem."""
    key = aws.stored(n=FIVE)
    request = {"TableName": GATE, "Key": key, "ConditionExpression": "n = :n"}

    with refused(FAILED):
        aws.dynamodb.delete_item(**request, ExpressionAttributeValues={":n": NINE})
    assert aws.read(key) is not None
    aws.dynamodb.delete_item(**request, ExpressionAttributeValues={":n": FIVE})
    assert aws.read(key) is None
