"""An account's and a strategy's limits at the order path: what is refused and how, and what it costs to know."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infra.calendar.build import SHIPPED
from order_router.adapter.errors import PermissionDenied
from order_router.adapter.port import Acknowledged, Broker
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from order_router.domain.gate import EntryHeld, LimitReached
from order_router.domain.lifecycle import State
from order_router.domain.limits import Limits, MarginCheck
from order_router.domain.meter import BASED_AT, GROSS, LOSS, NET, OPEN, ORDERS, RESERVED
from order_router.domain.notices import KINDS, Urgency, notice_key
from order_router.domain.order import Order
from order_router.domain.reports import Funds, OrderMargin
from order_router.domain.trading_calendar import parse_calendar
from order_router.domain.vocabulary import Exchange, Product, Source
from order_router.service.change import cancel_order, modify_order
from order_router.service.needed_reads import NotReadYet
from order_router.service.place import KeyReused, place_order, resume_order
from order_router.service.reconcile import reconcile_account, reconcile_all
from tests.fakes.transport import Fault
from tests.fakes.world import World

EXIT: dict[str, Any] = {"side": "SELL", "position_effect": "CLOSE"}
METER = "meter#account#paper#2026-11-23"
LAST_SECOND = datetime(2026, 11, 23, 18, 29, 59, tzinfo=UTC)
"""The exchanges' Monday ends with it: brokers elsewhere trade on."""
TWELVE_HOURS = 12 * 3600
OF_STRATEGY = "meter#strategy#demo#2026-11-23"


@pytest.fixture
def world() -> World:
    return World()


def limit(world: World, **limits: Any) -> None:
    """Give the account these limits."""
    world.settings.put_account(Account(name="paper", broker="paper", limits=Limits.model_validate(limits)))


def refusal(order: Order) -> tuple[str, str]:
    """Return the code and the words of a refused order."""
    assert order.state is State.REFUSED, order.state
    assert order.reason is not None
    return order.reason.code, order.reason.message


def quotes_asked(world: World) -> int:
    return sum("/quote" in request.url for request in world.transport.sent)


def positions_asked(world: World) -> int:
    return sum("/positions" in request.url for request in world.transport.sent)


def raising(error: Exception) -> Callable[..., Any]:
    """Return what raises this whatever it is asked."""

    def fail(*_: object) -> Any:
        raise error

    return fail


def counted(world: World, name: str = METER) -> dict[str, Decimal]:
    return dict(world.desk.meters.read(name))


@dataclass(frozen=True)
class Case:
    """A limit that an order breaks: what it says, and what of an exit it lets pass."""

    limits: dict[str, Any]
    code: str
    words: str
    order: dict[str, Any] = field(default_factory=dict)
    holds_exits: bool = False
    before: Callable[[World], None] = lambda world: None


def rest_one(world: World) -> None:
    """Have one order of 5 INFY at 1400 rest at the broker, 7000 in all."""
    assert world.place("resting", limit_price="1400").order.state is State.OPEN


def lose(world: World) -> None:
    """Lose 250: 5 INFY bought at 1500.05, then at 1450.05."""
    world.place("bought")
    world.set_price("NSE:INFY", "1450.05")
    world.clock.advance(3600)


