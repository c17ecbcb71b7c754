"""An after-market order is of its session: what is said of it before that, or where nobody knows it, closes nothing."""

from tests.mutants.mutant import Mutant

NIGHT = "tests/integration/test_after_market.py::"
AFTER_MARKET = "tests/unit/service/test_after_market.py::"
FILE = "domain/market_hours.py"

MUTANTS = (
    Mutant(
        name="after-market-day-is-the-day-it-came",
        breaks="the evening on which an after-market order was placed closes it as absent",
        file=FILE,
        old="    if not request.after_market:\n        return received_at\n",
        new="    if request is not None:\n        return received_at\n",
        killed_by=(
            AFTER_MARKET + "test_only_the_last_books_of_its_session_s_evening_close_an_unknown_one",
            AFTER_MARKET + "test_one_that_rested_ends_unseen_only_once_its_session_s_day_is_over",
        ),
    ),
    Mutant(
        name="unknown-session-is-today",
        breaks="an after-market order is closed by absence though no calendar knows its session",
        file=FILE,
        old="    return None if begins_at is None else exchange_day(begins_at)",
        new="    return exchange_day(begins_at or received_at)",
        killed_by=(AFTER_MARKET + "test_where_no_calendar_knows_its_session_absence_never_closes_it",),
    ),
    Mutant(
        name="unknown-session-is-over-at-once",
        breaks="an after-market order that rests ends unseen though no calendar knows its session",
        file=FILE,
        old="        return at - received_at > LONGEST_WAIT",
        new="        return at > received_at",
        killed_by=(
            AFTER_MARKET
            + "test_where_no_calendar_knows_its_session_nothing_is_closed_before_it_is_certainly_over",
        ),
    ),
    Mutant(
        name="kite-after-market-order-placed-as-regular",
        breaks="Kite is sent a regular order while its exchange is closed",
        file="brokers/zerodha/wire.py",
        old="    return AFTER_MARKET if request.after_market else REGULAR",
        new="    return REGULAR",
        killed_by=(
            NIGHT + "test_an_order_of_the_evening_rests_over_the_weekend_and_fills_when_the_market_opens",
        ),
    ),
    Mutant(
        name="kite-after-market-order-is-one-for-ever",
        breaks="an after-market order that went to the exchange cannot be cancelled",
        file="brokers/zerodha/orders.py",
        old='    return wire.AFTER_MARKET if read_text(row, "status") in wire.WAITING else wire.REGULAR',
        new="    return wire.AFTER_MARKET",
        killed_by=(NIGHT + "test_one_that_went_to_the_exchange_is_changed_and_cancelled_like_any_other",),
    ),
    Mutant(
        name="hold-of-the-day-it-came",
        breaks="an after-market order that is lost holds nothing on the day that it trades",
        file="service/gates.py",
        old="    name = hold_name(after.request, after.day)",
        new="    name = hold_name(after.request, exchange_day(after.received_at))",
        killed_by=(NIGHT + "test_one_that_is_lost_holds_its_strategy_s_entries_up_to_its_session_s_end",),
    ),
    Mutant(
        name="after-market-entry-passes-the-hold",
        breaks="a strategy sends one after-market order after another while the first is unknown",
        file="service/gates.py",
        old="hold=_hold_for(order.request, order.day))",
        new="hold=_hold_for(order.request, exchange_day(at)))",
        killed_by=(NIGHT + "test_one_that_is_lost_holds_its_strategy_s_entries_up_to_its_session_s_end",),
    ),
    Mutant(
        name="kotak-after-market-order-is-kept-for-ever",
        breaks="an after-market order that went to the exchange cannot be cancelled",
        file="brokers/kotak_neo/orders.py",
        old="    return all(word in wire.WAITING for word in words)",
        new="    return words is not None",
        killed_by=(NIGHT + "test_one_that_went_to_the_exchange_is_changed_and_cancelled_like_any_other",),
    ),
)
