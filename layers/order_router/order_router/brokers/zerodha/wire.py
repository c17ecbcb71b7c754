"""Kite's field names and words, in and out (sources and dates: README.md)."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from order_router.adapter.decode import (
    read_decimal,
    read_integer,
    read_ist_time,
    read_list,
    read_object,
    read_optional_text,
    read_quantities,
    read_text,
    read_word,
)
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.port import PlaceIntent
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.reports import OrderMargin, OrderReport, Quote, ReportedState
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import OrderType, Product, Side, Validity

REGULAR, AFTER_MARKET = "regular", "amo"
AUTOMATIC_PROTECTION = -1

ORDER_TYPES = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "SL": OrderType.SL,
    "SL-M": OrderType.SL_M,
}
KITE_ORDER_TYPES = {ours: kite for kite, ours in ORDER_TYPES.items()}
PROTECTED = frozenset({OrderType.MARKET, OrderType.SL_M})
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
PRODUCTS = {"CNC": Product.CNC, "MIS": Product.MIS, "NRML": Product.NRML, "MTF": Product.MTF}
# TTL is Kite's word for minutes; our vocabulary has none for it
VALIDITIES: dict[str, Validity | None] = {"DAY": Validity.DAY, "IOC": Validity.IOC, "TTL": None}
# the exchanges whose quantities Kite counts in units
UNIT_EXCHANGES = {"NSE": "NSE", "BSE": "BSE", "NFO": "NFO", "BFO": "BFO"}
STATES = {
    "PUT ORDER REQ RECEIVED": ReportedState.PENDING,
    "VALIDATION PENDING": ReportedState.PENDING,
    "OPEN PENDING": ReportedState.PENDING,
    "AMO REQ RECEIVED": ReportedState.PENDING,
    "MODIFY AMO REQ RECEIVED": ReportedState.PENDING,
    "TRIGGER PENDING": ReportedState.OPEN,
    "OPEN": ReportedState.OPEN,
    "MODIFY VALIDATION PENDING": ReportedState.OPEN,
    "MODIFY PENDING": ReportedState.OPEN,
    "MODIFIED": ReportedState.OPEN,
    "CANCEL PENDING": ReportedState.OPEN,
    "COMPLETE": ReportedState.FILLED,
    "CANCELLED": ReportedState.CANCELLED,
    "CANCELLED AMO": ReportedState.CANCELLED,
    "REJECTED": ReportedState.REJECTED,
}
CHANGING = frozenset({"MODIFY VALIDATION PENDING", "MODIFY PENDING", "CANCEL PENDING"})
"""What Kite says while a change or a cancel is under way there."""
# a postback's own words: a part was filled or the order was changed; the page lists CANCEL where its rows say CANCELLED
POSTBACK_STATES = STATES | {"UPDATE": ReportedState.OPEN, "CANCEL": ReportedState.CANCELLED}
# what the book shows of orders made elsewhere: kiteconnect 5.2.2; the product of a cover order, forum comment 47143
NEVER_SENT = {
    "exchange": frozenset({"mcx", "nco", "cds", "bcd"}),
    "product": frozenset({"co", "bo"}),
    "variety": frozenset({"co", "iceberg", "auction"}),
}
WAITING = frozenset({"AMO REQ RECEIVED", "MODIFY AMO REQ RECEIVED"})
"""What Kite says of an after-market order that it keeps until the session."""
OUR_TAG = re.compile(r"[A-Z2-7]{20}")
ORDER_ID = re.compile(r"[A-Za-z0-9]{1,40}")


def place_parameters(intent: PlaceIntent) -> dict[str, Any]:
    """Return what the client's `place_order` takes."""
    request = intent.request
    return {
        "exchange": str(request.instrument.exchange),
        "tradingsymbol": request.instrument.tradingsymbol,
        "transaction_type": str(request.side),
        "product": str(request.product),
        "algo_id": intent.algo_id,
        "tag": intent.client_tag,
        **terms(request, variety_of(request)),
    }


def variety_of(request: OrderRequest) -> str:
    """Return the variety that an order is placed as."""
    return AFTER_MARKET if request.after_market else REGULAR


def terms(request: OrderRequest, variety: str) -> dict[str, Any]:
    """Return the terms that placing and modifying share; the client leaves out those that are None."""
    order_type = OrderType(request.order_type)
    return {
        "variety": variety,
        "quantity": request.quantity,
        "order_type": KITE_ORDER_TYPES[order_type],
        "price": _text(request.limit_price),
        "trigger_price": _text(request.trigger_price),
        "validity": str(request.validity),
        "disclosed_quantity": request.disclosed_quantity,
        "market_protection": AUTOMATIC_PROTECTION if order_type in PROTECTED else None,
    }


def margin_parameters(request: OrderRequest) -> dict[str, Any]:
    """Return what the client's `order_margins` takes for one order: 0 for a price that it lacks, as on the page."""
    return {
        "exchange": str(request.instrument.exchange),
        "tradingsymbol": request.instrument.tradingsymbol,
        "transaction_type": str(request.side),
        "variety": variety_of(request),
        "product": str(request.product),
        "order_type": KITE_ORDER_TYPES[OrderType(request.order_type)],
        "quantity": request.quantity,
        "price": request.limit_price or 0,
        "trigger_price": request.trigger_price or 0,
    }


def read_acknowledgement(value: object) -> str:
    """Return the id of the one order that was asked for; OutcomeUnknown if Kite made several of it."""
    row = read_object(value, "an acknowledgement")
    children = [] if row.get("children") is None else read_list(row["children"], "children")
    if children:
        raise OutcomeUnknown(f"Kite split the order into {len(children)}, which was not asked for")
    return read_order_id(row.get("order_id"))


