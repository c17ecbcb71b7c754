"""Which brokers there are: adding one is a folder and a line here."""

from importlib import import_module
from typing import cast

from order_router.adapter.port import Broker
from order_router.domain.errors import RouterError

BROKERS: dict[str, str] = {
    "paper": "order_router.brokers.paper",
    "zerodha": "order_router.brokers.zerodha",
}


class UnknownBroker(RouterError):
    """No adapter has this name."""

    code = "UNKNOWN_BROKER"


def load_broker(name: str) -> Broker:
    """Return the adapter package of a broker, importing it on first use (others cost no cold start)."""
    if name not in BROKERS:
        raise UnknownBroker(f"no broker is called {name!r}; there are {', '.join(sorted(BROKERS))}")
    return cast("Broker", import_module(BROKERS[name]))
