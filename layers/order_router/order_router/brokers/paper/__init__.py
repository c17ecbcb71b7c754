"""The paper broker: practice orders against a simulated exchange, spoken to like any other broker."""

from order_router.adapter.lacking import read_option_chain, read_order_margin
from order_router.brokers.paper.orders import (
    cancel_order,
    modify_order,
    place_order,
    read_order,
    read_orders,
    read_trades,
)
from order_router.brokers.paper.portfolio import read_funds, read_holdings, read_positions, read_quotes
from order_router.brokers.paper.profile import profile

__all__ = [
    "cancel_order",
    "modify_order",
    "place_order",
    "profile",
    "read_funds",
    "read_holdings",
    "read_option_chain",
    "read_order",
    "read_order_margin",
    "read_orders",
    "read_positions",
    "read_quotes",
    "read_trades",
]
