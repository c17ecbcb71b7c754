"""Random values of the domain, for properties: every one is a value that the models allow."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from order_router.domain.errors import Reason
from order_router.domain.history import Event, Step
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.request import MAX_QUANTITY, OrderRequest, parse_request
from order_router.domain.vocabulary import Exchange, OrderType, Product, Side, Source, Validity

PRICED = {OrderType.LIMIT, OrderType.SL}
CENTURY = datetime(2001, 1, 1, tzinfo=UTC)
TRIGGERED = {OrderType.SL, OrderType.SL_M}


def moments() -> st.SearchStrategy[datetime]:
    """Return aware UTC times, to the microsecond, of this century."""
    return st.integers(0, 3_000_000_000_000_000).map(lambda us: CENTURY + timedelta(microseconds=us))


def prices() -> st.SearchStrategy[Decimal]:
    """Return prices of four places."""
    return st.decimals(min_value="0.0001", max_value=9_999_999, places=4)


def amounts() -> st.SearchStrategy[Decimal]:
    """Return averages as brokers compute them: any number of places that a number in DynamoDB holds."""
    return st.decimals(min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False)


@st.composite
def requests(draw: st.DrawFn) -> OrderRequest:
    """Return requests of every type."""
    order_type = draw(st.sampled_from(OrderType))
    quantity = draw(st.integers(1, MAX_QUANTITY))
    symbol = draw(st.from_regex(r"[A-Z0-9][A-Z0-9&._-]{0,49}", fullmatch=True))
    return parse_request(
        {
            "account": draw(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True)),
            "instrument": f"{draw(st.sampled_from(Exchange))}:{symbol}",
            "side": draw(st.sampled_from(Side)),
            "quantity": quantity,
            "product": draw(st.sampled_from(Product)),
            "validity": draw(st.sampled_from(Validity)),
            "disclosed_quantity": draw(st.none() | st.integers(1, quantity)),
            "strategy": draw(st.none() | st.just("breakout")),
            "order_type": order_type.value,
            "limit_price": draw(prices()) if order_type in PRICED else None,
            "trigger_price": draw(prices()) if order_type in TRIGGERED else None,
        }
    )


def _optional[T](values: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | values


def reasons() -> st.SearchStrategy[Reason]:
    """Return reasons with a broker's words in any script."""
    return st.builds(Reason, st.text(), st.text())


def events() -> st.SearchStrategy[Event]:
    """Return events of every kind, with any of their fields."""
    return st.builds(
        Event,
        kind=st.sampled_from(EventKind),
        at=moments(),
        broker_order_id=_optional(st.text()),
        exchange_order_id=_optional(st.text()),
        filled_quantity=_optional(st.integers(0, MAX_QUANTITY)),
        average_price=_optional(amounts()),
        request=_optional(requests()),
        reason=_optional(reasons()),
        note=_optional(st.text()),
    )


def orders() -> st.SearchStrategy[Order]:
    """Return orders in every state, their parts independent of each other: more than can happen."""
    steps = st.builds(Step, state=st.sampled_from(State), event=events())
    return st.builds(
        Order,
        client_order_id=st.from_regex(r"[A-Z2-7]{20}", fullmatch=True),
        request=requests(),
        request_digest=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
        broker=st.sampled_from(["paper", "zerodha"]),
        source=st.sampled_from(Source),
        received_at=moments(),
        deadline=moments(),
        updated_at=moments(),
        state=st.sampled_from(State),
        owner=_optional(st.text()),
        lease_until=_optional(moments()),
        broker_order_id=_optional(st.text()),
        exchange_order_id=_optional(st.text()),
        filled_quantity=st.integers(0, MAX_QUANTITY),
        average_price=_optional(amounts()),
        reason=_optional(reasons()),
        history=st.lists(steps, max_size=4).map(tuple),
        version=st.integers(0, 10_000),
    )
