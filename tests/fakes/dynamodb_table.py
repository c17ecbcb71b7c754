"""Tables and their indexes: keys, items, and a query's walk through them.

Sources: Amazon DynamoDB Developer Guide, "Naming rules and data types", "Global secondary indexes", "Paginating table
query results in DynamoDB"; API Reference, "CreateTable".
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from tests.fakes.dynamodb_errors import Invalid, parameters
from tests.fakes.dynamodb_values import Attribute, Item, Stored

Primary = tuple[Any, ...]
"""An item's key in its table as plain values; numbers as Decimal, so that they sort."""

KEY_BYTES = (2048, 1024)
KEY_WORDS = ("hashkey", "rangekey")


@dataclass(frozen=True)
class Key:
    """A key schema: the names of its attributes and their types, the partition key first."""

    names: tuple[str, ...]
    types: tuple[str, ...]

    @cached_property
    def wanted(self) -> frozenset[str]:
        """The names as a set."""
        return frozenset(self.names)

    def plain(self, item: Item) -> Primary:
        """Return the key of an item that has it."""
        if self.types == ("S",):
            return (item[self.names[0]]["S"],)
        return tuple(plain_value(item[name]) for name in self.names)

    def fits(self, item: Item) -> bool:
        """Return whether an item has this key in the right types."""
        return all(kind in item.get(name, ()) for name, kind in zip(self.names, self.types, strict=True))

    def require_sizes(self, item: Item) -> None:
        """Refuse a key that is empty or too long."""
        for name, kind, limit, word in zip(self.names, self.types, KEY_BYTES, KEY_WORDS, strict=False):
            value = item[name][kind]
            if value in ("", b""):
                what = "string" if kind == "S" else "binary"
                raise parameters(
                    "The AttributeValue for a key attribute cannot contain an empty"
                    f" {what} value. Key: {name}"
                )
            if kind != "N" and len(value) * 4 > limit and len(_encoded(value)) > limit:
                raise parameters(f"Size of {word} has exceeded the maximum size limit of{limit} bytes")


def plain_value(attribute: Attribute) -> Any:
    """Return a key attribute's value as it compares."""
    [(kind, value)] = attribute.items()
    return Decimal(value) if kind == "N" else value


