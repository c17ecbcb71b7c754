"""The functions of the port that a broker may lack: an adapter package takes them from here and names the lack."""

from collections.abc import Sequence
from typing import NoReturn

from order_router.adapter.errors import Unsupported
from order_router.adapter.http import Send
from order_router.adapter.port import ChainQuery
from order_router.adapter.session import BrokerSession
from order_router.domain.instrument import Instrument
from order_router.domain.request import OrderRequest


def read_quotes(_send: Send, _session: BrokerSession, _instruments: Sequence[Instrument]) -> NoReturn:
    """Raise Unsupported: this broker gives no quotes."""
    raise Unsupported("this broker gives no quotes")


def read_option_chain(_send: Send, _session: BrokerSession, _query: ChainQuery) -> NoReturn:
    """Raise Unsupported: this broker gives no option chain."""
    raise Unsupported("this broker gives no option chain")


def read_order_margin(_send: Send, _session: BrokerSession, _request: OrderRequest) -> NoReturn:
    """Raise Unsupported: this broker has no margin calculator."""
    raise Unsupported("this broker has no margin calculator")
