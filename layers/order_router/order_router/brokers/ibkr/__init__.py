"""Interactive Brokers over the Web API v1: the functions of the broker port."""

from order_router.brokers.ibkr.chains import read_option_chain
from order_router.brokers.ibkr.orders import cancel_order, modify_order, place_order, read_order, read_orders
from order_router.brokers.ibkr.portfolio import read_funds, read_holdings, read_positions, read_trades
from order_router.brokers.ibkr.profile import profile
from order_router.brokers.ibkr.quotes import read_order_margin, read_quotes

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
