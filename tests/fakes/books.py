"""Books of the paper exchange as other brokers, or an unlucky moment, would show them."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from order_router.adapter.http import Send
from order_router.adapter.port import Broker
from order_router.adapter.profile import TagRule
from order_router.adapter.session import BrokerSession
from order_router.domain.reports import OrderBook
from tests.fakes.world import World


def showing(world: World, change: Callable[[OrderBook], OrderBook], *, is_echoed: bool = True) -> None:
    """Let the broker's book come back changed."""
    broker = world.desk.broker_of("paper")

    class Changed:
        profile = replace(broker.profile, tag=TagRule(max_length=20, is_echoed=is_echoed))
        place_order = staticmethod(broker.place_order)
        cancel_order = staticmethod(broker.cancel_order)
        read_order = staticmethod(broker.read_order)

        @staticmethod
        def read_orders(send: Send, session: BrokerSession) -> OrderBook:
            return change(broker.read_orders(send, session))

    world.desk = replace(world.desk, broker_of=lambda _name: cast("Broker", Changed))


def tagged(book: OrderBook, tag_of: Callable[[str | None], str | None]) -> OrderBook:
    return replace(
        book, reports=tuple(replace(row, client_tag=tag_of(row.client_tag)) for row in book.reports)
    )


def without_tags(book: OrderBook) -> OrderBook:
    return tagged(book, lambda _: None)
