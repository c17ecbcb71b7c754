"""Kotak's field names and words, in and out (sources and dates: README.md)."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from order_router.adapter.decode import (
    read_decimal,
    read_ist_time,
    read_object,
    read_optional_text,
    read_quantities,
    read_text,
    read_word,
)
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.port import ModifyIntent, PlaceIntent
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.listing import Listing
from order_router.domain.reports import OrderReport, ReportedState
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import Exchange, OrderType, Product, Side, Validity

SOURCE = "NEOTRADEAPI"
NONE = "0"
"""Kotak's spelling of no price, no trigger, nothing disclosed; "0.0" is refused."""

SEGMENTS = {
    "nse_cm": Exchange.NSE,
    "bse_cm": Exchange.BSE,
    "nse_fo": Exchange.NFO,
    "bse_fo": Exchange.BFO,
}
KOTAK_SEGMENTS = {ours: kotak for kotak, ours in SEGMENTS.items()}
ORDER_TYPES = {
    "L": OrderType.LIMIT,
    "MKT": OrderType.MARKET,
    "SL": OrderType.SL,
    "SL-M": OrderType.SL_M,
}
KOTAK_ORDER_TYPES = {ours: kotak for kotak, ours in ORDER_TYPES.items()}
SIDES = {"B": Side.BUY, "S": Side.SELL}
KOTAK_SIDES = {ours: kotak for kotak, ours in SIDES.items()}
PRODUCTS = {"CNC": Product.CNC, "MIS": Product.MIS, "NRML": Product.NRML, "MTF": Product.MTF}
# validities of orders placed elsewhere, for which our vocabulary has no word
VALIDITIES: dict[str, Validity | None] = {
    "DAY": Validity.DAY,
    "IOC": Validity.IOC,
    "GTC": None,
    "GTD": None,
    "EOS": None,
}
STATES = {
    "put order req received": ReportedState.PENDING,
    "validation pending": ReportedState.PENDING,
    "open pending": ReportedState.PENDING,
    "after market order req received": ReportedState.PENDING,
    "modify after market order req received": ReportedState.PENDING,
    "open": ReportedState.OPEN,
    "trigger pending": ReportedState.OPEN,
    "modify pending": ReportedState.OPEN,
    "modify validation pending": ReportedState.OPEN,
    "modified": ReportedState.OPEN,
    "cancel pending": ReportedState.OPEN,
    "complete": ReportedState.FILLED,
    "traded": ReportedState.FILLED,
    "cancelled": ReportedState.CANCELLED,
    "cancelled after market order": ReportedState.CANCELLED,
    "rejected": ReportedState.REJECTED,
}
CHANGING = frozenset({"modify pending", "modify validation pending", "cancel pending"})
"""What Kotak says while a change or a cancel is under way there."""
# what the book shows of orders made elsewhere: kotakneoapi 3.0.9, its settings and feed
NEVER_SENT = {"exSeg": frozenset({"mcx_fo", "cde_fo", "bse_cd"}), "prod": frozenset({"co", "bo"})}
WAITING = frozenset({"after market order req received", "modify after market order req received"})
"""What Kotak says of an after-market order that it keeps until the session."""
AFTER_MARKET = {False: "NO", True: "YES"}
ABSENT = frozenset({"", "-", "--", "NA", "na"})
SHARE_SUFFIX = "-EQ"
OUR_TAG = re.compile(r"([A-Z2-7]{20})(?:-.*)?", re.DOTALL)
KOTAKS_OWN_TAG = "-ADMINAPI"
ORDER_ID = re.compile(r"[A-Za-z0-9]{1,40}")
TIME = "%d-%b-%Y %H:%M:%S"


def place_fields(intent: PlaceIntent, listing: Listing) -> dict[str, str]:
    """Return the fields of a placement, in the order of the vendor's own client."""
    request = intent.request
    return {
        "am": AFTER_MARKET[bool(request.after_market)],
        "dq": _disclosed(request),
        "es": KOTAK_SEGMENTS[request.instrument.exchange],
        "mp": NONE,
        "pc": str(request.product),
        "pr": price_text(request.limit_price),
        "pt": KOTAK_ORDER_TYPES[OrderType(request.order_type)],
        "qt": str(request.quantity),
        "rt": str(request.validity),
        "tp": price_text(request.trigger_price),
        "ts": listing.broker_symbol,
        "tt": KOTAK_SIDES[request.side],
        "ig": intent.client_tag,
        "os": SOURCE,
    }


def modify_fields(intent: ModifyIntent, *, waits: bool) -> dict[str, str]:
    """Return the fields of a change: all terms, the validity under another name than in a placement.

    `waits`: it is an after-market order that Kotak still keeps.
    """
    request = intent.request
    return {
        "mp": NONE,
        "dq": _disclosed(request),
        "vd": str(request.validity),
        "pr": price_text(request.limit_price),
        "pt": KOTAK_ORDER_TYPES[OrderType(request.order_type)],
        "am": AFTER_MARKET[waits],
        "tp": price_text(request.trigger_price),
        "qt": str(request.quantity),
        "no": intent.broker_order_id,
        "os": SOURCE,
    }