CASES = (
    Case(
        {"max_quantity": 4}, "QUANTITY_LIMIT", "max_quantity of account paper is 4, found 5", holds_exits=True
    ),
    Case(
        {"max_order_value": "7500"},
        "ORDER_VALUE_LIMIT",
        "max_order_value of account paper is 7500, found 7500.25",
    ),
    Case(
        {"max_order_value": "7500"},
        "ORDER_VALUE_LIMIT",
        "max_order_value of account paper is 7500, found 7500.25",
        {"order_type": "MARKET", "limit_price": None},
    ),
    Case(
        {"price_band_percent": "1"},
        "PRICE_BAND",
        "price_band_percent of account paper is 1, found 1600, 6.66 % beyond 1500.05",
        {"limit_price": "1600"},
    ),
    Case(
        {"price_band_percent": "1"},
        "PRICE_BAND",
        "price_band_percent of account paper is 1, found 1400, 6.67 % beyond 1500.05",
        {"limit_price": "1400", "side": "SELL"},
        holds_exits=True,
    ),
    Case(
        {"denied_instruments": ["NSE:INFY"]},
        "INSTRUMENT_DENIED",
        "denied_instruments of account paper is NSE:INFY, found NSE:INFY",
    ),
    Case(
        {"instruments": ["NSE:RELIANCE", "BSE:INFY"]},
        "INSTRUMENT_NOT_ALLOWED",
        "instruments of account paper is BSE:INFY, NSE:RELIANCE, found NSE:INFY",
    ),
    Case(
        {"exchanges": [Exchange.BSE]},
        "EXCHANGE_NOT_ALLOWED",
        "exchanges of account paper is BSE, found NSE",
    ),
    Case({"products": [Product.CNC]}, "PRODUCT_NOT_ALLOWED", "products of account paper is CNC, found MIS"),
    Case(
        {"max_orders_per_day": 1},
        "DAILY_LIMIT_REACHED",
        "max_orders_per_day of account paper is 1, found 1 before 1 more",
        before=rest_one,
    ),
    Case(
        {"max_open_orders": 1},
        "OPEN_ORDERS_LIMIT",
        "max_open_orders of account paper is 1, found 1 before 1 more",
        before=rest_one,
    ),
    Case(
        {"max_gross_exposure": "14500"},
        "GROSS_EXPOSURE_LIMIT",
        "max_gross_exposure of account paper is 14500, found 7000 before 7500.25 more",
        before=rest_one,
    ),
    Case(
        {"max_net_exposure": "14500"},
        "NET_EXPOSURE_LIMIT",
        "max_net_exposure of account paper is 14500, found 7000 before 7500.25 more",
        before=rest_one,
    ),
    Case(
        {"max_instrument_gross_exposure": "14500"},
        "INSTRUMENT_GROSS_LIMIT",
        "max_instrument_gross_exposure of account paper is 14500, found 7000 before 7500.25 more",
        before=rest_one,
    ),
    Case(
        {"max_instrument_net_exposure": "14500"},
        "INSTRUMENT_NET_LIMIT",
        "max_instrument_net_exposure of account paper is 14500, found 7000 before 7500.25 more",
        before=rest_one,
    ),
    Case(
        {"max_daily_loss": "249.99"},
        "DAILY_LOSS_LIMIT",
        "max_daily_loss of account paper is 249.99, found 250",
        before=lose,
    ),
)


def name_of(case: Case) -> str:
    return f"{case.code}-{case.order.get('order_type', 'LIMIT')}-{case.order.get('side', 'BUY')}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_limit_refuses_with_its_code_and_words_and_the_order_is_kept(world: World, case: Case) -> None:
    limit(world, **case.limits)
    case.before(world)
    sent = world.transport.writes_sent()

    order = world.place("beyond", **case.order).order

    code, words = refusal(order)
    assert code == case.code
    assert words.replace(".00,", ",").removesuffix(".00") == case.words
    assert world.store.get(order.client_order_id) == order
    assert world.transport.writes_sent() == sent, "nothing may reach the broker"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_an_exit_is_held_to_its_quantity_and_band_and_to_nothing_else(world: World, case: Case) -> None:
    limit(world, **case.limits)
    case.before(world)
    exit_order = case.order | EXIT
    if "order_type" not in case.order and not case.holds_exits:
        exit_order["limit_price"] = "1450.05" if case.before is lose else "1500.05"

    order = world.place("exit", **exit_order).order

    assert (order.state is State.REFUSED) == case.holds_exits


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_an_order_within_the_limit_passes(world: World, case: Case) -> None:
    wide = {
        "max_quantity": 5,
        "max_order_value": "7500.25",
        "price_band_percent": "10",
        "denied_instruments": ["NSE:RELIANCE"],
        "instruments": ["NSE:INFY"],
        "exchanges": [Exchange.NSE],
        "products": [Product.MIS],
        "max_orders_per_day": 2,
        "max_open_orders": 2,
        "max_daily_loss": "250.25",
    }
    limit(world, **{rule: wide.get(rule, "15000") for rule in case.limits})
    case.before(world)

    assert world.place("within", **case.order).order.state is not State.REFUSED


def test_a_strategy_s_limits_hold_its_orders_over_the_api_as_well(world: World) -> None:
    world.limit_strategy(max_open_orders=1)
    assert world.place("first", strategy="demo", limit_price="1400").order.state is State.OPEN

    second = world.place("second", strategy="demo", limit_price="1400").order
    other = world.place("other", limit_price="1400").order

    assert refusal(second) == (
        "OPEN_ORDERS_LIMIT",
        "max_open_orders of strategy demo is 1, found 1 before 1 more",
    )
    assert other.state is State.OPEN, "another caller's order is not the strategy's"
    assert [counted(world)[OPEN], counted(world, OF_STRATEGY)[OPEN]] == [2, 1]


