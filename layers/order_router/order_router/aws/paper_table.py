"""The paper broker's store in DynamoDB: one item for a book, one for each ended order, trade and instrument.

pk                     sk                    holds
paper#account#<name>   book                  version, writes (who wrote it last), body
paper#account#<name>   order#<id>            an order that has ended
paper#account#<name>   trade#<id>            a fill
paper#accounts         <name>                nothing: the list of accounts
paper#market           <instrument>          body, last_price, price_event
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import batched
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from order_router.domain.instrument import Instrument
from order_router.paper.book import Book, Change, PaperOrder, PaperTrade, day_prefix
from order_router.paper.errors import PaperConflict, PaperStoreUnavailable
from order_router.paper.market import Market, PaperInstrument
from order_router.paper.records import BOOK, INSTRUMENT, ORDER, TRADE
from order_router.paper.store import StoredBook

ACCOUNTS = "paper#accounts"
MARKET = "paper#market"
REMEMBERED_WRITES = 50
BATCH = 100
BATCH_ATTEMPTS = 10
LOST_RACES = frozenset({"ConditionalCheckFailed", "TransactionConflict"})

Item = dict[str, Any]


class PaperTable:
    """Implements `paper.store.PaperStore` over a low-level DynamoDB client.

    `new_nonce` gives the mark of a write, at most 36 characters, never the same twice.
    """

    def __init__(self, client: Any, table: str, new_nonce: Callable[[], str] = lambda: uuid4().hex) -> None:  # noqa: ANN401 - boto3 has no types
        self._client = client
        self._table = table
        self._new_nonce = new_nonce

    def open_account(self, book: Book) -> bool:
        """Store the book of a new account; False if there is one of this name, which is left as it is."""
        item = _book_item(StoredBook(book, version=1))
        name = _key(ACCOUNTS, book.account)
        return self._created(item, [self._put(item, "attribute_not_exists(pk)"), self._put(name)])

    def accounts(self) -> tuple[str, ...]:
        """Return the names of all accounts, sorted."""
        return tuple(item["sk"]["S"] for item in self._query(ACCOUNTS, ""))

    def load(self, account: str) -> StoredBook | None:
        """Return the account's book as last written."""
        item = self._get(_account(account), "book")
        if item is None:
            return None
        writes = tuple(write["S"] for write in item["writes"]["L"])
        return StoredBook(BOOK.load(item["body"]["S"]), int(item["version"]["N"]), writes)

    def save(self, change: Change, replacing: StoredBook) -> None:
        """Store a change in one transaction; PaperConflict if the stored book is not the one replaced."""
        nonce = self._new_nonce()
        writes = (*replacing.recent_writes, nonce)[-REMEMBERED_WRITES:]
        book = self._put(
            _book_item(StoredBook(change.book, replacing.version + 1, writes)),
            "version = :version",
            {":version": {"N": str(replacing.version)}},
        )
        others = [self._put(item) for item in _happened(change)]
        if self._transact([book, *others], nonce):
            return
        stored = self.load(change.book.account)
        if stored is None or nonce not in stored.recent_writes:
            raise PaperConflict

    def ended_order(self, account: str, broker_order_id: str) -> PaperOrder | None:
        """Return an order that has ended, of any day."""
        item = self._get(_account(account), f"order#{broker_order_id}")
        return None if item is None else ORDER.load(item["body"]["S"])

    def ended_orders(self, account: str, day: date) -> tuple[PaperOrder, ...]:
        """Return the account's orders of an exchange day that have ended, oldest first."""
        items = self._query(_account(account), f"order#{day_prefix(day)}")
        return tuple(ORDER.load(item["body"]["S"]) for item in items)

    def trades(self, account: str, day: date) -> tuple[PaperTrade, ...]:
        """Return the account's trades of an exchange day, oldest first."""
        items = self._query(_account(account), f"trade#{day_prefix(day)}")
        return tuple(TRADE.load(item["body"]["S"]) for item in items)

    def list_instrument(self, listed: PaperInstrument) -> bool:
        """Store a newly listed instrument; False if it is listed already, which is left as it is."""
        item = _key(MARKET, str(listed.instrument)) | {
            "body": {"S": INSTRUMENT.dump(listed)},
            "last_price": {"S": str(listed.last_price)},
            "price_event": {"N": str(listed.price_event)},
        }
        return self._created(item, [self._put(item, "attribute_not_exists(pk)")])

    def market(self, instruments: Iterable[Instrument]) -> Market:
        """Return those of the instruments that are listed."""
        keys = [_key(MARKET, str(instrument)) for instrument in sorted(set(instruments))]
        items = (
            item for batch in batched(keys, BATCH, strict=False) for item in self._get_batch(list(batch))
        )
        listed = (_read_listed(item) for item in items)
        return {one.instrument: one for one in listed}

    def set_last_price(self, instrument: Instrument, last_price: Decimal) -> PaperInstrument | None:
        """Store a price event; None if the instrument is not listed."""
        try:
            with _named_failures():
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=_key(MARKET, str(instrument)),
                    ConditionExpression="attribute_exists(pk)",
                    # a write repeated for a lost answer counts one event more: at worst a part more fills
                    UpdateExpression="SET last_price = :price ADD price_event :one",
                    ExpressionAttributeValues={":price": {"S": str(last_price)}, ":one": {"N": "1"}},
                    ReturnValues="ALL_NEW",
                )
        except PaperConflict:
            return None
        return _read_listed(answer["Attributes"])

    def _put(self, item: Item, condition: str | None = None, values: Item | None = None) -> Item:
        put: Item = {"TableName": self._table, "Item": item}
        if condition is not None:
            put["ConditionExpression"] = condition
        if values is not None:
            put["ExpressionAttributeValues"] = values
        return {"Put": put}

    def _transact(self, items: list[Item], nonce: str) -> bool:
        try:
            with _named_failures():
                self._client.transact_write_items(TransactItems=items, ClientRequestToken=nonce)
        except PaperConflict:
            return False
        return True

    def _created(self, item: Item, writes: list[Item]) -> bool:
        if self._transact(writes, self._new_nonce()):
            return True
        if self._get(item["pk"]["S"], item["sk"]["S"]) is None:
            raise PaperStoreUnavailable("the table is busy")
        return False

    def _get(self, pk: str, sk: str) -> Item | None:
        with _named_failures():
            answer = self._client.get_item(TableName=self._table, Key=_key(pk, sk), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def _get_batch(self, keys: list[Item]) -> Iterator[Item]:
        request: Item = {self._table: {"Keys": keys, "ConsistentRead": True}}
        for _ in range(BATCH_ATTEMPTS):
            with _named_failures():
                answer = self._client.batch_get_item(RequestItems=request)
            yield from answer["Responses"].get(self._table, [])
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                return
        raise PaperStoreUnavailable("the market could not be read")

    def _query(self, pk: str, sk_prefix: str) -> Iterator[Item]:
        values: Item = {":pk": {"S": pk}}
        condition = "pk = :pk"
        if sk_prefix:
            condition += " AND begins_with(sk, :sk)"
            values[":sk"] = {"S": sk_prefix}
        page: Item = {}
        while True:
            with _named_failures():
                answer = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    ConsistentRead=True,
                    **page,
                )
            yield from answer["Items"]
            if not answer.get("LastEvaluatedKey"):
                return
            page = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _account(account: str) -> str:
    return f"paper#account#{account}"


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _book_item(stored: StoredBook) -> Item:
    return _key(_account(stored.book.account), "book") | {
        "version": {"N": str(stored.version)},
        "writes": {"L": [{"S": write} for write in stored.recent_writes]},
        "body": {"S": BOOK.dump(stored.book)},
    }


def _happened(change: Change) -> Iterator[Item]:
    pk = _account(change.book.account)
    for order in change.ended:
        yield _key(pk, f"order#{order.broker_order_id}") | {"body": {"S": ORDER.dump(order)}}
    for trade in change.trades:
        yield _key(pk, f"trade#{trade.trade_id}") | {"body": {"S": TRADE.dump(trade)}}


def _read_listed(item: Item) -> PaperInstrument:
    listed = INSTRUMENT.load(item["body"]["S"])
    last_price, price_event = Decimal(item["last_price"]["S"]), int(item["price_event"]["N"])
    return replace(listed, last_price=last_price, price_event=price_event)


@contextmanager
def _named_failures() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if _is_lost_race(error):
            raise PaperConflict from error
        raise PaperStoreUnavailable(f"the table refused: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise PaperStoreUnavailable(f"the table did not answer: {type(error).__name__}") from error


def _is_lost_race(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    if code in {"ConditionalCheckFailedException", "TransactionInProgressException"}:
        return True
    # botocore's types do not know the reasons that a cancelled transaction carries
    response: Any = error.response
    reasons = {reason.get("Code") for reason in response.get("CancellationReasons", ())}
    return code == "TransactionCanceledException" and bool(reasons & LOST_RACES)
