"""Hold a new order to the trader's limits: what bounds one order, and what the gate counts as it is written."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from order_router.adapter.errors import BrokerError, Unsupported
from order_router.adapter.port import Broker
from order_router.domain.account import Account
from order_router.domain.errors import OrderDenied
from order_router.domain.gate import BaseStale, Gate, PriceCheck, PriceUnfit
from order_router.domain.lifecycle import EventKind
from order_router.domain.limits import Limits, MarginCheck, OrderLimits
from order_router.domain.meter import BASED_AT, Counted, Meter, counted_by, entry_meter, growth_meter
from order_router.domain.order import Order
from order_router.domain.protection import PriceUnknown
from order_router.domain.request import OrderRequest, dump_request, parse_request
from order_router.domain.risk import (
    HUNDRED,
    Ruled,
    is_exit,
    needs_last_price,
    require_legs_allowed,
    require_limit_in_band,
    require_within,
    worth,
)
from order_router.domain.vocabulary import Exchange, OrderType, Side
from order_router.service.desk import Desk
from order_router.service.exposure import oldest_base, rebase
from order_router.service.fitting import legs_of
from order_router.service.gates import change_gate, entry_gate
from order_router.service.needed_reads import ReadTime, ask_before, read_time
from order_router.service.pricing import new_price, oldest_price, price_of, refuses

LEARN_TRIES = 3
"""So often what the gate lacked is got for one order: its price, its account's positions, and once more."""

ZERO = Decimal(0)
EXACT = Decimal("0.0000000001")
"""How fine the bounds of a kept price are: far below any tick."""


class MarginShort(OrderDenied):
    """The account has less than the order would bind."""

    code = "MARGIN_INSUFFICIENT"


class PositionsUnknown(OrderDenied):
    """What the account holds cannot be read, and its limits are by that."""

    code = "POSITIONS_UNKNOWN"


class LimitsUnknown(OrderDenied):
    """What the order's limits ask for could not be known while it was asked."""

    code = "LIMITS_UNKNOWN"


class MarginUnknown(OrderDenied):
    """What the order would bind cannot be read, and the account wants it asked."""

    code = "MARGIN_UNKNOWN"


