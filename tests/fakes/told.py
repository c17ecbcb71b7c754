"""What a person is told: what the stream of the orders table tells of stored orders, and what is really queued."""

from collections.abc import Iterable

from order_router.aws.notice_queue import QueueNotifier, read_telling
from order_router.domain.notices import Notice
from order_router.domain.order import Order
from order_router.domain.order_news import news_of
from tests.fakes.clock import FakeClock


def told_of_write(order: Order, replacing: Order | None) -> tuple[Notice, ...]:
    """Return what the stream of the orders table tells of one stored write."""
    return news_of(order, known_steps=0 if replacing is None else len(replacing.history))


def told_by(orders: Iterable[Order], asked: Iterable[Notice] = ()) -> list[Notice]:
    """Return all that is told: of orders as they are stored, and of what services asked a notifier to tell.

    A history only grows: what the stream told of its writes, one after the other, is what it tells of the last.
    """
    streamed = [notice for order in orders for notice in told_of_write(order, None)]
    return streamed + queued_of(asked)


def queued_of(asked: Iterable[Notice]) -> list[Notice]:
    """Return what the notifier that ships queues of what it is asked to tell: it leaves the stream's to the stream."""
    outbox = _Outbox()
    notifier = QueueNotifier(lambda: outbox, "outbox", FakeClock())
    for notice in asked:
        notifier.tell(notice)
    found = (read_telling(body) for body in outbox.bodies)
    return [notice for notice in found if isinstance(notice, Notice)]


class _Outbox:
    """The client of a queue: it keeps what is put."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_message(self, *, MessageBody: str, **_: object) -> None:  # noqa: N803 - the client's name
        self.bodies.append(MessageBody)
