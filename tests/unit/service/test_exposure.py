"""What an account holds, as the gate counts it: set from the broker's positions, never over what came between."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from order_router.adapter.errors import BrokerError, PermissionDenied, Unsupported
from order_router.adapter.port import Broker
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from order_router.domain.instrument import parse_instrument
from order_router.domain.lifecycle import State
from order_router.domain.limits import Limits
from order_router.domain.meter import BASED_AT, GROSS, LOSS, NET, OPEN, ORDERS
from order_router.domain.reports import Position, PositionBook, Quote
from order_router.domain.vocabulary import Product
from order_router.ports import StoreUnavailable
from order_router.service.exposure import BASE_LIFE, rebase, watch_account, watch_strategies
from order_router.service.reconcile import reconcile_account, reconcile_all
from tests.fakes.clock import FakeClock
from tests.fakes.relisted import half_a_share, listed_row, relist
from tests.fakes.transport import Fault
from tests.fakes.world import World

DAY = date(2026, 11, 23)
METER = f"meter#account#paper#{DAY}"
LIMITED = Account(name="paper", broker="paper", limits=Limits(max_gross_exposure=Decimal(100000)))


@pytest.fixture
def world() -> World:
    world = World()
    world.settings.put_account(LIMITED)
    world.place("bought")
    return world


def counted(world: World) -> Mapping[str, Decimal]:
    return world.desk.meters.read(METER)


def now(world: World) -> datetime:
    return world.clock.now()


def asked(world: World, path: str) -> int:
    """Return how often the broker was asked for this."""
    return sum(path in request.url for request in world.transport.sent)


def kept(world: World, name: str, *, age_s: float = 0) -> Decimal | None:
    """Return the price that is kept of an instrument and was seen no longer ago."""
    oldest = now(world) - timedelta(seconds=age_s)
    found = world.desk.prices.recent("paper", parse_instrument(name), oldest=oldest)
    return None if found is None else found.last


def between(world: World, monkeypatch: pytest.MonkeyPatch, happen: Any) -> None:
    """Have something happen after each read of what is counted, before it is set."""
    read = world.desk.meters.read

    def read_then(name: str) -> Mapping[str, Decimal]:
        seen = read(name)
        happen()
        return seen

    monkeypatch.setattr(world.desk.meters, "read", read_then)


def test_an_order_that_comes_between_is_not_lost_from_the_count(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming = iter(["between"])
    world.clock.advance(60)

    def come() -> None:
        for key in coming:
            world.place(key, limit_price="1400")

    between(world, monkeypatch, come)

    rebase(world.desk, LIMITED, DAY, known_since=now(world))

    monkeypatch.undo()
    assert counted(world)[GROSS] == Decimal("7500.25") + 7000
    assert [counted(world)[ORDERS], counted(world)[OPEN]] == [2, 1]


def test_what_was_sold_out_of_holdings_is_no_exposure_and_no_loss(world: World) -> None:
    relist(world, lambda rows: [*rows, listed_row("NSE:RELIANCE", -3)])
    world.clock.advance(60)

    rebase(world.desk, LIMITED, DAY, known_since=now(world))

    assert counted(world)[GROSS] == counted(world)[NET] == Decimal("7500.25")
    assert counted(world)[LOSS] == 0


def test_a_position_that_cannot_be_read_leaves_what_was_known_and_refuses_entries(world: World) -> None:
    before = counted(world)
    relist(world, lambda rows: [*rows, half_a_share("NSE:RELIANCE")])
    world.clock.advance(BASE_LIFE.total_seconds() + 1)

    with pytest.raises(Unsupported, match="NSE:RELIANCE: expected a whole number in quantity"):
        rebase(world.desk, LIMITED, DAY, known_since=now(world))
    refused = world.place("k-2").order

    assert counted(world)[GROSS] == before[GROSS]
    assert refused.state is State.REFUSED
    assert refused.reason is not None
    assert "NSE:RELIANCE" in refused.reason.message


def test_while_orders_keep_coming_nothing_is_set_and_it_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = iter(range(99))
    world.clock.advance(60)
    before = counted(world)[BASED_AT]
    between(world, monkeypatch, lambda: world.place(f"k-{next(keys)}", limit_price="1400"))

    with pytest.raises(StoreUnavailable):
        rebase(world.desk, LIMITED, DAY, known_since=now(world))

    monkeypatch.undo()
    assert counted(world)[BASED_AT] == before
    assert counted(world)[GROSS] == Decimal("7500.25") + 3 * 7000


@pytest.mark.parametrize(("days_ahead", "loss"), [(0, Decimal("500.25")), (1, Decimal(0))])
def test_today_s_loss_is_none_of_a_later_day_s(world: World, days_ahead: int, loss: Decimal) -> None:
    world.set_price("NSE:INFY", "1400")
    world.clock.advance(60)

    amounts = rebase(world.desk, LIMITED, DAY + timedelta(days=days_ahead), known_since=now(world))

    assert (amounts[LOSS], amounts[GROSS]) == (loss, Decimal(7000))
    assert world.desk.meters.read(f"meter#account#paper#{DAY + timedelta(days=days_ahead)}")[LOSS] == loss


def test_positions_that_somebody_has_just_read_are_not_read_again(world: World) -> None:
    sent = len(world.transport.sent)

    rebase(world.desk, LIMITED, DAY, known_since=now(world) - timedelta(seconds=1))

    assert len(world.transport.sent) == sent


@pytest.mark.parametrize(("age_s", "readings"), [(1, 0), (55, 0), (56, 1)])
def test_the_schedule_reads_positions_again_that_are_nearly_a_minute_old(
    world: World, age_s: int, readings: int
) -> None:
    before = asked(world, "/positions")
    world.clock.advance(age_s)

    watch_account(world.desk, LIMITED)

    assert asked(world, "/positions") - before == readings


def test_the_prices_that_come_with_positions_are_kept_for_the_next_orders(world: World) -> None:
    world.set_price("NSE:INFY", "1520")
    world.clock.advance(60)

    rebase(world.desk, LIMITED, DAY, known_since=now(world))

    assert (kept(world, "NSE:INFY"), kept(world, "NSE:RELIANCE")) == (Decimal(1520), None)
    assert asked(world, "/quote") == 0


def test_positions_that_cannot_be_read_leave_what_was_known(world: World) -> None:
    before = dict(counted(world))
    world.transport.reads = [Fault.REFUSED]

    with pytest.raises(BrokerError):
        rebase(world.desk, LIMITED, DAY, known_since=now(world) + timedelta(seconds=1))

    assert counted(world) == before


def test_the_schedule_s_look_keeps_positions_and_prices_fresh(world: World) -> None:
    world.settings.put_account(
        LIMITED.model_copy(
            update={"limits": Limits(max_gross_exposure=Decimal(100000), price_band_percent=Decimal(5))}
        )
    )
    world.clock.advance(600)

    reconcile_all(world.desk)

    sent = len(world.transport.sent)
    world.place("next")
    assert world.transport.sent[sent].is_write, "the order needs nothing read"


PRICED: list[dict[str, Any]] = [
    {"price_band_percent": 5},
    {"max_order_value": 100000},
    {"max_net_exposure": 100000},
]


def trading(world: World, **limits: Any) -> Account:
    """Give the account these limits, and let orders in two instruments rest."""
    account = Account(name="paper", broker="paper", limits=Limits.model_validate(limits))
    world.settings.put_account(account)
    world.place("infy", limit_price="1400")
    world.place("reliance", instrument="NSE:RELIANCE", limit_price="2800")
    return account


@pytest.mark.parametrize("limits", PRICED, ids=lambda limits: next(iter(limits)))
def test_the_schedule_keeps_the_prices_fresh_of_what_was_ordered_today(limits: dict[str, Any]) -> None:
    world = World()
    account = trading(world, **limits)
    world.clock.advance(240)
    before = asked(world, "/quote")

    watch_account(world.desk, account)

    assert (kept(world, "NSE:INFY"), kept(world, "NSE:RELIANCE")) == (Decimal("1500.05"), Decimal(2900))
    assert asked(world, "/quote") == before + 1, "one question for all of them"


def test_where_nothing_was_ordered_today_no_price_is_asked_for() -> None:
    world = World()

    watch_account(
        world.desk, Account(name="paper", broker="paper", limits=Limits(price_band_percent=Decimal(5)))
    )

    assert world.transport.sent == []


@pytest.mark.parametrize(("last_price", "found"), [("0", None), ("0.95", Decimal("0.95")), ("1", Decimal(1))])
def test_a_price_is_kept_if_there_is_one(last_price: str, found: Decimal | None) -> None:
    world = World()
    account = trading(world, max_order_value=100000)
    quote = Quote(instrument=parse_instrument("NSE:INFY"), last_price=Decimal(last_price))
    broker = SimpleNamespace(**vars(load_broker("paper")) | {"read_quotes": lambda *_: (quote,)})
    world.desk = replace(world.desk, broker_of=lambda _: cast("Broker", broker))

    watch_account(world.desk, account)

    assert kept(world, "NSE:INFY") == found


MIDNIGHT = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
"""Of the 23rd in Kolkata."""


def losing(world: World, name: str, at: datetime, lost: int, **changes: Any) -> Decimal:
    """Let a position be read then that lost so much since it was opened, and return the day's loss as counted."""
    held = Position(
        instrument=parse_instrument(name),
        product=Product.CNC,
        quantity=100,
        average_price=Decimal(300),
        last_price=Decimal(100),
        unrealised_pnl=Decimal(-lost),
    )
    paper = load_broker("paper")
    profile = replace(paper.profile, **{"exchange_closes": True} | changes)
    broker = SimpleNamespace(
        **vars(paper) | {"profile": profile, "read_positions": lambda *_: PositionBook(positions=(held,))}
    )
    world.desk = replace(world.desk, broker_of=lambda _: cast("Broker", broker))
    world.clock.advance((at - world.clock.now()).total_seconds())
    return rebase(world.desk, LIMITED, DAY, known_since=at)[LOSS]


