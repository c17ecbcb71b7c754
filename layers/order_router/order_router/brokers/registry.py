"""Which brokers there are: adding one is a folder and a line here."""

from importlib import import_module
from typing import cast

from order_router.adapter.finding import Combiner, Finder
from order_router.adapter.login import BrowserLogin, UnattendedLogin
from order_router.adapter.master import Master
from order_router.adapter.port import Broker
from order_router.adapter.postback import Postbacks
from order_router.domain.errors import RouterError

BROKERS: dict[str, str] = {
    "icici_breeze": "order_router.brokers.icici_breeze",
    "ibkr": "order_router.brokers.ibkr",
    "kotak_neo": "order_router.brokers.kotak_neo",
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


def load_login(name: str) -> UnattendedLogin | BrowserLogin:
    """Return the module that begins a broker's sessions; its profile says which kind it is."""
    return cast("UnattendedLogin | BrowserLogin", _part(name, "login"))


def load_master(name: str) -> Master:
    """Return the module that reads a broker's list of instruments (profile: `has_master`)."""
    return cast("Master", _part(name, "instruments"))


def load_finder(name: str) -> Finder:
    """Return the module that looks an instrument up at a broker (profile: `finds_listings`)."""
    return cast("Finder", _part(name, "instruments"))


def load_combiner(name: str) -> Combiner:
    """Return the module that makes one instrument of several legs (profile: the exchange COMBO)."""
    return cast("Combiner", _part(name, "combinations"))


def load_postbacks(name: str) -> Postbacks:
    """Return the module that reads a broker's postbacks (profile: the feature POSTBACK)."""
    return cast("Postbacks", _part(name, "postback"))


def _part(name: str, part: str) -> object:
    load_broker(name)
    return import_module(f"{BROKERS[name]}.{part}")
