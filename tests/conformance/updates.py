"""Probes of update expressions."""

from tests.conformance.aws import GATE, Aws, invalid
from tests.conformance.probe import probe

ONE, FIVE = {"N": "1"}, {"N": "5"}


@probe
def an_update_makes_the_item_that_is_not_there(aws: Aws) -> None:
    """UpdateItem adds a new item to the table if it does not already exist. Page: UpdateItem."""
    key = aws.key()

    aws.update(key, "SET n = :n", ExpressionAttributeValues={":n": FIVE})

    assert aws.read(key) == {**key, "n": FIVE}


@probe
def an_expression_has_at_most_4_kb(aws: Aws) -> None:
    """The maximum length of any expression string is 4 KB. Page: Constraints, expression parameters."""
    key, widest = aws.key(), "SET n = :n"
    widest += " " * (4096 - len(widest))

    aws.update(key, widest, ExpressionAttributeValues={":n": FIVE})
    with invalid():
        aws.update(key, widest + " ", ExpressionAttributeValues={":n": FIVE})


@probe
def add_counts_from_zero(aws: Aws) -> None:
    """ADD on a number that does not exist uses 0 as its value. Page: Update expressions, ADD."""
    key = aws.key()

    for _ in range(2):
        aws.update(key, "ADD n :one", ExpressionAttributeValues={":one": ONE})
    aws.update(key, "ADD n :less", ExpressionAttributeValues={":less": {"N": "-5"}})

    assert aws.read(key) == {**key, "n": {"N": "-3"}}


@probe
def add_takes_numbers_and_sets_only(aws: Aws) -> None:
    """ADD supports only number and set data types. Page: Update expressions, ADD."""
    key = aws.stored(word={"S": "a"}, n=ONE)

    with invalid():
        aws.update(key, "ADD word :one", ExpressionAttributeValues={":one": ONE})
    with invalid():
        aws.update(key, "ADD n :word", ExpressionAttributeValues={":word": {"S": "a"}})
    with invalid():
        aws.update(key, "ADD n :marks", ExpressionAttributeValues={":marks": {"SS": ["a"]}})
    with invalid():
        aws.update(key, "ADD absent :word", ExpressionAttributeValues={":word": {"S": "a"}})


@probe
def add_makes_a_set_and_joins_sets(aws: Aws) -> None:
    """ADD appends a set's elements to a set, which it makes if it is not there. Page: Update expressions, ADD."""
    key = aws.key()

    aws.update(key, "ADD marks :more", ExpressionAttributeValues={":more": {"SS": ["b", "a"]}})
    aws.update(key, "ADD marks :more", ExpressionAttributeValues={":more": {"SS": ["c", "a"]}})

    assert sorted((aws.read(key) or {})["marks"]["SS"]) == ["a", "b", "c"]


@probe
def delete_takes_elements_out_of_a_set(aws: Aws) -> None:
    """DELETE removes elements from a set; those not in it do no harm. Page: Update expressions, DELETE."""
    key = aws.stored(marks={"SS": ["a", "b"]})

    aws.update(key, "DELETE marks :less", ExpressionAttributeValues={":less": {"SS": ["b", "z"]}})
    aws.update(key, "DELETE absent :less", ExpressionAttributeValues={":less": {"SS": ["b"]}})

    assert aws.read(key) == {**key, "marks": {"SS": ["a"]}}


@probe
def a_set_that_is_emptied_is_gone(aws: Aws) -> None:
    """A set cannot be empty: DELETE of its last element removes the attribute. Page: Update expressions."""
    key = aws.stored(marks={"SS": ["a"]})

    aws.update(key, "DELETE marks :less", ExpressionAttributeValues={":less": {"SS": ["a"]}})

    assert aws.read(key) == key


@probe
def numbers_add_and_subtract_exactly(aws: Aws) -> None:
    """SET takes + and - between numbers, which are decimal. Page: Update expressions, SET."""
    key = aws.stored(n={"N": "0.1"})

    aws.update(key, "SET n = n + :more", ExpressionAttributeValues={":more": {"N": "0.2"}})
    assert aws.read(key) == {**key, "n": {"N": "0.3"}}
    aws.update(key, "SET n = :all - n", ExpressionAttributeValues={":all": ONE})
    assert aws.read(key) == {**key, "n": {"N": "0.7"}}


@probe
def if_not_exists_keeps_what_is_there(aws: Aws) -> None:
    """`if_not_exists(path, value)` is the path's value where it has one. Page: Update expressions, SET."""
    key = aws.key()
    count = {"ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": ONE}}

    for _ in range(2):
        aws.update(key, "SET n = if_not_exists(n, :zero) + :one", **count)

    assert aws.read(key) == {**key, "n": {"N": "2"}}


@probe
def list_append_joins_two_lists(aws: Aws) -> None:
    """`list_append(list1, list2)` is both, in this order. Page: Update expressions, SET."""
    key = aws.stored(many={"L": [ONE]})
    request = {"ExpressionAttributeValues": {":more": {"L": [FIVE]}}}

    aws.update(key, "SET many = list_append(many, :more)", **request)
    assert aws.read(key) == {**key, "many": {"L": [ONE, FIVE]}}
    aws.update(key, "SET many = list_append(:more, many)", **request)
    assert aws.read(key) == {**key, "many": {"L": [FIVE, ONE, FIVE]}}


