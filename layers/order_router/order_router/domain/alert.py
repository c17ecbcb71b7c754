"""From a TradingView alert and the strategy it belongs to, to the orders it asks for: pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from order_router.domain.account import Strategy
from order_router.domain.errors import OrderDenied
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.request import OrderRequest, parse_request
from order_router.domain.vocabulary import Exchange, OrderType, PositionEffect, Side

ACTIONS = {"buy": Side.BUY, "sell": Side.SELL}
DELAYED_FEEDS = ("_DLY", "_DL")


class AlertRefused(OrderDenied):
    """The alert asks for what its strategy does not allow."""

    code = "ALERT_REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What an alert says, read but not yet judged. `contracts` and `price` as decimal text or None.

    `position_size` is the strategy's position after the order, short ones negative, as text that nobody has judged.
    `after_market`: its order is for the next session.
    """

    ticker: str
    exchange: str | None
    action: str
    contracts: str | None
    price: str | None
    time: datetime | None
    position_size: str | None = None
    market_position: str | None = None
    after_market: bool = False


def alert_digest(strategy: str, raw_body: bytes) -> str:
    """Return what two sends of one alert share: the strategy and the body, byte for byte."""
    return hashlib.sha256(strategy.encode() + b"\0" + raw_body).hexdigest()


def deadline_of(alert: Alert, strategy: Strategy, received_at: datetime) -> datetime:
    """Return until when the alert may trade: its own time may make that earlier, never later."""
    fired = alert.time if strategy.time_is == "fired" else None
    start = received_at if fired is None else min(received_at, fired)
    return start + timedelta(seconds=strategy.max_age_s)


def requests_of(alert: Alert, strategy: Strategy) -> tuple[OrderRequest, ...]:
    """Return one request for each account of the strategy; AlertRefused or ValidationError otherwise."""
    if not strategy.is_enabled:
        raise AlertRefused(f"strategy {strategy.name} is disabled", code="STRATEGY_DISABLED")
    fields = _fields(alert, strategy)
    requests = tuple(parse_request({**fields, "account": account}) for account in strategy.accounts)
    if requests[0].quantity > strategy.max_quantity:
        raise AlertRefused(
            f"strategy {strategy.name} allows at most {strategy.max_quantity},"
            f" the alert asks for {requests[0].quantity}"
        )
    return requests


def closes(alert: Alert, strategy: Strategy) -> bool:
    """Return whether the alert says that its order only makes the strategy's position smaller.

    Flat afterwards, or on the same side and smaller: the latter only if its own quantity is traded, for a part of
    TradingView's position says nothing of a fixed quantity. One that does not say so, or not readably, opens.
    """
    if (alert.market_position or "").lower() == "flat":
        return True
    after, side = _signed(alert.position_size), alert.action.lower()
    if after is None or side not in ACTIONS:
        return False
    if strategy.quantity is not None:
        # contracts are not what is traded, and an alert may well leave them out
        return after == 0
    quantity = _signed(alert.contracts)
    if quantity is None:
        return False
    return _gets_smaller(after, bought=quantity if ACTIONS[side] is Side.BUY else -quantity)


def _gets_smaller(after: Decimal, bought: Decimal) -> bool:
    try:
        before = after - bought
        is_same_side = after == 0 or after.is_signed() == before.is_signed()
        return is_same_side and abs(after) < abs(before)
    except ArithmeticError:  # a number beyond all sizes says nothing
        return False


def _signed(text: str | None) -> Decimal | None:
    try:
        value = Decimal(text or "")
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _fields(alert: Alert, strategy: Strategy) -> Mapping[str, Any]:
    fields = {
        "instrument": _instrument(alert, strategy),
        "side": _side(alert),
        "quantity": alert.contracts if strategy.quantity is None else strategy.quantity,
        "order_type": strategy.order_type.value,
        "product": strategy.product,
        "validity": strategy.validity,
        "strategy": strategy.name,
        "position_effect": PositionEffect.CLOSE if closes(alert, strategy) else None,
        "after_market": alert.after_market or None,
    }
    return {**fields, "limit_price": alert.price} if strategy.order_type is OrderType.LIMIT else fields


def _side(alert: Alert) -> Side:
    side = ACTIONS.get(alert.action.lower())
    if side is None:
        raise AlertRefused(f"action must be buy or sell, received {alert.action[:20]!r}")
    return side


def _instrument(alert: Alert, strategy: Strategy) -> Instrument:
    mapped = strategy.symbols.get(alert.ticker)
    instrument = _named(alert) if mapped is None else mapped
    if strategy.instruments and instrument not in strategy.instruments:
        raise AlertRefused(f"strategy {strategy.name} may not trade {instrument}")
    return instrument


def _named(alert: Alert) -> Instrument:
    exchange = alert.exchange or ""
    for feed in DELAYED_FEEDS:
        exchange = exchange.removesuffix(feed)
    if exchange not in Exchange.__members__:
        raise AlertRefused(f"exchange must be one of {', '.join(Exchange)}, received {exchange[:20]!r}")
    try:
        return parse_instrument(f"{exchange}:{alert.ticker}")
    except ValueError as error:
        raise AlertRefused(str(error)) from error
