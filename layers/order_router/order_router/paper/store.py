"""What the paper broker needs of its store: accounts written whole, if nobody changed them meanwhile."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from order_router.domain.instrument import Instrument
from order_router.paper.book import Book, Change, PaperOrder, PaperTrade
from order_router.paper.market import Market, PaperInstrument


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Return the present as aware UTC."""


@dataclass(frozen=True, slots=True)
class StoredBook:
    """A book as it stands in the store; `recent_writes` are the store's own marks of who wrote it last."""

    book: Book
    version: int
    recent_writes: tuple[str, ...] = ()


class PaperStore(Protocol):
    """Accounts, their ended orders and trades, and the market. Every read sees every finished write.

    Every method may raise PaperStoreUnavailable; then whether a write happened is not known.
    """

    def open_account(self, book: Book) -> bool:
        """Store the book of a new account; False if there is one of this name, which is left as it is."""

    def accounts(self) -> tuple[str, ...]:
        """Return the names of all accounts, sorted."""

    def load(self, account: str) -> StoredBook | None:
        """Return the account's book as last written."""

    def save(self, change: Change, replacing: StoredBook) -> None:
        """Store the book, and at most 99 ended orders and trades, of a change in one transaction.

        Raises PaperConflict if the stored book is not the one replaced: then nothing is written. A write that
        is repeated because its answer was lost recognises its own success.
        """

    def ended_order(self, account: str, broker_order_id: str) -> PaperOrder | None:
        """Return an order that has ended, of any day."""

    def ended_orders(self, account: str, day: date) -> tuple[PaperOrder, ...]:
        """Return the account's orders of an exchange day that have ended, oldest first."""

    def trades(self, account: str, day: date) -> tuple[PaperTrade, ...]:
        """Return the account's trades of an exchange day, oldest first."""

    def list_instrument(self, listed: PaperInstrument) -> bool:
        """Store a newly listed instrument; False if it is listed already, which is left as it is."""

    def market(self, instruments: Iterable[Instrument]) -> Market:
        """Return those of the instruments that are listed."""

    def set_last_price(self, instrument: Instrument, last_price: Decimal) -> PaperInstrument | None:
        """Store a price event (price and count in one write); None if the instrument is not listed."""
