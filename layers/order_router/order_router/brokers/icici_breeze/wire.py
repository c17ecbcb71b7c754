"""Breeze's field names and words of orders, in and out (sources and dates: README.md)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from order_router.adapter.decode import (
    read_decimal,
    read_integer,
    read_object,
    read_optional_text,
    read_text,
)
from order_router.adapter.errors import OutcomeUnknown, Unsupported
from order_router.adapter.port import ModifyIntent, PlaceIntent
from order_router.brokers.icici_breeze.contracts import CASH, PRODUCT_TYPES, contract_fields
from order_router.brokers.icici_breeze.words import known_word
from order_router.domain.exchange_time import IST
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing
from order_router.domain.reports import OrderReport, ReportedState
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import OrderType, Product, Side, Validity

ACTIONS = {"buy": Side.BUY, "sell": Side.SELL}
BREEZE_ACTIONS = {ours: breeze for breeze, ours in ACTIONS.items()}
ORDER_TYPES = {"limit": OrderType.LIMIT, "stoploss": OrderType.SL, "market": OrderType.MARKET}
BREEZE_ORDER_TYPES = {OrderType.LIMIT: "limit", OrderType.SL: "stoploss"}
PRODUCTS = {"cash": Product.CNC, "mtf": Product.MTF, "futures": Product.NRML, "options": Product.NRML}
# what the book shows of orders made elsewhere: breeze-connect 1.0.69, and the product that is banned on the API
NEVER_SENT = {"product_type": frozenset({"btst", "margin"})}
CASH_PRODUCTS = {Product.CNC: "cash", Product.MTF: "mtf"}
# VTC, valid till cancelled, has no word in our vocabulary
VALIDITIES: dict[str, Validity | None] = {"day": Validity.DAY, "ioc": Validity.IOC, "vtc": None}
BREEZE_VALIDITIES = {Validity.DAY: "day", Validity.IOC: "ioc"}
ORDER_ID = re.compile(r"[A-Za-z0-9]{1,40}")
TAG = re.compile(r"[A-Za-z0-9]{1,20}")
ORDER_TIMES = (("%d-%b-%Y %H:%M:%S", timedelta(0)), ("%d-%b-%Y %H:%M", timedelta(seconds=59)))


class Filled(Enum):
    """How much of an order in some state has filled."""

    NONE = "none"
    MAYBE = "maybe"
    PART = "part"
    ALL = "all"


STATES: dict[str, tuple[ReportedState, Filled]] = {
    "requested": (ReportedState.PENDING, Filled.NONE),
    "queued": (ReportedState.PENDING, Filled.NONE),
    "ordered": (ReportedState.OPEN, Filled.MAYBE),
    # held by the exchange's check of freeze quantities
    "freezed": (ReportedState.OPEN, Filled.NONE),
    "partially executed": (ReportedState.PARTIALLY_FILLED, Filled.PART),
    "executed": (ReportedState.FILLED, Filled.ALL),
    "cancelled": (ReportedState.CANCELLED, Filled.NONE),
    "partially executed and cancelled": (ReportedState.CANCELLED, Filled.PART),
    "rejected": (ReportedState.REJECTED, Filled.NONE),
    "expired": (ReportedState.EXPIRED, Filled.NONE),
    "partially executed and expired": (ReportedState.EXPIRED, Filled.PART),
}
ENDED = frozenset({ReportedState.CANCELLED, ReportedState.EXPIRED})
"""Where what is left is shown as cancelled, as pending, or as both."""


@dataclass(frozen=True, slots=True)
class _Progress:
    state: ReportedState
    quantity: int
    filled_quantity: int
    average_price: Decimal | None


def place_fields(intent: PlaceIntent, listing: Listing) -> dict[str, str]:
    """Return a placement's fields, every value a text, in the order of the vendor's client."""
    request = intent.request
    return {
        "stock_code": listing.broker_symbol,
        "exchange_code": str(request.instrument.exchange),
        "product": product_of(request, listing),
        "action": BREEZE_ACTIONS[request.side],
        "order_type": BREEZE_ORDER_TYPES[OrderType(request.order_type)],
        "quantity": str(request.quantity),
        "price": _price(request.limit_price),
        "validity": BREEZE_VALIDITIES[request.validity],
        # the vendor's client sends these three empty
        "settlement_id": "",
        "order_segment_code": "",
        "lots": "",
        "user_remark": intent.client_tag,
        "stoploss": _price(request.trigger_price),
        "disclosed_quantity": str(request.disclosed_quantity or 0),
        **contract_fields(listing),
    }


def modify_fields(intent: ModifyIntent) -> dict[str, str]:
    """Return all terms as they shall be; a contract's own fields are not repeated."""
    request = intent.request
    return {
        "order_id": intent.broker_order_id,
        "exchange_code": str(request.instrument.exchange),
        "order_type": BREEZE_ORDER_TYPES[OrderType(request.order_type)],
        "stoploss": _price(request.trigger_price),
        "quantity": str(request.quantity),
        "price": _price(request.limit_price),
        "validity": BREEZE_VALIDITIES[request.validity],
        "disclosed_quantity": str(request.disclosed_quantity or 0),
    }


