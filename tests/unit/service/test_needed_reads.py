"""A read that an order needs before it leaves: what may pass is tried again and refuses nothing for good."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from order_router.adapter.errors import (
    BrokerError,
    NotSent,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    SessionExpired,
)
from order_router.adapter.login import LoginKind
from order_router.adapter.port import Broker
from order_router.api.problems import problem_of
from order_router.api.records import RETRY_DELAY_S, each_record
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from order_router.domain.lifecycle import State
from order_router.domain.limits import Limits, MarginCheck
from order_router.domain.reports import OrderMargin
from order_router.domain.vocabulary import Source
from order_router.ports import PlaceOrder
from order_router.service.needed_reads import NotReadYet, ReadTime, read_time
from order_router.service.place import order_of, place_order
from order_router.service.timing import READ_TIME
from tests.fakes.world import World, listed

MARKET: dict[str, Any] = {"order_type": "MARKET", "limit_price": None}
TOO_OFTEN = RateLimited("too many requests")
MARGIN = OrderMargin(required=Decimal(1), available=Decimal(2))
"""What the paper broker has no calculator to say."""

PASSING = (NotSent("connection refused"), OutcomeUnknown("no answer in time"))


@pytest.fixture
def world() -> World:
    return World()


def limit(world: World, **limits: Any) -> None:
    world.settings.put_account(Account(name="paper", broker="paper", limits=Limits.model_validate(limits)))


class Asked:
    """One of the paper broker's reads, that fails as told before it answers; `at_s` lists when it was asked."""

    def __init__(self, world: World, name: str, failures: Sequence[BrokerError], **profile: Any) -> None:
        self._world, self._failures = world, list(failures)
        self._began, self.at_s = world.clock.now(), list[float]()
        paper = load_broker("paper")
        self._read = (lambda *_: MARGIN) if name == "read_order_margin" else getattr(paper, name)
        changes = {name: self, "profile": replace(paper.profile, **profile)}
        broker = cast("Broker", SimpleNamespace(**vars(paper) | changes))
        world.desk = replace(world.desk, broker_of=lambda _: broker)

    def __call__(self, *arguments: Any) -> Any:
        self.at_s.append((self._world.clock.now() - self._began).total_seconds())
        if self._failures:
            raise self._failures.pop(0)
        return self._read(*arguments)


def no_trace(world: World) -> bool:
    """Return whether nothing was written and nothing sent."""
    return not world.store.writes and not world.transport.writes_sent() and not world.store.tables.meters


def test_a_price_that_was_asked_for_too_often_is_asked_for_once_more_a_second_later(world: World) -> None:
    limit(world, max_order_value="10000")
    quotes = Asked(world, "read_quotes", [TOO_OFTEN])

    assert world.place(**MARKET).order.state is State.FILLED
    assert quotes.at_s == [0, 1]


@pytest.mark.parametrize("failures", [[TOO_OFTEN, TOO_OFTEN], *([one] for one in PASSING)])
@pytest.mark.parametrize(
    ("limits", "order"), [({"price_band_percent": "5"}, {}), ({"max_order_value": "10000"}, MARKET)]
)
def test_an_entry_whose_price_is_not_read_just_now_leaves_no_trace_and_passes_later(
    world: World, limits: dict[str, Any], order: dict[str, Any], failures: list[BrokerError]
) -> None:
    limit(world, **limits)
    quotes = Asked(world, "read_quotes", failures)

    with pytest.raises(NotReadYet):
        world.place("k-1", **order)

    assert len(quotes.at_s) == len(failures)
    assert no_trace(world)
    assert world.place("k-1", **order).order.state is State.FILLED


@pytest.mark.parametrize("failure", PASSING)
@pytest.mark.parametrize(
    ("read", "limits"),
    [
        ("read_positions", {"max_daily_loss": "500"}),
        ("read_funds", {"margin": MarginCheck.FUNDS}),
        ("read_order_margin", {"margin": MarginCheck.CALCULATOR}),
    ],
)
def test_positions_and_margin_that_are_not_read_just_now_refuse_no_entry(
    world: World, read: str, limits: dict[str, Any], failure: BrokerError
) -> None:
    limit(world, **limits)
    Asked(world, read, [failure])

    with pytest.raises(NotReadYet):
        world.place()

    assert no_trace(world)


@pytest.mark.parametrize(
    ("read", "limits", "code"),
    [
        ("read_quotes", {"price_band_percent": "5"}, "PRICE_UNKNOWN"),
        ("read_positions", {"max_daily_loss": "500"}, "POSITIONS_UNKNOWN"),
        ("read_funds", {"margin": MarginCheck.FUNDS}, "MARGIN_UNKNOWN"),
    ],
)
def test_what_the_broker_does_not_say_refuses_an_entry(
    world: World, read: str, limits: dict[str, Any], code: str
) -> None:
    limit(world, **limits)
    Asked(world, read, [PermissionDenied("not in your plan")])

    order = world.place().order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, code)


