"""Alerts become orders once, in time, and only when they are durable; messages are never lost and never block."""

from tests.mutants.mutant import Mutant

SIGNALS = "tests/unit/service/test_signals.py::"
ALERT = "tests/unit/domain/test_alert.py::"
RECORDS = "tests/unit/api/test_records.py::"
QUEUES = "tests/integration/test_queues.py::"
BURIED = "tests/unit/service/test_dead_letters.py::"
SEEN = "tests/integration/test_store_contracts.py::TestSeenAlertsTable::"
MESSAGES = "tests/unit/aws/test_messages.py::"
API = "tests/unit/api/test_placement.py::"

GOES_BACK = 'extra={"code": error.code, "message_id": record["messageId"]})\n'
HAS_FAILED = 'logger.exception("record failed", extra={"message_id": record["messageId"]})\n'

MUTANTS = (
    Mutant(
        name="alert-s-own-clock-decides",
        breaks="an alert whose own time lies in the future may trade for longer",
        file="domain/alert.py",
        old="    start = received_at if fired is None else min(received_at, fired)",
        new="    start = received_at if fired is None else fired",
        killed_by=(ALERT + "test_the_alert_s_own_time_makes_the_deadline_earlier_and_never_later",),
    ),
    Mutant(
        name="alert-s-own-age-ignored",
        breaks="an alert that was under way for minutes trades as if it were new",
        file="domain/alert.py",
        old="    start = received_at if fired is None else min(received_at, fired)",
        new="    start = received_at",
        killed_by=(SIGNALS + "test_the_deadline_counts_from_the_alert_s_own_time",),
    ),
    Mutant(
        name="bar-time-ages-an-alert",
        breaks="an alert that carries its bar's time is too old as soon as it fires",
        file="domain/alert.py",
        old='    fired = alert.time if strategy.time_is == "fired" else None',
        new="    fired = alert.time",
        killed_by=(ALERT + "test_the_alert_s_own_time_makes_the_deadline_earlier_and_never_later",),
    ),
    Mutant(
        name="answered-before-the-queue-has-it",
        breaks="an alert that the queue did not take is answered as taken: nobody sends it again",
        file="service/signals.py",
        old="    intake.queue.put(orders)\n",
        new=(
            "    from contextlib import suppress\n"
            "    with suppress(Exception):\n        intake.queue.put(orders)\n"
        ),
        killed_by=(SIGNALS + "test_an_alert_that_may_not_be_durable_is_not_taken",),
    ),
    Mutant(
        name="passing-fault-answered-with-504",
        breaks="TradingView does not send an alert again that met a passing fault",
        file="api/problems.py",
        old='    "STORE_UNAVAILABLE": 503,',
        new='    "STORE_UNAVAILABLE": 504,',
        killed_by=(API + "test_a_passing_fault_is_one_that_tradingview_sends_again",),
    ),
    Mutant(
        name="passing-fault-answered-with-429",
        breaks="TradingView does not send an alert again that met a passing fault",
        file="api/problems.py",
        old='    "STORE_UNAVAILABLE": 503,',
        new='    "STORE_UNAVAILABLE": 429,',
        killed_by=(API + "test_a_passing_fault_is_one_that_tradingview_sends_again",),
    ),
    Mutant(
        name="strategies-share-alerts",
        breaks="the same body sent to two strategies is one order",
        file="domain/alert.py",
        old='strategy.encode() + b"\\0" + raw_body',
        new="raw_body",
        killed_by=(ALERT + "test_a_resend_is_the_same_alert_and_another_strategy_s_is_not",),
    ),
    Mutant(
        name="resend-is-a-new-order",
        breaks="each resend of an alert without a time is an order of its own",
        file="service/signals.py",
        old='    return f"alert:{digest}:{first.isoformat()}"',
        new='    return f"alert:{digest}:{received_at.isoformat()}"',
        killed_by=(
            SIGNALS + "test_a_timeless_alert_is_the_same_order_for_thirty_seconds_and_then_a_new_one",
        ),
    ),
    Mutant(
        name="resend-window-too-short",
        breaks="the last resend of an alert without a time is a new order",
        file="service/signals.py",
        old="RESEND_WINDOW_S = 30",
        new="RESEND_WINDOW_S = 15",
        killed_by=(
            SIGNALS + "test_a_timeless_alert_is_the_same_order_for_thirty_seconds_and_then_a_new_one",
        ),
    ),
    Mutant(
        name="same-alert-swallowed-for-good",
        breaks="an alert without a time that fires again next day is taken for a resend",
        file="aws/seen_alerts.py",
        old='"attribute_not_exists(gate) OR first_seen_ms <= :old"',
        new='"attribute_not_exists(gate) OR first_seen_ms < :old"',
        killed_by=(SEEN + "test_the_same_body_after_the_window_is_a_new_one",),
    ),
    Mutant(
        name="resend-lengthens-the-window",
        breaks="every resend moves the first sight of an alert on",
        file="aws/seen_alerts.py",
        old="                return first\n",
        new="                return at\n",
        killed_by=(SEEN + "test_a_resend_within_the_window_is_the_first_one",),
    ),
    Mutant(
        name="strategy-s-limit-ignored",
        breaks="an alert trades more than its strategy allows",
        file="domain/alert.py",
        old="    if requests[0].quantity > strategy.max_quantity:",
        new="    if False:",
        killed_by=(ALERT + "test_an_alert_that_cannot_be_an_order_says_why",),
    ),
    Mutant(
        name="disabled-strategy-trades",
        breaks="a strategy that the operator has disabled trades",
        file="domain/alert.py",
        old="    if not strategy.is_enabled:",
        new="    if False:",
        killed_by=(ALERT + "test_a_disabled_strategy_trades_nothing",),
    ),
    Mutant(
        name="token-opens-every-strategy",
        breaks="one strategy's token sends alerts of another",
        file="api/webhook.py",
        old="    if named is not None and named != sender.strategy.name:",
        new="    if False:",
        killed_by=("tests/unit/api/test_webhook.py::test_a_token_does_not_open_another_strategy",),
    ),
    Mutant(
        name="refused-alert-untold",
        breaks="an alert becomes no order and nobody is told",
        file="api/webhook.py",
        old='        notifier.tell(_refusal(request, sender, f"{error.code}: {error.message}"))\n',
        new="",
        killed_by=(
            "tests/unit/api/test_webhook.py::test_the_trader_is_told_of_an_alert_that_becomes_no_order",
        ),
    ),
    Mutant(
        name="refused-alert-shows-its-token",
        breaks="a token in a wrong field of an alert is told and logged",
        file="api/webhook.py",
        old="    if sender.token[:SHOWN_OF_TOKEN] in said:",
        new="    if False:",
        killed_by=("tests/unit/api/test_webhook.py::test_a_token_in_a_wrong_field_is_not_told",),
    ),
    Mutant(
        name="queue-drops-another-order",
        breaks="the queue takes two orders of one instant for one",
        file="aws/queues.py",
        old="MessageDeduplicationId=client_order_id(order.request.account, order.idempotency_key)",
        new="MessageDeduplicationId=client_order_id(order.request.account, order.received_at.isoformat())",
        killed_by=(QUEUES + "test_an_order_comes_out_as_it_went_in",),
    ),
    Mutant(
        name="orders-of-one-instrument-overtake",
        breaks="orders of one account and instrument leave in any order",
        file="aws/queues.py",
        old="    return hashlib.sha256(name.encode()).hexdigest()",
        new="    return hashlib.sha256(str(id(name)).encode()).hexdigest()",
        killed_by=(MESSAGES + "test_a_group_is_one_account_and_one_instrument",),
    ),
    Mutant(
        name="redelivery-brings-a-new-deadline",
        breaks="a message has its full time again whenever it is delivered",
        file="aws/queues.py",
        old='            deadline=_time(fields["deadline"]),',
        new="            deadline=datetime.max.replace(tzinfo=UTC),",
        killed_by=(MESSAGES + "test_a_message_brings_the_order_back_whole",),
    ),
    Mutant(
        name="failed-message-lost",
        breaks="a message whose order could not be placed is deleted",
        file="api/records.py",
        old=f"{GOES_BACK}        return RETRY_DELAY_S",
        new=f"{GOES_BACK}        return None",
        killed_by=(RECORDS + "test_the_first_failure_sends_back_itself_and_all_behind_it",),
    ),
    Mutant(
        name="defect-loses-a-message",
        breaks="a message that met a defect is deleted",
        file="api/records.py",
        old=f"{HAS_FAILED}        return RETRY_DELAY_S",
        new=f"{HAS_FAILED}        return None",
        killed_by=(RECORDS + "test_an_unexpected_error_sends_the_record_back_too",),
    ),
    Mutant(
        name="messages-behind-a-failure-lost",
        breaks="messages behind one that failed are deleted without having been read",
        file="api/records.py",
        old="                left = records[position:]",
        new="                left = [record]",
        killed_by=(RECORDS + "test_the_first_failure_sends_back_itself_and_all_behind_it",),
    ),
    Mutant(
        name="buried-order-not-ended",
        breaks="an order that the queue gave up on trades when its message is driven again",
        file="service/dead_letters.py",
        old="        desk.store.write(ended, replacing=None)\n",
        new="        pass\n",
        killed_by=(BURIED + "test_a_buried_order_that_is_driven_again_never_trades",),
    ),
    Mutant(
        name="dead-letter-not-kept",
        breaks="the body of a message that the queue gave up on is lost",
        file="service/dead_letters.py",
        old="    letters.keep(letter, desk.clock.now())\n    if isinstance(command, ResumeOrder):",
        new="    if isinstance(command, ResumeOrder):",
        killed_by=(BURIED + "test_an_order_that_was_never_stored_ends_stale_and_is_told",),
    ),
    Mutant(
        name="poison-lost",
        breaks="the body of a message that is no order is lost",
        file="service/dead_letters.py",
        old='whether that is on its way."""\n    letters.keep(letter, desk.clock.now())\n',
        new='whether that is on its way."""\n',
        killed_by=(BURIED + "test_a_message_that_is_no_order_is_kept_and_told",),
    ),
    Mutant(
        name="poison-taken-for-a-passing-fault",
        breaks="a message that is no order comes again and again, and blocks its group meanwhile",
        file="aws/queues.py",
        old='        raise MessageUnreadable(f"the message is not an order',
        new='        raise RouterError(f"the message is not an order',
        killed_by=(MESSAGES + "test_what_is_no_message_is_named_so",),
    ),
    Mutant(
        name="waiting-order-buried-in-silence",
        breaks="nobody hears of an order that the queue gave up on",
        file="service/dead_letters.py",
        old="        tell_unseen_end(desk, record(desk, stored, [_gave_up(desk, letter)]))",
        new="        record(desk, stored, [_gave_up(desk, letter)])",
        killed_by=(BURIED + "test_an_order_that_never_left_ends_stale",),
    ),
    Mutant(
        name="https-order-aged-by-our-clock",
        breaks="an HTTPS order that waited at the gate trades as if it were new",
        file="api/orders.py",
        old="        deadline=request.received_at + max_age,",
        new="        deadline=__import__('datetime').datetime.now(__import__('datetime').UTC) + max_age,",
        killed_by=(API + "test_an_https_order_s_time_counts_from_its_arrival_at_the_gateway",),
    ),
    Mutant(
        name="caller-s-key-meets-an-alert-s",
        breaks="a caller can choose the key of an alert and so swallow it",
        file="api/orders.py",
        old='        idempotency_key=f"api:{_idempotency_key(request)}",',
        new="        idempotency_key=_idempotency_key(request),",
        killed_by=(API + "test_no_caller_s_key_is_an_alert_s_key",),
    ),
    Mutant(
        name="calls-without-a-key-are-one",
        breaks="two calls without an Idempotency-Key are one order",
        file="api/orders.py",
        old="        return secrets.token_urlsafe(18)",
        new='        return "none"',
        killed_by=(API + "test_two_calls_without_a_key_are_two_orders",),
    ),
)
