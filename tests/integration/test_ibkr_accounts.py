"""Several accounts of one username at IBKR: a book is of the selected one, and only there absence counts.

The vendor's reference has live orders, trades and status be of the selected account; that `accountId` names another
is told by clients alone. So each rule is held with a vendor that heeds the query and with one that ignores it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from order_router.adapter import errors
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.session import Surroundings
from order_router.brokers import ibkr
from order_router.domain.account import Account
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.reports import OrderBook
from order_router.service.change import cancel_order
from order_router.service.reconcile import reconcile_account, reconcile_all
from tests.fakes.world import World
from tests.faults import ibkr_side
from tests.faults.played_brokers import PlayedIbkr
from tests.simulators.ibkr_vendor import Ibkr

ONE, OTHER = ibkr_side.SECRETS["account_id"], "U7654321"
ROOT = PlayedIbkr.ENDPOINT
EVENING = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)


class Desk:
    """A trader whose accounts `paper` and `other` are of one username; `asked` is what the vendor was asked."""

    def __init__(self, *, ignores_query: bool) -> None:
        self.world = World()
        self.vendor: Ibkr = PlayedIbkr(self.world)._kite  # type: ignore[assignment]
        self.tell(held=[ONE, OTHER], ignores_query=ignores_query)
        self.vendor.control({"warm": True})
        self.asked: list[tuple[str, str, bool]] = []
        self.before: dict[str, Callable[[], object]] = {}
        self._handle = self.world.handlers[ROOT]
        self.world.handlers[ROOT] = self._noted
        self.world.settings.put_account(Account(name="other", broker="ibkr"))
        around = Surroundings(now=self.world.clock.now, listings=self.world.listings["ibkr"])
        secrets = ibkr_side.SECRETS | {"account_id": OTHER}
        self.world.sessions.log_in("other", secrets, around=around)

    def tell(self, **told: Any) -> None:
        self.vendor.control({"accounts": told})

    def place(self, account: str = "other", *, answer: str = "") -> Order:
        if answer:
            self.vendor.control({"behave": answer, "on": "place"})
        return self.world.place(account, account=account, product="CNC", limit_price="1400").order

    def fill(self) -> None:
        (order_id,) = self.vendor.book.orders
        self.vendor.control({"fill": {"order_id": order_id}})

    def book(self, account: str = "other") -> OrderBook:
        session = self.world.desk.sessions.session(Account(name=account, broker="ibkr"))
        return ibkr.read_orders(self.world.transport.sender(ROOT, not_after=None), session)

    def at(self, moment: datetime) -> None:
        self.world.clock.advance((moment - self.world.clock.now()).total_seconds())

    def now(self, order: Order) -> Order:
        found = self.world.store.get(order.client_order_id)
        assert found is not None
        return found

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]

    def _noted(self, request: HttpRequest) -> HttpResponse:
        path = request.url.removeprefix(ROOT)
        self.asked.append((request.method, path, request.is_write))
        self.before.pop(path.partition("?")[0], lambda: None)()
        return self._handle(request)


@pytest.fixture(params=[False, True], ids=["accountId heeded", "accountId ignored"])
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(ignores_query=request.param)


@pytest.mark.parametrize("account", ["paper", "other"])
def test_an_order_whose_answer_was_lost_is_found_whichever_account_is_selected(
    desk: Desk, account: str
) -> None:
    order = desk.place(account, answer="accept_then_drop")
    assert order.state is State.UNKNOWN
    desk.fill()

    desk.world.clock.advance(20)
    reconcile_account(desk.world.desk, account)

    found = desk.now(order)
    assert (found.state, found.filled_quantity) == (State.FILLED, 5)


@pytest.mark.parametrize("account", ["paper", "other"])
def test_an_order_is_followed_to_its_fill_whichever_account_is_selected(desk: Desk, account: str) -> None:
    order = desk.place(account)
    desk.fill()

    desk.at(EVENING)
    reconcile_account(desk.world.desk, account, is_asked=False)

    found = desk.now(order)
    assert (found.state, found.filled_quantity) == (State.FILLED, 5)


def test_orders_of_both_accounts_are_followed_in_one_round_of_looks(desk: Desk) -> None:
    orders = [desk.place(account) for account in ("paper", "other")]
    for order_id in desk.vendor.book.orders:
        desk.vendor.control({"fill": {"order_id": order_id}})

    desk.world.clock.advance(60)
    reconcile_all(desk.world.desk)

    assert [desk.now(order).state for order in orders] == [State.FILLED, State.FILLED]


def test_a_book_that_needed_a_switch_is_whole_only_the_next_time(desk: Desk) -> None:
    desk.place()

    first, second = desk.book(), desk.book()

    assert [len(book.reports) for book in (first, second)] == [1, 1]
    assert [book.is_complete for book in (first, second)] == [False, True]
    assert [(method, path) for method, path, _ in desk.asked[-8:]] == [
        ("GET", "/iserver/accounts"),
        ("POST", "/iserver/account"),
        ("GET", f"/iserver/account/orders?accountId={OTHER}"),
        ("GET", f"/iserver/account/trades?accountId={OTHER}"),
        ("GET", "/iserver/accounts"),
        ("GET", f"/iserver/account/orders?accountId={OTHER}"),
        ("GET", f"/iserver/account/trades?accountId={OTHER}"),
        ("GET", "/iserver/accounts"),
    ]


def test_a_look_writes_nothing_though_it_switches(desk: Desk) -> None:
    desk.book()

    assert not any(is_write for _, _, is_write in desk.asked)


def test_a_username_with_one_account_is_asked_for_it_once(desk: Desk) -> None:
    desk.tell(held=[ONE])

    assert desk.book("paper").is_complete
    assert [path.partition("?")[0] for path in desk.paths()] == [
        "/iserver/accounts",
        "/iserver/account/orders",
        "/iserver/account/trades",
    ]


@pytest.mark.parametrize("page", ["/iserver/account/orders", "/iserver/account/trades"])
def test_a_book_during_which_another_account_was_selected_is_never_complete(desk: Desk, page: str) -> None:
    desk.tell(selected=OTHER)
    desk.before[page] = lambda: desk.tell(selected=ONE)

    assert not desk.book().is_complete
    desk.tell(selected=OTHER)
    assert desk.book().is_complete


@pytest.mark.parametrize("selected", [None, "", 7, [OTHER]])
def test_a_book_of_a_vendor_that_does_not_say_which_account_is_selected_is_never_complete(
    desk: Desk, selected: Any
) -> None:
    desk.before["/iserver/accounts"] = lambda: desk.tell(selected=selected)

    assert not desk.book().is_complete

    desk.tell(selected=OTHER)
    desk.before["/iserver/account/trades"] = lambda: desk.tell(selected=selected)
    assert not desk.book().is_complete


@pytest.mark.parametrize("answer", ["time_out_unseen", "drop_unseen", "accept_then_garbage", "no_bridge"])
def test_a_switch_that_fails_makes_the_book_unreadable(desk: Desk, answer: str) -> None:
    desk.vendor.control({"behave": answer, "on": "switch"})

    with pytest.raises(errors.BrokerError):
        desk.book()
    assert "/iserver/account/orders" not in [path.partition("?")[0] for path in desk.paths()]


def test_an_account_that_the_username_has_lost_has_no_book(desk: Desk) -> None:
    desk.tell(held=[ONE])

    with pytest.raises(errors.OutcomeUnknown, match="among those of its username"):
        desk.book()
    assert desk.paths() == ["/iserver/accounts"]


def test_a_lost_order_is_not_closed_by_books_that_others_switched_away_from(desk: Desk) -> None:
    order = desk.place(answer="drop_unseen")
    desk.tell(selected=OTHER)
    desk.at(EVENING)

    for _ in range(4):
        desk.before["/iserver/account/trades"] = lambda: desk.tell(selected=ONE)
        reconcile_account(desk.world.desk, "other", is_asked=False)
        desk.world.clock.advance(700)

    found = desk.now(order)
    assert found.state is State.UNKNOWN
    assert not found.has(EventKind.ABSENT_AT_DAY_END)


def test_a_lost_order_is_closed_by_two_evening_books_of_its_own_account(desk: Desk) -> None:
    order = desk.place(answer="drop_unseen")
    desk.at(EVENING)

    for _ in range(3):
        reconcile_account(desk.world.desk, "other", is_asked=False)
        desk.world.clock.advance(700)

    assert desk.now(order).state is State.REJECTED


def test_looks_at_both_accounts_come_to_an_end_though_each_switches(desk: Desk) -> None:
    orders = [desk.place(account) for account in ("paper", "other")]
    desk.vendor.logins.sessions += 1
    desk.vendor._forgotten.update(desk.vendor.book.orders)
    desk.vendor.control({"warm": True})

    desk.at(NEXT_MORNING)
    for _ in range(60):
        reconcile_all(desk.world.desk)
        desk.world.clock.advance(60)

    assert [desk.now(order).state for order in orders] == [State.EXPIRED, State.EXPIRED]


def test_the_status_of_an_order_whose_account_is_not_selected_changes_nothing(desk: Desk) -> None:
    order = desk.place()

    assert desk.now(order).state is State.OPEN
    assert desk.paths()[-1].startswith("/iserver/account/order/status/")
    cancel_order(desk.world.desk, order.client_order_id)
    assert desk.now(order).state is not State.REJECTED
    assert "/iserver/account" not in desk.paths()

    desk.world.clock.advance(20)
    reconcile_account(desk.world.desk, "other")
    assert desk.now(order).state is State.CANCELLED


def test_trades_are_asked_for_by_account_and_another_s_are_left_out(desk: Desk) -> None:
    desk.place("paper")
    desk.fill()
    session = desk.world.desk.sessions.session(Account(name="other", broker="ibkr"))

    trades = ibkr.read_trades(desk.world.transport.sender(ROOT, not_after=None), session)

    assert trades == ()
    assert desk.paths()[-1] == f"/iserver/account/trades?accountId={OTHER}"