def product_of(request: OrderRequest, listing: Listing) -> str:
    """Return Breeze's word for the product; Unsupported where exchange or side does not go with it."""
    exchange = request.instrument.exchange
    if exchange not in CASH:
        if request.product is not Product.NRML:
            raise Unsupported(f"ICICI Breeze carries futures and options as NRML, not {request.product}")
        return PRODUCT_TYPES[listing.instrument_type]
    if request.product not in CASH_PRODUCTS:
        raise Unsupported(f"ICICI Breeze takes CNC or MTF on {exchange}, not {request.product}")
    if request.product is Product.MTF and request.side is Side.SELL:
        raise Unsupported("ICICI Breeze takes MTF orders to buy alone")
    return CASH_PRODUCTS[request.product]


def read_order_id(value: object) -> str:
    """Return an order id; OutcomeUnknown if it is not letters and digits."""
    if not isinstance(value, str) or not ORDER_ID.fullmatch(value):
        raise OutcomeUnknown("Breeze answered without a readable order_id")
    return value


def read_row(row: dict[str, Any], instrument: Instrument) -> OrderReport:
    """Read one row of an order list; OutcomeUnknown names what is not as documented."""
    progress = _progress(row)
    return OrderReport(
        broker_order_id=read_order_id(row.get("order_id")),
        state=progress.state,
        status=read_text(row, "status"),
        instrument=instrument,
        side=known_word(ACTIONS, row, "action"),
        quantity=progress.quantity,
        filled_quantity=progress.filled_quantity,
        order_type=known_word(ORDER_TYPES, row, "order_type"),
        product=known_word(PRODUCTS, row, "product_type"),
        validity=known_word(VALIDITIES, row, "validity"),
        limit_price=_shown_price(row, "price"),
        trigger_price=_shown_price(row, "stoploss"),
        average_price=progress.average_price,
        exchange_order_id=read_optional_text(row, "exchange_order_id"),
        client_tag=read_optional_text(row, "user_remark"),
        placed_at=read_order_time(row),
    )


def read_order_time(row: dict[str, Any]) -> datetime | None:
    """Read when an order was placed; a time without seconds is the last second of its minute."""
    text = read_optional_text(row, "order_datetime")
    if text is None:
        return None
    for pattern, rest in ORDER_TIMES:
        try:
            return (datetime.strptime(text, pattern).replace(tzinfo=IST) + rest).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    raise OutcomeUnknown("expected a time in order_datetime")


def read_optional_decimal(row: dict[str, Any], name: str) -> Decimal | None:
    """Return a number, None where Breeze shows nothing."""
    return None if row.get(name) in (None, "") else read_decimal(row, name)


def as_row(value: object) -> dict[str, Any]:
    """Return a row of Breeze's as an object."""
    return read_object(value, "a row of Breeze's")


def _progress(row: dict[str, Any]) -> _Progress:
    state, filled = known_word(STATES, row, "status")
    quantity = read_integer(row, "quantity")
    average_price = _shown_price(row, "average_price")
    has_ended = state in ENDED
    done = 0
    if filled is Filled.ALL:
        done = quantity
    # of an order that may have filled, and where nothing has, the columns have been seen to be left at zero
    if filled is Filled.PART or (filled is Filled.MAYBE and average_price is not None):
        done = quantity - _left(row, has_ended=has_ended)
    if filled is Filled.MAYBE and done:
        state = ReportedState.PARTIALLY_FILLED
    is_partial = state is ReportedState.PARTIALLY_FILLED or filled is Filled.PART
    fits = 0 < done < quantity if is_partial else quantity > 0
    if filled is Filled.NONE:
        is_whole = not has_ended or _left(row, has_ended=True) in {0, quantity}
        fits = fits and average_price is None and is_whole
    if not fits:
        raise OutcomeUnknown(f"status does not fit: {done} of {quantity} filled at {average_price}")
    return _Progress(state, quantity, done, average_price)


def _left(row: dict[str, Any], *, has_ended: bool) -> int:
    """Return what has not filled: pending stays as it was when an order is cancelled or expires, so it counts once."""
    pending, cancelled = read_integer(row, "pending_quantity"), read_integer(row, "cancelled_quantity")
    if pending and cancelled and not (has_ended and pending == cancelled):
        raise OutcomeUnknown(f"quantities do not fit: {pending} pending beside {cancelled} cancelled")
    return max(pending, cancelled)


def _shown_price(row: dict[str, Any], name: str) -> Decimal | None:
    price = read_optional_decimal(row, name)
    if price is not None and price < 0:
        raise OutcomeUnknown(f"expected a price in {name}, received a negative number")
    return price or None


def _price(price: Decimal | None) -> str:
    return "0" if price is None else format(price, "f")
