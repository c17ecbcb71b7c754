"""Queues, the alert memory and the notifier as lists."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from order_router.domain.order import Order
from order_router.ports import Letter, Notice, PlaceOrder, StoreUnavailable


class MemoryOrderQueue:
    """Implements `ports.OrderQueue`; `orders` is what was put, `resumed` what came again. `is_down`: puts fail."""

    def __init__(self) -> None:
        self.orders: list[PlaceOrder] = []
        self.resumed: list[Order] = []
        self.is_down = False

    def put(self, orders: Sequence[PlaceOrder]) -> None:
        """Keep all of them."""
        if self.is_down:
            raise StoreUnavailable("the queue did not answer")
        self.orders.extend(orders)

    def resume(self, order: Order) -> None:
        """Keep the order."""
        if self.is_down:
            raise StoreUnavailable("the queue did not answer")
        self.resumed.append(order)


class MemoryReconcileQueue:
    """Implements `ports.ReconcileQueue`; `asked` lists (account, delay_s), `looks` the names. `is_down`: puts fail."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.looks: list[str | None] = []
        self.is_down = False

    def put(self, account: str, *, delay_s: int, look: str | None = None) -> None:
        """Keep the request."""
        if self.is_down:
            raise StoreUnavailable("the queue did not answer")
        self.asked.append((account, delay_s))
        self.looks.append(look)


class MemorySeenAlerts:
    """Implements `ports.SeenAlerts`."""

    def __init__(self) -> None:
        self._first: dict[str, datetime] = {}

    def first_seen(self, digest: str, at: datetime, *, window_s: int) -> datetime:
        """Return when this body was first seen within the window: `at` itself if it was not."""
        first = self._first.get(digest)
        if first is None or first <= at - timedelta(seconds=window_s):
            self._first[digest] = first = at
        return first


class MemoryNotifier:
    """Implements `ports.Notifier`; `notices` is what was told. `fails`: so many cannot be queued."""

    def __init__(self, *, fails: int = 0) -> None:
        self.notices: list[Notice] = []
        self.fails = fails

    def tell(self, notice: Notice) -> bool:
        """Keep the notice."""
        if self.fails:
            self.fails -= 1
            return False
        self.notices.append(notice)
        return True


class MemoryDeadLetters:
    """Implements `ports.DeadLetters`; `kept` holds bodies by message id."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def keep(self, letter: Letter, at: datetime) -> None:
        """Keep the letter."""
        _ = at
        self.kept[letter.message_id] = letter.body
