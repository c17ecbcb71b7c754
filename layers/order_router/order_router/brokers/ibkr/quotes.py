"""The Web API's quotes, and what an order would bind (sources and dates: README.md)."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from order_router.adapter.decode import read_decimal, read_integer, read_list, read_object
from order_router.adapter.errors import OutcomeUnknown, Unsupported
from order_router.adapter.http import Send
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr import wire
from order_router.brokers.ibkr.profile import profile
from order_router.brokers.ibkr.session import Ask, account_id, call
from order_router.brokers.ibkr.ticket import order_ticket
from order_router.domain.instrument import Instrument
from order_router.domain.reports import OrderMargin, Quote
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import Exchange

LAST, BID, ASK, ASK_SIZE, BID_SIZE = "31", "84", "86", "85", "88"
HIGH, LOW, OPEN, PRIOR_CLOSE, VOLUME, AVAILABILITY = "70", "71", "7295", "7741", "7762", "6509"
FIELDS = f"{LAST},{BID},{ASK},{ASK_SIZE},{BID_SIZE},{HIGH},{LOW},{OPEN},{PRIOR_CLOSE},{VOLUME},{AVAILABILITY}"
REAL_TIME = "R"
"""The first letter of what 6509 says of data that is neither delayed, frozen nor not subscribed to."""

MAX_CONTRACTS = 100
NUMBER = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]+)?|-?[0-9]+(\.[0-9]+)?")
AMOUNT = re.compile(r"(-?[0-9,]+(?:\.[0-9]+)?)(?: [A-Z]{3})?")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_quotes(send: Send, session: BrokerSession, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
    """Read the quotes of at most 100 instruments; one without a real-time price is left out.

    The first snapshot of a contract only subscribes to it (the vendor's preflight), so it is taken twice; data may
    still take half a second to come. Unsupported for a combination: no page says how it is asked for.
    """
    for one in instruments:
        if one.exchange is Exchange.COMBO:
            raise Unsupported(
                f"Interactive Brokers is asked for no quotes of combinations: ask for the legs of {one}"
            )
    return quotes_of(send, session, {session.listing(one).broker_key: one for one in instruments})


def quotes_of(send: Send, session: BrokerSession, asked: Mapping[str, Instrument]) -> tuple[Quote, ...]:
    """Read the quotes of at most 100 contracts, by contract id, in the order asked."""
    if len(asked) > MAX_CONTRACTS:
        raise OutcomeUnknown(f"expected at most {MAX_CONTRACTS} instruments, received {len(asked)}")
    if not asked:
        return ()
    _snapshot(send, session, asked)
    rows = _snapshot(send, session, asked)
    priced = ((one, rows[conid]) for conid, one in asked.items() if conid in rows and _has_price(rows[conid]))
    return tuple(_quote(instrument, row) for instrument, row in priced)


def read_order_margin(send: Send, session: BrokerSession, request: OrderRequest) -> OrderMargin:
    """Read what an order would bind, in the account's currency: a preview, after a snapshot that it demands."""
    profile.require(request)
    account = account_id(session)
    ticket = order_ticket(request, session, account, tag=None)
    listing = session.listing(request.instrument)
    legs = tuple(session.listing(leg.instrument).broker_key for leg in listing.legs or ())
    _snapshot(send, session, legs or (listing.broker_key,))
    path = f"/iserver/account/{account}/orders/whatif"
    ask = Ask(method="POST", path=path, content={"orders": [ticket]})
    row = read_object(call(send, session, ask), "a preview")
    return OrderMargin(
        required=_amount(read_object(row.get("initial"), "initial"), "change"),
        charges=_amount(read_object(row.get("amount"), "amount"), "commission"),
    )


def _snapshot(
    send: Send, session: BrokerSession, conids: Mapping[str, Instrument] | tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    query = urlencode({"conids": ",".join(conids), "fields": FIELDS})
    ask = Ask(method="GET", path=f"/iserver/marketdata/snapshot?{query}")
    rows = read_list(call(send, session, ask), "a snapshot")
    found = [read_object(row, "a snapshot") for row in rows]
    return {wire.read_conid(row): row for row in found}


def _has_price(row: Mapping[str, Any]) -> bool:
    """Return whether the last price is one of today's market: C marks yesterday's, H a halted instrument's."""
    availability, last = row.get(AVAILABILITY), row.get(LAST)
    is_current = isinstance(availability, str) and availability.startswith(REAL_TIME)
    return is_current and last not in (None, "") and not str(last).startswith(("C", "H"))


def _quote(instrument: Instrument, row: dict[str, Any]) -> Quote:
    last_price = _number(row, LAST)
    if last_price is None:
        raise OutcomeUnknown("expected a last price")
    return Quote(
        instrument=instrument,
        last_price=last_price,
        bid_price=_number(row, BID),
        bid_quantity=_count(row, BID_SIZE),
        ask_price=_number(row, ASK),
        ask_quantity=_count(row, ASK_SIZE),
        open_price=_number(row, OPEN),
        high_price=_number(row, HIGH),
        low_price=_number(row, LOW),
        close_price=_number(row, PRIOR_CLOSE),
        volume=_count(row, VOLUME),
        quoted_at=_updated_at(row),
    )


def _number(row: Mapping[str, Any], name: str) -> Decimal | None:
    """Return a value that is written as text, thousands set apart by commas; None where absent."""
    text = row.get(name)
    if text in (None, ""):
        return None
    if isinstance(text, str):
        if not NUMBER.fullmatch(text):
            raise OutcomeUnknown(f"expected a number in {name}, received other text")
        text = text.replace(",", "")
    return read_decimal({name: text}, name)


def _count(row: Mapping[str, Any], name: str) -> int | None:
    number = _number(row, name)
    return None if number is None else read_integer({name: number}, name)


def _amount(row: Mapping[str, Any], name: str) -> Decimal:
    """Return an amount such as `1,978.60 USD`."""
    text = row.get(name)
    found = AMOUNT.fullmatch(text) if isinstance(text, str) and text.isascii() else None
    if found is None:
        raise OutcomeUnknown(f"expected an amount in {name}")
    return read_decimal({name: found[1].replace(",", "")}, name)


def _updated_at(row: dict[str, Any]) -> datetime | None:
    if row.get("_updated") is None:
        return None
    try:
        return EPOCH + timedelta(milliseconds=read_integer(row, "_updated"))
    except OverflowError as error:
        raise OutcomeUnknown("expected a time in _updated") from error
