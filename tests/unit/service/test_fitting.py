"""An order is held against its broker's list, and a market order gets a limit where its account wants that."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from order_router.adapter.errors import BrokerError, OutcomeUnknown, PermissionDenied, SessionExpired
from order_router.adapter.listings import ListingsUnavailable
from order_router.adapter.port import Broker
from order_router.brokers import paper
from order_router.domain.account import Account
from order_router.domain.instrument import parse_instrument
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.limits import Limits
from order_router.domain.listing import WrongTickSize
from order_router.domain.reports import Quote
from order_router.domain.risk import LimitExceeded
from order_router.domain.vocabulary import Source
from order_router.ports import StoreUnavailable
from order_router.service.change import modify_order
from order_router.service.needed_reads import NotReadYet
from order_router.service.place import resume_order
from tests.fakes.limits_only import INFY, LISTED, PRICE, LimitsOnly, held_in, let_go, world_of
from tests.fakes.world import World


def test_an_instrument_that_the_broker_does_not_list_is_refused_before_anything_is_sent() -> None:
    world = world_of(LimitsOnly())

    order = world.place(instrument="NSE:RELIANCE").order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "INSTRUMENT_UNKNOWN")
    assert world.at_broker() == []


def test_an_order_off_its_tick_is_refused_and_kept() -> None:
    world = world_of(LimitsOnly())

    order = world.place(limit_price="1500.03").order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "WRONG_TICK_SIZE")
    assert world.store.get(order.client_order_id) == order
    assert world.at_broker() == []


def test_a_change_off_the_tick_leaves_the_order_as_it_was() -> None:
    world = world_of(LimitsOnly())
    world.set_price("NSE:INFY", "1600")
    order = world.place(limit_price="1500.05").order

    with pytest.raises(WrongTickSize):
        modify_order(world.desk, order.client_order_id, {"limit_price": "1500.03"})

    assert world.store.get(order.client_order_id) == order


def test_an_order_waits_for_a_list_that_cannot_be_read_and_nothing_is_written() -> None:
    world = world_of(LimitsOnly())

    def fail(_: Any) -> None:
        raise ListingsUnavailable("throttled")

    unreadable: Any = SimpleNamespace(of=fail)
    world.desk = replace(world.desk, listings=lambda _: unreadable)

    with pytest.raises(StoreUnavailable, match="throttled"):
        world.place()

    assert world.at_broker() == []


def test_a_market_order_leaves_as_a_limit_where_the_account_has_a_band() -> None:
    world = world_of(LimitsOnly([PRICE]))

    order = world.place(order_type="MARKET", limit_price=None).order

    sent = world.at_broker()[0].request
    assert (sent.order_type, sent.limit_price) == ("LIMIT", Decimal("1515.05"))
    assert order.request == sent
    assert [step.event.kind for step in order.history][:3] == [
        EventKind.RECEIVED,
        EventKind.PROTECTED,
        EventKind.SUBMITTING,
    ]
    assert order.history[1].event.note == "MARKET as LIMIT at 1515.05: last price 1500.05, band 1 %"


def test_without_a_band_such_an_order_is_refused_by_name() -> None:
    broker = LimitsOnly([PRICE])
    world = world_of(broker, band=None)

    order = world.place(order_type="MARKET", limit_price=None).order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "UNSUPPORTED")
    assert broker.asked == 0


def test_the_same_market_order_asked_for_twice_is_one_and_not_a_reused_key() -> None:
    later = Quote(instrument=INFY, last_price=Decimal(1510))
    world = world_of(LimitsOnly([PRICE, later]))
    first = world.place(order_type="MARKET", limit_price=None)

    second = world.place(order_type="MARKET", limit_price=None)

    assert (second.order, second.is_replay) == (first.order, True)
    assert len(world.at_broker()) == 1


@pytest.mark.parametrize("failure", [PermissionDenied("not in your plan"), SessionExpired("log in")])
def test_without_a_price_the_order_is_refused_and_told(failure: BrokerError) -> None:
    world = world_of(LimitsOnly([failure, failure]))

    order = world.place(source=Source.ALERT, order_type="MARKET", limit_price=None).order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "PRICE_UNKNOWN")
    assert world.at_broker() == []
    assert [notice.kind for notice in world.notifier.notices] == ["refused"]


def test_without_a_price_just_now_the_order_leaves_no_trace_and_may_be_asked_for_again() -> None:
    world = world_of(LimitsOnly([OutcomeUnknown("silence"), PRICE]))

    with pytest.raises(NotReadYet):
        world.place(source=Source.ALERT, order_type="MARKET", limit_price=None)

    assert world.store.writes == []
    again = world.place(source=Source.ALERT, order_type="MARKET", limit_price=None).order
    assert again.request.limit_price == Decimal("1515.05")


def test_a_price_of_another_instrument_sets_no_limit() -> None:
    world = world_of(LimitsOnly([replace(PRICE, instrument=parse_instrument("NSE:TCS"))]))

    order = world.place(order_type="MARKET", limit_price=None).order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "PRICE_UNKNOWN")


def test_a_session_that_was_replaced_is_read_anew_once_for_a_price() -> None:
    broker = LimitsOnly([SessionExpired("log in"), PRICE])
    world = world_of(broker)
    world.sessions.forget = lambda account: world.sessions.log_in(account.name, {"token": "new"})  # type: ignore[method-assign]

    order = world.place(order_type="MARKET", limit_price=None).order

    assert order.request.limit_price == Decimal("1515.05")
    assert broker.asked == 2


def test_a_session_that_is_still_the_dead_one_is_not_asked_again_for_a_price() -> None:
    broker = LimitsOnly([SessionExpired("log in"), PRICE])
    world = world_of(broker)

    order = world.place(order_type="MARKET", limit_price=None).order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "PRICE_UNKNOWN")
    assert broker.asked == 1
    assert [name for name, _ in world.renewer.reported] == ["paper"], "somebody hears that it is dead"


def test_a_held_market_order_leaves_as_a_limit_from_the_price_of_when_it_is_let_go() -> None:
    later = Quote(instrument=INFY, last_price=Decimal("1510.05"))
    world = world_of(LimitsOnly([PRICE, later]))
    order = held_in(world)
    assert (order.is_held, order.request.order_type) == (True, "MARKET")
    let_go(world)

    sent = resume_order(world.desk, order.client_order_id)

    assert sent is not None
    assert (sent.state, sent.request.limit_price) == (State.FILLED, Decimal("1525.15"))
    assert [step.event.kind for step in sent.history][:4] == [
        EventKind.RECEIVED,
        EventKind.HELD,
        EventKind.PROTECTED,
        EventKind.SUBMITTING,
    ]


def test_an_order_that_is_held_again_is_protected_anew_when_it_is_let_go() -> None:
    world = world_of(LimitsOnly([PRICE, PRICE, PRICE]))
    order = held_in(world)

    again = resume_order(world.desk, order.client_order_id)
    let_go(world)
    sent = resume_order(world.desk, order.client_order_id)

    assert again is not None
    assert (again.is_held, again.request.order_type) == (True, "MARKET")
    assert sent is not None
    assert (sent.state, len(world.at_broker())) == (State.FILLED, 1)


def test_a_held_order_that_its_list_lacks_by_now_is_refused_and_told() -> None:
    world = world_of(LimitsOnly())
    order = held_in(world, order_type="LIMIT", limit_price="1500.05")
    world.listings["paper"].put(replace(LISTED, tick_size=Decimal("0.1")))
    let_go(world)

    refused = resume_order(world.desk, order.client_order_id)

    assert refused is not None
    assert (refused.state, refused.reason and refused.reason.code) == (State.REFUSED, "WRONG_TICK_SIZE")
    assert [notice.kind for notice in world.notifier.notices] == ["held", "refused"]
    assert world.at_broker() == []


def test_a_held_order_waits_on_while_its_list_cannot_be_read() -> None:
    world = world_of(LimitsOnly())
    order = held_in(world, order_type="LIMIT", limit_price="1500.05")
    let_go(world)

    def fail(_: Any) -> None:
        raise ListingsUnavailable("throttled")

    unreadable: Any = SimpleNamespace(of=fail)
    world.desk = replace(world.desk, listings=lambda _: unreadable)

    with pytest.raises(StoreUnavailable, match="throttled"):
        resume_order(world.desk, order.client_order_id)

    assert world.store.get(order.client_order_id) == order


def test_a_protected_order_that_is_let_go_twice_is_sent_once() -> None:
    world = world_of(LimitsOnly([PRICE, PRICE, PRICE]))
    order = held_in(world)
    let_go(world)

    first = resume_order(world.desk, order.client_order_id)
    second = resume_order(world.desk, order.client_order_id)

    assert first == second
    assert len(world.at_broker()) == 1


def test_a_broker_that_takes_market_orders_gets_them_as_they_are() -> None:
    world = World()
    as_paper: Any = paper
    checked: Broker = as_paper
    world.desk = replace(world.desk, broker_of=lambda _: checked)
    world.settings.put_account(Account(name="paper", broker="paper", market_band_percent=Decimal(1)))

    world.place(order_type="MARKET", limit_price=None)

    assert [order.request.order_type for order in world.at_broker()] == ["MARKET"]


# ---------------------------------------------------------------- a limit in place of the market, and the price band
AT_MARKET: dict[str, Any] = {"order_type": "MARKET", "limit_price": None}
EXIT: dict[str, Any] = {"side": "SELL", "position_effect": "CLOSE"}


def banded(world: World, market: str, price: str, **limits: Any) -> World:
    """Give the account a band in place of the market's price, and one around the last price."""
    held_to = Limits.model_validate({"price_band_percent": price, **limits})
    band = Decimal(market)
    world.settings.put_account(
        Account(name="paper", broker="paper", market_band_percent=band, limits=held_to)
    )
    return world