def test_what_closes_a_position_waits_for_no_price(world: World) -> None:
    world.place("bought")
    limit(world, price_band_percent="5")
    quotes = Asked(world, "read_quotes", [TOO_OFTEN])

    order = world.place("exit", side="SELL", position_effect="CLOSE").order

    assert (order.state, quotes.at_s) == (State.FILLED, [0])


# ---- the order's time
def within(world: World, seconds: float, **changes: Any) -> PlaceOrder:
    """Return a command whose deadline is so far off."""
    deadline = world.clock.now() + timedelta(seconds=seconds)
    return replace(world.command(source=Source.ALERT, **changes), deadline=deadline)


@pytest.mark.parametrize(("seconds", "asked"), [(0.999, [0]), (1, [0, 1])])
def test_nothing_waits_beyond_the_order_s_time(world: World, seconds: float, asked: list[float]) -> None:
    limit(world, max_order_value="10000")
    quotes = Asked(world, "read_quotes", [TOO_OFTEN, TOO_OFTEN])

    with pytest.raises(NotReadYet):
        place_order(world.desk, within(world, seconds, **MARKET))

    assert quotes.at_s == asked


@pytest.mark.parametrize(("keeps_out_s", "asked"), [(0.5, [0, 1]), (3, [0, 3]), (3.5, [0]), (8, [0])])
def test_a_broker_that_keeps_out_is_not_asked_meanwhile(
    world: World, keeps_out_s: float, asked: list[float]
) -> None:
    limit(world, max_order_value="10000")
    quotes = Asked(world, "read_quotes", [RateLimited("too many", keeps_out_s=keeps_out_s), TOO_OFTEN])

    with pytest.raises(NotReadYet):
        place_order(world.desk, within(world, 30, **MARKET))

    assert quotes.at_s == asked


@pytest.mark.parametrize(("seconds", "keeps_out_s"), [(30, 8.5), (5, 5.5)])
def test_a_broker_that_keeps_out_for_longer_than_the_order_has_refuses_it(
    world: World, seconds: float, keeps_out_s: float
) -> None:
    limit(world, max_order_value="10000")
    quotes = Asked(world, "read_quotes", [RateLimited("too many", keeps_out_s=keeps_out_s)])

    order = place_order(world.desk, within(world, seconds, **MARKET)).order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "PRICE_UNKNOWN")
    assert quotes.at_s == [0]


# ---- how it comes back
def deliveries(world: World, commands: list[PlaceOrder]) -> Iterator[State]:
    """Bring each command until it is done with, as its queue does; yield what became of each, the last as it came."""
    for command in commands:
        answers: list[State] = []

        def take(_: object, command: PlaceOrder = command, answers: list[State] = answers) -> None:
            answers.append(place_order(world.desk, command).order.state)

        event = {"Records": [{"messageId": "m-1", "receiptHandle": "r-1"}]}
        while each_record(take)(event, None)["batchItemFailures"]:
            world.clock.advance(RETRY_DELAY_S)
        yield answers[-1]


def test_five_alerts_in_one_second_at_one_quote_a_second_all_trade(world: World) -> None:
    names = [f"NSE:SHARE{number}" for number in range(5)]
    world.exchange.seed_market([listed(name, "100") for name in names])
    limit(world, max_order_value="10000")
    commands = [replace(within(world, 30, instrument=name, **MARKET), idempotency_key=name) for name in names]
    Asked(world, "read_quotes", [TOO_OFTEN] * 7)

    assert list(deliveries(world, commands)) == [State.FILLED] * 5


@pytest.mark.parametrize(("seconds", "end"), [(5, State.STALE), (30, State.REFUSED), (300, State.REFUSED)])
def test_an_alert_whose_price_is_never_read_ends_in_seconds_and_is_told(
    world: World, seconds: float, end: State
) -> None:
    limit(world, max_order_value="10000")
    quotes = Asked(world, "read_quotes", [TOO_OFTEN] * 100)

    assert list(deliveries(world, [within(world, seconds, **MARKET)])) == [end]
    assert [notice.kind for notice in world.notifier.notices] == [str(end)]
    assert quotes.at_s[-1] <= 10


def with_slow_quotes(world: World) -> list[float]:
    """Have each quote take as long as a read may, for nothing; return when each was asked for."""
    began, asked = world.clock.now(), list[float]()

    def read_quotes(*_: object) -> None:
        asked.append((world.clock.now() - began).total_seconds())
        world.clock.advance(READ_TIME.total_seconds())
        raise OutcomeUnknown("no answer in time")

    broker = cast("Broker", SimpleNamespace(**vars(load_broker("paper")) | {"read_quotes": read_quotes}))
    world.desk = replace(world.desk, broker_of=lambda _: broker)
    return asked


