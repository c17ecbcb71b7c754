"""Mutants of sessions: one login at a time, a broker's patience, one-time links, postbacks that prove themselves."""

from tests.mutants.mutant import Mutant

SENDING = "service/sending.py"
CHANGE = "service/change.py"
SERVICE = "service/sessions.py"
LINKS = "service/login_links.py"
LOGINS = "service/logins.py"
NOTICES = "service/session_notices.py"
POSTBACKS = "service/postbacks.py"
RECORDS = "aws/session_table.py"
API = "api/sessions.py"
RENEWED = "tests/unit/service/test_renewed_sending.py::"
UNIT = "tests/unit/service/test_sessions.py::"
NEWS = "tests/unit/service/test_session_news.py::"
LOGIN_TESTS = "tests/unit/service/test_logins.py::"
POST = "tests/unit/service/test_postbacks.py::"
FAULTS = "tests/faults/test_login_faults.py::"
API_TESTS = "tests/unit/api/test_sessions.py::"
TABLES = "tests/integration/test_session_tables.py::"


def _mutant(name: str, breaks: str, file: str, change: tuple[str, str], *killed_by: str) -> Mutant:
    return Mutant(name=name, breaks=breaks, file=file, old=change[0], new=change[1], killed_by=killed_by)


MUTANTS = (
    _mutant(
        "order-never-renews",
        "an order is refused for want of a session that could be had without anybody",
        SENDING,
        (
            "self.renewal = self._renew() if self._is_unattended() else _Renewal.DONE",
            "self.renewal = _Renewal.DONE",
        ),
        RENEWED + "test_an_order_that_meets_a_dead_session_is_sent_with_a_new_one",
    ),
    _mutant(
        "renewed-session-not-read",
        "a worker goes on with the dead session that it remembers",
        SENDING,
        (
            "        self.desk.sessions.forget(account)\n        return _Renewal.DONE",
            "        return _Renewal.DONE",
        ),
        RENEWED + "test_a_worker_that_read_the_dead_session_again_forgets_it_once_more",
    ),
    _mutant(
        "renewal-past-the-budget",
        "an order waits for a login past its deadline",
        SENDING,
        (
            "return self._has_another_session() and not self._is_late(error)",
            "return self._has_another_session()",
        ),
        RENEWED + "test_a_login_that_takes_too_long_for_the_order_still_helps_the_next",
    ),
    _mutant(
        "failed-login-comes-again",
        "an alert knocks with a dead session until its time is over though the login failed",
        SENDING,
        ("            return _Renewal.FAILED", "            return _Renewal.PENDING"),
        RENEWED + "test_a_failed_login_lets_no_alert_come_again",
    ),
    _mutant(
        "dead-session-not-reported",
        "nobody is told that orders are refused for want of a login",
        SENDING,
        ("    if tries.is_session_untold:", "    if False:"),
        RENEWED + "test_a_dead_session_that_a_person_must_replace_refuses_the_order_and_is_told_once",
    ),
    _mutant(
        "change-renews-for-ever",
        "a change that is refused with each new session logs in again and again",
        CHANGE,
        (
            "if is_late else replace(change, renew_until=None)",
            "if is_late else change",
        ),
        RENEWED + "test_a_change_is_tried_with_one_new_session_and_not_with_two",
    ),
    _mutant(
        "lease-ignored",
        "two workers log in at once: the second login kills the first one's session",
        SERVICE,
        ("    if record.is_leased(desk.clock.now()):\n        return None\n", ""),
        FAULTS + "test_workers_that_renew_at_once_do_one_login_and_all_have_its_session",
        UNIT + "test_who_waits_for_another_login_takes_its_session",
    ),
    _mutant(
        "session-stored-after-the-lease",
        "a login that outlived its lease puts its dead session over the living one",
        SERVICE,
        ("    if not _is_still_ours(desk, record):", "    if False:"),
        UNIT + "test_a_login_that_outlasts_its_lease_stores_nothing",
    ),
    _mutant(
        "login-leaves-after-its-lease",
        "a request of a login leaves when somebody else may be logging in",
        "service/session_desk.py",
        (
            "not_after = None if record.lease_until is None else record.lease_until - LAST_LOGIN_CALL",
            "not_after = None",
        ),
        UNIT + "test_no_request_of_a_login_leaves_near_the_end_of_its_lease",
    ),
    _mutant(
        "good-session-replaced",
        "every look logs in anew and kills the session that orders use",
        SERVICE,
        (
            "    if wanted.is_forced and not is_new:\n        return False",
            "    if not is_new:\n        return False",
        ),
        UNIT + "test_a_good_session_is_left_alone",
    ),
    _mutant(
        "refused-session-taken-for-good",
        "a session that the broker refused is used until its clock runs out",
        SERVICE,
        ("stored.fingerprint in {wanted.refused, record.refused} or not", "not"),
        UNIT + "test_a_refused_session_is_replaced",
    ),
    _mutant(
        "remembered-refusal-ignored",
        "a session that died before its time counts as good at the next look",
        SERVICE,
        ("in {wanted.refused, record.refused}", "in {wanted.refused}"),
        UNIT + "test_a_session_that_died_is_not_good_because_its_clock_says_so",
    ),
    _mutant(
        "failed-login-not-rested",
        "each order tries a refused password again until the broker locks the account",
        SERVICE,
        ("    return RESTS_AFTER_SILENCE if may_pass else RESTS_FOR", "    return timedelta(0)"),
        UNIT + "test_after_a_definite_no_only_a_person_tries_again",
    ),
    _mutant(
        "refused-code-tried-each-minute",
        "a wrong secret for codes is tried each minute until the broker locks the account",
        SERVICE,
        ("isinstance(failure, CodeRefused) and not was_refused_before", "isinstance(failure, CodeRefused)"),
        UNIT + "test_a_refused_code_may_have_been_the_last_of_its_half_minute",
    ),
    _mutant(
        "waiter-repeats-the-failure",
        "everybody who waited for a login that failed tries it again, one after the other",
        SERVICE,
        (
            "has_failed_since = record.failed_at is not None and record.failed_at >= started",
            "has_failed_since = False",
        ),
        UNIT + "test_a_person_who_waited_for_a_login_that_failed_does_not_repeat_it",
    ),
    _mutant(
        "told-on-a-holiday",
        "a trader is told of a failed login on a Sunday",
        SERVICE,
        ("is_quiet=not desk.is_trading_day()", "is_quiet=False"),
        UNIT + "test_a_failure_on_a_day_without_trading_tells_nobody_until_there_is_one",
    ),
    _mutant(
        "told-each-time",
        "a trader is told each minute that a session is dead",
        NOTICES,
        (
            "    if since is None or (before is record and at - since < UNTOLD_FOR):\n        return\n",
            "    since = since or at\n",
        ),
        UNIT + "test_an_order_that_found_a_browser_session_dead_tells_once",
    ),
    _mutant(
        "second-death-a-repeat",
        "a session that dies again within half an hour is dropped as a repeat, and its link with it",
        NOTICES,
        ('subject=f"{what} {since.isoformat()}"', "subject=what"),
        NEWS + "test_a_session_that_dies_again_within_half_an_hour_is_told_again",
    ),
    _mutant(
        "login-words-not-cleaned",
        "a broker's words that repeat a password end in the record and in a notice",
        SERVICE,
        ('words = words.replace(text, "***") if text else words', "words = words if text else words"),
        UNIT + "test_a_failed_login_says_why_and_shows_nothing",
    ),
    _mutant(
        "link-for-any-account",
        "a link for one account logs in another",
        LINKS,
        (
            "ticket is None or account is None or ticket.account != account.name",
            "ticket is None or account is None",
        ),
        LOGIN_TESTS + "test_a_link_of_one_page_account_opens_no_other",
    ),
    _mutant(
        "token-stored-as-it-is",
        "whoever reads the table can log in",
        LINKS,
        (
            "    return hashlib.sha256(token.encode()).hexdigest()",
            "    return hashlib.sha256(b'').hexdigest() and token",
        ),
        LOGIN_TESTS + "test_only_a_digest_of_a_token_is_stored_and_no_repr_shows_one",
    ),
    _mutant(
        "callback-taken-twice",
        "a replayed callback begins another session",
        LOGINS,
        ("    if not desk.tickets.use(back.ticket, desk.clock.now()):", "    if False:"),
        LOGIN_TESTS + "test_a_callback_is_taken_once",
    ),
    _mutant(
        "ticket-used-twice-in-the-table",
        "two callbacks at once both use one link",
        RECORDS,
        ("account = :account AND attribute_not_exists(used_at)", "account = :account"),
        TABLES + "TestLoginTicketsTable::test_a_ticket_is_used_once",
    ),
    _mutant(
        "record-written-over",
        "of two workers that claim a login at once both win",
        "aws/failures.py",
        ('return {"ConditionExpression": f"attribute_not_exists({new_without})"}', "return {}"),
        TABLES + "TestSessionRecordsTable::test_of_two_first_writes_one_wins",
    ),
    _mutant(
        "anybody-logs-in",
        "a key that only reads begins a login",
        API,
        ("request.require_account(Scope.TRADE, name)", "request.require_account(Scope.READ, name)"),
        API_TESTS + "test_only_who_may_trade_an_account_logs_it_in",
    ),
    _mutant(
        "postback-of-another-account",
        "a postback for one account changes another one's order",
        POSTBACKS,
        ("named is not None and named.request.account == account.name and", "named is not None and"),
        POST + "test_an_order_of_another_account_is_not_this_one_s",
    ),
    _mutant(
        "copied-tag-believed",
        "an order by hand that carries a copy of our tag changes ours",
        POSTBACKS,
        ("    return is_same_order and wanted == (report.instrument, report.side)", "    return True"),
        POST + "test_a_copied_tag_makes_no_order_ours",
    ),
    _mutant(
        "unsigned-postback-believed",
        "whoever knows the address of a broker that signs nothing fills our orders",
        POSTBACKS,
        ("(has_secret or not broker.profile.signs_postbacks)", "has_secret"),
        POST + "test_a_broker_that_signs_nothing_is_not_believed_without_a_secret",
    ),
    _mutant(
        "stray-told-each-time",
        "a trader is told of an order by hand at each of its changes",
        POSTBACKS,
        (
            "    if desk.strays.keep(StrayPostback(account.name, report), desk.clock.now()):",
            "    if desk.strays.keep(StrayPostback(account.name, report), desk.clock.now()) or True:",
        ),
        POST + "test_an_order_that_is_none_of_ours_is_kept_apart_and_told_once",
    ),
    _mutant(
        "stray-swallowed",
        "the broker holds an order that by our record never left, and nobody hears of it",
        POSTBACKS,
        ("    if order is None or order.state in NEVER_LEFT:", "    if order is None:"),
        POST + "test_an_order_that_never_left_by_our_record_is_told_when_its_broker_has_it",
    ),
)
