"""Reads DynamoDB's expressions: words, document paths, placeholders; what is read is kept for the next time.

Source: Amazon DynamoDB Developer Guide, "Using expressions in DynamoDB" and "Condition and filter expressions,
operators, and functions in DynamoDB".
"""

import re
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

from tests.fakes.dynamodb_errors import Invalid
from tests.fakes.dynamodb_reserved_words import RESERVED
from tests.fakes.dynamodb_values import Attribute, Item

MAX_EXPRESSION = 4096
KINDS = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "BOOL": "BOOLEAN",
    "NULL": "NULL",
    "M": "MAP",
    "L": "LIST",
} | {
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
}
WORDS = re.compile(r"\s*(?:(<>|<=|>=|[-+=<>()\[\].,])|([#:][A-Za-z0-9_]+)|([A-Za-z_][A-Za-z0-9_]*)|([0-9]+))")

Values = Mapping[str, Attribute]
Names = tuple[tuple[str, str], ...]
Path = tuple[str | int, ...]


class Reader:
    """Reads one expression from left to right; `names` and `values` collect the placeholders that it uses."""

    def __init__(self, kind: str, expression: str, names: Names) -> None:
        self.kind = kind
        self.names: set[str] = set()
        self.values: set[str] = set()
        self._known = dict(names)
        self._words = self._split(expression)
        self._at = 0

    def fail(self, message: str) -> Invalid:
        """Return the refusal of this expression."""
        return Invalid(f"Invalid {self.kind}: {message}")

    def next_is(self, *words: str) -> bool:
        """Return whether one of these words comes next."""
        return self._words[self._at].upper() in words

    def take(self) -> str:
        """Return the next word and go on."""
        word = self._words[self._at]
        if word == "":
            raise self._unexpected()
        self._at += 1
        return word

    def take_if(self, *words: str) -> bool:
        """Go past the next word if it is one of these."""
        found = self.next_is(*words)
        self._at += found
        return found

    def require(self, word: str) -> None:
        """Go past this word, which must come next."""
        if not self.take_if(word):
            raise self._unexpected()

    def end(self) -> None:
        """Nothing may follow."""
        if self._words[self._at] != "":
            raise self._unexpected()

    def next_is_call(self) -> bool:
        """Return whether a function's name comes next."""
        return self._words[self._at][:1].isalpha() and self._words[self._at + 1] == "("

    def next_is_value(self) -> bool:
        """Return whether a value's placeholder comes next."""
        return self._words[self._at].startswith(":")

    def value(self) -> str:
        """Return the placeholder of a value."""
        if not self.next_is_value():
            raise self._unexpected()
        self.values.add(self._words[self._at])
        return self.take()

    def path(self) -> Path:
        """Return a document path, its placeholders resolved."""
        steps: list[str | int] = [self._name()]
        while self.next_is(".", "["):
            if self.take() == ".":
                steps.append(self._name())
                continue
            word = self.take()
            if not word.isdecimal():
                raise self._unexpected()
            steps.append(int(word))
            self.require("]")
        return tuple(steps)

    def _name(self) -> str:
        word = self._words[self._at]
        if word.startswith("#"):
            self.names.add(word)
            if word not in self._known:
                raise self.fail(
                    f"An expression attribute name used in the document path is not defined; attribute name: {word}"
                )
            self._at += 1
            return self._known[word]
        if not (word[:1].isalpha() or word.startswith("_")):
            raise self._unexpected()
        if word.upper() in RESERVED:
            raise self.fail(f"Attribute name is a reserved keyword; reserved keyword: {word}")
        self._at += 1
        return word

    def _unexpected(self) -> Invalid:
        near = " ".join(self._words[max(0, self._at - 1) : self._at + 2])
        return self.fail(f'Syntax error; token: "{self._words[self._at] or "<EOF>"}", near: "{near}"')

    def _split(self, expression: str) -> list[str]:
        if not expression.strip():
            raise self.fail("The expression can not be empty;")
        if len(expression.encode()) > MAX_EXPRESSION:
            raise self.fail("Expression size has exceeded the maximum allowed size;")
        words, at, text = [], 0, expression.rstrip()
        while at < len(text):
            found = WORDS.match(text, at)
            if found is None:
                raise self.fail(f'Syntax error; token: "{text[at]}", near: "{text[at : at + 5]}"')
            words.append(found.group(found.lastindex or 0))
            at = found.end()
        return [*words, "", ""]


def read_at(item: Item, path: Path) -> Attribute | None:
    """Return what stands at a path, or None."""
    found: Any = item.get(path[0])  # type: ignore[arg-type]
    for step in path[1:]:
        if found is None:
            return None
        if isinstance(step, str):
            found = found.get("M", {}).get(step)
        else:
            within = found.get("L", [])
            found = within[step] if step < len(within) else None
    return found  # type: ignore[no-any-return]


def read_projection(expression: str, names: Names) -> tuple[list[Path], Reader]:
    """Return the paths of a projection, and the reader for the placeholders it used."""
    reader = Reader("ProjectionExpression", expression, names)
    paths = [reader.path()]
    while reader.take_if(","):
        paths.append(reader.path())
    reader.end()
    require_apart(reader, paths)
    return paths, reader


def project(item: Item, paths: Iterable[Path]) -> Item:
    """Return the parts of an item at these paths (attributes of an item, and of maps in it)."""
    found: Item = {}
    for path in paths:
        attribute = read_at(item, path)
        if attribute is None:
            continue
        if any(isinstance(step, int) for step in path):
            raise NotImplementedError("a projection of list elements")
        inside = found
        for step in path[:-1]:
            inside = inside.setdefault(str(step), {"M": {}})["M"]
        inside[str(path[-1])] = attribute
    return found


def require_apart(reader: Reader, paths: list[Path]) -> None:
    """Refuse paths of which one is the other, or holds it."""
    for one, other in combinations(paths, 2):
        shorter = min(len(one), len(other))
        if one[:shorter] == other[:shorter]:
            raise reader.fail(
                "Two document paths overlap with each other; must remove or rewrite one of these paths;"
                f" path one: {shown(one)}, path two: {shown(other)}"
            )


def shown(path: Path) -> str:
    """Return a path as AWS writes it."""
    return "[" + ", ".join(f"[{step}]" if isinstance(step, int) else step for step in path) + "]"