@pytest.mark.parametrize("limits", [{"max_order_value": "10000"}, {"price_band_percent": "5"}])
def test_an_exit_behind_an_entry_whose_price_is_never_read_leaves_in_its_time(
    world: World, limits: dict[str, Any]
) -> None:
    world.place("bought")
    limit(world, **limits)
    terms = MARKET if "max_order_value" in limits else {}
    entry = replace(within(world, 30, **terms), idempotency_key="entry")
    asked = with_slow_quotes(world)
    world.clock.advance(1)
    leave = within(world, 30, side="SELL", position_effect="CLOSE", **terms)

    ends = list(deliveries(world, [entry, replace(leave, idempotency_key="exit")]))

    assert ends == [State.REFUSED, State.FILLED]
    assert asked[:2] == [1, 10]


def test_an_exit_waits_for_the_price_that_its_limit_is_set_by_as_long_as_it_has(world: World) -> None:
    leave = world.command(source=Source.ALERT, position_effect="CLOSE")
    order = order_of(leave, Account(name="paper", broker="paper"))

    assert read_time(order) == ReadTime(order.deadline)


@pytest.mark.parametrize(("late_s", "end"), [(23, State.FILLED), (23.001, State.REFUSED)])
def test_an_entry_begins_no_read_that_may_outlast_it(world: World, late_s: float, end: State) -> None:
    limit(world, max_order_value="10000")
    command = within(world, 30, **MARKET)
    world.clock.advance(late_s)

    assert place_order(world.desk, command).order.state is end


def test_an_entry_that_lives_for_less_than_a_read_takes_is_read_for(world: World) -> None:
    limit(world, max_order_value="10000")
    command = within(world, 5, **MARKET)
    world.clock.advance(5)

    assert place_order(world.desk, command).order.state is State.FILLED


def test_a_caller_is_told_to_ask_again() -> None:
    answer = problem_of(NotReadYet("not read before the order: too many requests"))

    assert (answer.status, answer.content["code"]) == (503, "BROKER_NOT_READ")
    assert answer.headers["retry-after"] == "1"


# ---- a dead session
NEEDED = (
    ("read_quotes", {"price_band_percent": "5"}, "PRICE_UNKNOWN"),
    ("read_positions", {"max_daily_loss": "500"}, "POSITIONS_UNKNOWN"),
    ("read_funds", {"margin": MarginCheck.FUNDS}, "MARGIN_UNKNOWN"),
    ("read_order_margin", {"margin": MarginCheck.CALCULATOR}, "MARGIN_UNKNOWN"),
)
each_needed = pytest.mark.parametrize(("name", "limits", "code"), NEEDED, ids=[name for name, *_ in NEEDED])


@each_needed
def test_a_session_that_a_program_may_renew_is_renewed_for_the_read(
    world: World, name: str, limits: dict[str, Any], code: str
) -> None:
    limit(world, **limits)
    read = Asked(world, name, [SessionExpired("log in")], login=LoginKind.UNATTENDED)

    order = world.place().order

    assert (order.state, len(read.at_s), len(world.renewer.renewed)) == (State.FILLED, 2, 1), code


@pytest.mark.parametrize(("seconds", "renewed_by_s"), [(30, 6), (4, 4)])
def test_a_login_for_a_read_has_as_long_as_a_try_and_no_longer_than_the_read(
    world: World, seconds: float, renewed_by_s: float
) -> None:
    limit(world, max_order_value="50000")
    Asked(world, "read_quotes", [SessionExpired("log in")], login=LoginKind.UNATTENDED)

    place_order(world.desk, within(world, seconds, **MARKET))

    assert [until - world.clock.now() for _, _, until in world.renewer.renewed] == [
        timedelta(seconds=renewed_by_s)
    ]


@each_needed
def test_a_session_that_is_not_renewed_in_time_refuses_nothing(
    world: World, name: str, limits: dict[str, Any], code: str
) -> None:
    limit(world, **limits)
    Asked(world, name, [SessionExpired("log in")], login=LoginKind.UNATTENDED)
    world.renewer.on_renew = lambda *_: world.clock.advance(60)

    with pytest.raises(NotReadYet):
        world.place()

    assert (len(world.renewer.renewed), no_trace(world)) == (1, True), code


@each_needed
def test_where_a_person_logs_in_a_dead_session_refuses_and_is_reported(
    world: World, name: str, limits: dict[str, Any], code: str
) -> None:
    limit(world, **limits)
    Asked(world, name, [SessionExpired("log in")], login=LoginKind.BROWSER)

    order = world.place().order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, code)
    assert [name for name, _ in world.renewer.reported] == ["paper"]
