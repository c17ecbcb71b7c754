"""A call leaves while it is good, or takes another: at most nine in any second at the broker."""

from tests.mutants.mutant import Mutant

SLOTS = "tests/unit/service/test_slots.py::"
PARTS = "tests/unit/aws/test_gate_parts.py::"
STORE = "tests/integration/test_store_contracts.py::TestOrdersTable::"
TABLE = "tests/integration/test_orders_table.py::"
SOCKET = "tests/faults/test_transport_sockets.py::"
INSTANT = SLOTS + "test_a_call_is_good_to_its_last_instant_and_then_takes_another"
ANY_SECOND = SLOTS + "test_no_second_at_the_broker_has_more_calls_however_slow_workers_are"
SLOTTED, SENDING, CHANGE = "service/slotted.py", "service/sending.py", "service/change.py"

MUTANTS = (
    Mutant(
        name="call-good-for-ever",
        breaks="what a slow worker sends late bunches up at the broker",
        file=SLOTTED,
        old="not_after=min(bounds.send_by, bounds.not_after)",
        new="not_after=bounds.not_after",
        killed_by=(INSTANT, ANY_SECOND),
    ),
    Mutant(
        name="call-outlives-the-order",
        breaks="an order that is too old leaves because its call is still good",
        file=SLOTTED,
        old="not_after=min(bounds.send_by, bounds.not_after)",
        new="not_after=bounds.send_by",
        killed_by=(SLOTS + "test_an_order_that_is_too_old_sooner_than_its_call_is_too_old",),
    ),
    Mutant(
        name="lapsed-call-ends-the-order",
        breaks="an order with time left is stale because its worker was slow for a moment",
        file=SLOTTED,
        old="if isinstance(error, DeadlinePassed) and self.clock.now() <= self.not_after:",
        new="if False:",
        killed_by=(INSTANT,),
    ),
    Mutant(
        name="order-too-old-takes-another-call",
        breaks="an order that is too old is tried again",
        file=SLOTTED,
        old="if isinstance(error, DeadlinePassed) and self.clock.now() <= self.not_after:",
        new="if isinstance(error, DeadlinePassed):",
        killed_by=(SLOTS + "test_what_is_late_for_its_call_is_told_from_what_is_late_for_all",),
    ),
    Mutant(
        name="answer-to-a-question-takes-the-call",
        breaks="an order whose broker asks back cannot be answered for",
        file=SLOTTED,
        old="        self.has_left = True\n",
        new="",
        killed_by=(SLOTS + "test_the_first_write_is_the_call_and_answers_to_what_is_asked_back_take_none",),
    ),
    Mutant(
        name="call-that-never-left-is-made",
        breaks="a write after one that never left is held to no call",
        file=SLOTTED,
        old="            self.has_left = False\n",
        new="",
        killed_by=(SLOTS + "test_a_write_that_never_left_leaves_its_call_to_the_next",),
    ),
    Mutant(
        name="further-call-too-short",
        breaks="a cancel never gets out of a worker that is slower than a call is good for",
        file="service/gates.py",
        old="    return min(life * 2, LONGEST_SLOT_LIFE)",
        new="    return life",
        killed_by=(SLOTS + "test_each_further_call_is_good_for_twice_as_long_up_to_a_limit",),
    ),
    Mutant(
        name="longer-call-not-taken",
        breaks="the further call is taken for as short a time as the first",
        file="service/gates.py",
        old="    return gate if gate.pace is None else replace(gate, pace=replace(gate.pace, life=life))",
        new="    return gate",
        killed_by=(
            SLOTS + "test_a_worker_that_stays_slow_gets_its_order_out_once",
            SLOTS + "test_a_cancel_gets_out_of_a_slow_worker",
        ),
    ),
    Mutant(
        name="call-not-held-to-its-life",
        breaks="a slot rests from when it was taken, not from when its call has left at the latest",
        file="aws/gate.py",
        old='":used_at": to_attribute(epoch_ms(slot.pace.good_until))',
        new='":used_at": to_attribute(epoch_ms(slot.pace.at))',
        killed_by=(
            PARTS + "test_a_call_rests_a_second_and_a_little_after_its_life_and_its_item_an_hour",
            STORE + "test_a_call_is_good_for_its_life_and_another_follows_a_second_after_that",
        ),
    ),
    Mutant(
        name="found-write-has-a-fresh-call",
        breaks="a write whose answer was lost has a call that is good for longer than its slot says",
        file="aws/orders_table.py",
        old="attempt.slot is not None and written is _Written.NOW else",
        new="attempt.slot is not None else",
        killed_by=(
            STORE + "test_a_write_that_is_repeated_has_a_call_no_younger_than_its_gate",
            TABLE + "test_a_gated_write_whose_answer_is_lost_has_the_call_of_its_first_try",
        ),
    ),
    Mutant(
        name="lapsed-call-counts-as-a-failure",
        breaks="a slow worker of ours opens the breaker of a broker that answers",
        file="service/breaker.py",
        old="(type(error) is NotSent and error.code == NotSent.code)",
        new="isinstance(error, NotSent)",
        killed_by=("tests/unit/service/test_breaker.py::test_only_what_happens_on_the_wire_counts",),
    ),
    Mutant(
        name="lapsed-call-hides-a-failure",
        breaks="a failure of the broker is not counted because the next call lapsed",
        file=SENDING,
        old="            self.life = longer(self.life)\n            return\n",
        new="            self.life = longer(self.life)\n",
        killed_by=(SLOTS + "test_a_failure_of_the_broker_before_a_lapsed_call_is_counted",),
    ),
    Mutant(
        name="lapsed-call-pauses-the-order",
        breaks="an order waits half a second, and may become too old, because its worker was slow",
        file=SENDING,
        old="    return timedelta(0) if isinstance(error, SlotLapsed) else PAUSE",
        new="    return PAUSE",
        killed_by=(
            SLOTS + "test_a_lapsed_call_takes_another_at_once_and_says_so_in_the_history",
            SLOTS + "test_an_order_is_tried_again_to_its_last_instant",
        ),
    ),
    Mutant(
        name="lapsed-change-refused",
        breaks="a cancel is refused because its worker was slow for a moment",
        file=CHANGE,
        old="            if is_late and desk.clock.now() >= until:",
        new="            if is_late:",
        killed_by=(SLOTS + "test_a_change_leaves_while_its_call_is_good_or_takes_another",),
    ),
    Mutant(
        name="lapsed-change-tried-for-ever",
        breaks="a change is tried beyond its function's time",
        file=CHANGE,
        old="            if is_late and desk.clock.now() >= until:",
        new="            if is_late and desk.clock.now() >= until + 2 * SEND_BUDGET:",
        killed_by=(
            SLOTS + "test_a_change_whose_calls_all_lapse_is_refused_within_its_budget_and_the_order_stands",
        ),
    ),
    Mutant(
        name="lapsed-change-left-open",
        breaks="a change that found no further call stands in the history as if it were under way",
        file=CHANGE,
        old="        record(desk, change.order, change.unwritten)\n",
        new="",
        killed_by=(SLOTS + "test_a_change_that_finds_no_further_call_says_what_became_of_the_last",),
    ),
    Mutant(
        name="late-connection-thrown-away",
        breaks="a call that lapsed while connecting connects anew, and may lapse again",
        file="transport/http_transport.py",
        old="            self._pool.give(exchange.origin, connection)\n            raise",
        new="            close(connection)\n            raise",
        killed_by=(SOCKET + "test_a_connection_that_was_opened_too_late_for_a_write_serves_the_next",),
    ),
)
