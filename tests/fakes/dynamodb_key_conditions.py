"""The conditions on keys by which a query finds its items.

Source: Amazon DynamoDB Developer Guide, "Key condition expressions for the Query operation in DynamoDB".
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tests.fakes.dynamodb_conditions import ORDER, begins, compare
from tests.fakes.dynamodb_expressions import Names, Reader, Values
from tests.fakes.dynamodb_values import Attribute


@dataclass(frozen=True, slots=True)
class KeyTerm:
    """One term of a key condition: a key's name, how it is compared, and with which values."""

    name: str
    symbol: str
    placeholders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """A key condition that was read once; the placeholders it uses."""

    terms: tuple[KeyTerm, ...]
    names: frozenset[str]
    values: frozenset[str]


@lru_cache(maxsize=1024)
def read_key_condition(expression: str, names: Names) -> KeyCondition:
    """Return the key condition of an expression."""
    reader = Reader("KeyConditionExpression", expression, names)
    terms = [_key_term(reader)]
    while reader.take_if("AND"):
        terms.append(_key_term(reader))
    reader.end()
    return KeyCondition(tuple(terms), frozenset(reader.names), frozenset(reader.values))


def _key_term(reader: Reader) -> KeyTerm:
    is_wrapped = reader.take_if("(")
    term = _bare_key_term(reader)
    if is_wrapped:
        reader.require(")")
    return term


def _bare_key_term(reader: Reader) -> KeyTerm:
    if reader.next_is_call():
        function = reader.take()
        if function != "begins_with":
            raise reader.fail(f"Invalid operator used in KeyConditionExpression: {function}")
        reader.require("(")
        name = str(reader.path()[0])
        reader.require(",")
        prefix = reader.value()
        reader.require(")")
        return KeyTerm(name, "begins_with", (prefix,))
    name = str(reader.path()[0])
    if reader.take_if("BETWEEN"):
        low = reader.value()
        reader.require("AND")
        return KeyTerm(name, "BETWEEN", (low, reader.value()))
    symbol = reader.take()
    if symbol != "=" and symbol not in ORDER:
        raise reader.fail(f"Invalid operator used in KeyConditionExpression: {symbol}")
    return KeyTerm(name, symbol, (reader.value(),))


def key_test(term: KeyTerm, values: Values) -> Callable[[Attribute], bool]:
    """Return whether a key's attribute meets a term."""
    wanted = [values[placeholder] for placeholder in term.placeholders]
    if term.symbol == "=":
        return lambda key: key == wanted[0]
    if term.symbol == "begins_with":
        return lambda key: begins(key, wanted[0])
    if term.symbol == "BETWEEN":
        return lambda key: compare(operator.ge, key, wanted[0]) and compare(operator.le, key, wanted[1])
    relation = ORDER[term.symbol]
    return lambda key: compare(relation, key, wanted[0])
