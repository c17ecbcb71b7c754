"""All of an account's orders of an exchange day, read page by page."""

from collections.abc import Iterator
from datetime import date

from order_router.domain.order import Order
from order_router.ports import OrderStore

PAGE = 200


def pages_of_day(store: OrderStore, account: str, day: date) -> Iterator[tuple[Order, ...]]:
    """Yield the orders in pages, each read when it is asked for; raises StoreUnavailable."""
    cursor: str | None = None
    while True:
        page = store.list_day(account, day, limit=PAGE, cursor=cursor)
        yield page.orders
        cursor = page.next_cursor
        if cursor is None:
            return


def orders_of_day(store: OrderStore, account: str, day: date) -> Iterator[Order]:
    """Yield the orders one by one; raises StoreUnavailable."""
    for page in pages_of_day(store, account, day):
        yield from page