WhoseLimits = tuple[tuple[Counted, OrderLimits], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A new order before its gate: whom it is for, and the limits that hold it.

    `has_price` False: nobody says what the instrument trades at, and the order closes a position: no band holds it.
    `at_market`: its limit, in place of the market's price, was just set from the last price: `limits` have no band.
    `day`: the exchange day in which there must be room for it. `within`: how long it may read what it needs.
    """

    desk: Desk
    account: Account
    broker: Broker
    request: OrderRequest
    limits: WhoseLimits
    day: date
    within: ReadTime
    has_price: bool = True
    at_market: bool = False

    def ruled(self) -> Iterator[Ruled]:
        """Yield the limits as one order is held to them."""
        return (Ruled(str(one), limits) for one, limits in self.limits)

    def meters(self, price: Decimal, at: datetime) -> tuple[Meter, ...]:
        """Return what the order must find room for."""
        return tuple(self._meter(counted, limits, price, at) for counted, limits in self.limits)

    def _meter(self, counted: Counted, limits: OrderLimits, price: Decimal, at: datetime) -> Meter:
        meter = entry_meter(counted, limits, self.request, price, self.day)
        return meter if is_exit(self.request) else _on_known_positions(meter, limits, at)

    def growth(self, before: Order, after: Order, at: datetime) -> tuple[Meter, ...]:
        """Return what a change of a resting order must find room for."""
        found = (
            (limits, growth_meter(counted, limits, before, after, self.day))
            for counted, limits in self.limits
        )
        return tuple(_on_known_positions(meter, limits, at) for limits, meter in found if meter is not None)

    @property
    def band(self) -> Decimal | None:
        """Return how far a limit may be from the last price, in percent; None if no band holds the order."""
        is_held = self.has_price and self.request.order_type == OrderType.LIMIT
        return _narrowest(self.limits) if is_held else None

    @property
    def asks_last_price(self) -> bool:
        """Return whether a limit is by what the order is worth, and only the last price says that.

        A limit in its band is near enough to what it trades at, and what closes a position adds nothing.
        """
        if is_exit(self.request) or self.at_market or self.band is not None:
            return False
        if not needs_last_price(self.request):
            return False
        return any(limits.need_price for _, limits in self.limits)

    def price_check(self, at: datetime) -> PriceCheck | None:
        """Return what must be so of the last price for the order's limit to pass; None if no band holds it."""
        band, limit = self.band, self.request.limit_price
        if band is None or limit is None:
            return None
        name = self.desk.prices.name(self.account.broker, self.request.instrument)
        if self.request.side is Side.BUY:
            least = (limit * HUNDRED / (HUNDRED + band)).quantize(EXACT, ROUND_CEILING)
            return PriceCheck(name=name, oldest=oldest_price(at), at_least=least)
        most = (limit * HUNDRED / (HUNDRED - band)).quantize(EXACT, ROUND_FLOOR)
        return PriceCheck(name=name, oldest=oldest_price(at), at_most=most)


def _on_known_positions(meter: Meter, limits: OrderLimits, at: datetime) -> Meter:
    """Return the meter, passable only by positions that were read lately where its limits are by them."""
    if not isinstance(limits, Limits) or not limits.need_positions:
        return meter
    known_since = Decimal(int(oldest_base(at).timestamp()))
    return replace(meter, at_least={BASED_AT: known_since, **meter.at_least})


def entry_of(desk: Desk, account: Account, broker: Broker, order: Order) -> Entry:
    """Return the entry with the limits of its account and of its strategy, if it names one that there is."""
    request = order.request
    strategy = None if request.strategy is None else desk.settings.strategy(request.strategy)
    own = OrderLimits() if strategy is None else strategy.limits
    limits = tuple(
        (counted, account.limits if counted.kind == "account" else own) for counted in counted_by(request)
    )
    at_market = _is_at_market(order, account, limits)
    if at_market:
        limits = tuple((one, held.model_copy(update={"price_band_percent": None})) for one, held in limits)
    return Entry(
        desk=desk,
        account=account,
        broker=broker,
        request=request,
        limits=limits,
        day=order.day,
        within=read_time(order),
        at_market=at_market,
    )


def _is_at_market(order: Order, account: Account, limits: WhoseLimits) -> bool:
    """Return whether the order's limit has just been set in place of the market's price, and no band holds that.

    An exit's is as near as its account wants it, and an entry's if that is no farther than its price band: but for a
    tick, or what the price has moved since.
    """
    if order.last is not EventKind.PROTECTED:
        return False
    price_band, market_band = _narrowest(limits), account.market_band_percent
    return is_exit(order.request) or (
        price_band is not None and market_band is not None and market_band <= price_band
    )


def _narrowest(limits: WhoseLimits) -> Decimal | None:
    bands = (one.price_band_percent for _, one in limits)
    return min((band for band in bands if band is not None), default=None)


def count(entry: Entry, order: Order) -> Order:
    """Return the order with what a unit of it counts at, once every rule for one order lets it pass.

    Raises LimitExceeded, PriceUnknown, MarginShort, MarginUnknown, NotReadYet or StoreUnavailable.
    """
    price = _worth(entry)
    _require_within(entry, price)
    _require_margin(entry, price)
    return replace(order, counted_price=price or ZERO)


def _require_within(entry: Entry, price: Decimal | None) -> None:
    for ruled in entry.ruled():
        require_within(ruled, entry.request, price)
        if ruled.limits.denied_instruments and entry.request.instrument.exchange is Exchange.COMBO:
            legs = legs_of(entry.desk, entry.broker, entry.request.instrument)
            require_legs_allowed(ruled, entry.request, (leg.instrument for leg in legs))


def _worth(entry: Entry) -> Decimal | None:
    """Return what a unit of the order is worth, by the last price where a limit needs it; None if nothing says."""
    last = _last_price(entry) if entry.asks_last_price else None
    return worth(entry.request, last)


def _last_price(entry: Entry) -> Decimal:
    return price_of(entry.desk, entry.account, entry.broker, entry.request.instrument, entry.within)


def grown(entry: Entry, order: Order) -> Order:
    """Return the resting order as the change leaves it, once every rule for one order lets it pass.

    Raises LimitExceeded, PriceUnknown, MarginShort, MarginUnknown, NotReadYet or StoreUnavailable.
    """
    price = order.counted_price if _asks_for_no_more(entry.request, order.request) else _worth(entry)
    price = price or order.counted_price
    _require_within(entry, price or None)
    _require_margin_for_more(entry, order, price)
    counted = None if order.counted_price is None else price
    return replace(order, request=entry.request, counted_price=counted)


def _asks_for_no_more(wanted: OrderRequest, asked: OrderRequest) -> bool:
    """Return whether a change leaves type and prices and adds no quantity: no price is asked to make less of it."""
    terms = [(one.order_type, one.limit_price, one.trigger_price) for one in (wanted, asked)]
    return terms[0] == terms[1] and wanted.quantity <= asked.quantity


def limited_gate(entry: Entry, order: Order, at: datetime) -> Gate:
    """Return the gate before a new order, a unit of which counts at its price."""
    gate, price = entry_gate(entry.account, entry.broker.profile, order, at), order.counted_price or ZERO
    return replace(gate, meters=entry.meters(price, at), price=entry.price_check(at))


def changed_gate(entry: Entry, before: Order, after: Order, at: datetime) -> Gate:
    """Return the gate before a change of an order into the entry's: there must be room for what it adds.

    No band holds the limit of a change that leaves it and adds nothing: that rests already.
    """
    gate = change_gate(entry.account, entry.broker.profile, entry.request, at)
    price = None if _asks_for_no_more(entry.request, before.request) else entry.price_check(at)
    return replace(gate, meters=entry.growth(before, after, at), price=price)


def learn(entry: Entry, missing: PriceUnfit | BaseStale) -> Entry:
    """Get what the gate lacked, hold the order to it, and return the entry to try again with.

    What closes a position goes without a price that nobody can say. Raises LimitExceeded, PriceUnknown,
    PositionsUnknown, NotReadYet or StoreUnavailable.
    """
    if isinstance(missing, BaseStale):
        _learn_positions(entry, missing)
        return entry
    price = _price_behind(entry, missing)
    if price is None:
        return replace(entry, has_price=False)
    for ruled in entry.ruled():
        require_limit_in_band(ruled, entry.request, price)
    return entry


def _price_behind(entry: Entry, missing: PriceUnfit) -> Decimal | None:
    found = missing.found
    if found is not None and refuses(found, entry.desk.clock.now()):
        return found.last
    # what closes a position waits for no price
    within = None if is_exit(entry.request) else entry.within
    try:
        return new_price(entry.desk, entry.account, entry.broker, entry.request.instrument, within)
    except PriceUnknown:
        if is_exit(entry.request):
            return None
        raise


def _learn_positions(entry: Entry, missing: BaseStale) -> None:
    try:
        known_since = oldest_base(entry.desk.clock.now())
        rebase(entry.desk, entry.account, entry.day, known_since=known_since, within=entry.within)
    except BrokerError as error:
        raise PositionsUnknown(f"{missing.message}: {error.reason.message}") from error


def _require_margin(entry: Entry, price: Decimal | None) -> None:
    limits = entry.account.limits
    if limits.margin is MarginCheck.OFF or is_exit(entry.request):
        return
    try:
        required, available = _margin(entry, limits.margin, price)
    except (BrokerError, Unsupported) as error:
        raise MarginUnknown(f"the margin is not known: {error.reason.message}") from error
    if required > available:
        raise MarginShort(f"the order would bind {required}, available {available}")


def _require_margin_for_more(entry: Entry, order: Order, price: Decimal | None) -> None:
    """Hold what a change adds to the margin, as an order for that much on the new terms: the rest is bound already."""
    more = entry.request.quantity - order.request.quantity
    if more > 0:
        added = dump_request(entry.request) | {"quantity": more, "disclosed_quantity": None}
        _require_margin(replace(entry, request=parse_request(added)), price)


def _margin(entry: Entry, check: MarginCheck, price: Decimal | None) -> tuple[Decimal, Decimal]:
    if check is MarginCheck.CALCULATOR:
        margin = ask_before(
            entry.desk,
            entry.account,
            lambda broker, send, session: broker.read_order_margin(send, session, entry.request),
            entry.within,
        )
        if margin.available is not None:
            return margin.required, margin.available
        return margin.required, _available(entry)
    return entry.request.quantity * (price or _last_price(entry)), _available(entry)


def _available(entry: Entry) -> Decimal:
    funds = ask_before(
        entry.desk,
        entry.account,
        lambda broker, send, session: broker.read_funds(send, session),
        entry.within,
    )
    exchange = entry.request.instrument.exchange
    covering = [one.available for one in funds if one.covers is None or exchange in one.covers]
    if not covering:
        held = ", ".join(one.segment for one in funds)
        raise Unsupported(f"no money of the account ({held}) is known to pay for orders at {exchange}")
    return sum(covering, ZERO)