@probe
def remove_takes_attributes_and_elements_away(aws: Aws) -> None:
    """REMOVE removes attributes, and elements of lists, whose followers move up. Page: Update expressions, REMOVE."""
    key = aws.stored(a=ONE, many={"L": [{"S": "x"}, {"S": "y"}, {"S": "z"}]}, nested={"M": {"k": ONE}})

    aws.update(key, "REMOVE a, many[0], nested.k, absent")

    assert aws.read(key) == {**key, "many": {"L": [{"S": "y"}, {"S": "z"}]}, "nested": {"M": {}}}


@probe
def set_writes_into_maps_and_lists(aws: Aws) -> None:
    """SET takes document paths; an element beyond a list's end is appended. Page: Update expressions, SET."""
    key = aws.stored(nested={"M": {"k": ONE}}, many={"L": [ONE]})

    aws.update(key, "SET nested.j = :n, many[0] = :n, many[7] = :n", ExpressionAttributeValues={":n": FIVE})

    assert aws.read(key) == {
        **key,
        "nested": {"M": {"k": ONE, "j": FIVE}},
        "many": {"L": [FIVE, FIVE]},
    }


@probe
def an_update_that_is_refused_changes_nothing(aws: Aws) -> None:
    """An update is all of its actions or none, those inside maps too. Page: UpdateItem."""
    key = aws.stored(nested={"M": {"k": ONE}})
    big = {"S": "x" * 400 * 1024}

    with invalid():
        aws.update(
            key, "SET nested.k = :n, padding = :pad", ExpressionAttributeValues={":n": FIVE, ":pad": big}
        )

    assert aws.read(key) == {**key, "nested": {"M": {"k": ONE}}}


@probe
def a_path_needs_what_it_leads_through(aws: Aws) -> None:
    """A path into a map that does not exist is not valid for update. Page: TransactWriteItems, reasons."""
    with invalid():
        aws.update(aws.stored(), "SET nested.k = :n", ExpressionAttributeValues={":n": FIVE})


@probe
def a_sum_needs_its_attribute(aws: Aws) -> None:
    """A SET that reads what is not there, or adds to a text, is refused. Page: TransactWriteItems, reasons."""
    key = aws.stored(word={"S": "a"})

    with invalid():
        aws.update(key, "SET n = n + :one", ExpressionAttributeValues={":one": ONE})
    with invalid():
        aws.update(key, "SET n = word + :one", ExpressionAttributeValues={":one": ONE})


@probe
def a_key_cannot_be_changed(aws: Aws) -> None:
    """You cannot use UpdateItem to update any primary key attributes. Page: UpdateItem."""
    with invalid():
        aws.update(aws.stored(), "SET gate = :new", ExpressionAttributeValues={":new": {"S": "x"}})


@probe
def one_update_writes_a_path_once(aws: Aws) -> None:
    """Paths of one update must not overlap. Known by AWS's own message. Page: CommonErrors."""
    key = aws.stored(nested={"M": {"k": ONE}})

    with invalid():
        aws.update(key, "SET n = :n REMOVE n", ExpressionAttributeValues={":n": FIVE})
    with invalid():
        aws.update(key, "SET nested.k = :n, nested = :n", ExpressionAttributeValues={":n": FIVE})


@probe
def a_clause_stands_once(aws: Aws) -> None:
    """Each action keyword can appear only once. Page: Update expressions."""
    with invalid():
        aws.update(aws.stored(), "SET a = :n SET b = :n", ExpressionAttributeValues={":n": FIVE})


@probe
def an_update_shows_what_was_and_what_is(aws: Aws) -> None:
    """ReturnValues: ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW. Page: UpdateItem."""
    key = aws.stored(n=ONE, word={"S": "a"})
    shown = {}
    for wanted in ("ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW", "NONE"):
        answer = aws.update(key, "ADD n :n", ExpressionAttributeValues={":n": ONE}, ReturnValues=wanted)
        shown[wanted] = answer.get("Attributes")

    assert shown == {
        "ALL_OLD": {**key, "n": {"N": "1"}, "word": {"S": "a"}},
        "UPDATED_OLD": {"n": {"N": "2"}},
        "ALL_NEW": {**key, "n": {"N": "4"}, "word": {"S": "a"}},
        "UPDATED_NEW": {"n": {"N": "5"}},
        "NONE": None,
    }


@probe
def put_and_delete_show_what_was(aws: Aws) -> None:
    """ReturnValues ALL_OLD of PutItem and DeleteItem; nothing where nothing was. Pages: PutItem; DeleteItem."""
    key = aws.stored(n=ONE)

    put = aws.dynamodb.put_item(TableName=GATE, Item=key, ReturnValues="ALL_OLD")
    gone = [aws.dynamodb.delete_item(TableName=GATE, Key=key, ReturnValues="ALL_OLD") for _ in range(2)]

    assert put["Attributes"] == {**key, "n": ONE}
    assert [answer.get("Attributes") for answer in gone] == [key, None]


@probe
def deleting_nothing_succeeds(aws: Aws) -> None:
    """DeleteItem is idempotent: on an item that is not there it is no error. Page: DeleteItem."""
    aws.dynamodb.delete_item(TableName=GATE, Key=aws.key())


@probe
def a_put_replaces_the_whole_item(aws: Aws) -> None:
    """PutItem replaces the entire item of the same key. Page: PutItem."""
    key = aws.stored(n=ONE)

    aws.dynamodb.put_item(TableName=GATE, Item={**key, "word": {"S": "a"}})

    assert aws.read(key) == {**key, "word": {"S": "a"}}
