"""Puts the first account, strategy, API keys and prices into a fresh stack; what is there stays."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from infra.local.stack import Stack
from infra.operate import Target, add_account, add_key, add_strategy
from order_router.domain.account import Account, Scope, Strategy
from order_router.domain.instrument import parse_instrument
from order_router.domain.vocabulary import OrderType, Product
from order_router.paper.market import Kind, PaperInstrument

PAPER, DEMO = "paper", "demo"
NIFTY_LOT = 65


def _share(name: str, last_price: str) -> PaperInstrument:
    return PaperInstrument(
        instrument=parse_instrument(name),
        last_price=Decimal(last_price),
        lot_size=1,
        tick_size=Decimal("0.05"),
        max_fill_quantity=10_000,
        kind=Kind.EQUITY,
    )


def _nifty(name: str, last_price: str, kind: Kind, strike: str | None = None) -> PaperInstrument:
    return PaperInstrument(
        instrument=parse_instrument(name),
        last_price=Decimal(last_price),
        lot_size=NIFTY_LOT,
        tick_size=Decimal("0.05"),
        max_fill_quantity=NIFTY_LOT * 20,
        kind=kind,
        strike=None if strike is None else Decimal(strike),
    )


MARKET = (
    _share("NSE:RELIANCE", "1400"),
    _share("NSE:INFY", "1500.05"),
    _share("NSE:TCS", "3100"),
    _share("NSE:SBIN", "850.5"),
    _nifty("NFO:NIFTY26DECFUT", "26100", Kind.FUTURE),
    _nifty("NFO:NIFTY26DEC26000CE", "350.5", Kind.OPTION, "26000"),
)
STRATEGY = Strategy(
    name=DEMO, accounts=(PAPER,), order_type=OrderType.MARKET, product=Product.MIS, max_quantity=1000
)


def seed(stack: Stack, known: Mapping[str, Any]) -> dict[str, Any]:
    """Seed what is missing and return the keys for the stack's facts; `known` are those of an earlier start."""
    target = Target(
        dynamodb=stack.client("dynamodb"),
        secretsmanager=stack.client("secretsmanager"),
        stack_name=stack.name,
        outputs=stack.outputs,
    )
    if known.get("api_key") and target.settings.caller(known["api_key"]) is not None:
        return {name: known[name] for name in ("api_key", "api_keys", "webhook_token")}
    add_account(target, Account(name=PAPER, broker=PAPER))
    target.paper_exchange.seed_market(MARKET)
    api_keys = {str(scope): add_key(target, f"local-{scope}", frozenset({scope})) for scope in Scope}
    return {
        "api_key": api_keys[Scope.ADMIN],
        "api_keys": api_keys,
        "webhook_token": add_strategy(target, STRATEGY),
    }
