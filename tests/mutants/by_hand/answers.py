"""What each kind of failure proves, and what follows from it."""

from tests.mutants.mutant import Mutant

PLACE = "tests/unit/service/test_place.py::"
RECORD = "tests/unit/service/test_recording.py::"
LATE = "tests/unit/service/test_late_postbacks.py::"
DEFECT = "tests/unit/service/test_last_moment.py::"
FILE = "service/attempt.py"
LOST = "    return Attempt((Event(kind=EventKind.OUTCOME_LOST, at=at, reason=error.reason),))"

MUTANTS = (
    Mutant(
        name="timeout-is-a-rejection",
        breaks="an answer that was lost is recorded as the broker's no",
        file=FILE,
        old=LOST,
        new=LOST.replace("OUTCOME_LOST", "REJECTED"),
        killed_by=(PLACE + "test_a_lost_outcome_is_unknown_and_never_sent_again",),
    ),
    Mutant(
        name="timeout-is-never-sent",
        breaks="an answer that was lost counts as proof that nothing left, and the order is sent again",
        file=FILE,
        old="    if isinstance(error, NotSent | Unsupported) or not may_have_left:",
        new="    if isinstance(error, NotSent | Unsupported | OutcomeUnknown) or not may_have_left:",
        killed_by=(PLACE + "test_a_lost_outcome_is_unknown_and_never_sent_again",),
    ),
    Mutant(
        name="defect-after-the-write-is-never-sent",
        breaks="an adapter's defect after its write counts as proof that nothing left",
        file=FILE,
        old="    if isinstance(error, NotSent | Unsupported) or not may_have_left:",
        new="    if isinstance(error, NotSent | Unsupported | AdapterDefect) or not may_have_left:",
        killed_by=(PLACE + "test_an_adapter_s_defect_after_sending_is_unknown_and_before_it_a_refusal",),
    ),
    Mutant(
        name="refused-connection-is-unknown",
        breaks="an order that provably never left is left to a person",
        file=FILE,
        old="    if isinstance(error, NotSent | Unsupported) or not may_have_left:",
        new="    if not may_have_left:",
        killed_by=(PLACE + "test_an_order_that_never_left_is_sent_again_within_its_deadline",),
    ),
    Mutant(
        name="silence-before-the-write-is-unknown",
        breaks="a read that failed before the write leaves the order to a person",
        file=FILE,
        old="    if isinstance(error, NotSent | Unsupported) or not may_have_left:",
        new="    if isinstance(error, NotSent | Unsupported):",
        killed_by=(PLACE + "test_a_silent_answer_before_the_write_is_no_lost_order",),
    ),
    Mutant(
        name="rejection-tried-again",
        breaks="what the broker refused is sent again",
        file=FILE,
        old="        return Attempt((Event(kind=EventKind.REJECTED, at=at, reason=error.reason),))",
        new="        return Attempt((Event(kind=EventKind.NEVER_SENT, at=at),), never_left=NotSent('x'))",
        killed_by=(PLACE + "test_a_broker_s_no_is_rejected_with_its_words",),
    ),
    Mutant(
        name="rejection-is-unknown",
        breaks="the broker's definite no is left to a person",
        file=FILE,
        old="    if isinstance(error, Rejected):",
        new="    if False:",
        killed_by=(PLACE + "test_a_broker_s_no_is_rejected_with_its_words",),
    ),
    Mutant(
        name="write-not-noticed",
        breaks="whether a write was begun is not remembered: every defect counts as before it",
        file=FILE,
        old="        self.has_written = True\n",
        new="        self.has_written = False\n",
        killed_by=(PLACE + "test_an_adapter_s_defect_after_sending_is_unknown_and_before_it_a_refusal",),
    ),
    Mutant(
        name="write-forgotten-by-a-later-read",
        breaks="a read after the write makes what fails then look as if nothing had left",
        file=FILE,
        old="        if not request.is_write:\n            return self.send(request)\n",
        new=(
            "        if not request.is_write:\n            self.has_written = False\n"
            "            return self.send(request)\n"
        ),
        killed_by=(DEFECT + "test_a_read_after_the_write_does_not_make_the_write_forgotten",),
    ),
    Mutant(
        name="adapter-defect-loses-the-order",
        breaks="an adapter's defect leaves the order without any record of its outcome",
        file=FILE,
        old="    except Exception as error:  # a defect of an adapter must not lose an order that may have left",
        new="    except LookupError as error:\n        raise NotSent('lost') from error",
        killed_by=(PLACE + "test_an_adapter_s_defect_after_sending_is_unknown_and_before_it_a_refusal",),
    ),
    Mutant(
        name="failed-look-fails-the-placement",
        breaks="a look that fails after the broker took the order hides that it took it",
        file="service/looking.py",
        old='        logger.warning("look failed"',
        new='        raise\n        logger.warning("look failed"',
        killed_by=(PLACE + "test_a_failed_look_after_placing_changes_nothing",),
    ),
    Mutant(
        name="outcome-overwrites-what-others-wrote",
        breaks="an outcome that meets another worker's record is dropped, as if it were stored",
        file="service/recording.py",
        old="            order = conflict.current\n",
        new="            return after\n",
        killed_by=(RECORD + "test_an_outcome_joins_what_another_worker_wrote_meanwhile",),
    ),
    Mutant(
        name="outcome-written-once-or-never",
        breaks="an outcome is lost when the store fails for a moment",
        file="service/recording.py",
        old="            desk.clock.sleep(PAUSE_S * (attempt + 1))",
        new="            return after",
        killed_by=(PLACE + "test_an_outcome_is_written_again_when_the_store_fails_for_a_moment",),
    ),
    Mutant(
        name="outcome-that-could-not-be-written-is-claimed",
        breaks="the caller is told an outcome that is written nowhere",
        file="service/recording.py",
        old='    raise StoreUnavailable(f"the outcome of order {order.client_order_id} could not be written down")',
        new="    return after",
        killed_by=(RECORD + "test_an_outcome_that_cannot_be_written_is_not_claimed",),
    ),
    Mutant(
        name="broker-s-id-not-logged-first",
        breaks="when the record cannot be written, the broker's order id is lost with it",
        file="service/recording.py",
        old="        if attempt == 0:\n            log_decision(order, events)\n",
        new="",
        killed_by=(RECORD + "test_the_broker_s_order_id_is_in_the_log_before_it_is_in_the_store",),
    ),
    Mutant(
        name="late-postback-undoes-a-change",
        breaks="a postback that was long under way sets the terms back, and the next change starts from them",
        file="service/postbacks.py",
        old=', "the broker\'s postback", is_late=True)',
        new=', "the broker\'s postback")',
        killed_by=(LATE + "test_one_of_a_change_that_was_changed_again_does_not_undo_the_last",),
    ),
    Mutant(
        name="old-book-undoes-a-change",
        breaks="a book that was read before a change sets the terms back when it is written after it",
        file="service/recording.py",
        old="says_no_terms = current.request != order.request or report.is_changing",
        new="says_no_terms = report.is_changing",
        killed_by=(
            RECORD + "test_of_an_old_report_the_fill_is_taken_and_not_the_terms_that_were_changed_since",
        ),
    ),
    Mutant(
        name="frozen-worker-undoes-a-change",
        breaks="a worker that was frozen after its change sets the terms back that a later change brought",
        file="service/recording.py",
        old="    if current.request == order.request:\n        return events\n",
        new="    if events:\n        return events\n",
        killed_by=(RECORD + "test_a_change_that_is_written_after_a_later_one_leaves_its_terms",),
    ),
    Mutant(
        name="report-worked-out-once",
        breaks="an order ends with the terms that somebody wrote while its end was under way",
        file="service/recording.py",
        old="        events = news(order)\n",
        new="        events = events if attempt else news(order)\n",
        killed_by=(RECORD + "test_an_end_has_its_terms_whatever_another_worker_wrote_meanwhile",),
    ),
)
