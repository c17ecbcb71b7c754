"""How the paper broker's values are written as text, for a store that keeps text."""

from pydantic import TypeAdapter

from order_router.paper.book import Book, PaperOrder, PaperTrade
from order_router.paper.market import PaperInstrument


class Record[T]:
    """One kind of value and its text: JSON with every amount as text."""

    def __init__(self, kind: type[T]) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def dump(self, value: T) -> str:
        """Write the value."""
        return self._adapter.dump_json(value, exclude_none=True).decode()

    def load(self, text: str) -> T:
        """Read what `dump` wrote."""
        return self._adapter.validate_json(text)


BOOK = Record(Book)
ORDER = Record(PaperOrder)
TRADE = Record(PaperTrade)
INSTRUMENT = Record(PaperInstrument)
