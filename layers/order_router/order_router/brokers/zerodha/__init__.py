"""Zerodha over Kite Connect v3: the functions of the broker port."""

from order_router.brokers.zerodha.orders import (
    cancel_order,
    modify_order,
    place_order,
    read_order,
    read_orders,
)
from order_router.brokers.zerodha.portfolio import read_funds, read_holdings, read_positions, read_trades
from order_router.brokers.zerodha.profile import profile
from order_router.brokers.zerodha.quotes import read_option_chain, read_order_margin, read_quotes

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