def read_order_id(value: object) -> str:
    """Return the order id of an acknowledgement; OutcomeUnknown if it is not letters and digits."""
    if not isinstance(value, str) or not ORDER_ID.fullmatch(value):
        raise OutcomeUnknown("Kite acknowledged without a readable order_id")
    return value


def read_row(value: object, states: dict[str, ReportedState] = STATES) -> OrderReport:
    """Read one row of the book or of an order's history; OutcomeUnknown names what is not as documented."""
    row = read_object(value, "an order")
    quantity, filled_quantity = read_quantities(row, "quantity", "filled_quantity")
    return OrderReport(
        broker_order_id=read_order_id(row.get("order_id")),
        state=_state(row, states, (quantity, filled_quantity)),
        status=read_text(row, "status"),
        instrument=read_instrument(row),
        side=read_word(SIDES, row, "transaction_type"),
        quantity=quantity,
        filled_quantity=filled_quantity,
        order_type=read_word(ORDER_TYPES, row, "order_type"),
        product=read_word(PRODUCTS, row, "product"),
        validity=read_word(VALIDITIES, row, "validity"),
        limit_price=_price(row, "price"),
        trigger_price=_price(row, "trigger_price"),
        average_price=_price(row, "average_price"),
        exchange_order_id=read_optional_text(row, "exchange_order_id"),
        client_tag=read_tag(row),
        message=read_optional_text(row, "status_message"),
        placed_at=read_ist_time(row, "order_timestamp"),
        is_changing=read_text(row, "status") in CHANGING,
    )


def read_instrument(row: Mapping[str, Any]) -> Instrument:
    """Read a row's instrument; OutcomeUnknown on an exchange that counts in lots."""
    exchange = read_word(UNIT_EXCHANGES, dict(row), "exchange")
    try:
        return parse_instrument(f"{exchange}:{read_text(dict(row), 'tradingsymbol')}")
    except ValueError as error:
        raise OutcomeUnknown("expected a tradingsymbol as the exchange writes it") from error


def read_quote(instrument: Instrument, value: object) -> Quote:
    """Read one entry of a full quote; an index has no depth, volume or circuit."""
    row = read_object(value, "a quote")
    prices = read_object(row.get("ohlc"), "the day's prices")
    bid_price, bid_quantity = _best(row, "buy")
    ask_price, ask_quantity = _best(row, "sell")
    return Quote(
        instrument=instrument,
        last_price=read_decimal(row, "last_price"),
        bid_price=bid_price,
        bid_quantity=bid_quantity,
        ask_price=ask_price,
        ask_quantity=ask_quantity,
        open_price=_price(prices, "open"),
        high_price=_price(prices, "high"),
        low_price=_price(prices, "low"),
        close_price=_price(prices, "close"),
        volume=_count(row, "volume"),
        open_interest=_count(row, "oi"),
        lower_circuit=_price_if_any(row, "lower_circuit_limit"),
        upper_circuit=_price_if_any(row, "upper_circuit_limit"),
        quoted_at=read_ist_time(row, "timestamp"),
    )


def read_margin(value: object, request: OrderRequest) -> OrderMargin:
    """Read what one order would bind; OutcomeUnknown if the answer is about another instrument."""
    row = read_object(value, "an order's margin")
    if read_instrument(row) != request.instrument:
        raise OutcomeUnknown("Kite answered with the margin of another instrument")
    charges = read_object(row.get("charges"), "the charges")
    return OrderMargin(required=read_decimal(row, "total"), charges=read_decimal(charges, "total"))


def read_tag(row: dict[str, Any]) -> str | None:
    """Return our tag from `tag` or, beside tags of Kite's own, from `tags`; else what stands in `tag`."""
    tag = read_optional_text(row, "tag")
    more = [] if row.get("tags") is None else read_list(row["tags"], "tags")
    ours = [one for one in (tag, *more) if isinstance(one, str) and OUR_TAG.fullmatch(one)]
    return ours[0] if ours else tag


def _state(
    row: dict[str, Any], states: dict[str, ReportedState], quantities: tuple[int, int]
) -> ReportedState:
    state = read_word(states, row, "status")
    quantity, filled_quantity = quantities
    if state is ReportedState.FILLED and filled_quantity != quantity:
        raise OutcomeUnknown(f"status is COMPLETE with {filled_quantity} of {quantity} filled")
    if state is ReportedState.OPEN and 0 < filled_quantity < quantity:
        return ReportedState.PARTIALLY_FILLED
    return state


def _best(row: dict[str, Any], side: str) -> tuple[Decimal | None, int | None]:
    """Return price and quantity of the first level of a side of the depth, if there is one."""
    depth = {} if row.get("depth") is None else read_object(row["depth"], "the depth")
    levels = [] if depth.get(side) is None else read_list(depth[side], f"the {side} side")
    if not levels:
        return None, None
    level = read_object(levels[0], "a level of the depth")
    price, quantity = _price(level, "price"), read_integer(level, "quantity")
    return (None, None) if price is None else (price, quantity)


def _count(row: dict[str, Any], name: str) -> int | None:
    return None if row.get(name) is None else read_integer(row, name)


def _price_if_any(row: dict[str, Any], name: str) -> Decimal | None:
    return None if row.get(name) is None else _price(row, name)


def _price(row: dict[str, Any], name: str) -> Decimal | None:
    price = read_decimal(row, name)
    if price < 0:
        raise OutcomeUnknown(f"expected a price in {name}, received a negative number")
    return price or None


def _text(price: Decimal | None) -> str | None:
    return None if price is None else format(price, "f")
