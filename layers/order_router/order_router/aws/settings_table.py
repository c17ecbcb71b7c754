"""Accounts, strategies, keys and tokens in DynamoDB, read through a short cache."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError

from order_router.aws.change_log import ChangeLogTable
from order_router.aws.failures import is_done, named_failures
from order_router.aws.values import Item, to_item
from order_router.domain.account import Account, Caller, Strategy
from order_router.domain.change_log import limits_change
from order_router.domain.errors import SettingUnreadable
from order_router.domain.meter import Counted
from order_router.ports import Clock, StoredSetting, StoreUnavailable

logger = logging.getLogger(__name__)
ACCOUNT, STRATEGY, KEY, TOKEN = "ACCOUNT", "STRATEGY", "KEY", "TOKEN"
KINDS = {"account": ACCOUNT, "strategy": STRATEGY}
MODELS: dict[str, type[Account | Strategy]] = {ACCOUNT: Account, STRATEGY: Strategy}
CACHE_LIFE = timedelta(seconds=15)
CACHE_SIZE = 1000
MAX_SORT_KEY = 1024
"""DynamoDB's limit in bytes; it refuses a longer key, and an empty one."""


def digest_of(secret: str) -> str:
    """Return what is stored of an API key or a webhook token: its SHA-256, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Cached:
    value: Any
    good_until: datetime


class _Cache:
    """Remembers what was read for a short time; absence is remembered too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[tuple[str, str], _Cached] = {}

    def has(self, key: tuple[str, str]) -> bool:
        """Return whether this is remembered."""
        cached = self._values.get(key)
        return cached is not None and self._clock.now() < cached.good_until

    def read[T](self, key: tuple[str, str], load: Callable[[], T]) -> T:
        now = self._clock.now()
        cached = self._values.get(key)
        if cached is None or now >= cached.good_until:
            return self.keep(key, load())
        value: T = cached.value
        return value

    def keep[T](self, key: tuple[str, str], value: T) -> T:
        """Remember a value from now on, and return it."""
        if len(self._values) >= CACHE_SIZE:
            self._values.clear()
        self._values[key] = _Cached(value, self._clock.now() + CACHE_LIFE)
        return value


