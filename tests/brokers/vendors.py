"""The brokers as a run plays them: their simulators, what a trader stores for them, and what they are told."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.simulators import ibkr, ibkr_login, icici_breeze, kite, kotak_neo, kotak_neo_login
from tests.simulators.icici_breeze_dialect import API_KEY as BREEZE_KEY
from tests.simulators.icici_breeze_dialect import SECRET_KEY as BREEZE_SECRET
from tests.simulators.kite import KiteServer

Told = Mapping[str, Any]
ORDER = {
    "instrument": "NSE:INFY",
    "side": "BUY",
    "quantity": 5,
    "order_type": "LIMIT",
    "limit_price": "1400",
    "product": "CNC",
}
LEGS = (
    {"instrument": "ARCA:SPY", "side": "BUY", "ratio": 1},
    {"instrument": "NASDAQ:AAPL", "side": "SELL", "ratio": 3},
)
COMBINATION = {
    "instrument": "COMBO:SPY-3-AAPL",
    "side": "BUY",
    "quantity": 2,
    "order_type": "LIMIT",
    "limit_price": "50.01",
    "product": "NRML",
}


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """One broker's side.

    `parameter` is the template's name of its address, `root` what stands before every path of its API. `symbol` is what
    its simulator calls the instrument of `order`, which rests. `dead` is what ends its session; `callback` tells it
    where its login page sends a browser, `postbacks` where it sends order updates: None where it does not.
    `legs` are those of a combination, of shares, which no run outlives; `combination` is an order of it that rests.
    """

    name: str
    parameter: str
    symbol: str
    root: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    order: Mapping[str, Any] = field(default_factory=lambda: ORDER)
    changed_price: str = "1401"
    legs: tuple[Mapping[str, Any], ...] = LEGS
    combination: Mapping[str, Any] = field(default_factory=lambda: COMBINATION)
    dead: Told = field(default_factory=dict)
    callback: Callable[[str], Told] | None = None
    postbacks: Callable[[str], Told] | None = None
    run: Callable[..., Any] | None = None

    @property
    def is_paper(self) -> bool:
        return self.run is None


PAPER = Vendor(
    name="paper", parameter="", symbol="NSE:PRACTICE", order={**ORDER, "instrument": "NSE:PRACTICE"}
)
ZERODHA = Vendor(
    name="zerodha",
    parameter="ZerodhaEndpoint",
    symbol="NSE:INFY",
    credentials={"api_key": kite.API_KEY, "api_secret": kite.API_SECRET},
    dead={"session": {"access_token": None}},
    callback=lambda url: {"login": {"redirect_url": url}},
    postbacks=lambda url: {"postbacks": {"url": url, "api_secret": kite.API_SECRET}},
    run=kite.running,
)
ICICI_BREEZE = Vendor(
    name="icici_breeze",
    parameter="IciciBreezeEndpoint",
    symbol="NSE:INFTEC",
    credentials={"api_key": BREEZE_KEY, "secret_key": BREEZE_SECRET},
    dead={"session": {"session_token": "REVBRDpERUFE"}},
    callback=lambda url: {"redirect_url": url},
    run=icici_breeze.running,
)
KOTAK_NEO = Vendor(
    name="kotak_neo",
    parameter="KotakNeoEndpoint",
    symbol="NSE:INFY",
    credentials={
        "access_token": kotak_neo_login.ACCESS_TOKEN,
        "mobile_number": kotak_neo_login.MOBILE_NUMBER,
        "ucc": kotak_neo_login.UCC,
        "totp_secret": kotak_neo_login.TOTP_SECRET,
        "mpin": kotak_neo_login.MPIN,
    },
    dead={"session": {"trade_token": None}},
    run=kotak_neo.running,
)
IBKR = Vendor(
    name="ibkr",
    parameter="IbkrEndpoint",
    symbol="NSE:INFY",
    root="/v1/api",
    credentials=ibkr_login.CREDENTIALS,
    dead={"session": {"live_token": None}},
    run=ibkr.running,
)
VENDORS = (PAPER, ZERODHA, ICICI_BREEZE, KOTAK_NEO, IBKR)


@dataclass(frozen=True)
class Side:
    """A vendor with its simulator running (the paper broker needs none)."""

    vendor: Vendor
    server: KiteServer | None

    @property
    def url(self) -> str:
        """Return where the stack's adapter calls it."""
        assert self.server is not None
        return self.server.url + self.vendor.root

    def tell(self, told: Told) -> None:
        """Tell the simulator what to do."""
        assert self.server is not None
        with self.server.kite.lock:
            self.server.kite.control(dict(told))

    def orders(self) -> list[dict[str, Any]]:
        """Return every order that the simulator has taken in, in its book's words."""
        assert self.server is not None
        with self.server.kite.lock:
            return [dict(row) for row in self.server.kite.book.orders.values()]


@contextmanager
def sides(vendors: tuple[Vendor, ...]) -> Iterator[list[Side]]:
    """Run the simulators, each on a free port of this machine."""
    with ExitStack() as running:
        yield [
            Side(vendor, None if vendor.run is None else running.enter_context(vendor.run()))
            for vendor in vendors
        ]
