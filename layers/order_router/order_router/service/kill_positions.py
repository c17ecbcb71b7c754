"""What of an account's positions a kill switch may close: the day's, and never what is held from before."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from order_router.domain.account import Account
from order_router.domain.exchange_time import exchange_day, venue_day
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Leg
from order_router.domain.order import Order
from order_router.domain.reports import Position
from order_router.domain.vocabulary import DELIVERY, SIGNS, Exchange, Product
from order_router.service.asking import ask
from order_router.service.day_orders import orders_of_day
from order_router.service.desk import Desk
from order_router.service.fitting import legs_of

Place = tuple[Instrument, Product]


@dataclass(frozen=True, slots=True)
class Closable:
    """Positions as far as they may be closed; `left` says what else there is, in words."""

    positions: tuple[Position, ...]
    left: tuple[str, ...] = ()


def read_closable(desk: Desk, account: Account) -> Closable:
    """Read the account's positions and keep what may be closed of them; may raise any RouterError."""
    profile = desk.broker_of(account.broker).profile
    book = ask(desk, account, lambda broker, send, session: broker.read_positions(send, session))
    whole = _by_place(book.positions)
    unread = (*(f"a position that cannot be read was left: {one}" for one in book.unreadable), *whole.left)
    open_ones = [one for one in whole.positions if not profile.is_sale_of_holdings(one)]
    if not profile.positions_include_holdings:
        return Closable(tuple(open_ones), unread)
    bought = _bought(desk, account) if any(_may_be_held(one) for one in open_ones) else {}
    days = _without_holdings(open_ones, bought)
    return replace(days, left=(*unread, *days.left))


def _by_place(positions: Iterable[Position]) -> Closable:
    """Return one position for an instrument and product, however many rows a broker shows of it.

    Where some are long and some short, nothing says whether one makes up for the other: all of these are left.
    """
    rows: dict[Place, list[Position]] = {}
    for one in positions:
        if one.quantity:
            rows.setdefault((one.instrument, one.product), []).append(one)
    whole, left = [], []
    for (instrument, product), parts in rows.items():
        if min(one.quantity for one in parts) < 0 < max(one.quantity for one in parts):
            left.append(f"the position in {instrument} {product} was left: it is shown as long and as short")
        else:
            whole.append(replace(parts[0], quantity=sum(one.quantity for one in parts)))
    return Closable(tuple(whole), tuple(left))


def _may_be_held(position: Position) -> bool:
    return position.product in DELIVERY and position.quantity > 0


def _without_holdings(positions: list[Position], bought: Mapping[Place, int]) -> Closable:
    closable, left = [], []
    for position in positions:
        if not _may_be_held(position):
            closable.append(position)
            continue
        todays = min(position.quantity, max(bought.get((position.instrument, position.product), 0), 0))
        if todays:
            closable.append(replace(position, quantity=todays))
        if todays < position.quantity:
            held = position.quantity - todays
            left.append(f"{held} shares of {position.instrument} held from before were left")
    return Closable(tuple(closable), tuple(left))


def _bought(desk: Desk, account: Account) -> Mapping[Place, int]:
    """Return what our orders of the venue's day have bought, less what they have sold, by instrument and product.

    A combination has traded its legs: shares among them are for delivery, whatever the product of its order.
    """
    net: Counter[Place] = Counter()
    for order in _recent(desk, account):
        units = SIGNS[order.request.side] * order.filled_quantity
        for leg in _todays_legs(desk, order) if units else ():
            for product in _products(order):
                net[leg.instrument, product] += SIGNS[leg.side] * leg.ratio * units
    return net


def _recent(desk: Desk, account: Account) -> Iterator[Order]:
    """Yield the orders that may be of the day that it is at their venue: one in New York is filed under two of ours."""
    today = exchange_day(desk.clock.now())
    for day in (today - timedelta(days=1), today):
        yield from orders_of_day(desk.store, account.name, day)


def _todays_legs(desk: Desk, order: Order) -> Iterator[Leg]:
    now = desk.clock.now()
    for leg in legs_of(desk, desk.broker_of(order.broker), order.request.instrument):
        venue = leg.instrument.exchange
        if venue_day(venue, order.received_at) == venue_day(venue, now):
            yield leg


def _products(order: Order) -> Collection[Product]:
    return DELIVERY if order.request.instrument.exchange is Exchange.COMBO else {order.request.product}


def instruments_of(desk: Desk, order: Order) -> Iterator[Instrument]:
    """Yield what the order trades in; raises what `legs_of` does."""
    legs = legs_of(desk, desk.broker_of(order.broker), order.request.instrument)
    return (leg.instrument for leg in legs)