class SettingsTable:
    """Implements `ports.Settings` over a low-level DynamoDB client and the settings table."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - botocore's clients have no type
        table: str,
        clock: Clock,
        log: ChangeLogTable | None = None,
    ) -> None:
        """Make it; `log` keeps changes of limits, for who makes them."""
        self._client = client
        self._table = table
        self._clock = clock
        self._log = log
        self._cache = _Cache(clock)

    def prepare(self, account: str, strategy: str | None) -> None:
        """Read both with one request, unless they are remembered or only one is to be read."""
        if strategy is None or not _is_key(account):
            return
        wanted: dict[tuple[str, str], type[BaseModel]] = {
            (ACCOUNT, account): Account,
            (STRATEGY, strategy): Strategy,
        }
        missing = [key for key in wanted if not self._cache.has(key)]
        if len(missing) < len(wanted):
            return
        found = self._get_both(missing)
        for key in missing:
            self._cache.read(key, partial(_parse_if_there, key[0], found.get(key), wanted[key]))

    def account(self, name: str) -> Account | None:
        """Return the account of this name; None for one that cannot be a key, whoever asked for it."""
        return self._cached(ACCOUNT, name, Account) if _is_key(name) else None

    def accounts(self) -> tuple[Account, ...]:
        """Return all accounts, by name."""
        return self._cache.read((ACCOUNT, ""), lambda: tuple(self._load_all(ACCOUNT, Account).values()))

    def strategy(self, name: str) -> Strategy | None:
        """Return the strategy of this name."""
        return self._cached(STRATEGY, name, Strategy)

    def strategies(self) -> tuple[Strategy, ...]:
        """Return all strategies, by name: for the operator, past the cache."""
        return tuple(self._load_all(STRATEGY, Strategy).values())

    def callers(self) -> tuple[Caller, ...]:
        """Return all callers, by the name of their key: for the operator, past the cache."""
        return tuple(sorted(self._load_all(KEY, Caller).values(), key=lambda caller: caller.key_id))

    def strategy_of_token(self, token: str) -> Strategy | None:
        """Return the strategy that a webhook token opens, also one that is newer than what is remembered."""
        digest = digest_of(token)
        name: str | None = self._cache.read((TOKEN, digest), lambda: self._load_token(digest))
        if name is None:
            return None
        found = _opened_by(digest, self.strategy(name))
        if found is None:
            stored = self._load(STRATEGY, name, Strategy, is_consistent=True)
            found = _opened_by(digest, self._cache.keep((STRATEGY, name), stored))
        if found is None:
            # a token that was taken back costs its reads once in a while, not with each alert
            self._cache.keep((TOKEN, digest), None)
        return found

    def caller(self, api_key: str) -> Caller | None:
        """Return who holds this API key, past the cache: the gateway remembers who it was told for long enough."""
        return _parse_if_there(KEY, self._get(KEY, digest_of(api_key), is_consistent=True), Caller)

    def stored(self, counted: Counted) -> StoredSetting | None:
        """Return the account or strategy as last written, past the cache."""
        kind = KINDS[counted.kind]
        item = self._get(kind, counted.owner, is_consistent=True) if _is_key(counted.owner) else None
        if item is None:
            return None
        return StoredSetting(_parse(kind, item, MODELS[kind]), _document(kind, item))

    def replace(self, stored: StoredSetting, setting: Account | Strategy, *, by: str) -> bool:
        """Store the setting, and what new tokens open, unless another document than the one read stands there.

        Other limits are kept in the log of changes with who set them, both or neither.
        """
        kind = ACCOUNT if isinstance(setting, Account) else STRATEGY
        if isinstance(setting, Strategy) and isinstance(stored.setting, Strategy):
            # before the strategy: a token that it does not name opens nothing
            self._put_tokens(setting, known=stored.setting.token_digests)
        put = {
            "TableName": self._table,
            "Item": to_item({"kind": kind, "id": setting.name, "document": setting.model_dump_json()}),
            "ConditionExpression": "document = :seen",
            "ExpressionAttributeValues": {":seen": {"S": stored.document}},
        }
        change = limits_change(stored.setting, setting, by=by, at=self._clock.now())
        if change is None:
            with named_failures(f"storing a setting ({kind})"):
                return is_done(lambda: self._client.put_item(**put))
        if self._log is None:
            raise ValueError("limits are changed where no log keeps that")
        return self._log.put_with(put, change)

    def put_account(self, account: Account) -> None:
        """Store or replace an account."""
        self._put(ACCOUNT, account.name, account.model_dump_json())

    def put_strategy(self, strategy: Strategy) -> None:
        """Store or replace a strategy and what its tokens open."""
        self._put_tokens(strategy)
        self._put(STRATEGY, strategy.name, strategy.model_dump_json())

    def put_caller(self, api_key: str, caller: Caller) -> None:
        """Store who holds an API key; of the key itself only its digest is kept."""
        self._put(KEY, digest_of(api_key), caller.model_dump_json())

    def remove_caller(self, key_id: str) -> int:
        """Delete every key of this name and return how many; workers may know one for as long as they remember it."""
        digests = [digest for digest, one in self._load_all(KEY, Caller).items() if one.key_id == key_id]
        for digest in digests:
            with named_failures("removing a key"):
                self._client.delete_item(TableName=self._table, Key={"kind": {"S": KEY}, "id": {"S": digest}})
        return len(digests)

    def _put_tokens(self, strategy: Strategy, known: tuple[str, ...] = ()) -> None:
        for digest in strategy.token_digests:
            if digest not in known:
                self._put(TOKEN, digest, strategy.name)

    def _cached[T: BaseModel](self, kind: str, name: str, model: type[T]) -> T | None:
        return self._cache.read((kind, name), lambda: self._load(kind, name, model))

    def _load[T: BaseModel](
        self, kind: str, name: str, model: type[T], *, is_consistent: bool = False
    ) -> T | None:
        return _parse_if_there(kind, self._get(kind, name, is_consistent=is_consistent), model)

    def _load_token(self, digest: str) -> str | None:
        item = self._get(TOKEN, digest)
        return None if item is None else _document(TOKEN, item)

    def _load_all[T: BaseModel](self, kind: str, model: type[T]) -> dict[str, T]:
        with named_failures(f"reading the settings ({kind})"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="kind = :kind",
                ExpressionAttributeValues={":kind": {"S": kind}},
            )
            items = [item for page in pages for item in page["Items"]]
        return dict(_readable(kind, items, model))

    def _get(self, kind: str, name: str, *, is_consistent: bool = False) -> Item | None:
        with named_failures(f"reading a setting ({kind})"):
            answer = self._client.get_item(
                TableName=self._table,
                Key={"kind": {"S": kind}, "id": {"S": name}},
                ConsistentRead=is_consistent,
            )
        found: Item | None = answer.get("Item")
        return found

    def _get_both(self, keys: list[tuple[str, str]]) -> dict[tuple[str, str], Item]:
        asked = {"Keys": [{"kind": {"S": kind}, "id": {"S": name}} for kind, name in keys]}
        with named_failures("reading settings"):
            answer = self._client.batch_get_item(RequestItems={self._table: asked})
        if answer.get("UnprocessedKeys"):
            raise StoreUnavailable("reading settings: the table is busy")
        items: list[Item] = answer["Responses"].get(self._table, [])
        return {(item["kind"]["S"], item["id"]["S"]): item for item in items}

    def _put(self, kind: str, name: str, document: str) -> None:
        item = to_item({"kind": kind, "id": name, "document": document})
        with named_failures(f"storing a setting ({kind})"):
            self._client.put_item(TableName=self._table, Item=item)


def _readable[T: BaseModel](kind: str, items: Iterable[Item], model: type[T]) -> Iterator[tuple[str, T]]:
    """Yield what can be read by its id: one that cannot must not hide the others, and the log tells of it."""
    for item in items:
        try:
            yield item["id"]["S"], _parse(kind, item, model)
        except SettingUnreadable:
            logger.exception("a setting is not readable")


def _opened_by(digest: str, strategy: Strategy | None) -> Strategy | None:
    return strategy if strategy is not None and digest in strategy.token_digests else None


def _is_key(name: str) -> bool:
    return name.isascii() and 0 < len(name) <= MAX_SORT_KEY


def _parse_if_there[T: BaseModel](kind: str, item: Item | None, model: type[T]) -> T | None:
    return None if item is None else _parse(kind, item, model)


def _parse[T: BaseModel](kind: str, item: Item, model: type[T]) -> T:
    document = _document(kind, item)
    try:
        return model.model_validate_json(document)
    except ValidationError as error:
        fields = sorted({".".join(map(str, found["loc"])) for found in error.errors(include_input=False)})
    # raised out here: the parser's error holds the whole document
    raise SettingUnreadable(f"{_name(kind, item)} is not readable: {', '.join(fields) or 'not JSON'}")


def _document(kind: str, item: Item) -> str:
    document = item.get("document", {}).get("S")
    if not isinstance(document, str):
        raise SettingUnreadable(f"{_name(kind, item)} has no document")
    return document


def _name(kind: str, item: Item) -> str:
    return f"{kind} {item['id']['S'][:40]}"
