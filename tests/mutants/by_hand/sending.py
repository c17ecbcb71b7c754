"""At most one send, never late, never after a stop."""

from tests.mutants.mutant import Mutant

PLACE = "tests/unit/service/test_place.py::"
SLOTS = "tests/unit/service/test_slots.py::"
SEND = "tests/unit/service/test_last_moment.py::"
FILE = "service/sending.py"

MUTANTS = (
    Mutant(
        name="write-retried-by-the-service",
        breaks="a placement without an answer is sent a second time",
        file="service/attempt.py",
        old="        acknowledged = job.broker.place_order(watched, session, _intent_of(job))",
        new=(
            "        try:\n            acknowledged = job.broker.place_order(watched, session, _intent_of(job))\n"
            "        except OutcomeUnknown:\n"
            "            acknowledged = job.broker.place_order(watched, session, _intent_of(job))"
        ),
        killed_by=(PLACE + "test_a_lost_outcome_is_unknown_and_never_sent_again",),
    ),
    Mutant(
        name="no-deadline-at-the-claim",
        breaks="an order that came too late is claimed and counted before it is found too old",
        file="service/place.py",
        old="    now = desk.clock.now()\n    if now > order.deadline:",
        new="    now = desk.clock.now()\n    if False:",
        killed_by=(SEND + "test_an_order_that_comes_too_late_is_never_claimed",),
    ),
    Mutant(
        name="deadline-off-by-one-instant",
        breaks="an order in its last instant is refused as too old",
        file="service/place.py",
        old="    now = desk.clock.now()\n    if now > order.deadline:",
        new="    now = desk.clock.now()\n    if now >= order.deadline:",
        killed_by=(SEND + "test_an_order_in_its_last_instant_still_trades",),
    ),
    Mutant(
        name="no-deadline-on-redrive",
        breaks="a redelivered order that never left is claimed again however old it is",
        file="service/place.py",
        old="    if desk.clock.now() > order.deadline:\n        return end_stale",
        new="    if False:\n        return end_stale",
        killed_by=(SEND + "test_an_order_that_is_redelivered_too_late_is_not_claimed_again",),
    ),
    Mutant(
        name="redrive-brings-a-new-deadline",
        breaks="a repeat lengthens the time in which the first request may trade",
        file="service/place.py",
        old="        existing = _go_on(desk, job)",
        new="        existing = _go_on(desk, replace(job, order=replace(existing, deadline=order.deadline)))",
        killed_by=(SEND + "test_a_repeat_does_not_lengthen_the_time_to_trade",),
    ),
    Mutant(
        name="no-deadline-in-the-last-statement",
        breaks="an order that became too old between its claim and its send leaves",
        file="service/attempt.py",
        old="not_after=_not_after(job.order)",
        new="not_after=job.order.deadline.replace(year=9999)",
        killed_by=(SLOTS + "test_an_order_that_becomes_too_old_while_its_call_is_good_does_not_leave",),
    ),
    Mutant(
        name="no-lease-in-the-last-statement",
        breaks="a worker that was frozen past its lease sends what others have judged",
        file="service/attempt.py",
        old="    return order.deadline if order.lease_until is None else min(order.deadline, order.lease_until)",
        new="    return order.deadline",
        killed_by=(SEND + "test_a_worker_that_wakes_after_its_lease_sends_nothing",),
    ),
    Mutant(
        name="tries-go-on-past-the-deadline",
        breaks="an order that never left is tried until the budget ends, whatever its deadline",
        file=FILE,
        old="last_at=min(job.order.deadline, desk.clock.now() + SEND_BUDGET)",
        new="last_at=desk.clock.now() + SEND_BUDGET",
        killed_by=(SEND + "test_no_try_begins_after_the_deadline",),
    ),
    Mutant(
        name="tries-without-end",
        breaks="an order that never left is tried for as long as its deadline lets it, beyond the function's time",
        file=FILE,
        old="last_at=min(job.order.deadline, desk.clock.now() + SEND_BUDGET)",
        new="last_at=job.order.deadline",
        killed_by=(SEND + "test_tries_end_within_the_budget",),
    ),
    Mutant(
        name="no-switch-at-a-further-try",
        breaks="a kill switch that comes on between two tries does not stop the second",
        file=FILE,
        old="            if not self._passes_the_gate_again():\n                return",
        new="            self.job, self.events = replace(self.job, send_by=self.last_at), []",
        killed_by=(PLACE + "test_a_kill_switch_that_goes_on_between_two_tries_stops_the_order",),
    ),
    Mutant(
        name="switch-at-a-further-try-ignored",
        breaks="the further try is made although the gate said that a switch is on",
        file=FILE,
        old="            self.events.append(self._refused(stop.reason))\n            return False",
        new=(
            "            self.events.append(self._refused(stop.reason))\n"
            "            self.job = replace(job, send_by=self.last_at)\n            return True"
        ),
        killed_by=(PLACE + "test_a_kill_switch_that_goes_on_between_two_tries_stops_the_order",),
    ),
    Mutant(
        name="judged-order-tried-again",
        breaks="a worker whose order somebody judged meanwhile goes on sending it",
        file=FILE,
        old="order=conflict.current or job.order), []\n            return False",
        new="send_by=self.last_at), []\n            return True",
        killed_by=(SEND + "test_a_try_ends_where_somebody_judged_the_order_meanwhile",),
    ),
    Mutant(
        name="dead-session-tried-again-and-again",
        breaks="an order knocks with a dead session until its time is over",
        file=FILE,
        old="            self.renewal = _Renewal.REFUSED_AGAIN\n            return False",
        new="            return True",
        killed_by=(PLACE + "test_a_dead_session_is_asked_for_once_more_and_then_refused",),
    ),
    Mutant(
        name="dead-session-kept",
        breaks="a session that the broker refused stays in the cache: the renewed one is never seen",
        file=FILE,
        old="        self.desk.sessions.forget(self.job.account)\n",
        new="",
        killed_by=(PLACE + "test_a_dead_session_is_asked_for_once_more_and_then_refused",),
    ),
    Mutant(
        name="queued-order-refused-while-it-has-time",
        breaks="an alert's order that could still be sent by its next delivery is refused",
        file=FILE,
        old="        if self._is_queued() and self._may_pass(error) and self._may_come_again(error):",
        new="        if False:",
        killed_by=(PLACE + "test_a_queued_order_that_never_left_comes_back_and_is_sent_once",),
    ),
    Mutant(
        name="full-pace-drops-a-queued-order",
        breaks="an alert's order is refused because others used the second between its tries",
        file=FILE,
        old="            self.events += () if self._is_queued() else (self._refused(full.reason),)",
        new="            self.events += (self._refused(full.reason),)",
        killed_by=(PLACE + "test_a_pace_that_fills_between_two_tries_drops_no_queued_order",),
    ),
    Mutant(
        name="nobody-looks-for-a-lost-outcome",
        breaks="an unknown order waits for the schedule: nobody is asked to look soon",
        file=FILE,
        old="        ask_for_a_look(desk, job.account.name)\n",
        new="        pass\n",
        killed_by=(PLACE + "test_a_lost_outcome_is_unknown_and_never_sent_again",),
    ),
    Mutant(
        name="wrong-tag",
        breaks="the tag at the broker is not the one that reconcile looks for",
        file="service/attempt.py",
        old="client_tag=profile.tag.tag(job.order.client_order_id),",
        new="client_tag=profile.tag.tag(job.order.request_digest.upper()),",
        killed_by=(PLACE + "test_the_client_tag_shows_in_the_broker_s_book",),
    ),
    Mutant(
        name="tag-cut-from-the-wrong-end",
        breaks="a tag that is cut short is another one than the order's",
        file="adapter/profile.py",
        old="        return client_order_id[: self.max_length]",
        new="        return client_order_id[-self.max_length :].lower()",
        killed_by=(PLACE + "test_the_client_tag_shows_in_the_broker_s_book",),
    ),
    Mutant(
        name="read-back-skipped",
        breaks="an order that the broker rejected after acknowledging it stays open",
        file="service/attempt.py",
        old="    report = look_at(desk, job.account, job.broker, target)",
        new="    report = None",
        killed_by=(PLACE + "test_a_marketable_order_is_placed_filled_and_written_down",),
    ),
)
