"""An order that meets a dead session: nothing was sent, so a new session and one more try, or a clear refusal."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.login import NewSession
from order_router.adapter.session import BrokerSession
from order_router.api.answers import order_json
from order_router.domain.account import Account
from order_router.domain.broker_session import SessionState, leased
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.unshown import in_doubt
from order_router.domain.vocabulary import Source
from order_router.service.change import ChangeRefused, cancel_order, modify_order
from order_router.service.desk import ReadingDesk
from order_router.service.place import StillUnsent, place_order
from order_router.service.portfolio import read_portfolio
from order_router.service.reconcile import reconcile_account
from order_router.service.sessions import LOGIN_LEASE, status
from order_router.service.timing import SEND_BUDGET
from tests.fakes.trading_logins import TradingLogins
from tests.fakes.transport import Fault


@pytest.fixture
def trading() -> TradingLogins:
    return TradingLogins()


def kinds(order: Order) -> list[EventKind]:
    return [step.event.kind for step in order.history]


def test_an_order_that_meets_a_dead_session_is_sent_with_a_new_one(trading: TradingLogins) -> None:
    trading.log_in()
    trading.kill_session()

    order = trading.place("live").order

    assert order.state is State.FILLED
    assert (trading.server.logins, trading.at_broker("live")) == (1, 1)
    assert kinds(order).count(EventKind.NEVER_SENT) == 1
    assert trading.logins.told() == []


def test_an_order_of_an_account_that_never_logged_in_logs_it_in(trading: TradingLogins) -> None:
    assert trading.place("live").order.state is State.FILLED
    assert trading.server.logins == 1


def test_an_order_with_a_living_session_asks_nobody(trading: TradingLogins) -> None:
    trading.log_in()

    trading.place("live")

    assert trading.session_function.calls == []


def test_a_dead_session_that_a_person_must_replace_refuses_the_order_and_is_told_once(
    trading: TradingLogins,
) -> None:
    trading.log_in("page")
    trading.kill_session()

    first = trading.place("page", "k-1").order
    second = trading.place("page", "k-2").order

    for order in (first, second):
        assert order.state is State.REFUSED
        assert order.reason is not None
        assert order.reason.code == "BROKER_SESSION_EXPIRED"
    assert trading.at_broker("page") == trading.server.logins == 0
    assert trading.logins.told() == [("login_needed", "page")]
    assert trading.logins.notifier.notices[0].link is not None


def test_somebody_who_logged_in_meanwhile_saves_the_order(trading: TradingLogins) -> None:
    trading.log_in("page")
    trading.kill_session()
    trading.clock.on_sleep = lambda: trading.log_in("page")

    assert trading.place("page").order.state is State.FILLED
    assert trading.session_function.calls == []


@pytest.mark.parametrize("word", ["user", "code", "busy"])
def test_a_failed_login_refuses_the_order_for_want_of_a_session(trading: TradingLogins, word: str) -> None:
    trading.server.refuses = [word]

    order = trading.place("live").order

    assert order.state is State.REFUSED
    assert order.reason is not None
    assert order.reason.code == "BROKER_SESSION_EXPIRED"
    assert trading.logins.told() == [("login_failed", "live")]


def test_a_failed_login_lets_no_alert_come_again(trading: TradingLogins) -> None:
    trading.server.refuses = ["busy"]

    order = trading.place("live", source=Source.ALERT).order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "BROKER_SESSION_EXPIRED")


def test_a_worker_that_read_the_dead_session_again_forgets_it_once_more(trading: TradingLogins) -> None:
    trading.log_in()
    trading.kill_session()

    def another_order_of_this_worker_looks() -> None:
        trading.sessions.session(trading.logins.account("live"))

    trading.server.on_login = another_order_of_this_worker_looks

    assert trading.place("live").order.state is State.FILLED


def test_orders_after_a_definite_no_do_not_log_in_again(trading: TradingLogins) -> None:
    trading.server.refuses = ["user"] * 5
    for turn in range(5):
        trading.place("live", f"k-{turn}")
        trading.clock.advance(60)

    assert trading.server.logins == 1
    assert trading.logins.told() == [("login_failed", "live")]


def test_an_order_whose_new_session_is_refused_too_is_not_tried_a_third_time(trading: TradingLogins) -> None:
    with patch.object(trading.logins.secrets, "keep", kept_and_forgotten(trading)):
        orders = [trading.place("live", f"k-{turn}").order for turn in range(4)]

    assert {order.state for order in orders} == {State.REFUSED}
    assert kinds(orders[0]).count(EventKind.NEVER_SENT) == 2
    assert trading.server.logins == 2
    assert trading.at_broker("live") == 0
    assert trading.logins.told() == [("login_failed", "live")]


def test_an_alert_whose_session_is_being_renewed_comes_again(trading: TradingLogins) -> None:
    before = trading.logins.records.get("live")
    theirs = leased(before, "other", trading.clock.now() + LOGIN_LEASE)
    trading.logins.records.write(theirs, replacing=before)
    command = trading.command("live", source=Source.ALERT)
    started = trading.clock.now()

    with pytest.raises(StillUnsent):
        place_order(trading.desk, command)

    assert trading.clock.now() - started <= SEND_BUDGET
    trading.log_in()
    order = place_order(trading.desk, command).order
    assert order.state is State.FILLED
    assert trading.server.logins == 0


def test_an_order_over_https_does_not_wait_past_its_budget(trading: TradingLogins) -> None:
    before = trading.logins.records.get("live")
    theirs = leased(before, "other", trading.clock.now() + LOGIN_LEASE)
    trading.logins.records.write(theirs, replacing=before)
    started = trading.clock.now()

    order = trading.place("live").order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "BROKER_SESSION_EXPIRED")
    assert trading.clock.now() - started <= SEND_BUDGET


def test_a_login_that_takes_too_long_for_the_order_still_helps_the_next(trading: TradingLogins) -> None:
    def slow() -> None:
        trading.clock.advance(SEND_BUDGET.total_seconds())

    trading.server.on_login = slow
    command = trading.command("live", source=Source.ALERT)
    with pytest.raises(StillUnsent):
        place_order(trading.desk, command)
    trading.server.on_login = lambda: None

    assert place_order(trading.desk, command).order.state is State.FILLED
    assert trading.server.logins == 1


def test_a_switch_that_is_turned_on_during_the_login_stops_the_order(trading: TradingLogins) -> None:
    trading.server.on_login = lambda: trading.world.store.set_switch("kill#global", engaged=True)

    order = trading.place("live").order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "KILL_SWITCH_ON")
    assert trading.at_broker("live") == 0


def test_an_order_that_became_too_old_during_the_login_does_not_leave(trading: TradingLogins) -> None:
    trading.server.on_login = lambda: trading.clock.advance(11)

    order = trading.place("live").order

    assert order.state is State.STALE
    assert trading.at_broker("live") == 0


def test_an_order_that_may_have_left_is_not_sent_with_a_new_session(trading: TradingLogins) -> None:
    trading.log_in()
    trading.world.transport.writes = [Fault.REQUEST_LOST]

    order = trading.place("live").order

    assert order.state is State.UNKNOWN
    assert trading.session_function.calls == []
    assert trading.world.transport.writes_sent() == 1


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://lambda.example"),
        ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "canary"}}, "Invoke"),
    ],
)
def test_a_session_function_that_does_not_answer_refuses_the_order_or_lets_it_come_again(
    trading: TradingLogins, error: Exception
) -> None:
    trading.session_function.fails = error

    assert trading.place("live", "k-1").order.state is State.REFUSED
    alert = trading.command("live", "k-2", source=Source.ALERT)
    with pytest.raises(StillUnsent):
        place_order(trading.desk, alert)
    assert trading.at_broker("live") == 0


def test_a_session_found_dead_too_late_for_a_new_one_is_reported(trading: TradingLogins) -> None:
    trading.log_in()
    trading.kill_session()
    remembered = trading.sessions.session

    def slow(account: Account) -> BrokerSession:
        trading.clock.advance(SEND_BUDGET.total_seconds() + 1)
        return remembered(account)

    with patch.object(trading.sessions, "session", slow):
        order = trading.place("live").order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "BROKER_SESSION_EXPIRED")
    assert ["renew" in call for _, call in trading.session_function.calls] == [False]


def test_a_dead_session_that_cannot_be_reported_does_not_hide_the_order_s_end(
    trading: TradingLogins,
) -> None:
    trading.session_function.fails = RuntimeError("defect")

    assert trading.place("page").order.state is State.REFUSED


def test_the_session_function_is_given_no_more_time_than_the_order_has(trading: TradingLogins) -> None:
    trading.place("live")

    assert len(trading.waits) == 1
    assert 0 < trading.waits[0] <= SEND_BUDGET.total_seconds()


def test_nothing_secret_goes_to_the_session_function_or_into_an_order(
    trading: TradingLogins, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    trading.log_in()
    trading.kill_session()
    trading.server.refuses = ["code"]

    refused = trading.place("live", "k-1").order
    trading.clock.advance(60)
    placed = trading.place("live", "k-2").order

    assert placed.state is State.FILLED
    shown = json.dumps([order_json(refused), order_json(placed), trading.session_function.calls])
    assert "canary" not in shown
    assert "canary" not in caplog.text
    assert "canary" not in repr([trading.world.notifier.notices, [vars(one) for one in caplog.records]])


def rest(trading: TradingLogins, account: str) -> Order:
    """Place a limit order that must rest, a while before anything else."""
    trading.log_in(account)
    order = place_order(trading.desk, trading.command(account, limit_price="1400")).order
    assert order.state is State.OPEN
    trading.clock.advance(60)
    return order


def test_a_cancel_that_meets_a_dead_session_is_made_with_a_new_one(trading: TradingLogins) -> None:
    order = rest(trading, "live")
    trading.kill_session()

    changed = cancel_order(trading.desk, order.client_order_id)

    assert changed.order.state is State.CANCELLED
    assert trading.server.logins == 1
    assert kinds(changed.order).count(EventKind.CANCEL_REQUESTED) == 2


def dying_with_the_next_write(trading: TradingLogins) -> None:
    """Let the broker forget its session while a write is under way."""
    inner, lives = trading.world.transport.sender, [True]

    def sender(endpoint: str, *, not_after: datetime | None) -> Send:
        send = inner(endpoint, not_after=not_after)

        def killing(request: HttpRequest) -> HttpResponse:
            if request.is_write and lives:
                lives.clear()
                trading.kill_session()
            return send(request)

        return killing

    trading.world.transport.sender = sender  # type: ignore[method-assign]


def test_a_cancel_that_was_late_and_then_met_a_dead_session_tells_each_of_its_tries_once(
    trading: TradingLogins,
) -> None:
    order = rest(trading, "live")
    trading.world.transport.writes = [Fault.LAPSED]
    dying_with_the_next_write(trading)

    changed = cancel_order(trading.desk, order.client_order_id)

    assert kinds(changed.order)[len(order.history) :] == [
        EventKind.CANCEL_REQUESTED,
        EventKind.CANCEL_REJECTED,
        EventKind.CANCEL_REQUESTED,
        EventKind.CANCEL_REJECTED,
        EventKind.CANCEL_REQUESTED,
        EventKind.CANCELLED,
    ]


def test_a_change_that_meets_a_dead_session_is_made_with_a_new_one(trading: TradingLogins) -> None:
    order = rest(trading, "live")
    trading.kill_session()

    changed = modify_order(trading.desk, order.client_order_id, {"quantity": 8})

    assert changed.order.request.quantity == 8
    assert trading.server.logins == 1


@pytest.mark.parametrize(
    ("fault", "last"), [(Fault.REFUSED, EventKind.MODIFY_REJECTED), (Fault.NONE, EventKind.MODIFIED)]
)
def test_a_change_whose_first_try_met_a_dead_session_leaves_nothing_of_that_try_in_doubt(
    trading: TradingLogins, fault: Fault, last: EventKind
) -> None:
    order = rest(trading, "live")
    trading.kill_session()
    trading.world.transport.writes = [fault]

    with suppress(ChangeRefused):
        modify_order(trading.desk, order.client_order_id, {"disclosed_quantity": 2})

    after = trading.world.store.get(order.client_order_id)
    assert after is not None
    assert kinds(after)[len(order.history) :] == [
        EventKind.MODIFY_REQUESTED,
        EventKind.MODIFY_REJECTED,
        EventKind.MODIFY_REQUESTED,
        last,
    ]
    assert in_doubt(after) == set()


@pytest.mark.parametrize("account", ["live", "page"])
def test_a_change_without_a_new_session_is_refused_and_told_once(
    trading: TradingLogins, account: str
) -> None:
    order = rest(trading, account)
    trading.kill_session()
    trading.server.refuses = ["user"]

    for _ in range(2):
        with pytest.raises(ChangeRefused) as caught:
            cancel_order(trading.desk, order.client_order_id)
        assert caught.value.code == "BROKER_SESSION_EXPIRED"
        assert caught.value.order.state is State.OPEN

    assert len(trading.logins.told()) == 1


def kept_and_forgotten(trading: TradingLogins) -> Callable[[Account, NewSession], None]:
    """Store a session that the broker does not know any more."""
    keep = trading.logins.secrets.keep

    def keep_and_forget(account: Account, session: NewSession) -> None:
        keep(account, session)
        trading.server.token = None

    return keep_and_forget


def test_a_change_is_tried_with_one_new_session_and_not_with_two(trading: TradingLogins) -> None:
    order = rest(trading, "live")
    trading.kill_session()
    with (
        patch.object(trading.logins.secrets, "keep", kept_and_forgotten(trading)),
        pytest.raises(ChangeRefused),
    ):
        cancel_order(trading.desk, order.client_order_id)

    assert ["renew" in call for _, call in trading.session_function.calls] == [True, False]


@pytest.mark.parametrize("account", ["live", "page"])
def test_a_worker_that_remembers_a_replaced_session_takes_the_stored_one(
    trading: TradingLogins, account: str
) -> None:
    order = rest(trading, account)
    trading.sessions.session(trading.logins.account(account))
    trading.server.token = "canary-second"
    trading.logins.secrets.put_session(account, "canary-second")

    changed = cancel_order(trading.desk, order.client_order_id)

    assert changed.order.state is State.CANCELLED
    assert trading.session_function.calls == []


@pytest.mark.parametrize("account", ["live", "page"])
def test_a_reader_that_remembers_a_replaced_session_takes_the_stored_one(
    trading: TradingLogins, account: str
) -> None:
    trading.log_in(account)
    desk = trading.desk
    reading = ReadingDesk(
        sessions=desk.sessions, broker_of=desk.broker_of, transport=desk.transport, clock=desk.clock
    )
    accounts = [trading.logins.account(account)]
    (before,) = read_portfolio(reading, "funds", accounts)
    trading.server.token = "canary-second"
    trading.logins.secrets.put_session(account, "canary-second")

    (after,) = read_portfolio(reading, "funds", accounts)

    assert (before.error, after.error) == (None, None)
    trading.kill_session()
    (dead,) = read_portfolio(reading, "funds", accounts)
    assert dead.error is not None
    assert dead.error.code == "BROKER_SESSION_EXPIRED"


def test_a_look_with_a_remembered_session_takes_the_stored_one(trading: TradingLogins) -> None:
    trading.log_in("page")
    trading.world.transport.writes = [Fault.ANSWER_LOST]
    lost = trading.place("page").order
    trading.server.token = "canary-second"
    trading.logins.secrets.put_session("page", "canary-second")

    reconcile_account(trading.desk, "page")

    settled = trading.world.store.get(lost.client_order_id)
    assert settled is not None
    assert settled.state is State.FILLED
    assert trading.session_function.calls == []


def test_a_look_that_meets_a_dead_session_has_it_replaced_for_the_next(trading: TradingLogins) -> None:
    trading.log_in()
    trading.world.transport.writes = [Fault.ANSWER_LOST]
    lost = trading.place("live").order
    assert lost.state is State.UNKNOWN
    trading.clock.advance(60)
    trading.kill_session()

    reconcile_account(trading.desk, "live")
    reconcile_account(trading.desk, "live")

    settled = trading.world.store.get(lost.client_order_id)
    assert settled is not None
    assert settled.state is State.FILLED
    assert trading.server.logins == 1


def test_a_session_is_valid_after_an_order_had_it_renewed(trading: TradingLogins) -> None:
    began = trading.clock.now()

    trading.place("live")

    now = status(trading.logins.desk, trading.logins.account("live"))
    assert (now.state, now.last_login_at) == (SessionState.VALID, began)
    assert now.expires_at == began + trading.server.lives_for