def test_the_tighter_of_account_and_strategy_holds(world: World) -> None:
    limit(world, max_quantity=10)
    world.limit_strategy(max_quantity=4)

    assert refusal(world.place(strategy="demo").order)[1] == "max_quantity of strategy demo is 4, found 5"
    assert world.place("k-2", quantity=11, strategy="demo").order.state is State.REFUSED
    assert world.place("k-3").order.state is State.FILLED


def test_a_strategy_that_nobody_set_up_has_no_limits_of_its_own(world: World) -> None:
    assert world.place(strategy="unheard").order.state is State.FILLED


# ---- what is counted
def test_an_order_counts_while_it_rests_and_not_after_its_end(world: World) -> None:
    order = world.place(limit_price="1400").order
    assert [counted(world)[OPEN], counted(world)[RESERVED], counted(world)[GROSS]] == [1, 7000, 7000]

    cancel_order(world.desk, order.client_order_id)

    now = counted(world)
    assert [now[ORDERS], now[OPEN], now[RESERVED], now[GROSS], now[NET]] == [1, 0, 0, 0, 0]


def test_what_filled_stays_at_risk_until_positions_are_read(world: World) -> None:
    limit(world, max_gross_exposure="100000")
    world.place()
    assert [counted(world)[OPEN], counted(world)[GROSS], counted(world)[RESERVED]] == [
        0,
        Decimal("7500.25"),
        0,
    ]
    world.set_price("NSE:INFY", "1600")
    world.clock.advance(60)

    reconcile_all(world.desk)

    assert counted(world)[GROSS] == 8000


def test_an_exit_takes_no_room_and_its_fill_frees_it_with_the_next_positions(world: World) -> None:
    limit(world, max_gross_exposure="8000")
    world.place()
    assert world.place("full", limit_price="1400").order.state is State.REFUSED
    assert world.place("exit", **EXIT).order.state is State.FILLED
    world.clock.advance(60)
    reconcile_all(world.desk)

    assert world.place("again", limit_price="1400").order.state is State.OPEN


@pytest.mark.parametrize("rule", ["max_net_exposure", "max_instrument_net_exposure"])
@pytest.mark.parametrize(("side", "away", "near"), [("BUY", "1590", "1500.05"), ("SELL", "1400", "1500")])
def test_what_rests_on_the_other_side_makes_no_room(
    world: World, rule: str, side: str, away: str, near: str
) -> None:
    limit(world, **{rule: "8000"})
    world.place("rests", side="SELL" if side == "BUY" else "BUY", limit_price=away)
    assert world.place("first", side=side, limit_price=near).order.state is State.FILLED

    for _ in range(2):
        second = refusal(world.place(f"after-{world.clock.now()}", side=side, limit_price=near).order)
        assert second[0] in {"NET_EXPOSURE_LIMIT", "INSTRUMENT_NET_LIMIT"}
        # and no more once positions were read
        world.clock.advance(60)
        reconcile_all(world.desk)


def test_what_a_release_before_counted_net_is_read_anew(world: World) -> None:
    limit(world, max_net_exposure="8000")
    world.place("bought")
    item = world.store.tables.meters[METER]
    kept = {name: item[name] for name in item if not name.startswith(("net_if", BASED_AT))}
    world.store.tables.meters[METER] = {**kept, "based_at": item[BASED_AT]}

    assert refusal(world.place("more").order)[0] == "NET_EXPOSURE_LIMIT"


def test_an_order_that_never_left_gives_its_room_back(world: World) -> None:
    limit(world, max_open_orders=1, max_gross_exposure="8000")
    world.transport.writes = [Fault.REFUSED] * 50

    assert world.place("unsent").order.state in {State.REFUSED, State.STALE}

    world.transport.writes = []
    assert counted(world)[OPEN] == counted(world)[RESERVED] == counted(world)[GROSS] == 0
    assert world.place("next", limit_price="1400").order.state is State.OPEN


def test_an_unknown_order_keeps_its_room(world: World) -> None:
    limit(world, max_open_orders=1)
    world.transport.writes = [Fault.REQUEST_LOST]
    assert world.place("lost").order.state is State.UNKNOWN

    assert refusal(world.place("next").order)[0] == "OPEN_ORDERS_LIMIT"


def test_a_repeated_request_counts_once(world: World) -> None:
    first = world.place(limit_price="1400")
    again = world.place(limit_price="1400")

    assert again.is_replay
    assert again.order == first.order
    assert counted(world)[ORDERS] == 1