@pytest.mark.parametrize(
    ("name", "first_look", "loss"),
    [
        ("NSE:INFY", timedelta(hours=8, minutes=59, seconds=59), 700),
        ("NSE:INFY", timedelta(hours=9), 20700),
        ("NASDAQ:AAPL", timedelta(minutes=14, seconds=59), 700),
        ("NASDAQ:AAPL", timedelta(minutes=15), 20700),
    ],
)
def test_the_day_s_loss_begins_at_a_first_look_before_anything_trades_and_at_no_later_one(
    name: str, first_look: timedelta, loss: int
) -> None:
    world = World(clock=FakeClock(MIDNIGHT))

    begun = losing(world, name, MIDNIGHT + first_look, 20000)
    later = losing(world, name, MIDNIGHT + timedelta(hours=12), 20700)

    assert [begun, later] == [loss - 700, loss]


def test_what_was_lost_in_contracts_without_a_name_here_is_a_loss_of_the_day() -> None:
    world = World(clock=FakeClock(MIDNIGHT))
    book = PositionBook(positions=(), realised_elsewhere=Decimal(-25000))
    broker = SimpleNamespace(**vars(load_broker("paper")) | {"read_positions": lambda *_: book})
    world.desk = replace(world.desk, broker_of=lambda _: cast("Broker", broker))

    assert rebase(world.desk, LIMITED, DAY, known_since=MIDNIGHT)[LOSS] == 25000


