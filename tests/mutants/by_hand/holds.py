"""New entries wait for an unknown order of their strategy and instrument; exits, and what is settled, do not."""

from tests.mutants.mutant import Mutant

HOLDS = "tests/unit/service/test_holds.py::"
GATES = "tests/unit/service/test_gates.py::"
STORE = "tests/integration/test_store_contracts.py::TestOrdersTable::"
FILE = "service/gates.py"

MUTANTS = (
    Mutant(
        name="part-of-theirs-closes-all-of-ours",
        breaks="a partial exit of TradingView's passes as one of a fixed quantity: a position opens past the limits",
        file="domain/alert.py",
        old="    if strategy.quantity is not None:\n",
        new="    if False:\n",
        killed_by=(
            "tests/unit/domain/test_alert.py::test_a_fixed_quantity_closes_only_what_leaves_the_strategy_flat",
        ),
    ),
    Mutant(
        name="entry-passes-a-hold",
        breaks="a strategy trades on while its last order is unknown",
        file=FILE,
        old="    return None if is_exit(request) else hold_name(request, day)",
        new="    return None",
        killed_by=(HOLDS + "test_an_entry_behind_an_unknown_order_is_held_and_told_once",),
    ),
    Mutant(
        name="exit-is-held",
        breaks="an order that closes a position waits for one that is unknown",
        file=FILE,
        old="    return None if is_exit(request) else hold_name(request, day)",
        new="    return hold_name(request, day)",
        killed_by=(HOLDS + "test_a_held_message_is_done_with_so_that_an_exit_behind_it_can_pass",),
    ),
    Mutant(
        name="hold-on-every-instrument",
        breaks="an unknown order holds its strategy in every instrument",
        file=FILE,
        old="#{request.strategy}#{request.instrument}#{day}",
        new="#{request.strategy}#{day}",
        killed_by=(HOLDS + "test_only_the_same_strategy_and_instrument_are_held",),
    ),
    Mutant(
        name="hold-without-end",
        breaks="an order that stays unknown holds its strategy for days",
        file=FILE,
        old="#{request.instrument}#{day}",
        new="#{request.instrument}",
        killed_by=(HOLDS + "test_a_hold_ends_with_its_day",),
    ),
    Mutant(
        name="unknown-order-holds-nothing",
        breaks="an order becomes unknown and its hold is not put on",
        file="service/recording.py",
        old="gate=after_gate(order, after)",
        new="gate=None",
        killed_by=(HOLDS + "test_an_entry_behind_an_unknown_order_is_held_and_told_once",),
    ),
    Mutant(
        name="settled-order-holds-on",
        breaks="an order that was settled keeps its hold on",
        file=FILE,
        old="    if name is None or is_on == (before.state is State.UNKNOWN):",
        new="    if name is None or not is_on:",
        killed_by=(HOLDS + "test_a_held_entry_takes_its_turn_once_the_unknown_order_is_settled",),
    ),
    Mutant(
        name="hold-not-in-the-transaction",
        breaks="the hold is not asked as the intent is written",
        file="aws/gate.py",
        old="*([] if gate.hold is None else [hold_check(table, gate.hold)])",
        new="*()",
        killed_by=(STORE + "test_a_hold_stops_a_write_until_the_last_order_that_keeps_it_is_gone",),
    ),
    Mutant(
        name="hold-change-not-in-the-transaction",
        breaks="an order becomes unknown in one write and its hold is left to another that may never come",
        file="aws/gate.py",
        old="*([] if gate.hold_change is None else [hold_update(table, gate.hold_change)])",
        new="*()",
        killed_by=(STORE + "test_a_hold_stops_a_write_until_the_last_order_that_keeps_it_is_gone",),
    ),
    Mutant(
        name="one-settled-order-frees-them-all",
        breaks="of two unknown orders the first that is settled takes the hold off",
        file="aws/gate.py",
        old="{'ADD' if change.is_on else 'DELETE'} orders :order SET expires_at = :expires_at",
        new="{'ADD orders :order SET' if change.is_on else 'REMOVE orders SET'} expires_at = :expires_at",
        killed_by=(STORE + "test_a_hold_stops_a_write_until_the_last_order_that_keeps_it_is_gone",),
    ),
    Mutant(
        name="held-order-forgotten",
        breaks="a held order is never queued again",
        file="service/reconcile.py",
        old="    waiting = release_held(desk, unsettled, unknown)",
        new="    waiting: tuple[Order, ...] = ()",
        killed_by=(HOLDS + "test_a_held_entry_takes_its_turn_once_the_unknown_order_is_settled",),
    ),
    Mutant(
        name="held-order-released-into-its-hold",
        breaks="a held order is queued again and again while the order that it waits for stays unknown",
        file="service/holding.py",
        old="order for order in held if _hold_of(order) in holds or not _is_released(desk, order)",
        new="order for order in held if not _is_released(desk, order)",
        killed_by=(HOLDS + "test_nothing_is_released_while_the_order_stays_unknown",),
    ),
    Mutant(
        name="held-orders-overtake",
        breaks="held orders leave in another order than they came in",
        file="service/holding.py",
        old="    held.sort(key=lambda order: order.received_at)",
        new="    held.sort(key=lambda order: order.received_at, reverse=True)",
        killed_by=(HOLDS + "test_held_entries_are_released_in_the_order_in_which_they_came",),
    ),
    Mutant(
        name="held-order-told-every-time",
        breaks="a held order is told at every delivery",
        file="service/place.py",
        old="    if sum(step.event.kind is EventKind.HELD for step in order.history) == 1 and",
        new="    if",
        killed_by=(HOLDS + "test_an_entry_that_comes_out_of_the_queue_too_early_is_held_again",),
    ),
    Mutant(
        name="held-order-of-a-disabled-account-trades",
        breaks="a held order leaves although its account was disabled meanwhile",
        file="service/place.py",
        old="        require_enabled(job.account)\n",
        new="",
        killed_by=(HOLDS + "test_a_held_entry_of_a_disabled_account_is_refused",),
    ),
    Mutant(
        name="hold-does-not-stop-a-further-try",
        breaks="a hold that comes on between two tries does not stop the second",
        file="service/sending.py",
        old="if self._is_queued() else self._refused(hold.reason))\n            return False",
        new=(
            "if self._is_queued() else self._refused(hold.reason))\n"
            "            self.job = replace(job, send_by=self.last_at)\n            return True"
        ),
        killed_by=(
            "tests/unit/service/test_last_moment.py::test_a_hold_that_comes_on_between_two_tries_stops_the_order",
        ),
    ),
)