def test_a_refused_order_is_not_counted(world: World) -> None:
    limit(world, max_open_orders=1)
    rest_one(world)
    world.place("beyond")

    assert [counted(world)[ORDERS], counted(world)[OPEN]] == [1, 1]


def hold(world: World) -> Order:
    """Return an entry that waits for an unknown order of its strategy."""
    world.transport.writes = [Fault.REQUEST_LOST]
    assert world.place("lost", source=Source.ALERT, strategy="demo").order.state is State.UNKNOWN
    held = world.place("held", source=Source.ALERT, strategy="demo", limit_price="1400").order
    assert held.is_held
    return held


def settle(world: World) -> None:
    """Let the lost order show up in the book after all."""
    other = World(clock=world.clock, paper_store=world.paper_store)
    other.place("lost", source=Source.ALERT, strategy="demo")
    reconcile_account(world.desk, "paper")


def test_a_held_order_is_counted_when_it_is_released(world: World) -> None:
    held = hold(world)
    assert counted(world)[ORDERS] == 1
    settle(world)

    released = resume_order(world.desk, held.client_order_id)

    assert released is not None
    assert released.state is State.OPEN
    assert [counted(world)[ORDERS], counted(world)[OPEN]] == [2, 1]
    assert counted(world, OF_STRATEGY)[ORDERS] == 2


def test_a_held_order_is_held_to_the_limits_as_they_are_when_it_is_released(world: World) -> None:
    held = hold(world)
    limit(world, max_orders_per_day=1)
    settle(world)

    released = resume_order(world.desk, held.client_order_id)

    assert released is not None
    assert refusal(released)[0] == "DAILY_LIMIT_REACHED"


def test_an_entry_over_the_api_that_is_held_is_not_counted(world: World) -> None:
    hold(world)

    with pytest.raises(EntryHeld):
        world.place("api", strategy="demo")

    assert counted(world)[ORDERS] == 1


# ---- prices
def test_an_old_price_costs_one_quote_and_the_next_order_none(world: World) -> None:
    limit(world, price_band_percent="5")
    world.place("first")
    assert quotes_asked(world) == 1

    world.place("second")
    assert quotes_asked(world) == 1

    world.clock.advance(121)
    world.place("third")
    assert quotes_asked(world) == 2


def test_a_limit_is_judged_by_the_price_that_was_quoted(world: World) -> None:
    limit(world, price_band_percent="5")
    world.place("first")
    world.set_price("NSE:INFY", "1400")
    world.clock.advance(121)

    assert refusal(world.place("second").order)[0] == "PRICE_BAND"


MARKET: dict[str, Any] = {"order_type": "MARKET", "limit_price": None}


@pytest.mark.parametrize(
    ("limits", "order", "asked_for_exit"),
    [({"price_band_percent": "5"}, {}, 1), ({"max_order_value": "10000"}, MARKET, 0)],
)
def test_without_a_price_an_entry_is_refused_and_an_exit_leaves(
    world: World, limits: dict[str, Any], order: dict[str, Any], asked_for_exit: int
) -> None:
    world.place("bought")
    limit(world, **limits)
    asked = quoting_nothing(world)

    assert refusal(world.place("entry", **order).order)[0] == "PRICE_UNKNOWN"
    assert len(asked) == 1

    assert world.place("exit", **order | EXIT).order.state is State.FILLED
    assert len(asked) == 1 + asked_for_exit


def quoting_nothing(world: World) -> list[str]:
    """Let the broker answer every question for a price without one, and return what it is asked from now on."""
    asked: list[str] = []

    def read_quotes(_send: object, _session: object, instruments: Any) -> tuple[()]:
        asked.extend(map(str, instruments))
        return ()

    broker = cast("Broker", SimpleNamespace(**vars(load_broker("paper")) | {"read_quotes": read_quotes}))
    world.desk = replace(world.desk, broker_of=lambda _: broker)
    return asked


@pytest.mark.parametrize("order", [{"limit_price": "1600"}, MARKET], ids=["LIMIT", "MARKET"])
def test_a_position_that_two_entries_made_and_whose_price_rose_closes_in_one_order(
    world: World, order: dict[str, Any]
) -> None:
    limit(world, max_order_value="7600", price_band_percent="10", max_gross_exposure="100000")
    world.place("first")
    world.place("second")
    world.set_price("NSE:INFY", "1600")
    world.clock.advance(3600)

    assert world.place("exit", quantity=10, **order | EXIT).order.state is State.FILLED


