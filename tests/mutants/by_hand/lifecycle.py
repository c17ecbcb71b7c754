"""Ends are ends, fills do not shrink, late news does no harm."""

from tests.mutants.mutant import Mutant

LIFE = "tests/unit/domain/test_lifecycle.py::"
ROOM = "tests/unit/aws/test_record_room.py::"
MANY = "tests/unit/service/test_many_changes.py::"
FOLLOW = "tests/unit/domain/test_following.py::"
OLDER = "tests/unit/domain/test_older_news.py::"
TABLE = "domain/lifecycle.py"
FILE = "domain/following.py"

MUTANTS = (
    Mutant(
        name="rejected-order-fills",
        breaks="an order that has ended changes its end",
        file=TABLE,
        old="    State.REJECTED: _stays(State.REJECTED, EventKind.LATE_FILL, EventKind.PERSON_TOLD),",
        new="    State.REJECTED: {EventKind.FILLED: State.FILLED},",
        killed_by=(LIFE + "test_an_ended_order_never_changes_state_again",),
    ),
    Mutant(
        name="cancelled-order-reopens",
        breaks="late news undoes a cancel",
        file=TABLE,
        old="    State.CANCELLED: _stays(State.CANCELLED, EventKind.LATE_FILL),",
        new="    State.CANCELLED: {EventKind.LATE_FILL: State.FILLED},",
        killed_by=(LIFE + "test_an_ended_order_never_changes_state_again",),
    ),
    Mutant(
        name="unknown-order-submitted-again",
        breaks="an order whose outcome is unknown may be submitted once more",
        file=TABLE,
        old="    State.UNKNOWN: {\n",
        new="    State.UNKNOWN: {\n        EventKind.SUBMITTING: State.SUBMITTING,\n",
        killed_by=(LIFE + "test_only_a_provably_unsent_order_may_be_submitted_again",),
    ),
    Mutant(
        name="unknown-order-counts-as-never-sent",
        breaks="an order whose outcome is unknown may go back to those that never left",
        file=TABLE,
        old="    State.UNKNOWN: {\n",
        new="    State.UNKNOWN: {\n        EventKind.NEVER_SENT: State.RECEIVED,\n",
        killed_by=(LIFE + "test_only_a_provably_unsent_order_may_be_submitted_again",),
    ),
    Mutant(
        name="fill-shrinks",
        breaks="older news takes a fill back",
        file="domain/order.py",
        old="    if filled_quantity < order.filled_quantity:",
        new="    if False:",
        killed_by=(LIFE + "test_filled_quantity_never_goes_down",),
    ),
    Mutant(
        name="end-without-its-terms",
        breaks="an order that ended shows terms that it had before",
        file=FILE,
        old="if takes_terms or is_end else ()",
        new="if takes_terms else ()",
        killed_by=(OLDER + "test_the_report_of_an_end_has_the_last_terms",),
    ),
    Mutant(
        name="older-report-believed",
        breaks="a report with a smaller fill than we know is news",
        file=FILE,
        old="    if report.filled_quantity < order.filled_quantity:\n        return ()\n",
        new="",
        killed_by=(
            FOLLOW + "test_an_older_report_never_takes_a_fill_back",
            OLDER + "test_an_older_report_is_no_news_whatever_it_says",
        ),
    ),
    Mutant(
        name="shrinking-event-applied",
        breaks="an outcome that meets a larger fill fails instead of being left out",
        file=FILE,
        old="        if allows(order.state, event.kind) and not shrinks:",
        new="        if allows(order.state, event.kind):",
        killed_by=(OLDER + "test_events_that_would_shrink_a_fill_are_left_out",),
    ),
    Mutant(
        name="unfitting-event-applied",
        breaks="an outcome that comes after the end fails instead of being left out",
        file=FILE,
        old="        if allows(order.state, event.kind) and not shrinks:",
        new="        if not shrinks:",
        killed_by=(
            "tests/unit/service/test_recording.py::test_an_outcome_that_no_longer_fits_changes_nothing",
        ),
    ),
    Mutant(
        name="rejection-hides-a-fill",
        breaks="what filled before a rejection is called rejected",
        file=FILE,
        old="    if order.state is State.PARTIALLY_FILLED or event.filled_quantity:",
        new="    if False:",
        killed_by=(FOLLOW + "test_a_rejection_after_a_fill_keeps_what_has_filled",),
    ),
    Mutant(
        name="late-fill-lost",
        breaks="a fill that overtakes a cancel is not written down",
        file=FILE,
        old="    return (replace(news, kind=EventKind.LATE_FILL, reason=None),)",
        new="    return ()",
        killed_by=(FOLLOW + "test_a_fill_that_overtakes_a_cancel_corrects_the_quantity_and_not_the_end",),
    ),
    Mutant(
        name="rejected-order-that-trades-untold",
        breaks="an order that stands as rejected trades at its broker, and nobody hears of it",
        file=FILE,
        old="(*_rejected_and_there(order, report, at), *_late_fill(order, news))",
        new="_late_fill(order, news)",
        killed_by=(FOLLOW + "test_an_order_that_trades_and_was_rejected_is_told_once_and_its_fills_follow",),
    ),
    Mutant(
        name="older-report-of-a-rejected-order-told",
        breaks="a late report of an order that was taken and then rejected wakes the trader",
        file=FILE,
        old=" or order.broker_order_id is not None\n    if had_it",
        new="\n    if had_it",
        killed_by=(
            FOLLOW + "test_an_older_report_of_an_order_that_was_rejected_after_it_was_taken_is_no_news",
        ),
    ),
    Mutant(
        name="fill-in-an-open-report-lost",
        breaks="a fill in a row that the broker calls open is not written down",
        file=FILE,
        old="    if event.kind is EventKind.OPENED and report.filled_quantity > 0:",
        new="    if False:",
        killed_by=(FOLLOW + "test_an_unknown_order_becomes_what_the_book_says",),
    ),
    Mutant(
        name="version-not-counted",
        breaks="two records of one order have the same version: a write cannot tell them apart",
        file="domain/order.py",
        old="        version=order.version + 1,",
        new="        version=order.version,",
        killed_by=(LIFE + "test_no_sequence_of_events_leaves_an_end_or_shrinks_a_fill",),
    ),
    Mutant(
        name="history-overwritten",
        breaks="the history keeps only the last step",
        file="domain/order.py",
        old="        history=lengthened(order.history, Step(state=following, event=event)),",
        new="        history=(Step(state=following, event=event),),",
        killed_by=(LIFE + "test_history_tells_each_step_with_its_time_and_state",),
    ),
    Mutant(
        name="history-without-end",
        breaks="an order's history grows until its record cannot be written: it can neither be cancelled nor end",
        file="domain/history.py",
        old="    if weight_of((*history, step)) > ROOM:",
        new="    if False:",
        killed_by=(ROOM + "test_whatever_happens_to_an_order_its_record_and_its_end_have_room",),
    ),
    Mutant(
        name="full-history-hides-an-end",
        breaks="what is new to an order whose history is full is left out of it, its end among them",
        file="domain/history.py",
        old="        return history if (step.state, step.event.kind) in listed else (*history, step)",
        new="        return history",
        killed_by=(ROOM + "test_whatever_happens_to_an_order_its_record_and_its_end_have_room",),
    ),
    Mutant(
        name="modified-without-end",
        breaks="an order is modified until its history is full",
        file="service/changeable.py",
        old="    if not order.has_room_for_changes:",
        new="    if False:",
        killed_by=(MANY + "test_an_order_may_be_modified_hundreds_of_times_and_then_still_cancelled",),
    ),
    Mutant(
        name="gate-witnessed-by-another-step",
        breaks="what a gate held a call to is written into an older step where a full history does not list the call",
        file="service/gates.py",
        old=" if write.is_listed else write.order",
        new="",
        killed_by=(MANY + "test_what_a_full_history_does_not_list_leaves_what_it_has_as_it_was",),
    ),
    Mutant(
        name="broker-s-id-forgotten",
        breaks="news without the broker's order id takes the id away",
        file="domain/order.py",
        old="        broker_order_id=_kept(order.broker_order_id, event.broker_order_id),",
        new="        broker_order_id=event.broker_order_id,",
        killed_by=(LIFE + "test_what_an_event_does_not_say_stays_as_it_was",),
    ),
)
