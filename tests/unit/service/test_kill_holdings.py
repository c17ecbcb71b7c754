"""A kill switch never sells what is held for the long term, and never buys back what was sold out of it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from order_router.brokers import paper
from order_router.brokers.registry import BROKERS, load_broker
from order_router.domain.instrument import parse_instrument
from order_router.domain.kill_work import Phase
from order_router.domain.lifecycle import State
from order_router.domain.reports import Position
from order_router.domain.vocabulary import Product
from order_router.service.day_orders import PAGE
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.kill import KillWorld
from tests.fakes.listed import a_pair
from tests.fakes.listings import MemoryListings
from tests.fakes.orders import an_order
from tests.fakes.relisted import half_a_share, listed_row, relist
from tests.fakes.stopping import hold, pass_at, stop


@pytest.fixture
def kill() -> KillWorld:
    return KillWorld()


@pytest.fixture
def holdings_are_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "profile", replace(paper.profile, positions_include_holdings=True))


def hold_from_before(kill: KillWorld, quantity: int) -> None:
    """Let the exchange show so many more shares of INFY for delivery than were traded."""

    def with_more(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        names = [(row["instrument"], row["product"]) for row in rows]
        if ("NSE:INFY", "CNC") not in names:
            return [*rows, listed_row("NSE:INFY", quantity)]
        place = names.index(("NSE:INFY", "CNC"))
        row = rows[place]
        more = {**row, "quantity": int(str(row["quantity"])) + quantity}
        return [*rows[:place], more, *rows[place + 1 :]]

    relist(kill.world, with_more)


def exits(kill: KillWorld) -> list[tuple[str, Product, str, int, str | None]]:
    return [
        (str(line.instrument), line.product, line.side, line.quantity, line.state)
        for line in kill.work().exits
    ]


# ---------------------------------------------------------------- where positions are the day's
@pytest.mark.parametrize("name", sorted(BROKERS))
@pytest.mark.parametrize(
    ("product", "quantity", "is_sale"),
    [("CNC", -1, True), ("MTF", -1, True), ("CNC", 1, False), ("MIS", -1, False), ("NRML", -1, False)],
)
def test_a_short_delivery_position_is_a_sale_of_holdings_but_where_positions_include_them(
    name: str, product: str, quantity: int, *, is_sale: bool
) -> None:
    position = Position(
        instrument=parse_instrument("NSE:INFY"),
        product=Product(product),
        quantity=quantity,
        average_price=Decimal(1500),
    )

    assert load_broker(name).profile.is_sale_of_holdings(position) == (is_sale and name != "ibkr")


def test_shares_sold_out_of_holdings_are_not_bought_back(kill: KillWorld) -> None:
    hold(kill, "k-1")
    relist(kill.world, lambda rows: [*rows, listed_row("NSE:RELIANCE", -3)])
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert exits(kill) == [("NSE:INFY", "MIS", "SELL", 5, "filled")]
    assert kill.work().problems == ()


def test_an_exit_that_would_buy_back_what_was_sold_out_of_holdings_does_not_leave(kill: KillWorld) -> None:
    hold(kill, "k-1", side="SELL")
    stop(kill, closes_positions=True)
    pass_at(kill, 3)
    relist(kill.world, lambda rows: [{**row, "product": "CNC"} for row in rows])
    work = kill.work()
    lines = tuple(line.model_copy(update={"product": Product.CNC}) for line in work.exits)
    kill.works.write(work.after(work.updated_at, exits=lines), replacing=work)

    kill.run_passes()

    assert exits(kill) == [("NSE:INFY", "CNC", "BUY", 5, None)]
    assert len(kill.world.at_broker()) == 1


def test_delivery_bought_today_is_closed(kill: KillWorld) -> None:
    hold(kill, "k-1", product="CNC", quantity=2)
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert exits(kill) == [("NSE:INFY", "CNC", "SELL", 2, "filled")]


@pytest.mark.parametrize("rows", [(2, 3), (3, 2)])
def test_a_position_in_two_rows_is_closed_whole(kill: KillWorld, rows: tuple[int, int]) -> None:
    hold(kill, "k-1")
    relist(kill.world, lambda listed: [{**row, "quantity": part} for row in listed for part in rows])
    stop(kill, closes_positions=True)
    pass_at(kill, 3)

    pass_at(kill, 4)

    assert exits(kill) == [("NSE:INFY", "MIS", "SELL", 5, "filled")]


@pytest.mark.parametrize(("long", "short"), [(5, -2), (1, -1), (1, -7)])
def test_a_position_that_is_shown_as_long_and_as_short_is_left_and_named(
    kill: KillWorld, long: int, short: int
) -> None:
    hold(kill, "k-1", product="CNC", quantity=long)
    hold(kill, "k-2", instrument="NSE:RELIANCE")
    relist(kill.world, lambda listed: [*listed, listed_row("NSE:INFY", short)])
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert exits(kill) == [("NSE:RELIANCE", "MIS", "SELL", 5, "filled")]
    assert kill.work().problems == (
        "the position in NSE:INFY CNC was left: it is shown as long and as short",
    )


@pytest.mark.parametrize("includes_holdings", [True, False])
def test_a_position_that_cannot_be_read_keeps_no_other_open_and_is_named(
    kill: KillWorld, monkeypatch: pytest.MonkeyPatch, *, includes_holdings: bool
) -> None:
    monkeypatch.setattr(
        paper, "profile", replace(paper.profile, positions_include_holdings=includes_holdings)
    )
    hold(kill, "k-1")
    relist(kill.world, lambda rows: [half_a_share("NSE:RELIANCE"), *rows])
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert exits(kill) == [("NSE:INFY", "MIS", "SELL", 5, "filled")]
    assert kill.work().problems == (
        "a position that cannot be read was left: NSE:RELIANCE: expected a whole number in quantity",
    )


# ---------------------------------------------------------------- where positions are the holdings too
@pytest.mark.usefixtures("holdings_are_positions")
def test_shares_held_from_before_are_left_and_named_beside_those_bought_today(kill: KillWorld) -> None:
    hold(kill, "k-1", product="CNC", quantity=7)
    hold(kill, "k-2", product="CNC", quantity=2, side="SELL")
    hold_from_before(kill, 40)
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert exits(kill) == [("NSE:INFY", "CNC", "SELL", 5, "filled")]
    assert kill.work().problems == ("40 shares of NSE:INFY held from before were left",)
    assert kill.work().problems[0] in kill.told("kill_outcome")[-1]


@pytest.mark.usefixtures("holdings_are_positions")
@pytest.mark.parametrize(("sold", "left"), [(0, 40), (0, 1), (3, 37)])
def test_what_today_did_not_buy_is_not_sold(kill: KillWorld, sold: int, left: int) -> None:
    if sold:
        hold(kill, "before", product="CNC", quantity=sold)
        kill.world.clock.advance(24 * 3600)
        hold(kill, "k-1", product="CNC", quantity=sold, side="SELL")
    hold_from_before(kill, left)
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert kill.work().phase is Phase.DONE
    assert exits(kill) == []
    assert kill.work().problems == (f"{left} shares of NSE:INFY held from before were left",)


@pytest.mark.usefixtures("holdings_are_positions")
def test_a_part_of_what_today_bought_is_all_that_may_still_be_there(kill: KillWorld) -> None:
    hold(kill, "k-1", product="CNC", quantity=7)
    # four of them were sold by hand
    relist(kill.world, lambda rows: [{**row, "quantity": 3} for row in rows])
    stop(kill, closes_positions=True)

    work = pass_at(kill, 3)

    assert [line.quantity for line in work.exits] == [3]
    assert work.problems == ()


@pytest.mark.usefixtures("holdings_are_positions")
def test_an_exit_does_not_reach_into_holdings_when_somebody_sold_what_today_bought(kill: KillWorld) -> None:
    hold(kill, "k-1", product="CNC")
    hold_from_before(kill, 40)
    stop(kill, closes_positions=True, lets_exits=True)
    pass_at(kill, 3)
    hold(kill, "elsewhere", product="CNC", side="SELL", quantity=1, position_effect="CLOSE")

    kill.run_passes()

    (line,) = kill.work().exits
    assert (line.quantity, line.state, line.code) == (5, None, "POSITION_CHANGED")
    assert line.message == "4 of the position may be closed now"


@pytest.mark.usefixtures("holdings_are_positions")
def test_short_and_intraday_positions_are_closed_beside_holdings(kill: KillWorld) -> None:
    hold(kill, "k-1", quantity=4)
    hold_from_before(kill, 40)
    by_hand = [listed_row("NSE:RELIANCE", -3), listed_row("NSE:RELIANCE", 2, product="MIS")]
    relist(kill.world, lambda rows: [*rows, *by_hand])
    stop(kill, closes_positions=True)

    work = pass_at(kill, 3)

    assert [(str(one.instrument), one.product, one.side, one.quantity) for one in work.exits] == [
        ("NSE:INFY", "MIS", "SELL", 4),
        ("NSE:RELIANCE", "CNC", "BUY", 3),
        ("NSE:RELIANCE", "MIS", "SELL", 2),
    ]


@pytest.mark.usefixtures("holdings_are_positions")
def test_all_of_the_day_s_orders_are_counted_however_many(kill: KillWorld) -> None:
    for number in range(PAGE + 1):
        bought = replace(an_order(f"k-{number}", product="CNC"), state=State.FILLED, filled_quantity=1)
        kill.world.store.write(bought, replacing=None)
    relist(kill.world, lambda rows: [*rows, listed_row("NSE:INFY", 2 * PAGE)])
    stop(kill, closes_positions=True)

    work = pass_at(kill, 3)

    assert [line.quantity for line in work.exits] == [PAGE + 1]


@pytest.mark.usefixtures("holdings_are_positions")
@pytest.mark.parametrize(
    ("instrument", "hours", "bought"),
    [
        # half past ten in the evening and half past midnight in Kolkata: one day in New York
        ("NASDAQ:AAPL", (12.5, 14.5), 5),
        # the afternoon before and this one in New York
        ("NASDAQ:AAPL", (-10, 14.5), 0),
        ("NSE:RELIANCE", (-11, 1), 0),
        ("NSE:RELIANCE", (-4, 1), 5),
    ],
)
def test_what_today_bought_is_of_the_day_at_its_venue(
    kill: KillWorld, instrument: str, hours: tuple[float, float], bought: int
) -> None:
    at, stopped_at = (MONDAY_MORNING + timedelta(hours=one) for one in hours)
    order = an_order("k-1", at=at, instrument=instrument, product="CNC")
    kill.world.store.write(replace(order, state=State.FILLED, filled_quantity=5), replacing=None)
    relist(kill.world, lambda rows: [*rows, listed_row(instrument, 9)])
    kill.world.clock.advance((stopped_at - kill.world.clock.now()).total_seconds())
    stop(kill, closes_positions=True)

    work = pass_at(kill, 3)

    assert sum(line.quantity for line in work.exits) == bought
    assert work.problems == (f"{9 - bought} shares of {instrument} held from before were left",)


# ---------------------------------------------------------------- what combinations have traded
def trade_pair(kill: KillWorld, side: str, filled: int) -> None:
    """Let an order of a pair, one share of INFY against two of RELIANCE, have filled so far and ended."""
    kill.world.listings["paper"].put(a_pair())
    order = an_order(f"pair-{side}", instrument="COMBO:PAIR", product="NRML", side=side, quantity=9)
    ended = replace(order, state=State.CANCELLED, filled_quantity=filled)
    kill.world.store.write(ended, replacing=None)


@pytest.mark.usefixtures("holdings_are_positions")
def test_what_a_combination_sold_of_the_shares_bought_today_is_not_sold_out_of_holdings(
    kill: KillWorld,
) -> None:
    hold(kill, "k-1", product="CNC", quantity=5)
    trade_pair(kill, "SELL", 3)
    hold_from_before(kill, 40 - 3)
    stop(kill, closes_positions=True)

    work = pass_at(kill, 3)

    assert [(str(one.instrument), one.side, one.quantity) for one in work.exits] == [("NSE:INFY", "SELL", 2)]
    assert work.problems == ("40 shares of NSE:INFY held from before were left",)


@pytest.mark.usefixtures("holdings_are_positions")
def test_shares_that_a_combination_bought_today_are_closed_beside_those_that_it_sold(kill: KillWorld) -> None:
    trade_pair(kill, "BUY", 3)
    relist(kill.world, lambda rows: [*rows, listed_row("NSE:INFY", 43), listed_row("NSE:RELIANCE", -6)])
    stop(kill, closes_positions=True)

    work = pass_at(kill, 3)

    assert [(str(one.instrument), one.side, one.quantity) for one in work.exits] == [
        ("NSE:INFY", "SELL", 3),
        ("NSE:RELIANCE", "BUY", 6),
    ]
    assert work.problems == ("40 shares of NSE:INFY held from before were left",)


@pytest.mark.usefixtures("holdings_are_positions")
def test_a_combination_bought_as_many_shares_of_a_leg_as_its_ratio_says(kill: KillWorld) -> None:
    trade_pair(kill, "SELL", 3)
    relist(kill.world, lambda rows: [*rows, listed_row("NSE:RELIANCE", 46)])
    stop(kill, closes_positions=True)

    work = pass_at(kill, 3)

    assert [(str(one.instrument), one.side, one.quantity) for one in work.exits] == [
        ("NSE:RELIANCE", "SELL", 6)
    ]
    assert work.problems == ("40 shares of NSE:RELIANCE held from before were left",)


@pytest.mark.usefixtures("holdings_are_positions")
def test_a_combination_s_legs_are_of_the_day_at_their_own_venue(kill: KillWorld) -> None:
    trade_pair(kill, "BUY", 3)
    # past midnight in Kolkata, and the same day in New York
    kill.world.clock.advance(15 * 3600)
    relist(kill.world, lambda rows: [*rows, listed_row("NSE:INFY", 3)])
    stop(kill, closes_positions=True)

    work = pass_at(kill, 3)

    assert work.exits == ()
    assert work.problems == ("3 shares of NSE:INFY held from before were left",)


@pytest.mark.usefixtures("holdings_are_positions")
def test_while_nobody_can_say_what_a_combination_traded_nothing_is_sold(kill: KillWorld) -> None:
    hold(kill, "k-1", product="CNC", quantity=5)
    trade_pair(kill, "SELL", 3)
    kill.world.listings["paper"] = MemoryListings()
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert exits(kill) == []
    assert kill.work().problems == (
        "positions not closed: INSTRUMENT_UNKNOWN: Paper lists no COMBO:PAIR among its instruments as last loaded",
    )
