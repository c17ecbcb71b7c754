"""A trader of one test's own: an account, an instrument that nobody else moves, keys, and a look at the broker."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from infra import operate
from infra.operate import Target
from order_router.adapter.http import HttpRequest
from order_router.domain.account import Account, Scope, Strategy
from order_router.domain.instrument import parse_instrument
from order_router.domain.vocabulary import OrderType, Product
from order_router.paper.market import Kind, PaperInstrument
from order_router.transport.clock import SystemClock
from tests.fakes.gate_switches import Switches
from tests.system.client import Client, Order, Reply

LAST_PRICE = "100"
MAX_FILL = 10


def unique() -> str:
    """A word that no other test uses."""
    return uuid.uuid4().hex[:12]


def new_key(target: Target, scope: str, *accounts: str) -> str:
    """A new API key of this scope, bound to these accounts if there are any."""
    return operate.add_key(target, f"key-{unique()}", frozenset({Scope(scope)}), frozenset(accounts))


def in_time(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return a history without tries that did not leave: on a busy machine a call can lapse before its turn."""
    kept: list[Mapping[str, Any]] = []
    for step in history:
        if step["event"] == "never_sent":
            assert kept.pop()["event"] == "submitting"
        else:
            kept.append(step)
    return kept


@dataclass(frozen=True)
class Trader:
    """A paper account with 1,000,000 rupees and a share at 100, of which 10 fill at one price.

    `api` holds the admin key.
    """

    target: Target
    api: Client
    word: str = field(default_factory=unique)

    def __post_init__(self) -> None:
        operate.add_account(self.target, Account(name=self.account, broker="paper"))
        self.target.paper_exchange.seed_market([_share(self.instrument)])

    @property
    def account(self) -> str:
        return f"t-{self.word}"

    @property
    def ticker(self) -> str:
        return f"T{self.word.upper()}"

    @property
    def instrument(self) -> str:
        return f"NSE:{self.ticker}"

    def with_key(self, key: str | None) -> "Trader":
        """The same trader under another key."""
        return replace(self, api=Client(self.api.api_url, key))

    def with_scope(self, scope: str, *accounts: str) -> "Trader":
        """The same trader under a new key of this scope, bound to these accounts if there are any."""
        return self.with_key(new_key(self.target, scope, *accounts))

    def order(self, **changes: Any) -> Order:
        """An order to buy 5 at the market; None leaves a field out."""
        usual = {
            "account": self.account,
            "instrument": self.instrument,
            "side": "BUY",
            "quantity": 5,
            "order_type": "MARKET",
            "product": "CNC",
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def limit(self, limit_price: str, **changes: Any) -> Order:
        return self.order(order_type="LIMIT", limit_price=limit_price, **changes)

    def place(self, **changes: Any) -> Order:
        """Place an order that must be taken."""
        return self.api.place(self.order(**changes)).order(201)

    def rest(self, limit_price: str = "90", **changes: Any) -> Order:
        """Place a limit order that must rest."""
        placed = self.api.place(self.limit(limit_price, **changes)).order(201)
        assert placed["state"] == "open"
        return placed

    def set_price(self, last_price: str) -> None:
        assert self.api.set_price(self.instrument, last_price).status == 200

    def at_broker(self) -> list[dict[str, Any]]:
        """Every order that the broker holds, from its own book."""
        request = HttpRequest(
            method="GET",
            url="paper://exchange/orders",
            headers={"authorization": f"paper {self.account}"},
        )
        answer = self.target.paper_exchange.handle(request)
        assert answer.status == 200
        return list(json.loads(answer.body)["orders"])

    def strategy(self, **changes: Any) -> "AlertSender":
        """A strategy that trades this account, and the sender of its alerts."""
        wanted = {"accounts": (self.account,)} | changes
        return new_alert_sender(self.target, self.api.api_url, self.ticker, **wanted)

    @property
    def switches(self) -> Switches:
        """The operator's hand on the kill switches."""
        return Switches(self.target.dynamodb, self.target.outputs["GateTableName"], SystemClock())


@dataclass(frozen=True)
class AlertSender:
    """TradingView with one strategy's alert, as it would fill the placeholders."""

    client: Client
    strategy: str
    token: str = field(repr=False)
    ticker: str

    def message(self, *, age_s: int = 0, **changes: Any) -> dict[str, Any]:
        """The alert's fields; `time` is now, less `age_s`. None leaves a field out."""
        fired = datetime.now(UTC) - timedelta(seconds=age_s)
        usual = {
            "strategy": self.strategy,
            "token": self.token,
            "ticker": self.ticker,
            "exchange": "NSE",
            "action": "buy",
            "contracts": "5",
            "price": "100",
            "order_id": "Long",
            "position_size": "5",
            "market_position": "long",
            "time": f"{fired:%Y-%m-%dT%H:%M:%SZ}",
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def send(self, message: object, content_type: str | None = "text/plain", *, token: str = "") -> Reply:
        """Send a message; a token given here goes into the path."""
        headers = {} if content_type is None else {"Content-Type": content_type}
        path = f"/v1/webhooks/tradingview/{token}".rstrip("/")
        return self.client.send("POST", path, message, headers)

    def fire(self, **changes: Any) -> str:
        """Send an alert that must be taken, and return the one order that it becomes."""
        reply = self.send(self.message(**changes))
        assert reply.status == 202, reply
        (client_order_id,) = reply.content["client_order_ids"]
        return str(client_order_id)


def new_alert_sender(target: Target, api_url: str, ticker: str, **fields: Any) -> AlertSender:
    """A new strategy with market orders unless told otherwise, and the sender of its alerts."""
    usual: dict[str, Any] = {
        "name": f"s-{unique()}",
        "order_type": OrderType.MARKET,
        "product": Product.CNC,
        "max_quantity": 1000,
    }
    strategy = Strategy.model_validate(usual | fields)
    token = operate.add_strategy(target, strategy)
    return AlertSender(Client(api_url, key=None), strategy.name, token, ticker)


def _share(name: str) -> PaperInstrument:
    return PaperInstrument(
        instrument=parse_instrument(name),
        last_price=Decimal(LAST_PRICE),
        lot_size=1,
        tick_size=Decimal("0.05"),
        max_fill_quantity=MAX_FILL,
        kind=Kind.EQUITY,
    )
