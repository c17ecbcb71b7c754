"""The accounts, sessions and market that the benches trade with, and the environment that names their places."""

import json
from decimal import Decimal
from typing import Any

from order_router.aws.settings_table import SettingsTable
from order_router.domain.account import Account
from order_router.domain.instrument import parse_instrument
from order_router.domain.limits import Limits
from order_router.paper.exchange import PaperExchange
from order_router.paper.market import Kind, PaperInstrument
from order_router.paper.store import PaperStore
from order_router.transport.clock import SystemClock
from tests.fakes.listed import a_share, put_listings
from tests.simulators.kite import ACCESS_TOKEN, API_KEY

ORDERS, SETTINGS, GATE, PAPER, INSTRUMENTS = "orders", "settings", "gate", "paper", "instruments"
FUNCTION_ENVIRONMENT = {
    "ORDERS_TABLE": ORDERS,
    "SETTINGS_TABLE": SETTINGS,
    "GATE_TABLE": GATE,
    "PAPER_TABLE": PAPER,
    "INSTRUMENTS_TABLE": INSTRUMENTS,
    "ORDER_QUEUE_URL": "http://127.0.0.1/orders",
    "RECONCILE_QUEUE_URL": "http://127.0.0.1/reconcile",
    "SECRETS_PREFIX": "bench/accounts",
    "MARKET_HOURS": "ignored",
    "LOG_LEVEL": "INFO",
    "POWERTOOLS_SERVICE_NAME": "order-router",
    "AWS_REGION": "ap-south-1",
    "AWS_DEFAULT_REGION": "ap-south-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "nothing-behind-it",
}
SESSION = json.dumps({"api_key": API_KEY, "access_token": ACCESS_TOKEN})
INFY = PaperInstrument(
    instrument=parse_instrument("NSE:INFY"),
    last_price=Decimal("1500.05"),
    lot_size=1,
    tick_size=Decimal("0.05"),
    max_fill_quantity=1000,
    kind=Kind.EQUITY,
)


MOST_ORDERS = Limits(max_orders_per_day=5000)


def put_account(client: Any, broker: str, name: str, limits: Limits = MOST_ORDERS) -> None:
    """Store an account at a broker, and what it lists (low-level DynamoDB client, or what stands for one)."""
    account = Account(name=name, broker=broker, limits=limits)
    SettingsTable(client, SETTINGS, SystemClock()).put_account(account)
    put_listings(client, INSTRUMENTS, broker, [a_share("NSE:INFY")])


def open_paper(store: PaperStore, *accounts: str) -> PaperExchange:
    """List the market, open paper books, and return the exchange."""
    exchange = PaperExchange(store, SystemClock())
    exchange.seed_market([INFY])
    for name in accounts:
        exchange.open_account(name)
    return exchange


def order_body(account: str) -> dict[str, Any]:
    """Return the body of a market order that fills at once."""
    return {
        "account": account,
        "instrument": "NSE:INFY",
        "side": "BUY",
        "quantity": 5,
        "order_type": "MARKET",
        "product": "CNC",
    }