def test_a_second_look_before_the_open_moves_the_beginning_no_more() -> None:
    world = World(clock=FakeClock(MIDNIGHT))
    losing(world, "NSE:INFY", MIDNIGHT, 20000)

    assert losing(world, "NSE:INFY", MIDNIGHT + timedelta(hours=8), 20700) == 700


def test_where_an_exchange_never_closes_no_look_is_before_its_trading() -> None:
    world = World(clock=FakeClock(MIDNIGHT))

    assert losing(world, "NSE:INFY", MIDNIGHT, 20000, exchange_closes=False) == 20000


def test_a_look_that_was_asked_for_reads_no_positions(world: World) -> None:
    world.clock.advance(600)
    sent = len(world.transport.sent)

    reconcile_account(world.desk, "paper")

    assert len(world.transport.sent) == sent


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.GARBAGE, Fault.REQUEST_LOST])
def test_watching_that_fails_leaves_what_was_known_and_a_line_in_the_log(
    world: World, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    before = dict(counted(world))
    world.clock.advance(60)
    world.transport.reads = [fault] * 5

    watch_account(world.desk, LIMITED)

    assert counted(world) == before
    assert caplog.messages.count("exposure not known") == 1


@pytest.mark.parametrize("where", ["read", "rebase"])
def test_a_table_that_does_not_answer_leaves_a_line_in_the_log(
    world: World, where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def silent(*_: object, **__: object) -> Any:
        raise StoreUnavailable("the meters did not answer")

    world.clock.advance(60)
    monkeypatch.setattr(world.desk.meters, where, silent)

    watch_account(world.desk, LIMITED)

    assert caplog.messages.count("exposure not known") == 1


def test_a_defect_in_watching_does_not_keep_orders_from_being_settled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_name: str) -> Mapping[str, Decimal]:
        raise ZeroDivisionError

    monkeypatch.setattr(world.desk.meters, "read", broken)
    monkeypatch.setattr(world.settings, "strategies", lambda: broken(""))

    assert [one.account for one in reconcile_all(world.desk)] == ["paper"]


def test_an_account_without_such_limits_costs_its_broker_nothing(world: World) -> None:
    world.settings.put_account(Account(name="paper", broker="paper"))
    sent = len(world.transport.sent)

    reconcile_all(world.desk)

    assert len(world.transport.sent) == sent


def test_a_strategy_that_has_not_traded_is_near_no_limit(world: World) -> None:
    world.limit_strategy(max_orders_per_day=1, max_open_orders=1, max_gross_exposure=1)

    watch_strategies(world.desk)

    assert world.notifier.notices == []


def test_a_strategy_without_limits_costs_no_reading(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.limit_strategy()
    read: list[str] = []
    monkeypatch.setattr(world.desk.meters, "read", read.append)

    watch_strategies(world.desk)

    assert read == []


def test_a_strategy_that_comes_near_its_limit_is_told_of(world: World) -> None:
    world.limit_strategy(max_orders_per_day=1, max_open_orders=2)
    world.place("demo", strategy="demo", limit_price="1400")

    reconcile_all(world.desk)

    near = [notice for notice in world.notifier.notices if notice.kind == "limit_near"]
    assert [(one.account, one.message, one.subject) for one in near] == [
        ("*", "orders of strategy demo is 1: its limit is 1", "strategy demo#orders#1#2026-11-23")
    ]


@pytest.mark.parametrize(
    ("refused", "told"),
    [("read_quotes", {"limit_reached", "limit_near"}), ("read_positions", {"limit_near"})],
)
def test_a_limit_is_told_of_though_the_broker_answers_a_part_of_what_is_asked(
    refused: str, told: set[str]
) -> None:
    world = World()
    limits = Limits(max_daily_loss=Decimal(400), max_order_value=Decimal(100000), max_open_orders=1)
    account = Account(name="paper", broker="paper", limits=limits)
    world.settings.put_account(account)
    world.place("bought")
    world.place("rests", instrument="NSE:RELIANCE", limit_price="2000")
    world.set_price("NSE:INFY", "1400")
    world.clock.advance(240)

    def refuse(*_: object) -> Any:
        raise PermissionDenied("Insufficient permission for that call")

    broker = SimpleNamespace(**vars(load_broker("paper")) | {refused: refuse})
    world.desk = replace(world.desk, broker_of=lambda _: cast("Broker", broker))

    watch_account(world.desk, account)

    assert {one.kind for one in world.notifier.notices} == told