def test_no_price_is_asked_for_where_no_limit_needs_one(world: World) -> None:
    limit(world, max_quantity=10, max_open_orders=5)

    world.place("limit")
    world.place("market", order_type="MARKET", limit_price=None)

    assert quotes_asked(world) == 0


@pytest.mark.parametrize(("side", "limit_price"), [("BUY", "1600"), ("SELL", "1400")])
def test_a_limit_out_of_its_band_by_a_price_that_is_known_costs_no_quote(
    world: World, side: str, limit_price: str
) -> None:
    limit(world, price_band_percent="5")
    world.place("first")

    order = world.place("far", side=side, limit_price=limit_price).order

    assert refusal(order)[0] == "PRICE_BAND"
    assert quotes_asked(world) == 1


def test_the_narrower_band_of_account_and_strategy_holds(world: World) -> None:
    limit(world, price_band_percent="10")
    world.limit_strategy(price_band_percent="1")
    world.place("first", strategy="demo")

    order = world.place("far", strategy="demo", limit_price="1545").order

    assert refusal(order)[1].startswith("price_band_percent of strategy demo is 1,")


@pytest.mark.parametrize(
    ("rule", "code"),
    [("max_order_value", "ORDER_VALUE_LIMIT"), ("max_gross_exposure", "GROSS_EXPOSURE_LIMIT")],
)
def test_a_strategy_alone_may_need_a_price(world: World, rule: str, code: str) -> None:
    world.limit_strategy(**{rule: "7500"})

    order = world.place(strategy="demo", order_type="MARKET", limit_price=None).order

    assert refusal(order)[0] == code
    assert quotes_asked(world) == 1


def test_a_strategy_that_counts_orders_alone_needs_no_price(world: World) -> None:
    world.limit_strategy(max_orders_per_day=5)

    order = world.place(strategy="demo", order_type="MARKET", limit_price=None).order

    assert (order.state, quotes_asked(world)) == (State.FILLED, 0)


def test_an_order_that_lacks_its_price_and_its_positions_gets_both(world: World) -> None:
    limit(world, price_band_percent="5", max_gross_exposure="100000")

    assert world.place().order.state is State.FILLED
    assert (quotes_asked(world), positions_asked(world)) == (1, 1)