def cancel_fields(broker_order_id: str, kept: Listing | None) -> dict[str, str]:
    """Return the fields of a cancel; `kept` is what an after-market order trades that Kotak still keeps."""
    fields = {"on": broker_order_id, "am": AFTER_MARKET[kept is not None]}
    return fields if kept is None else {**fields, "ts": kept.broker_symbol}


def price_text(price: Decimal | None) -> str:
    """Return a price as Kotak takes it."""
    return NONE if price is None else format(price, "f")


def read_order_id(value: object) -> str:
    """Return the order id of an acknowledgement or a row; OutcomeUnknown if it is not letters and digits."""
    if not isinstance(value, str) or not ORDER_ID.fullmatch(value):
        raise OutcomeUnknown("Kotak answered without a readable nOrdNo")
    return value


def read_row(value: object) -> OrderReport:
    """Read one row of the book; OutcomeUnknown names what is not as documented."""
    row = read_object(value, "an order")
    quantity, filled_quantity = read_quantities(row, "qty", "fldQty")
    return OrderReport(
        broker_order_id=read_order_id(row.get("nOrdNo")),
        state=_state(row, quantity, filled_quantity),
        status=read_text(row, "ordSt"),
        instrument=read_instrument(row),
        side=read_word(SIDES, row, "trnsTp"),
        quantity=quantity,
        filled_quantity=filled_quantity,
        order_type=read_word(ORDER_TYPES, row, "prcTp"),
        product=read_word(PRODUCTS, row, "prod"),
        validity=read_word(VALIDITIES, row, "vldt"),
        limit_price=_price(row, "prc"),
        trigger_price=_price(row, "trgPrc"),
        average_price=_price(row, "avgPrc"),
        exchange_order_id=read_present_text(row, "exOrdId"),
        client_tag=read_tag(row),
        message=read_present_text(row, "rejRsn"),
        # ordDtTm moves with each change of the order
        placed_at=read_time(row, "ordEntTm"),
        is_changing=read_text(row, "ordSt").lower() in CHANGING,
    )


def read_tag(row: dict[str, Any]) -> str | None:
    """Return our tag, whole or with what a cancel appends; None where Kotak put its own in place of it."""
    shown = read_present_text(row, "GuiOrdId")
    ours = None if shown is None else OUR_TAG.fullmatch(shown)
    if ours is not None:
        return ours[1]
    return None if shown is not None and shown.endswith(KOTAKS_OWN_TAG) else shown


def read_instrument(row: dict[str, Any], symbol: str = "trdSym") -> Instrument:
    """Read a row's instrument; OutcomeUnknown in a segment that is not claimed."""
    exchange = read_word(SEGMENTS, row, "exSeg")
    return instrument_of(exchange, read_text(row, symbol))


def instrument_of(exchange: Exchange, broker_symbol: str) -> Instrument:
    """Return the instrument that Kotak calls so: its own spelling, but for the -EQ of NSE's shares."""
    name = broker_symbol.removesuffix(SHARE_SUFFIX) if exchange is Exchange.NSE else broker_symbol
    try:
        return parse_instrument(f"{exchange}:{name}")
    except ValueError as error:
        raise OutcomeUnknown("expected a trading symbol as Kotak's master has it") from error


def read_present_text(row: dict[str, Any], name: str) -> str | None:
    """Return a text field; None where it is absent or one of Kotak's words for nothing."""
    text = read_optional_text(row, name)
    return None if text is None or text.strip() in ABSENT else text


def read_time(row: dict[str, Any], name: str) -> datetime | None:
    """Return a time of the exchange's zone in UTC; None where it is absent."""
    return read_ist_time({name: read_present_text(row, name)}, name, TIME)


def _state(row: dict[str, Any], quantity: int, filled_quantity: int) -> ReportedState:
    word = read_text(row, "ordSt")
    state = STATES.get(word.lower())
    if state is None:
        raise OutcomeUnknown(f"unknown word in ordSt: {word[:40]!r}")
    if state is ReportedState.FILLED and filled_quantity != quantity:
        raise OutcomeUnknown(f"ordSt is {word[:40]} with {filled_quantity} of {quantity} filled")
    if state is ReportedState.OPEN and 0 < filled_quantity < quantity:
        return ReportedState.PARTIALLY_FILLED
    return state


def _price(row: dict[str, Any], name: str) -> Decimal | None:
    if isinstance(row.get(name), str) and row[name].strip() in ABSENT:
        return None
    price = read_decimal(row, name)
    if price < 0:
        raise OutcomeUnknown(f"expected a price in {name}, received a negative number")
    return price or None


def _disclosed(request: OrderRequest) -> str:
    return NONE if request.disclosed_quantity is None else str(request.disclosed_quantity)
