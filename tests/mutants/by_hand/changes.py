"""Modify and cancel: unresolved until the book tells, and a stop never stops a cancel."""

from tests.mutants.mutant import Mutant

CHANGE = "tests/unit/service/test_change.py::"
LATE = "tests/unit/service/test_late_changes.py::"
WITHDRAWING = "tests/unit/service/test_withdrawing.py::"
TWO = "tests/unit/service/test_two_changes.py::"
UNANSWERED = "tests/unit/service/test_unanswered_changes.py::"
LAGGING = "tests/unit/service/test_lagging_books.py::"
CROSSING = "tests/unit/service/test_crossing_reports.py::"
NOT_DONE = "tests/unit/service/test_not_done.py::"
UNSHOWN = "tests/unit/service/test_unshown_terms.py::"
FILE = "service/change.py"

MUTANTS = (
    Mutant(
        name="unanswered-change-is-refused",
        breaks="a change without an answer is told as refused although it may have been made",
        file=FILE,
        old="    except (NotSent, Rejected, Unsupported) as error:",
        new="    except BrokerError as error:",
        killed_by=(
            CHANGE + "test_a_modify_without_an_answer_stays_unresolved",
            CHANGE + "test_a_cancel_without_an_answer_stays_unresolved",
        ),
    ),
    Mutant(
        name="unanswered-change-is-done",
        breaks="a change without an answer is told as done",
        file=FILE,
        old="    except BrokerError as error:\n        return _unresolved(desk, change, requested, error)",
        new="    except BrokerError:\n        pass",
        killed_by=(CHANGE + "test_a_modify_without_an_answer_stays_unresolved",),
    ),
    Mutant(
        name="change-retried",
        breaks="a change without an answer is sent a second time",
        file=FILE,
        old="        change.call(slotted_send(desk.transport, desk.clock, session.endpoint, bounds), session)",
        new=(
            "        try:\n"
            "            change.call(slotted_send(desk.transport, desk.clock, session.endpoint, bounds), session)\n"
            "        except BrokerError:\n"
            "            change.call(slotted_send(desk.transport, desk.clock, session.endpoint, bounds), session)"
        ),
        killed_by=(CHANGE + "test_a_modify_without_an_answer_stays_unresolved",),
    ),
    Mutant(
        name="accepted-cancel-is-cancelled",
        breaks="a cancel that the broker took in is told as done, though a fill may overtake it",
        file=FILE,
        old="    done=None,",
        new="    done=EventKind.CANCELLED,",
        killed_by=(CHANGE + "test_an_adapter_s_defect_in_reading_does_not_hide_a_cancel_that_was_made",),
    ),
    Mutant(
        name="cancel-blocked-by-the-kill-switch",
        breaks="a kill switch keeps open orders from being cancelled",
        file="service/gates.py",
        old="    return Gate(\n        counters=calls_for(account, profile, at, is_leaving=True),\n"
        "        pace=pace_for(account, profile, request, at),\n    )",
        new="    return change_gate(account, profile, request, at)",
        killed_by=(CHANGE + "test_no_modify_leaves_once_a_kill_switch_is_on_and_a_cancel_does",),
    ),
    Mutant(
        name="cancel-outside-the-pace",
        breaks="cancels are not counted among the calls of a second",
        file="service/gates.py",
        old="is_leaving=True),\n        pace=pace_for(account, profile, request, at),\n",
        new='is_leaving=True),\n        pace=replace(pace_for(account, profile, request, at), name="cancels"),\n',
        killed_by=(LATE + "test_cancels_share_the_pace_of_placements",),
    ),
    Mutant(
        name="modify-passes-the-kill-switch",
        breaks="a modify leaves although a kill switch is on",
        file="service/limiting.py",
        old="    gate = change_gate(entry.account, entry.broker.profile, entry.request, at)\n",
        new="    gate = replace(change_gate(entry.account, entry.broker.profile, entry.request, at), switches=())\n",
        killed_by=(CHANGE + "test_no_modify_leaves_once_a_kill_switch_is_on_and_a_cancel_does",),
    ),
    Mutant(
        name="change-not-written-first",
        breaks="a change leaves before it is written down",
        file=FILE,
        old="            return write_through(desk.store, desk.clock, write)\n",
        new="            return Passed(requested, until)\n",
        killed_by=(CHANGE + "test_no_modify_leaves_once_a_kill_switch_is_on_and_a_cancel_does",),
    ),
    Mutant(
        name="change-without-deadline",
        breaks="a change leaves however long its worker was frozen",
        file=FILE,
        old="not_after=desk.clock.now() + API_MAX_AGE)",
        new="not_after=desk.clock.now() + 9 * API_MAX_AGE)",
        killed_by=(LATE + "test_a_change_whose_worker_was_frozen_does_not_leave",),
    ),
    Mutant(
        name="fill-that-overtook-a-cancel-not-seen",
        breaks="a cancel that was refused because the order filled does not say so",
        file=FILE,
        old="    report = _look(desk, change, requested) if isinstance(error, Rejected) else None",
        new="    report = None",
        killed_by=(CHANGE + "test_a_cancel_that_finds_a_fill_says_so",),
    ),
    Mutant(
        name="cancel-not-followed",
        breaks="an accepted cancel is not looked at: how the order ended stays open",
        file=FILE,
        old="    report = _look(desk, change, apply_fitting(requested, done))",
        new="    report = None",
        killed_by=(CHANGE + "test_a_cancel_is_followed_to_the_end",),
    ),
    Mutant(
        name="quantity-within-the-fill",
        breaks="an order is modified to a quantity that has filled already",
        file="service/changeable.py",
        old="    if wanted.quantity <= order.filled_quantity:",
        new="    if wanted.quantity < order.filled_quantity:",
        killed_by=(CHANGE + "test_a_quantity_below_what_has_filled_is_refused",),
    ),
    Mutant(
        name="modify-in-a-disabled-account",
        breaks="an order of a disabled account is modified",
        file=FILE,
        old="    require_enabled(account)\n",
        new="",
        killed_by=(LATE + "test_no_modify_leaves_from_a_disabled_account",),
    ),
    Mutant(
        name="adapter-defect-hides-a-change",
        breaks="an adapter's defect while changing leaves no trace of the change",
        file=FILE,
        old="    except Exception as error:  # a defect of an adapter must not lose a change that may have been made",
        new=(
            "    except LookupError as error:\n        raise OrderEnded('lost') from error\n"
            "    except ZeroDivisionError as error:"
        ),
        killed_by=(CHANGE + "test_an_adapter_s_defect_while_cancelling_leaves_the_cancel_unresolved",),
    ),
    Mutant(
        name="unresolved-change-not-followed",
        breaks="nobody is asked to look at a change without an answer",
        file=FILE,
        old="    ask_for_a_look(desk, stored.request.account)\n",
        new="",
        killed_by=(CHANGE + "test_a_cancel_without_an_answer_stays_unresolved",),
    ),
    Mutant(
        name="cancel-all-stops-at-a-failure",
        breaks="one cancel that fails keeps the others from being made",
        file=FILE,
        old='    except RouterError as error:\n        return CancelOutcome(order, "failed", error)',
        new='    except ZeroDivisionError:\n        return CancelOutcome(order, "failed")',
        killed_by=(CHANGE + "test_cancel_all_tells_each_order_s_own_outcome",),
    ),
    Mutant(
        name="unsent-order-cannot-be-cancelled",
        breaks="an order that waits here cannot be cancelled, and leaves when its wait is over",
        file=FILE,
        old="    if order.state is State.RECEIVED:",
        new="    if False:",
        killed_by=(
            WITHDRAWING + "test_a_held_order_that_is_cancelled_ends_and_is_not_sent_when_the_hold_ends",
        ),
    ),
    Mutant(
        name="order-on-its-way-told-as-cancelled",
        breaks="a cancel that a worker was quicker than is told as done while the order leaves",
        file=FILE,
        old="        if is_withdrawn(order):",
        new="        if True:",
        killed_by=(
            WITHDRAWING + "test_an_order_that_a_worker_has_begun_to_send_is_not_ended_by_a_cancel",
            WITHDRAWING + "test_an_order_that_is_on_its_way_as_it_is_cancelled_is_told_as_such",
        ),
    ),
    Mutant(
        name="kill-switch-leaves-what-waits",
        breaks="a kill switch that cancels waits for an order that has not left, and does not end it",
        file="service/kill_work.py",
        old=" or order.state is State.RECEIVED",
        new="",
        killed_by=(
            WITHDRAWING + "test_a_kill_switch_that_cancels_ends_what_has_not_left_and_waits_for_none_of_it",
        ),
    ),
    Mutant(
        name="change-of-old-terms",
        breaks="a modification that meets another sends the terms from before it, and undoes it",
        file=FILE,
        old="            if change.request is not None:\n                raise\n",
        new="",
        killed_by=(TWO + "test_a_change_of_the_price_keeps_the_quantity_that_another_changed_meanwhile",),
    ),
    Mutant(
        name="two-changes-on-their-way",
        breaks="a modification leaves while another is on its way, and undoes it",
        file="service/changeable.py",
        old="    if is_being_modified(order, now):",
        new="    if False:",
        killed_by=(TWO + "test_a_change_that_is_asked_for_while_another_is_on_its_way_does_not_leave",),
    ),
    Mutant(
        name="dead-change-keeps-others-out-for-ever",
        breaks="an order whose modification nobody wrote the end of can never be modified again",
        file="service/changeable.py",
        old=" and now <= last.at + LEASE",
        new="",
        killed_by=(
            TWO + "test_a_change_whose_worker_died_keeps_others_waiting_for_as_long_as_it_may_have_lived",
        ),
    ),
    Mutant(
        name="unanswered-change-undone",
        breaks="a change starts from the terms before one that was not answered, and undoes it",
        file="service/looking.py",
        old="    if not may_have_other_terms(order):",
        new="    if True:",
        killed_by=(
            UNANSWERED + "test_a_change_of_the_quantity_keeps_the_price_of_a_change_that_was_not_answered",
            UNANSWERED + "test_what_a_worker_changed_before_it_died_is_kept",
        ),
    ),
    Mutant(
        name="change-on-terms-that-nobody-knows",
        breaks="a change leaves although the order could not be read back after one that was not answered",
        file="service/looking.py",
        old=(
            "    if report is None or report.is_changing or report.filled_quantity < order.filled_quantity:\n"
            "        raise ChangeInProgress("
        ),
        new="    if report is None:\n        return order\n    if report is None:\n        raise ChangeInProgress(",
        killed_by=(
            UNANSWERED + "test_no_change_leaves_while_the_terms_from_the_last_one_cannot_be_read",
            UNANSWERED + "test_what_is_read_back_without_a_fill_that_is_known_tells_no_terms",
        ),
    ),
    Mutant(
        name="report-ends-a-change-on-its-way",
        breaks="a modification leaves while another is on its way, since a report told of one before that",
        file="service/changeable.py",
        old="for event in _modifications(order) if not event.is_seen)",
        new="for event in _modifications(order))",
        killed_by=(
            UNANSWERED + "test_a_change_that_another_began_while_the_terms_were_read_keeps_this_one_out",
        ),
    ),
    Mutant(
        name="change-on-its-way-said-not-to-be-made",
        breaks="a cancel or change that may still be on its way is said not to be made",
        file="service/settling.py",
        old="        asked_before = look.read_at - LEASE if",
        new="        asked_before = look.read_at if",
        killed_by=(NOT_DONE + "test_what_may_still_be_on_its_way_is_not_said_to_be_undone",),
    ),
    Mutant(
        name="incomplete-book-says-not-made",
        breaks="a book that lacks a page says that a cancel was not made",
        file="service/settling.py",
        old=" if look.book.is_complete else None\n        return record_report",
        new="\n        return record_report",
        killed_by=(NOT_DONE + "test_a_book_that_is_not_complete_does_not_say_what_was_not_made",),
    ),
    Mutant(
        name="change-under-way-said-not-to-be-made",
        breaks="a cancel or change that the broker calls pending is said not to be made",
        file="service/recording.py",
        old="says_no_terms = current.request != order.request or report.is_changing",
        new="says_no_terms = current.request != order.request",
        killed_by=(NOT_DONE + "test_what_is_under_way_at_the_broker_is_not_said_to_be_undone",),
    ),
    Mutant(
        name="change-on-the-terms-before-one-under-way",
        breaks="a change leaves with the terms from before another one that the broker calls pending",
        file="service/looking.py",
        old="report is None or report.is_changing or report",
        new="report is None or report",
        killed_by=(NOT_DONE + "test_no_change_leaves_while_the_last_one_is_under_way_at_the_broker",),
    ),
    Mutant(
        name="lost-cancel-told-to-nobody",
        breaks="a cancel that never reached the broker is told to nobody",
        file="domain/order_news.py",
        old="        return step.event.is_seen\n",
        new="        return False\n",
        killed_by=(
            NOT_DONE + "test_a_cancel_that_did_not_reach_the_broker_is_said_not_to_be_made_and_told_once",
        ),
    ),
    Mutant(
        name="unanswered-change-looked-at-once",
        breaks="a change without an answer is looked at once, and then as the schedule comes",
        file="service/reconcile.py",
        old="        since += [at for order in after for at in asked_without_answer(order)]\n",
        new="",
        killed_by=(NOT_DONE + "test_looks_go_on_until_it_is_known_whether_it_was_made",),
    ),
    Mutant(
        name="change-after-a-late-one-undoes-it",
        breaks="a change that was made late, after a book without it, is undone by the next one",
        file="service/changeable.py",
        old="last.kind not in ANSWERED or last.is_seen or has_no_terms",
        new="last.kind not in ANSWERED or has_no_terms",
        killed_by=(
            NOT_DONE + "test_a_change_after_one_that_was_made_late_keeps_it",
            LAGGING + "test_a_change_after_a_book_that_lagged_starts_from_what_is_read_back",
        ),
    ),
    Mutant(
        name="change-after-a-yes-that-crossed-a-report-undoes-it",
        breaks="a price that the broker said yes to while a report of other terms came is undone by the next change",
        file="service/changeable.py",
        old="last.kind not in ANSWERED or last.is_seen or has_no_terms",
        new="last.kind not in ANSWERED or last.is_seen",
        killed_by=(
            CROSSING
            + "test_a_change_after_a_yes_that_crossed_a_report_of_other_terms_starts_from_what_is_read_back",
        ),
    ),
    Mutant(
        name="change-seen-to-be-made-said-not-to-be",
        breaks="a change that a postback showed while its answer was lost is said not to be made",
        file="service/recording.py",
        old="(replace(event, kind=EventKind.MODIFIED) if is_made else event,)",
        new="(event,)",
        killed_by=(
            CROSSING
            + "test_a_change_that_a_report_showed_to_be_made_is_not_said_not_to_be_when_no_answer_comes",
        ),
    ),
    Mutant(
        name="limit-that-was-asked-for-taken-for-the-broker-s-own",
        breaks="a stop's limit that was set without an answer is taken away by the next change",
        file="domain/following.py",
        old="(shows(report, order.request) and not tells_type)",
        new="shows(report, order.request)",
        killed_by=(
            UNSHOWN
            + "test_a_stop_that_got_a_limit_without_an_answer_is_not_taken_for_one_that_its_broker_protects",
        ),
    ),
    Mutant(
        name="change-back-told-as-taken-back",
        breaks="a change back to an earlier price is told as an acknowledged change that was not made",
        file="domain/order_news.py",
        old="    if since.count(EventKind.MODIFY_REQUESTED) > since.count(EventKind.MODIFY_REJECTED):",
        new="    if False:",
        killed_by=(
            LAGGING
            + "test_a_change_back_whose_answer_was_lost_is_not_told_as_an_acknowledged_one_taken_back",
        ),
    ),
    Mutant(
        name="validity-kept-of-a-change-that-was-not-made",
        breaks="an order that is back on its earlier price keeps the validity of the change that was not made",
        file="domain/following.py",
        old="    if made is None and report.validity is not None and shows_terms_that_it_left(order, report):",
        new="    if False:",
        killed_by=(
            LAGGING + "test_a_validity_that_was_acknowledged_with_a_price_and_not_made_is_taken_back_with_it",
        ),
    ),
    Mutant(
        name="change-that-no-report-shows-said-not-to-be-made",
        breaks="a change of what no report shows is said not to be made, though it may have been",
        file="domain/unanswered.py",
        old=" and (asked is None or not shows(report, asked))",
        new="",
        killed_by=(UNSHOWN + "test_what_no_report_shows_is_never_said_not_to_be_made",),
    ),
    Mutant(
        name="change-that-no-report-shows-undone",
        breaks="a change leaves without a field that one without an answer may have changed, and undoes it",
        file="service/changeable.py",
        old="    if missing:",
        new="    if False:",
        killed_by=(UNSHOWN + "test_a_change_that_does_not_name_what_may_have_been_changed_does_not_leave",),
    ),
    Mutant(
        name="change-taken-in-part",
        breaks="of a change whose price a book shows to be made, what the book does not show is undone by the next",
        file="domain/following.py",
        old=" if made is None else made\n",
        new="\n",
        killed_by=(UNSHOWN + "test_what_a_price_of_the_same_change_shows_to_be_made_was_made_whole",),
    ),
    Mutant(
        name="stale-read-back-undoes-a-change",
        breaks="what is read back of a moment ago takes back a change that was acknowledged",
        file=FILE,
        old="after=events, is_late=True)",
        new="after=events)",
        killed_by=(
            LAGGING + "test_what_is_read_back_of_a_moment_ago_does_not_undo_a_change_that_was_acknowledged",
        ),
    ),
    Mutant(
        name="change-taken-back-told-to-nobody",
        breaks="a change that a broker acknowledged and did not make is told to nobody",
        file="domain/order_news.py",
        old="    return event.request is not None and has_had(before, event.request)\n",
        new="    return False\n",
        killed_by=(
            LAGGING + "test_a_change_that_was_acknowledged_and_not_made_is_taken_from_the_book_and_told_once",
        ),
    ),
)