def _encoded(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


@dataclass(frozen=True)
class TableDefinition:
    """What CreateTable was told."""

    name: str
    key: Key
    indexes: Mapping[str, Key]
    description: Mapping[str, Any]


def define_table(name: str, properties: Mapping[str, Any]) -> TableDefinition:
    """Return the definition of a table from the properties that CloudFormation and CreateTable share."""
    types = {one["AttributeName"]: one["AttributeType"] for one in properties["AttributeDefinitions"]}
    indexes = properties.get("GlobalSecondaryIndexes", ())
    if any(index["Projection"] != {"ProjectionType": "ALL"} for index in indexes):
        raise NotImplementedError("an index that does not project all attributes")
    keys = {index["IndexName"]: _key(index["KeySchema"], types) for index in indexes}
    description = {
        "TableName": name,
        "TableStatus": "ACTIVE",
        "AttributeDefinitions": properties["AttributeDefinitions"],
        "KeySchema": properties["KeySchema"],
    }
    return TableDefinition(name, _key(properties["KeySchema"], types), keys, description)


def _key(schema: Iterable[Mapping[str, str]], types: Mapping[str, str]) -> Key:
    names = tuple(part["AttributeName"] for part in sorted(schema, key=lambda part: part["KeyType"]))
    return Key(names, tuple(types[name] for name in names))


class View:
    """A table's items by partition: of the table itself, or of an index, which lacks items without its key."""

    def __init__(self, name: str, key: Key) -> None:
        self.name = name
        self.key = key
        self._live: dict[Any, dict[Primary, Stored]] = {}
        self._frozen: dict[Any, dict[Primary, Stored]] | None = None

    def replace(self, primary: Primary, old: Stored | None, new: Stored | None) -> None:
        """Follow a write to the table."""
        if old is not None and self.key.fits(old.item):
            partition = self.key.plain(old.item)[0]
            del self._live[partition][primary]
        if new is not None and self.key.fits(new.item):
            partition = self.key.plain(new.item)[0]
            self._live.setdefault(partition, {})[primary] = new

    def freeze(self) -> None:
        """Show what is there now until `thaw`, whatever is written."""
        self._frozen = {name: dict(partition) for name, partition in self._live.items()}

    def thaw(self) -> None:
        """Show every write again."""
        self._frozen = None

    def walk(self, partition: Any, *, is_forward: bool) -> list[tuple[Primary, Stored]]:
        """Return a partition's items with their positions, in the order of the sort key."""
        shown = (self._live if self._frozen is None else self._frozen).get(partition, {})
        placed = [(self._position(primary, stored.item), stored) for primary, stored in shown.items()]
        return sorted(placed, key=_first, reverse=not is_forward)

    def _position(self, primary: Primary, item: Item) -> Primary:
        return (*self.key.plain(item)[1:], primary)


def _first(pair: tuple[Primary, Stored]) -> Primary:
    return pair[0]


class Table:
    """One table's items and what its indexes show of them."""

    def __init__(self, definition: TableDefinition) -> None:
        self.definition = definition
        self.key = definition.key
        self.items: dict[Primary, Stored] = {}
        self.indexes = {name: View(name, key) for name, key in definition.indexes.items()}
        self.whole = View(definition.name, definition.key)
        self._views = [*self.indexes.values(), *([self.whole] if len(definition.key.names) > 1 else [])]

    def view(self, index: str | None) -> View:
        """Return what a query reads; refused where there is no such index."""
        if index is None:
            if self.whole not in self._views:
                self._views.append(self.whole)
                for primary, stored in self.items.items():
                    self.whole.replace(primary, None, stored)
            return self.whole
        if index not in self.indexes:
            raise Invalid(f"The table does not have the specified index: {index}")
        return self.indexes[index]

    def put(self, primary: Primary, stored: Stored | None) -> None:
        """Store an item, or remove it."""
        old = self.items.get(primary)
        for view in self._views:
            view.replace(primary, old, stored)
        if stored is not None:
            self.items[primary] = stored
        elif old is not None:
            del self.items[primary]

    def primary_of_key(self, key: Item) -> Primary:
        """Return the plain key of a request's Key; refused unless it is exactly a key of this table."""
        if key.keys() != self.key.wanted or not self.key.fits(key):
            raise Invalid("The provided key element does not match the schema")
        self.key.require_sizes(key)
        return self.key.plain(key)

    def primary_of_item(self, item: Item) -> Primary:
        """Return the plain key of an item to be stored; refused unless it has one."""
        for name, kind in zip(self.key.names, self.key.types, strict=True):
            if name not in item:
                raise parameters(f"Missing the key {name} in the item")
            if kind not in item[name]:
                raise parameters(f"Type mismatch for key {name} expected: {kind} actual: {_kind(item[name])}")
        self.key.require_sizes(item)
        return self.key.plain(item)

    def require_index_keys(self, item: Item) -> None:
        """Refuse an item whose attribute is an index's key and of another type, or empty."""
        for index in self.indexes.values():
            for name, kind in zip(index.key.names, index.key.types, strict=True):
                if name not in item:
                    continue
                if kind not in item[name]:
                    raise parameters(
                        f"Type mismatch for Index Key {name} Expected: {kind} Actual: {_kind(item[name])}"
                        f" IndexName: {index.name}"
                    )
                if item[name][kind] in ("", b""):
                    raise parameters(
                        "A value specified for a secondary index key is not supported. The AttributeValue for a key"
                        f" attribute cannot contain an empty string value. IndexName: {index.name}, IndexKey: {name}"
                    )


def _kind(attribute: Attribute) -> str:
    return next(iter(attribute))


def position_of(view: View, table: Table, start: Item) -> Primary:
    """Return where a query goes on; refused unless the start has exactly the keys of index and table."""
    is_whole = view.key.wanted | table.key.wanted == start.keys()
    if not is_whole or not view.key.fits(start) or not table.key.fits(start):
        raise Invalid("The provided starting key is invalid")
    return (*view.key.plain(start)[1:], table.key.plain(start))


def is_after(start: Primary, *, is_forward: bool) -> Callable[[Primary], bool]:
    """Return the test whether a position lies behind the start of a page."""
    return (lambda position: position > start) if is_forward else (lambda position: position < start)
