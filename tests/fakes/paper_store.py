"""The paper broker's store in memory: what `aws.paper_table` does, without a table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from threading import RLock

from order_router.domain.instrument import Instrument
from order_router.paper.book import Book, Change, PaperOrder, PaperTrade, day_prefix
from order_router.paper.errors import PaperConflict, PaperStoreUnavailable
from order_router.paper.market import Market, PaperInstrument, with_last_price
from order_router.paper.store import StoredBook

ITEMS_OF_A_TRANSACTION = 100


@dataclass
class MemoryPaperStore:
    """Implements `paper.store.PaperStore`.

    `before_save` runs once, before the next save: a second caller that comes in between.
    `fail_next_save`: "before" (nothing is written) or "after" (written, and the answer lost).
    """

    before_save: Callable[[], object] | None = None
    fail_next_save: str | None = None
    saves: int = 0
    _books: dict[str, StoredBook] = field(default_factory=dict)
    _orders: dict[tuple[str, str], PaperOrder] = field(default_factory=dict)
    _trades: dict[tuple[str, str], PaperTrade] = field(default_factory=dict)
    _market: dict[Instrument, PaperInstrument] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)

    def open_account(self, book: Book) -> bool:
        with self._lock:
            if book.account in self._books:
                return False
            self._books[book.account] = StoredBook(book, version=1)
            return True

    def accounts(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(sorted(self._books))

    def load(self, account: str) -> StoredBook | None:
        with self._lock:
            return self._books.get(account)

    def save(self, change: Change, replacing: StoredBook) -> None:
        interloper, self.before_save = self.before_save, None
        if interloper is not None:
            interloper()
        failure, self.fail_next_save = self.fail_next_save, None
        if failure == "before":
            raise PaperStoreUnavailable("the store did not answer")
        self._write(change, replacing)
        if failure == "after":
            raise PaperStoreUnavailable("the store did not answer")

    def ended_order(self, account: str, broker_order_id: str) -> PaperOrder | None:
        with self._lock:
            return self._orders.get((account, broker_order_id))

    def ended_orders(self, account: str, day: date) -> tuple[PaperOrder, ...]:
        with self._lock:
            return tuple(self._orders[key] for key in sorted(self._orders) if _is_of(key, account, day))

    def trades(self, account: str, day: date) -> tuple[PaperTrade, ...]:
        with self._lock:
            return tuple(self._trades[key] for key in sorted(self._trades) if _is_of(key, account, day))

    def list_instrument(self, listed: PaperInstrument) -> bool:
        with self._lock:
            return self._market.setdefault(listed.instrument, listed) is listed

    def market(self, instruments: Iterable[Instrument]) -> Market:
        with self._lock:
            return {one: self._market[one] for one in instruments if one in self._market}

    def set_last_price(self, instrument: Instrument, last_price: Decimal) -> PaperInstrument | None:
        with self._lock:
            if instrument not in self._market:
                return None
            self._market[instrument] = with_last_price(self._market[instrument], last_price)
            return self._market[instrument]

    def all_orders(self, account: str) -> list[PaperOrder]:
        """Return every order of the account, of any day, ended or not."""
        ended = [order for key, order in self._orders.items() if key[0] == account]
        return [*ended, *self._books[account].book.resting]

    def all_trades(self, account: str) -> list[PaperTrade]:
        """Return every trade of the account, of any day."""
        return [trade for key, trade in self._trades.items() if key[0] == account]

    def _write(self, change: Change, replacing: StoredBook) -> None:
        account = change.book.account
        assert 1 + len(change.ended) + len(change.trades) <= ITEMS_OF_A_TRANSACTION
        with self._lock:
            stored = self._books.get(account)
            if stored is None or stored.version != replacing.version:
                raise PaperConflict
            self._books[account] = StoredBook(change.book, replacing.version + 1)
            self._orders |= {(account, order.broker_order_id): order for order in change.ended}
            self._trades |= {(account, trade.trade_id): trade for trade in change.trades}
            self.saves += 1


def _is_of(key: tuple[str, str], account: str, day: date) -> bool:
    return key[0] == account and key[1].startswith(day_prefix(day))