def quote_of(last_price: str) -> Quote:
    return Quote(instrument=INFY, last_price=Decimal(last_price))


@pytest.mark.parametrize(
    "terms",
    [
        AT_MARKET | EXIT,
        AT_MARKET | {"side": "BUY", "position_effect": "CLOSE"},
        {"order_type": "SL_M", "limit_price": None, "trigger_price": "0.60"} | EXIT,
        AT_MARKET | {"side": "SELL"},
    ],
    ids=["exit-long", "exit-short", "stop", "entry"],
)
def test_a_tick_beyond_a_price_of_paise_is_inside_the_band_of_a_market_order(terms: dict[str, Any]) -> None:
    # a tick of 0.05 is 8.33 % of it
    broker = LimitsOnly([quote_of("0.60")])
    world = banded(world_of(broker), "5", "5", max_order_value=1000)

    order = world.place(**terms).order

    assert order.reason is None
    assert order.request.limit_price in {Decimal("0.55"), Decimal("0.65")}
    assert broker.asked == 1


@pytest.mark.parametrize("effect", [None, "CLOSE"])
def test_a_market_order_is_not_refused_for_a_price_that_moved_after_its_limit_was_set(
    effect: str | None,
) -> None:
    broker = LimitsOnly([PRICE, quote_of("1499")])
    world = banded(world_of(broker), "5", "5")

    order = world.place(**AT_MARKET, position_effect=effect).order

    assert order.state is State.FILLED
    assert broker.asked == 1


@pytest.mark.parametrize(("effect", "code"), [(None, "PRICE_BAND"), ("CLOSE", None)])
def test_an_entry_is_held_to_a_price_band_that_is_narrower_than_its_market_s_and_an_exit_is_not(
    effect: str | None, code: str | None
) -> None:
    world = banded(world_of(LimitsOnly([PRICE, PRICE])), "5", "2")

    order = world.place(**AT_MARKET, position_effect=effect).order

    assert (order.reason and order.reason.code) == code


def test_a_change_of_a_market_order_s_limit_is_held_to_the_price_band() -> None:
    world = banded(world_of(LimitsOnly([quote_of("1400"), quote_of("1400")])), "2", "5")
    order = world.place(**AT_MARKET).order
    assert order.state is State.OPEN

    with pytest.raises(LimitExceeded):
        modify_order(world.desk, order.client_order_id, {"limit_price": "1490"})
