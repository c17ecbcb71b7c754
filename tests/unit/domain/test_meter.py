"""What is counted: what an order adds comes off again with it, and what has filled stays until positions are read."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.domain.gate import Gate, LimitReached
from order_router.domain.history import Event
from order_router.domain.instrument import parse_instrument
from order_router.domain.lifecycle import TRANSITIONS, EventKind
from order_router.domain.limits import Limits, OrderLimits
from order_router.domain.meter import (
    CODES,
    GROSS,
    LOSS,
    METER_LIFE,
    NET,
    NET_IF_BOUGHT,
    NET_IF_SOLD,
    NET_RESERVED,
    OPEN,
    ORDERS,
    RESERVED,
    Counted,
    Meter,
    base_of,
    breach_of,
    carried_of,
    change_amounts,
    change_meters,
    code_of,
    counted_by,
    entry_amounts,
    entry_meter,
    growth_meter,
    of_instrument,
)
from order_router.domain.order import Order, Ownership, apply, ask_change, take_ownership
from order_router.domain.reports import Position
from order_router.domain.request import OrderRequest, dump_request, parse_request
from order_router.domain.risk import worth
from order_router.domain.trading_calendar import LONGEST_CLOSURE
from order_router.domain.vocabulary import Product
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_request, a_submitting_order, an_order

INFY = parse_instrument("NSE:INFY")
ACCOUNT, STRATEGY = Counted("account", "paper"), Counted("strategy", "demo")
MONDAY = date(2026, 11, 23)
PAISA = Decimal("0.01")
ZERO = Decimal(0)
PRICES = st.integers(5, 1_000_000).map(lambda paise: paise * PAISA)
MONEY = (GROSS, NET, NET_IF_BOUGHT, NET_IF_SOLD, RESERVED, NET_RESERVED)
AT_INFY = {name: of_instrument(INFY, name) for name in MONEY}

NEVER_COUNTS = {EventKind.RECEIVED, EventKind.HELD, EventKind.PROTECTED}
FILLS = {
    EventKind.PARTIALLY_FILLED,
    EventKind.FILLED,
    EventKind.CANCELLED,
    EventKind.EXPIRED,
    EventKind.LATE_FILL,
}


@st.composite
def lives(draw: st.DrawFn, /, **changes: Any) -> list[Order]:
    """Draw the life of a counted order: how it stood after each event that its state allows."""
    wanted = a_request(quantity=draw(st.integers(2, 50)), limit_price=draw(PRICES), **changes)
    born = replace(an_order(), request=wanted, counted_price=worth(wanted, None))
    life = [take_ownership(born, Ownership("w-1", MONDAY_MORNING), MONDAY_MORNING)]
    for _ in range(draw(st.integers(1, 12))):
        order = life[-1]
        kinds = sorted(set(TRANSITIONS[order.state]) - NEVER_COUNTS)
        if kinds:
            life.append(apply(order, draw(events(order, draw(st.sampled_from(kinds))))))
    return life


@st.composite
def events(draw: st.DrawFn, order: Order, kind: EventKind) -> Event:
    """Draw an event of this kind that may happen to the order."""
    filled, request = None, None
    if kind in FILLS:
        whole = order.request.quantity
        filled = whole if kind is EventKind.FILLED else draw(st.integers(order.filled_quantity, whole))
    if kind is EventKind.MODIFIED:
        changed = {
            "quantity": draw(st.integers(order.filled_quantity + 1, 60)),
            "limit_price": draw(PRICES),
        }
        request = parse_request(dump_request(order.request) | changed)
    return Event(kind=kind, at=MONDAY_MORNING, filled_quantity=filled, request=request)


def counted(life: list[Order]) -> dict[str, Decimal]:
    """Return what is counted after a life: what its intent added, and each change of it."""
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    intent = life[0]
    assert intent.counted_price is not None
    changes = (change_amounts(before, after) for before, after in pairwise(life))
    for amounts in (entry_amounts(intent.request, intent.counted_price), *changes):
        for name, amount in amounts.items():
            total[name] += amount
    return dict(total)


def filled_value(life: list[Order]) -> Decimal:
    """Return what filled, each part at what a unit counted at then."""
    return sum(
        (
            (after.filled_quantity - before.filled_quantity) * (after.counted_price or ZERO)
            for before, after in pairwise(life)
        ),
        ZERO,
    )


@given(life=lives())
def test_what_an_order_added_comes_off_with_its_end_and_what_filled_stays(life: list[Order]) -> None:
    total, last, filled = counted(life), life[-1], filled_value(life)
    resting = last.pending_quantity * (last.counted_price or ZERO)

    assert total[ORDERS] == 1
    assert total[OPEN] == (0 if last.state.is_final else 1)
    assert total[RESERVED] == total[NET_RESERVED] == resting
    assert total[GROSS] == total[NET] == filled + resting
    if last.state.is_final:
        assert [total[RESERVED], total[GROSS]] == [0, filled]


@given(life=lives(side="SELL"))
def test_a_sale_counts_against_what_is_held_net_and_towards_it_gross(life: list[Order]) -> None:
    total = counted(life)

    assert total[NET] == -total[GROSS] <= 0
    assert total[NET_RESERVED] == -total[RESERVED] <= 0


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@given(draw=st.data())
def test_what_rests_is_net_on_its_own_side_alone_until_it_fills(side: str, draw: st.DataObject) -> None:
    life = draw.draw(lives(side=side))
    total, sign = counted(life), 1 if side == "BUY" else -1
    own, other = (NET_IF_BOUGHT, NET_IF_SOLD) if sign > 0 else (NET_IF_SOLD, NET_IF_BOUGHT)

    assert total.get(other, ZERO) == sign * filled_value(life)
    assert total[own] == total[NET]
    assert total.get(NET_IF_BOUGHT, ZERO) - total.get(NET_IF_SOLD, ZERO) == total[RESERVED]


@given(life=lives())
def test_an_instrument_is_counted_as_the_whole_is(life: list[Order]) -> None:
    total = counted(life)

    assert {name: total.get(name) for name in AT_INFY} == {
        name: total.get(of) for name, of in AT_INFY.items()
    }


@given(life=lives(position_effect="CLOSE"))
def test_what_closes_a_position_is_an_order_and_no_money(life: list[Order]) -> None:
    total = counted(life)

    assert set(total) == {ORDERS, OPEN}
    assert total[OPEN] == (0 if life[-1].state.is_final else 1)


@given(life=lives(strategy="demo"))
def test_no_change_of_an_order_can_be_refused(life: list[Order]) -> None:
    for before, after in pairwise(life):
        for meter in change_meters(before, after):
            assert breach_of(meter, {GROSS: Decimal(10**12), LOSS: Decimal(10**12)}) is None


def test_an_order_that_was_never_counted_gives_nothing_back() -> None:
    order = a_submitting_order()
    ended = apply(order, Event(kind=EventKind.REJECTED, at=MONDAY_MORNING))

    assert change_meters(order, ended) == ()
    assert change_amounts(order, ended) == {}


def test_account_and_strategy_count_an_order_on_the_day_that_it_came() -> None:
    order = replace(a_submitting_order(strategy="demo"), counted_price=Decimal(10))
    ended = apply(order, Event(kind=EventKind.REJECTED, at=MONDAY_MORNING))

    assert counted_by(order.request) == (ACCOUNT, STRATEGY)
    assert [meter.name for meter in change_meters(order, ended)] == [
        "meter#account#paper#2026-11-23",
        "meter#strategy#demo#2026-11-23",
    ]


# ---- the room that an order needs
BOUNDS = (
    ("max_orders_per_day", ORDERS, Decimal(1), 1),
    ("max_open_orders", OPEN, Decimal(1), 1),
    ("max_gross_exposure", GROSS, Decimal("7500.25"), PAISA),
    ("max_net_exposure", NET_IF_BOUGHT, Decimal("7500.25"), PAISA),
    ("max_instrument_gross_exposure", AT_INFY[GROSS], Decimal("7500.25"), PAISA),
    ("max_instrument_net_exposure", AT_INFY[NET_IF_BOUGHT], Decimal("7500.25"), PAISA),
    ("max_daily_loss", LOSS, ZERO, PAISA),
)


def meter_of(limits: OrderLimits, request: OrderRequest) -> Any:
    return entry_meter(ACCOUNT, limits, request, Decimal("1500.05"), MONDAY)


@pytest.mark.parametrize(("rule", "attribute", "adds", "least"), BOUNDS)
@given(limit=st.integers(8000, 5000000))
def test_an_order_finds_room_up_to_the_limit_and_no_further(
    rule: str, attribute: str, adds: Decimal, least: Decimal, limit: int
) -> None:
    limit = limit % 5000 + 1 if attribute in {ORDERS, OPEN} else limit
    meter = meter_of(Limits.model_validate({"max_orders_per_day": 5000, rule: limit}), a_request())

    assert breach_of(meter, {attribute: limit - adds - least}) is None
    assert breach_of(meter, {attribute: limit - adds}) is None
    assert breach_of(meter, {attribute: limit - adds + least}) == attribute
    assert code_of(attribute)[1] == rule


@given(limit=st.integers(8000, 5000000), side=st.sampled_from(["BUY", "SELL"]))
def test_net_exposure_is_bounded_in_the_direction_in_which_the_order_goes(limit: int, side: str) -> None:
    sign, value = (1 if side == "BUY" else -1), Decimal("7500.25")
    meter = meter_of(Limits(max_net_exposure=Decimal(limit)), a_request(side=side))

    own, other = (NET_IF_BOUGHT, NET_IF_SOLD) if sign > 0 else (NET_IF_SOLD, NET_IF_BOUGHT)
    assert breach_of(meter, {own: sign * (limit - value)}) is None
    assert breach_of(meter, {own: sign * (limit - value + PAISA)}) == own
    assert breach_of(meter, {own: -sign * Decimal(limit * 10)}) is None, "it only comes nearer to none"
    assert breach_of(meter, {other: -sign * Decimal(limit * 10)}) is None


def test_what_closes_a_position_finds_room_whatever_is_counted() -> None:
    limits = Limits(
        max_orders_per_day=1, max_open_orders=1, max_gross_exposure=Decimal(1), max_daily_loss=Decimal(1)
    )
    meter = meter_of(limits, a_request(position_effect="CLOSE"))

    full = dict.fromkeys((ORDERS, OPEN, GROSS, LOSS), Decimal(10**9))
    assert breach_of(meter, full) is None
    assert dict(meter.adds) == {ORDERS: 1, OPEN: 1}


def test_what_is_counted_of_a_day_outlives_it_by_another_whenever_it_is_set() -> None:
    assert meter_of(Limits(), a_request()).expires_at > MONDAY_MORNING + timedelta(days=2)
    assert LONGEST_CLOSURE + timedelta(days=2) <= METER_LIFE, "an after-market order's day may come so late"


def test_a_strategy_is_held_to_its_own_limits() -> None:
    limits = OrderLimits(max_orders_per_day=3, max_open_orders=2, max_gross_exposure=Decimal(10000))
    meter = entry_meter(STRATEGY, limits, a_request(strategy="demo"), Decimal("1500.05"), MONDAY)

    assert breach_of(meter, {ORDERS: Decimal(2), OPEN: Decimal(1), GROSS: Decimal("2499.75")}) is None
    for attribute, found in ((ORDERS, 3), (OPEN, 2), (GROSS, Decimal("2499.76"))):
        assert breach_of(meter, {attribute: Decimal(found)}) == attribute


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_refusal_names_the_limit_and_what_was_found_for_either_side(side: str) -> None:
    limits = Limits(max_net_exposure=Decimal(10000))
    meter = meter_of(limits, a_request(side=side))
    found = Decimal(5000) if side == "BUY" else Decimal(-5000)

    refused = LimitReached(meter, NET_IF_BOUGHT if side == "BUY" else NET_IF_SOLD, found)

    assert refused.code == "NET_EXPOSURE_LIMIT"
    added = "7500.25" if side == "BUY" else "-7500.25"
    assert refused.message == f"max_net_exposure of account paper is 10000, found {found} before {added} more"


def test_every_counted_limit_has_a_code_of_its_own() -> None:
    limits = set(CODES.values())

    assert len({code for code, _ in limits}) == len(limits)
    assert sorted(rule for _, rule in limits) == sorted(rule for rule, *_ in BOUNDS)


# ---- what a change of a resting order needs
def resting(side: str = "BUY", filled: int = 0, **changes: Any) -> Order:
    order = a_submitting_order(side=side, quantity=10, limit_price="100", **changes)
    opened = apply(
        replace(order, counted_price=Decimal(100)), Event(kind=EventKind.OPENED, at=MONDAY_MORNING)
    )
    if not filled:
        return opened
    part = Event(kind=EventKind.PARTIALLY_FILLED, at=MONDAY_MORNING, filled_quantity=filled)
    return apply(opened, part)


def changed(order: Order, **changes: Any) -> OrderRequest:
    return parse_request(dump_request(order.request) | changes)


def grown(order: Order, **changes: Any) -> Order:
    """Return the order as a change leaves it, by the last price of 100 where its worth is by that."""
    wanted = changed(order, **changes)
    return replace(order, request=wanted, counted_price=worth(wanted, Decimal(100)))


def growth(limits: OrderLimits, order: Order, **changes: Any) -> Any:
    return growth_meter(ACCOUNT, limits, order, grown(order, **changes), MONDAY)


@pytest.mark.parametrize("filled", [0, 4])
@pytest.mark.parametrize(
    ("changes", "more"), [({"quantity": 12}, 200), ({"quantity": 12, "limit_price": "100.5"}, None)]
)
def test_a_change_needs_room_for_what_it_adds(filled: int, changes: dict[str, Any], more: int | None) -> None:
    order = resting(filled=filled)
    adds = Decimal(200) + (ZERO if more else (12 - filled) * Decimal("0.5"))
    meter = growth(Limits(max_gross_exposure=Decimal(5000)), order, **changes)

    assert dict(meter.adds) == {}
    assert breach_of(meter, {GROSS: 5000 - adds}) is None
    assert breach_of(meter, {GROSS: 5000 - adds + PAISA}) == GROSS


@pytest.mark.parametrize(("side", "sign"), [("BUY", 1), ("SELL", -1)])
def test_a_change_needs_net_room_in_its_own_direction(side: str, sign: int) -> None:
    meter = growth(Limits(max_net_exposure=Decimal(5000)), resting(side), quantity=12)

    own = NET_IF_BOUGHT if sign > 0 else NET_IF_SOLD
    assert breach_of(meter, {own: sign * Decimal(4800)}) is None
    assert breach_of(meter, {own: sign * (4800 + PAISA)}) == own
    assert breach_of(meter, {own: -sign * Decimal(9000)}) is None


def test_a_change_is_no_further_order_and_grows_nothing_after_a_day_s_loss() -> None:
    limits = Limits(
        max_orders_per_day=1,
        max_open_orders=1,
        max_gross_exposure=Decimal(10**6),
        max_daily_loss=Decimal(500),
    )
    meter = growth(limits, resting(), quantity=12)

    assert breach_of(meter, {ORDERS: Decimal(9), OPEN: Decimal(9), LOSS: Decimal(500)}) is None
    assert breach_of(meter, {LOSS: 500 + PAISA}) == LOSS


@pytest.mark.parametrize("changes", [{"quantity": 10}, {"quantity": 8}, {"limit_price": "99"}])
def test_a_change_that_asks_for_no_more_needs_no_room(changes: dict[str, Any]) -> None:
    assert growth(Limits(max_gross_exposure=Decimal(1)), resting(), **changes) is None


def test_a_growing_exit_needs_no_room() -> None:
    order = resting(position_effect="CLOSE")

    assert growth(Limits(max_gross_exposure=Decimal(1)), order, quantity=50) is None


@pytest.mark.parametrize(("last", "more"), [("100.01", "0.1"), ("1500", "14000")])
def test_a_change_to_the_market_needs_room_for_what_the_market_asks(last: str, more: str) -> None:
    order, limits = resting(), Limits(max_gross_exposure=Decimal(50_000))
    wanted = parse_request(dump_request(order.request) | {"order_type": "MARKET", "limit_price": None})
    after = replace(order, request=wanted, counted_price=Decimal(last))

    meter = growth_meter(ACCOUNT, limits, order, after, MONDAY)

    assert meter is not None
    assert breach_of(meter, {GROSS: 50_000 - Decimal(more)}) is None
    assert breach_of(meter, {GROSS: 50_000 - Decimal(more) + PAISA}) == GROSS


# ---- what a unit of a changed order counts at
TO_MARKET: dict[str, Any] = {"order_type": "MARKET", "limit_price": None}


def asked(order: Order, price: str) -> Order:
    """Return the order while a change is under way, after which a unit counts at this price."""
    return ask_change(order, Event(kind=EventKind.MODIFY_REQUESTED, at=MONDAY_MORNING), Decimal(price))


def told(kind: EventKind, request: OrderRequest | None = None) -> Event:
    return Event(kind=kind, at=MONDAY_MORNING, request=request)


def test_a_change_that_was_made_counts_at_what_was_asked_for_it() -> None:
    order = asked(resting(), "1500")
    made = apply(order, told(EventKind.MODIFIED, changed(order, **TO_MARKET)))

    assert [order.counted_price, made.counted_price, made.asked_price] == [100, 1500, None]
    assert change_amounts(order, made)[RESERVED] == 10 * 1400


def test_a_change_that_was_refused_counts_as_before_and_so_does_the_next_one_of_the_book() -> None:
    order = apply(asked(resting(), "1500"), told(EventKind.MODIFY_REJECTED))
    made = apply(order, told(EventKind.MODIFIED, changed(order, **TO_MARKET)))

    assert [order.counted_price, order.asked_price, made.counted_price] == [100, None, 100]


def test_a_change_without_an_answer_counts_at_what_was_asked_for_it_once_the_book_shows_it() -> None:
    order = apply(asked(resting(), "1500"), told(EventKind.MODIFY_UNRESOLVED))
    assert [order.counted_price, order.asked_price] == [100, 1500]

    shown = apply(order, told(EventKind.MODIFIED, changed(order, **TO_MARKET, quantity=3)))

    assert shown.counted_price == 1500


def test_terms_that_bound_a_unit_count_at_that_whatever_was_asked() -> None:
    order = asked(resting(), "1500")

    made = apply(order, told(EventKind.MODIFIED, changed(order, limit_price="90")))

    assert made.counted_price == 90


@pytest.mark.parametrize(("limit_price", "price"), [("120", 120), ("80", 100)])
def test_a_sale_that_the_book_shows_cheaper_counts_no_less_than_before(limit_price: str, price: int) -> None:
    order = resting("SELL")

    shown = apply(order, told(EventKind.MODIFIED, changed(order, limit_price=limit_price)))

    assert shown.counted_price == price


@pytest.mark.parametrize("kind", [EventKind.CANCELLED, EventKind.EXPIRED])
def test_an_order_that_ended_has_no_change_under_way(kind: EventKind) -> None:
    assert apply(asked(resting(), "1500"), told(kind)).asked_price is None


def test_a_change_finds_its_room_in_the_day_on_which_it_is_made() -> None:
    order = resting()
    on_tuesday = MONDAY + timedelta(days=1)

    meter = growth_meter(
        ACCOUNT, Limits(max_gross_exposure=Decimal(5000)), order, grown(order, quantity=12), on_tuesday
    )

    assert meter is not None
    assert meter.name == "meter#account#paper#2026-11-24"


# ---- what positions say
def position(quantity: int, last: str | None, **changes: Any) -> Position:
    usual: dict[str, Any] = {
        "instrument": INFY,
        "product": Product.MIS,
        "quantity": quantity,
        "average_price": Decimal(100),
        "last_price": None if last is None else Decimal(last),
    }
    return Position(**usual | changes)


RELIANCE = parse_instrument("NSE:RELIANCE")


def test_a_base_is_the_worth_of_positions_and_what_rests_beside_them() -> None:
    stood: Mapping[str, Decimal] = {
        GROSS: Decimal(99999),
        RESERVED: Decimal(1000),
        NET: Decimal(7),
        NET_RESERVED: Decimal(-400),
        AT_INFY[GROSS]: Decimal(77777),
        AT_INFY[RESERVED]: Decimal(300),
        AT_INFY[NET_RESERVED]: Decimal(-300),
        ORDERS: Decimal(5),
        OPEN: Decimal(2),
    }
    positions = [position(10, "110"), position(-3, "200", instrument=RELIANCE)]

    base = base_of(positions, stood)

    assert [base[GROSS], base[NET]] == [1000 + 1100 + 600, -400 + 1100 - 600]
    assert [base[AT_INFY[GROSS]], base[AT_INFY[NET]]] == [300 + 1100, -300 + 1100]
    assert [base[NET_IF_BOUGHT], base[NET_IF_SOLD]] == [300 + 500, -700 + 500], "of 1000, 300 buy"
    assert [base[AT_INFY[NET_IF_BOUGHT]], base[AT_INFY[NET_IF_SOLD]]] == [1100, -300 + 1100]
    assert base[of_instrument(RELIANCE, GROSS)] == 600
    assert not {ORDERS, OPEN, RESERVED, NET_RESERVED} & set(base), "what orders count is not touched"


def test_a_position_that_was_closed_is_worth_nothing_from_then_on() -> None:
    names = (GROSS, NET, NET_IF_BOUGHT, NET_IF_SOLD)
    stood = {one: Decimal(1100) for name in names for one in (name, AT_INFY[name])}

    base = base_of([], stood)

    assert base == dict.fromkeys([*stood, LOSS], 0)


@pytest.mark.parametrize("attribute", [GROSS, RESERVED])
def test_what_was_counted_of_an_instrument_in_one_way_alone_is_set_anew(attribute: str) -> None:
    counted = {of_instrument(INFY, attribute): Decimal(500)}

    base = base_of((), counted)

    rests = Decimal(500) if attribute == RESERVED else 0
    assert base[of_instrument(INFY, GROSS)] == rests


def test_what_is_flat_and_was_never_counted_takes_no_room_and_its_profit_counts() -> None:
    flat = position(0, "110", realised_pnl=Decimal(-300))

    assert base_of([flat], {}) == {GROSS: 0, NET: 0, NET_IF_BOUGHT: 0, NET_IF_SOLD: 0, LOSS: 300}


def test_two_products_of_one_instrument_stand_beside_each_other_gross() -> None:
    base = base_of([position(10, "100"), position(-10, "100", product=Product.CNC)], {})

    assert [base[GROSS], base[NET], base[AT_INFY[GROSS]]] == [2000, 0, 2000]


@pytest.mark.parametrize(
    ("told", "loss"),
    [
        ({"realised_pnl": Decimal(-300), "unrealised_pnl": Decimal(-200)}, 500),
        ({"realised_pnl": Decimal(300), "unrealised_pnl": Decimal(-200)}, -100),
        ({"realised_pnl": Decimal(-300), "unrealised_pnl": None}, 300 - 50),
        ({"realised_pnl": None, "unrealised_pnl": None}, -50),
        ({"realised_pnl": None, "unrealised_pnl": None, "last_price": None}, 0),
    ],
)
def test_a_loss_is_what_is_realised_and_what_is_not(told: dict[str, Any], loss: int) -> None:
    assert base_of([position(5, "110", **told)], {})[LOSS] == loss


@pytest.mark.parametrize(("day_pnl", "loss"), [("-700", 700), ("0", 0), ("276", -276)])
def test_what_a_broker_says_of_the_day_goes_before_what_was_made_since_the_entry(
    day_pnl: str, loss: int
) -> None:
    carried = {"realised_pnl": Decimal(801), "unrealised_pnl": Decimal(-20000), "day_pnl": Decimal(day_pnl)}

    assert base_of([position(5, "110", **carried)], {})[LOSS] == loss


def carried(**changes: Any) -> dict[str, Any]:
    """Return 100 shares that were bought at 300 and closed at 100, as a broker says it that knows of no day."""
    usual = {"average_price": Decimal(300), "unrealised_pnl": Decimal(-20000), "realised_pnl": Decimal(0)}
    return usual | changes


BEGUN = carried_of([position(100, "100", **carried())])


def test_an_old_loss_is_none_of_today_and_what_comes_to_it_is() -> None:
    losses = [
        base_of([position(100, "100", **carried(unrealised_pnl=Decimal(made)))], BEGUN)[LOSS]
        for made in (-20000, -20700)
    ]

    assert losses == [0, 700]


def test_an_old_profit_hides_no_loss_of_today() -> None:
    begun = carried_of([position(-30, "100", unrealised_pnl=Decimal(50000))])

    assert base_of([position(-30, "110", unrealised_pnl=Decimal(49000))], begun)[LOSS] == 1000


def test_of_a_position_that_is_partly_closed_the_rest_has_its_part_of_the_old_loss() -> None:
    rest = carried(realised_pnl=Decimal(-10000), unrealised_pnl=Decimal(-10300))

    assert base_of([position(50, "94", **rest)], BEGUN)[LOSS] == 10000 + 300


@pytest.mark.parametrize(
    "now",
    [
        [],
        [position(0, "100", realised_pnl=Decimal(-20000), average_price=Decimal(300))],
        [position(100, "100", **carried(average_price=Decimal("100.5"), unrealised_pnl=Decimal(-50)))],
        [position(200, "100", **carried(average_price=Decimal(200)))],
        [position(100, None, **carried(unrealised_pnl=None))],
        [position(100, "100", **carried(product=Product.CNC))],
    ],
    ids=["gone", "closed", "bought anew", "added to", "without a price", "of another product"],
)
def test_an_old_loss_takes_nothing_off_where_the_position_is_not_the_same(now: list[Position]) -> None:
    assert base_of(now, BEGUN)[LOSS] == base_of(now, {})[LOSS] >= 0


@pytest.mark.parametrize(
    "one",
    [
        position(100, "100", **carried(day_pnl=Decimal(-5))),
        position(100, None),
        position(0, "100", **carried()),
    ],
    ids=["the broker knows the day", "nobody knows its price", "flat"],
)
def test_of_these_positions_nothing_is_kept_for_the_day(one: Position) -> None:
    assert carried_of([one]) == {}


def test_what_the_broker_says_of_the_day_is_not_corrected_by_what_was_kept() -> None:
    assert base_of([position(100, "100", **carried(day_pnl=Decimal(-5)))], BEGUN)[LOSS] == 5


@pytest.mark.parametrize(
    ("told", "known", "loss"),
    [
        ({"last_price": None}, "130", 130),
        ({"last_price": None, "realised_pnl": Decimal(-200), "unrealised_pnl": None}, "130", 200),
        ({"last_price": None, "day_pnl": Decimal(-20)}, "130", 20),
        ({"last_price": "110"}, "130", -50),
    ],
)
def test_a_loss_is_no_smaller_for_a_price_that_is_missing(
    told: dict[str, Any], known: str, loss: int
) -> None:
    counted = {LOSS: Decimal(known)}
    open_one = position(5, told.pop("last_price"), **told)

    assert base_of([open_one], counted)[LOSS] == loss


def test_one_price_that_is_missing_among_others_makes_the_loss_no_smaller() -> None:
    counted = {LOSS: Decimal(130)}

    assert base_of([position(5, None), position(0, "100")], counted)[LOSS] == 130
    assert base_of([], counted)[LOSS] == 0


def test_a_position_that_was_closed_leaves_its_loss_as_it_is_told() -> None:
    closed = position(0, None, realised_pnl=Decimal(-20), unrealised_pnl=None)

    assert base_of([closed], {LOSS: Decimal(130)})[LOSS] == 20


@pytest.mark.parametrize(("elsewhere", "loss"), [(-25000, 25130), (-1, 131), (100, 30), (None, 130)])
def test_what_was_lost_where_nothing_has_a_name_here_counts_once_in_the_day_s_loss(
    elsewhere: int | None, loss: int
) -> None:
    unpriced = position(5, None, realised_pnl=Decimal(-130))
    realised = None if elsewhere is None else Decimal(elsewhere)
    counted: dict[str, Decimal] = {}

    for _ in range(2):
        counted = base_of([unpriced], counted, realised)

    assert counted[LOSS] == loss


def test_a_short_that_rose_is_a_loss_where_the_broker_names_none() -> None:
    assert base_of([position(-5, "110")], {})[LOSS] == 50


def test_a_position_without_a_last_price_is_worth_what_it_cost() -> None:
    assert base_of([position(5, None)], {})[GROSS] == 500


def test_a_gate_can_be_told_from_others_by_its_hash_as_a_search_of_every_state_does() -> None:
    amounts = {OPEN: Decimal(1)}
    meter = Meter(
        name="m",
        whose="paper",
        expires_at=MONDAY_MORNING,
        adds=amounts,
        at_most=amounts,
        at_least=amounts,
        asks=amounts,
    )

    assert len({Gate(meters=(meter,)), Gate(meters=(replace(meter),)), Gate()}) == 2
