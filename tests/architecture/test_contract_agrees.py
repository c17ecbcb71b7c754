"""Facts that stand in two places say the same in both."""

from order_router.api.operations import OPERATIONS
from order_router.service.sessions import LOGIN_LEASE, PATIENCE
from order_router.service.timing import (
    BOOK_TIME,
    BOOK_WAIT,
    LOOKS_TIME,
    PACE_WAIT,
    PASS_TIME,
    PLACE_FUNCTION_TIMEOUT,
    READ_TIME,
    REPLAY_WAIT,
    SEND_BUDGET,
    WATCHES_TIME,
    WRITE_TIME,
)
from order_router.transport.http_transport import Limits
from tests.architecture.template import routes, seconds_allowed


def test_the_contract_has_every_route_of_the_template_and_no_other() -> None:
    assert set(OPERATIONS) == set(routes())


def test_a_route_needs_a_key_in_the_contract_where_the_template_has_an_authorizer() -> None:
    open_routes = {
        route for route, event in routes().items() if event.get("Auth", {}).get("Authorizer") == "NONE"
    }

    assert open_routes == {route for route, operation in OPERATIONS.items() if operation.scope is None}


def test_the_place_function_lives_as_long_as_the_order_path_thinks() -> None:
    assert seconds_allowed("place") == PLACE_FUNCTION_TIMEOUT.total_seconds()


def test_a_change_has_time_for_a_login_its_write_and_a_look() -> None:
    needed = (PACE_WAIT + SEND_BUDGET + PACE_WAIT + WRITE_TIME + READ_TIME).total_seconds()

    assert needed <= min(seconds_allowed("modify"), seconds_allowed("cancel"))


def test_a_pass_of_the_kill_switch_s_work_ends_before_its_function_does() -> None:
    longest_call = PACE_WAIT + SEND_BUDGET + PACE_WAIT + WRITE_TIME + READ_TIME

    assert (PASS_TIME + longest_call).total_seconds() <= seconds_allowed("kill_work")
    assert (PASS_TIME + REPLAY_WAIT).total_seconds() <= seconds_allowed("kill_work")


def test_all_of_an_account_s_cancels_and_looks_at_all_accounts_end_before_their_functions_do() -> None:
    assert (PASS_TIME + PACE_WAIT + WRITE_TIME + READ_TIME).total_seconds() <= seconds_allowed("cancel")
    assert (LOOKS_TIME + 2 * READ_TIME + WRITE_TIME).total_seconds() <= seconds_allowed("reconcile")
    assert (LOOKS_TIME + BOOK_WAIT + BOOK_TIME).total_seconds() <= seconds_allowed("reconcile")
    assert (WATCHES_TIME + READ_TIME + WRITE_TIME).total_seconds() <= seconds_allowed("reconcile")


def test_a_login_s_lease_outlives_the_function_that_holds_it() -> None:
    assert LOGIN_LEASE.total_seconds() > seconds_allowed("session")
    assert seconds_allowed("session") >= (PATIENCE + WRITE_TIME).total_seconds()


def test_the_transport_keeps_the_times_that_the_services_count_with() -> None:
    limits = Limits()

    assert limits.connect_timeout_s + limits.write_answer_timeout_s == WRITE_TIME.total_seconds()
    assert limits.connect_timeout_s + limits.read_answer_timeout_s == READ_TIME.total_seconds()
