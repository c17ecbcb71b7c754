"""The intent is stored before anything leaves, and only the worker that stored it may send."""

from tests.mutants.mutant import Mutant

PLACE = "tests/unit/service/test_place.py::"
FILE = "service/place.py"

MUTANTS = (
    Mutant(
        name="post-before-intent",
        breaks="the order is sent, and only then written down",
        file=FILE,
        old="    try:\n        started = _start(desk, order, account, broker)",
        new=(
            "    from order_router.service.attempt import try_once\n"
            "    try_once(desk, Job(order, account, broker, send_by=order.deadline))\n"
            "    try:\n        started = _start(desk, order, account, broker)"
        ),
        killed_by=(PLACE + "test_the_intent_is_stored_before_anything_leaves",),
    ),
    Mutant(
        name="intent-not-written",
        breaks="the order is sent and no intent is stored",
        file=FILE,
        old="    passed = write_through(desk.store, desk.clock, write)\n",
        new="    from order_router.service.gates import Passed\n    passed = Passed(owned, until)\n",
        killed_by=(PLACE + "test_the_intent_is_stored_before_anything_leaves",),
    ),
    Mutant(
        name="lost-claim-sends-anyway",
        breaks="a worker that lost the claim to another sends too",
        file=FILE,
        old="    passed = write_through(desk.store, desk.clock, write)\n",
        new=(
            "    from order_router.service.gates import Passed\n"
            "    try:\n        passed = write_through(desk.store, desk.clock, write)\n"
            "    except StoreConflict:\n        passed = Passed(owned, until)\n"
        ),
        killed_by=(PLACE + "test_a_repeat_returns_the_first_order_and_sends_nothing",),
    ),
    Mutant(
        name="intent-stored-unowned",
        breaks="the intent is stored without an owner, so the order is nobody's to send",
        file="domain/order.py",
        old="    return replace(submitting, owner=ownership.owner, lease_until=ownership.lease_until)",
        new="    return replace(submitting, owner=ownership.owner, lease_until=None)",
        killed_by=(
            "tests/unit/service/test_reconcile.py::test_a_dead_worker_s_order_is_left_alone_until_its_lease_ends",
        ),
    ),
    Mutant(
        name="unknown-tried-again",
        breaks="a repeat of an order whose outcome is unknown claims it again",
        file=FILE,
        old="    if existing.state is State.RECEIVED:",
        new="    if existing.state in {State.RECEIVED, State.UNKNOWN}:",
        killed_by=(PLACE + "test_a_lost_outcome_is_unknown_and_never_sent_again",),
    ),
    Mutant(
        name="live-order-claimed-again",
        breaks="a repeat claims an order that another worker is sending",
        file=FILE,
        old="    if existing.state is State.RECEIVED:",
        new="    if existing.state in {State.RECEIVED, State.SUBMITTING}:",
        killed_by=(PLACE + "test_a_redelivered_alert_of_a_dead_worker_sends_nothing_and_waits_for_nobody",),
    ),
    Mutant(
        name="record-forgotten-on-conflict",
        breaks="a conflict is answered by writing the order anew, as if there were no record",
        file=FILE,
        old="        return _repeat(desk, order, Job(_existing(conflict), account, broker))",
        new=(
            "        owned = take_ownership(order, Ownership(desk.nonce(), order.deadline), order.received_at)\n"
            "        return Placement(_sent(desk, Job(owned, account, broker)))"
        ),
        killed_by=(PLACE + "test_a_repeat_returns_the_first_order_and_sends_nothing",),
    ),
    Mutant(
        name="key-replays-another-body",
        breaks="an idempotency key that was used for another order answers with that order",
        file=FILE,
        old="    if existing.request_digest != order.request_digest and order.source is Source.API:",
        new="    if False:",
        killed_by=(PLACE + "test_the_same_key_for_another_order_is_an_error",),
    ),
    Mutant(
        name="key-shared-by-accounts",
        breaks="the order id is derived from the key alone: two accounts share it",
        file="domain/identity.py",
        old="json.dumps([account, idempotency_key])",
        new="json.dumps([idempotency_key])",
        killed_by=(
            PLACE + "test_the_same_key_in_another_account_is_another_order",
            "tests/unit/domain/test_request.py::test_no_other_account_and_key_make_the_same_id",
        ),
    ),
    Mutant(
        name="key-and-account-run-together",
        breaks="account `a` with key `bc` is account `ab` with key `c`",
        file="domain/identity.py",
        old="json.dumps([account, idempotency_key])",
        new="(account + idempotency_key)",
        killed_by=("tests/unit/domain/test_request.py::test_no_other_account_and_key_make_the_same_id",),
    ),
    Mutant(
        name="digest-without-price",
        breaks="the same key with another price is taken for the same order",
        file="domain/identity.py",
        old="    canonical = json.dumps(dump_request(request), sort_keys=True",
        new="    canonical = json.dumps({**dump_request(request), 'limit_price': None}, sort_keys=True",
        killed_by=("tests/unit/domain/test_request.py::test_another_order_has_another_digest",),
    ),
    Mutant(
        name="replay-does-not-wait",
        breaks="a repeat is answered while the first is still being sent, as if that were its outcome",
        file=FILE,
        old="    while order.state in {State.RECEIVED, State.SUBMITTING}:",
        new="    while False:",
        killed_by=(PLACE + "test_a_repeat_while_the_first_is_being_sent_waits_and_then_says_so",),
    ),
    Mutant(
        name="lease-shorter-than-the-function",
        breaks="an order is judged while the function that sends it may still live",
        file="service/timing.py",
        old="LEASE = timedelta(seconds=35)",
        new="LEASE = timedelta(seconds=20)",
        killed_by=(PLACE + "test_a_worker_has_time_to_finish_and_cannot_outlive_its_lease",),
    ),
    Mutant(
        name="send-budget-beyond-the-function",
        breaks="a worker may be cut off by its function's timeout while it waits for an answer",
        file="service/timing.py",
        old="SEND_BUDGET = timedelta(seconds=6)",
        new="SEND_BUDGET = timedelta(seconds=12)",
        killed_by=(PLACE + "test_a_worker_has_time_to_finish_and_cannot_outlive_its_lease",),
    ),
    Mutant(
        name="disabled-account-trades",
        breaks="an account that the operator has disabled places orders",
        file=FILE,
        old="        require_enabled(account)\n",
        new="",
        killed_by=(PLACE + "test_a_disabled_account_refuses_and_keeps_the_refusal",),
    ),
    Mutant(
        name="unsupported-reaches-the-broker",
        breaks="an order that the broker's profile lacks is claimed and counted before it is refused",
        file="service/fitting.py",
        old="    broker.profile.require(order.request)\n",
        new="",
        killed_by=(
            "tests/unit/service/test_last_moment.py::test_what_the_broker_cannot_take_takes_no_count_and_no_call",
        ),
    ),
    Mutant(
        name="alert-s-end-not-told",
        breaks="an alert's order that was not placed ends in silence",
        file=FILE,
        old="    if order.source is Source.ALERT and order.state in NOT_PLACED",
        new="    if order.source is Source.API and order.state in NOT_PLACED",
        killed_by=(PLACE + "test_an_unplaced_alert_is_told_since_nobody_sees_its_answer",),
    ),
    Mutant(
        name="unsent-alert-taken-for-done",
        breaks="the message of an order that never left is deleted while it could still be sent",
        file=FILE,
        old="    if order.state is State.RECEIVED:\n        raise StillUnsent(",
        new="    if False:\n        raise StillUnsent(",
        killed_by=(PLACE + "test_a_queued_order_that_never_left_comes_back_and_is_sent_once",),
    ),
)