def test_an_order_whose_price_is_old_as_soon_as_it_is_read_is_refused_after_three_readings(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(world, price_band_percent="5")
    monkeypatch.setattr(world.desk.prices, "keep", lambda *_: None)

    order = world.place().order

    assert refusal(order) == (
        "LIMITS_UNKNOWN",
        "prices or positions moved faster than they could be read",
    )
    assert quotes_asked(world) == 3


def test_an_exit_without_a_price_leaves_after_one_question_for_it(world: World) -> None:
    world.place("bought")
    limit(world, price_band_percent="5")
    world.transport.reads = [Fault.GARBAGE] * 5

    assert world.place("exit", **EXIT).order.state.is_working
    assert quotes_asked(world) == 1


def test_an_order_that_no_limit_needs_a_price_for_counts_as_an_order_and_no_money(world: World) -> None:
    world.place(order_type="MARKET", limit_price=None)

    assert counted(world)[ORDERS] == 1
    assert GROSS not in counted(world)


# ---- positions
def test_positions_that_are_not_known_are_read_once(world: World) -> None:
    limit(world, max_gross_exposure="100000")

    world.place("first")
    world.place("second")

    assert positions_asked(world) == 1


def test_what_is_held_already_counts_towards_the_limit(world: World) -> None:
    world.place("bought")
    world.store.tables.meters.clear()
    limit(world, max_gross_exposure="14000")

    code, words = refusal(world.place("more").order)

    assert code == "GROSS_EXPOSURE_LIMIT"
    assert "found 7500.25 before 7500.25 more" in words


def test_positions_that_cannot_be_read_stop_an_entry_and_let_an_exit_through(world: World) -> None:
    world.place("bought")
    limit(world, max_daily_loss="500")
    paper = load_broker("paper")
    broker = SimpleNamespace(
        **vars(paper) | {"read_positions": raising(PermissionDenied("not in your plan"))}
    )
    world.desk = replace(world.desk, broker_of=lambda _: cast("Broker", broker))

    assert refusal(world.place("entry").order)[0] == "POSITIONS_UNKNOWN"
    assert world.place("exit", **EXIT).order.state is State.FILLED


def test_positions_are_read_again_when_they_are_ten_minutes_old(world: World) -> None:
    limit(world, max_gross_exposure="100000")
    world.place("first")
    world.clock.advance(599)
    world.place("second")
    assert positions_asked(world) == 1

    world.clock.advance(2)
    world.place("third")

    assert positions_asked(world) == 2


def test_a_day_s_loss_stops_entries_and_lets_exits_through(world: World) -> None:
    limit(world, max_daily_loss="200")
    lose(world)

    assert refusal(world.place("entry", limit_price="1450.05").order)[0] == "DAILY_LOSS_LIMIT"
    assert world.place("exit", limit_price="1450.05", **EXIT).order.state is State.FILLED
    assert counted(world)[LOSS] == 250


# ---- what it costs on the way
ALL = {
    "max_quantity": 100,
    "max_order_value": "100000",
    "price_band_percent": "20",
    "max_orders_per_day": 100,
    "max_open_orders": 50,
    "max_gross_exposure": "1000000",
    "max_net_exposure": "1000000",
    "max_instrument_gross_exposure": "1000000",
    "max_instrument_net_exposure": "1000000",
    "max_daily_loss": "1000000",
}


def test_once_warm_every_limit_together_costs_no_call_before_the_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(world, **ALL)
    world.limit_strategy(max_open_orders=50, max_order_value="100000", price_band_percent="20")
    world.place("cold", strategy="demo")
    reads, sent, writes = world.desk.prices.reads, len(world.transport.sent), len(world.store.writes)  # type: ignore[attr-defined]
    monkeypatch.setattr(world.desk.meters, "read", forbidden)
    monkeypatch.setattr(world.store, "get", forbidden)

    order = world.place("warm", strategy="demo", limit_price="1400").order

    assert order.state is State.OPEN
    first = world.transport.sent[sent]
    assert first.is_write, "the first call to the broker is the order"
    assert world.desk.prices.reads == reads  # type: ignore[attr-defined]
    assert [written.state for written in world.store.writes[writes:]] == [State.SUBMITTING, State.OPEN]


def forbidden(*_: object) -> Any:
    raise AssertionError("a read before the order")


# ---- margin
def test_an_order_that_binds_more_than_is_available_is_refused(world: World) -> None:
    limit(world, margin=MarginCheck.FUNDS)

    code, words = refusal(world.place("big", quantity=100000, product="CNC").order)

    assert code == "MARGIN_INSUFFICIENT"
    assert words.startswith("the order would bind 150005000.00, available ")
    assert world.place("small").order.state is State.FILLED


@pytest.mark.parametrize(
    ("required", "available", "state"),
    [("900", "900", State.FILLED), ("900.01", "900", State.REFUSED), ("900", None, State.FILLED)],
)
def test_the_broker_s_calculator_decides_where_it_is_asked(
    world: World, required: str, available: str | None, state: State
) -> None:
    limit(world, margin=MarginCheck.CALCULATOR)
    margin = OrderMargin(
        required=Decimal(required), available=None if available is None else Decimal(available)
    )
    broker = SimpleNamespace(**vars(load_broker("paper")) | {"read_order_margin": lambda *_: margin})
    world.desk = replace(world.desk, broker_of=lambda _: cast("Broker", broker))

    assert world.place().order.state is state


def test_a_broker_without_a_calculator_cannot_be_asked(world: World) -> None:
    limit(world, margin=MarginCheck.CALCULATOR)

    assert refusal(world.place().order)[0] == "MARGIN_UNKNOWN"


def test_a_margin_that_cannot_be_read_stops_an_entry_and_lets_an_exit_through(world: World) -> None:
    world.place("bought")
    limit(world, margin=MarginCheck.FUNDS)
    paper = load_broker("paper")
    broker = SimpleNamespace(**vars(paper) | {"read_funds": raising(PermissionDenied("not in your plan"))})
    world.desk = replace(world.desk, broker_of=lambda _: cast("Broker", broker))

    assert refusal(world.place("entry").order)[0] == "MARGIN_UNKNOWN"
    assert world.place("exit", **EXIT).order.state is State.FILLED


def segments(world: World, *held: Funds) -> None:
    """Let the broker say that the account's money lies so."""
    broker = SimpleNamespace(**vars(load_broker("paper")) | {"read_funds": lambda *_: held})
    world.desk = replace(world.desk, broker_of=lambda _: cast("Broker", broker))


def test_only_the_money_that_pays_at_the_orders_exchange_counts(world: World) -> None:
    limit(world, margin=MarginCheck.FUNDS)
    enough, none = Decimal(1_000_000), Decimal(0)
    elsewhere = Funds(segment="commodity", available=enough, used=none, covers=(Exchange.MCX,))
    here = Funds(segment="equity", available=Decimal(100), used=none, covers=(Exchange.NSE,))

    segments(world, here, elsewhere)
    short = refusal(world.place("short").order)
    segments(world, replace(here, available=enough), elsewhere)
    paid = world.place("paid").order
    segments(world, elsewhere)
    unknown = refusal(world.place("unknown").order)

    assert short[0] == "MARGIN_INSUFFICIENT"
    assert short[1].endswith("available 100")
    assert paid.state is State.FILLED
    assert unknown == (
        "MARGIN_UNKNOWN",
        "the margin is not known: no money of the account (commodity) is known to pay for orders at NSE",
    )


def test_a_repeat_is_answered_with_its_order_though_the_read_before_it_fails(world: World) -> None:
    limit(world, margin=MarginCheck.FUNDS)
    first = world.place("once").order
    world.transport.reads += [Fault.REFUSED] * 5

    again = world.place("once")

    assert first.state is State.FILLED
    assert (again.order, again.is_replay) == (first, True)
    with pytest.raises(KeyReused):
        world.place("once", quantity=7)
    with pytest.raises(NotReadYet):
        world.place("another")


def test_no_margin_is_asked_for_unless_it_is_set(world: World) -> None:
    world.place()

    assert world.transport.sent[0].is_write


# ---- telling
def told(world: World) -> list[tuple[str, str | None]]:
    return [(one.message, one.subject) for one in world.notifier.notices if one.kind == "limit_near"]


def test_a_limit_of_which_four_fifths_are_used_is_told_by_its_day(world: World) -> None:
    limit(world, max_open_orders=5)
    for number in range(3):
        world.place(f"k-{number}", limit_price="1400")
    reconcile_all(world.desk)
    assert told(world) == []

    world.place("k-4", limit_price="1400")
    reconcile_all(world.desk)

    assert told(world) == [
        ("open of account paper is 4: its limit is 5", "account paper#open#5#2026-11-23"),
    ]


def test_a_short_position_comes_near_its_net_limit_too(world: World) -> None:
    limit(world, max_net_exposure="9000")
    world.place("sold", side="SELL", limit_price="1500.05")

    reconcile_all(world.desk)

    assert told(world)[0][1] == "account paper#net_if_sold#9000#2026-11-23"


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_an_instrument_s_limits_are_told_of_too(world: World, side: str) -> None:
    limit(world, max_instrument_gross_exposure="9000", max_instrument_net_exposure="9000")
    world.place("one", side=side, limit_price="1500.05")
    world.place("other", side=side, instrument="NSE:RELIANCE", quantity=1, limit_price="2900")

    reconcile_all(world.desk)

    net = "net_if_bought" if side == "BUY" else "net_if_sold"
    assert [subject for _, subject in told(world)] == [
        f"account paper#{name}@NSE:INFY#9000#2026-11-23" for name in ("gross", net)
    ]


@pytest.mark.parametrize(
    ("price", "kind", "state"),
    [
        ("1420.10", None, State.OPEN),
        ("1420.05", "limit_near", State.OPEN),
        ("1400.05", "limit_near", State.OPEN),
        ("1400", "limit_reached", State.REFUSED),
    ],
)
def test_the_day_s_loss_is_told_as_reached_when_it_stops_entries(
    world: World, price: str, kind: str | None, state: State
) -> None:
    limit(world, max_daily_loss="500")
    world.place("bought", limit_price="1500.05")
    world.set_price("NSE:INFY", price)
    world.clock.advance(60)

    for _ in range(2):
        reconcile_all(world.desk)

    heard = {(one.kind, one.account, one.subject) for one in world.notifier.notices}
    assert heard == ({(kind, "paper", "account paper#loss#500#2026-11-23")} if kind else set())
    assert world.place("entry", limit_price="1300").order.state is state


def test_a_limit_that_was_set_anew_is_news_when_it_is_reached_too(world: World) -> None:
    for loss, price in (("500", "1400"), ("900", "1300")):
        limit(world, max_daily_loss=loss)
        world.place("bought", limit_price="1500.05")
        world.set_price("NSE:INFY", price)
        world.clock.advance(60)
        for _ in range(2):
            reconcile_all(world.desk)

    reached = [one for one in world.notifier.notices if one.kind == "limit_reached"]
    assert len({notice_key(one) for one in reached}) == 2
    assert {one.message.partition(": ")[2].partition(".")[0] for one in reached} == {
        "its limit is 500",
        "its limit is 900",
    }


def test_the_day_s_loss_wakes_its_trader_and_a_limit_that_is_near_does_not() -> None:
    urgent = {kind for kind in ("limit_near", "limit_reached") if KINDS[kind].urgency is Urgency.URGENT}

    assert urgent == {"limit_reached"}


def test_the_next_day_begins_with_nothing_counted(world: World) -> None:
    limit(world, max_orders_per_day=1, max_open_orders=1)
    world.place("today", limit_price="1400")
    assert world.place("more", limit_price="1400").order.state is State.REFUSED
    world.clock.advance(timedelta(days=1).total_seconds())

    assert world.place("tomorrow", limit_price="1400").order.state is State.OPEN
    assert BASED_AT not in counted(world)


def test_an_order_sent_after_midnight_is_counted_and_taken_back_on_the_day_it_came(
    world: World,
) -> None:
    limit(world, max_open_orders=1, max_gross_exposure=100_000)
    world.clock.advance((LAST_SECOND - world.clock.now()).total_seconds())
    command = replace(
        world.command(limit_price="1400", source=Source.ALERT), deadline=LAST_SECOND + timedelta(minutes=1)
    )
    world.clock.advance(5)

    order = place_order(world.desk, command).order
    counted_then = world.desk.meters.read(METER)
    cancel_order(world.desk, order.client_order_id)
    reconcile_account(world.desk, "paper")

    assert order.state is State.OPEN
    assert [counted_then[name] for name in (OPEN, RESERVED)] == [1, 7000]
    counted_now = world.desk.meters.read(METER)
    assert [counted_now[name] for name in (OPEN, RESERVED, ORDERS)] == [0, 0, 1]
    assert not world.desk.meters.read("meter#account#paper#2026-11-24").get(OPEN)


def keeping_for_the_session(world: World) -> None:
    """Let the broker be one whose exchange closes, and that keeps orders for its next session."""
    paper, numbers = load_broker("paper"), count(1)
    changes = {
        "profile": replace(paper.profile, exchange_closes=True, takes_after_market=True),
        "place_order": lambda *_: Acknowledged(f"kept-{next(numbers)}"),
    }
    as_broker = cast("Broker", SimpleNamespace(**vars(paper) | changes))
    calendar = parse_calendar(SHIPPED.read_text(encoding="utf-8"))
    world.desk = replace(world.desk, broker_of=lambda _: as_broker, calendar=lambda: calendar)


@pytest.mark.parametrize("limits", [{"max_open_orders": 1}, {"max_gross_exposure": 8_000}])
def test_an_after_market_order_finds_its_room_in_its_session_s_day(
    world: World, limits: dict[str, Any]
) -> None:
    keeping_for_the_session(world)
    limit(world, **limits)
    wanted: dict[str, Any] = {"limit_price": "1500", "after_market": True}
    world.clock.advance(TWELVE_HOURS)

    kept, second = world.place("k-1", **wanted).order, world.place("k-2", **wanted).order
    world.clock.advance(3 * TWELVE_HOURS)
    by_day = world.place("k-3", limit_price="1500").order

    assert (kept.state, kept.day) == ("open", date(2026, 11, 25)), "the 24th is a holiday"
    assert {refusal(order)[0] for order in (second, by_day)} <= {"OPEN_ORDERS_LIMIT", "GROSS_EXPOSURE_LIMIT"}


def test_an_after_market_order_is_not_judged_by_the_loss_of_the_day_before(world: World) -> None:
    world.place("bought")
    world.set_price("NSE:INFY", "1400")
    world.place("sold", side="SELL", limit_price="1400", position_effect="CLOSE")
    keeping_for_the_session(world)
    limit(world, max_daily_loss="500")

    by_day = world.place("k-1", limit_price="1300").order
    world.clock.advance(TWELVE_HOURS)
    kept = world.place("k-2", limit_price="1300", after_market=True).order

    assert refusal(by_day)[0] == "DAILY_LOSS_LIMIT"
    assert kept.state == "open"


def test_a_kept_order_grows_into_the_room_of_its_session_s_day(world: World) -> None:
    keeping_for_the_session(world)
    limit(world, max_gross_exposure="15000")
    world.clock.advance(TWELVE_HOURS)
    kept = world.place(limit_price="1500", after_market=True, quantity=8).order

    # 12000 of it are at risk on the session's day, nothing today
    words = "max_gross_exposure of account paper is 15000, found 12000 before 4500 more"
    with pytest.raises(LimitReached, match=words):
        modify_order(world.desk, kept.client_order_id, {"quantity": 11})
