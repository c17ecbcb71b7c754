"""How the paper broker's answers look: JSON values, money as text, times in UTC."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from order_router.adapter.http import HttpResponse
from order_router.paper.book import Book, PaperHolding, PaperOrder, PaperPosition, PaperTrade
from order_router.paper.errors import PaperRefusal, RefusalCode
from order_router.paper.ledger import unrealised_pnl
from order_router.paper.margin import money
from order_router.paper.market import Market, PaperInstrument, find

AVERAGE_GRID = Decimal("0.0001")
HTTP_STATUS: dict[RefusalCode, int] = {
    RefusalCode.BAD_INPUT: 400,
    RefusalCode.NOT_LOGGED_IN: 401,
    RefusalCode.NO_SUCH_ACCOUNT: 403,
    RefusalCode.NO_SUCH_PAGE: 404,
    RefusalCode.NO_SUCH_INSTRUMENT: 422,
    RefusalCode.WRONG_PRODUCT: 422,
    RefusalCode.WRONG_LOT: 422,
    RefusalCode.WRONG_TICK: 422,
    RefusalCode.WRONG_TRIGGER: 422,
    RefusalCode.WRONG_QUANTITY: 422,
    RefusalCode.TOO_MANY_ORDERS: 422,
    RefusalCode.SHORT_OF_FUNDS: 422,
    RefusalCode.SHORT_OF_HOLDINGS: 422,
    RefusalCode.NO_SUCH_ORDER: 404,
    RefusalCode.ORDER_HAS_ENDED: 409,
    RefusalCode.BUSY: 429,
}

Json = dict[str, Any]


def render_answer(status: int, content: Json) -> HttpResponse:
    """Return the content as an answer."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return HttpResponse(status=status, headers={"content-type": "application/json"}, body=body)


def render_refusal(refusal: PaperRefusal) -> HttpResponse:
    """Return a refusal as an answer."""
    return render_error(HTTP_STATUS[refusal.refusal], refusal.code, refusal.message)


def render_error(status: int, code: str, message: str) -> HttpResponse:
    """Return a failure as an answer."""
    return render_answer(status, {"error": {"code": code, "message": message}})


def render_order(order: PaperOrder) -> Json:
    """Return one row of the order book."""
    request = order.request
    return {
        "broker_order_id": order.broker_order_id,
        "client_tag": order.client_tag,
        "status": order.status,
        "instrument": str(request.instrument),
        "side": request.side,
        "quantity": request.quantity,
        "filled_quantity": order.filled_quantity,
        "pending_quantity": order.pending_quantity,
        "disclosed_quantity": request.disclosed_quantity,
        "order_type": request.order_type,
        "product": request.product,
        "validity": request.validity,
        "limit_price": _text(request.limit_price),
        "trigger_price": _text(request.trigger_price),
        "average_price": _average(order.filled_value, order.filled_quantity),
        "message": order.message,
        "placed_at": _time(order.placed_at),
        "updated_at": _time(order.updated_at),
    }


def render_trade(trade: PaperTrade) -> Json:
    """Return one row of the trade book."""
    return {
        "trade_id": trade.trade_id,
        "broker_order_id": trade.broker_order_id,
        "instrument": str(trade.instrument),
        "side": trade.side,
        "product": trade.product,
        "quantity": trade.quantity,
        "price": _text(trade.price),
        "traded_at": _time(trade.traded_at),
    }


def render_position(position: PaperPosition, market: Market) -> Json:
    """Return one position with its profit at the last price."""
    last_price = find(market, position.instrument).last_price
    return {
        "instrument": str(position.instrument),
        "product": position.product,
        "quantity": position.quantity,
        "average_price": _average(position.cost, position.quantity) or "0",
        "last_price": _text(last_price),
        "realised_pnl": _text(position.realised_pnl),
        "unrealised_pnl": _text(unrealised_pnl(position, last_price)),
        "buy_quantity": position.buy_quantity,
        "sell_quantity": position.sell_quantity,
    }


def render_holding(holding: PaperHolding, market: Market) -> Json:
    """Return one holding with its profit at the last price."""
    last_price = find(market, holding.instrument).last_price
    return {
        "instrument": str(holding.instrument),
        "quantity": holding.quantity,
        "average_price": _average(holding.cost, holding.quantity),
        "last_price": _text(last_price),
        "pnl": _text(unrealised_pnl(holding, last_price)),
    }


def render_quote(listed: PaperInstrument) -> Json:
    """Return an instrument's last price."""
    return {"instrument": str(listed.instrument), "last_price": _text(listed.last_price)}


def render_funds(book: Book, market: Market) -> Json:
    """Return the money: available + used = cash."""
    funds = money(book, market)
    return {
        "segment": "all",
        "cash": _text(funds.cash),
        "available": _text(funds.available),
        "used": _text(funds.used),
    }


def _average(value: Decimal, quantity: int) -> str | None:
    return _text((value / quantity).quantize(AVERAGE_GRID)) if quantity else None


def _text(amount: Decimal | None) -> str | None:
    if amount is None:
        return None
    plain = amount.normalize()
    return "0" if plain.is_zero() else format(plain, "f")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
