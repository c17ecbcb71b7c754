from concurrent.futures import ThreadPoolExecutor

import pytest

from order_router.paper.engine import cancel
from order_router.paper.errors import PaperConflict
from tests.fakes.paper_store import MemoryPaperStore
from tests.unit.paper.market import INFY, Desk

LIMIT = {"order_type": "LIMIT", "limit_price": "1490"}


def test_two_orders_that_meet_in_one_account_are_both_taken_in_once() -> None:
    desk = Desk()
    other = Desk(store=desk.store)
    desk.store.before_save = lambda: other.place(INFY, "BUY", 2, client_tag="SECOND")

    desk.place(INFY, "BUY", 1, client_tag="FIRST")

    rows = {row["client_tag"]: row for row in desk.rows("orders")}
    assert {tag: row["filled_quantity"] for tag, row in rows.items()} == {"FIRST": 1, "SECOND": 2}
    assert desk.position(INFY)["quantity"] == 3


def test_two_orders_never_spend_the_same_money() -> None:
    desk = Desk()
    other = Desk(store=desk.store)
    desk.store.before_save = lambda: other.place(INFY, "BUY", 600, **LIMIT)

    assert desk.refused(INFY, "BUY", 100) == "SHORT_OF_FUNDS"


def test_a_cancel_that_a_fill_overtakes_is_refused() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 5, **LIMIT)
    desk.store.before_save = lambda: desk.price(INFY, "1490")

    status, content = desk.cancel(order_id)

    assert (status, content["error"]["code"]) == (409, "ORDER_HAS_ENDED")
    assert desk.order(order_id)["status"] == "COMPLETE"


def test_a_fill_that_a_cancel_overtakes_does_not_happen() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 5, **LIMIT)
    stored = desk.store.load("paper")
    assert stored is not None
    # this cancel read the account before the price came
    cancelled = cancel(stored.book, broker_order_id=order_id, at=desk.clock.now())
    desk.store.before_save = lambda: desk.store.save(cancelled, stored)

    desk.price(INFY, "1490")

    assert desk.order(order_id)["status"] == "CANCELLED"
    assert desk.rows("trades") == []


def test_a_price_that_arrives_while_an_order_is_taken_in_still_meets_it() -> None:
    desk = Desk()
    desk.store.before_save = lambda: desk.price(INFY, "1480")

    order_id = desk.place(INFY, "BUY", 5, **LIMIT)

    assert desk.order(order_id)["status"] == "COMPLETE"


def test_twenty_parallel_orders_are_all_taken_in_once() -> None:
    desk = Desk()

    with ThreadPoolExecutor(20) as pool:
        ids = list(pool.map(lambda number: desk.place(INFY, "BUY", 1, client_tag=f"TAG{number}"), range(20)))

    assert len(set(ids)) == 20
    assert sorted(row["client_tag"] for row in desk.rows("orders")) == sorted(f"TAG{n}" for n in range(20))
    assert desk.position(INFY)["quantity"] == 20


def test_a_price_names_an_account_even_if_another_caller_did_its_work() -> None:
    desk = Desk()
    other = Desk(store=desk.store)
    desk.place(INFY, "BUY", 5, **LIMIT)
    desk.store.before_save = lambda: other.rows("orders")

    assert desk.price(INFY, "1490") == ("paper",)
    assert len(desk.rows("trades")) == 1


class _AlwaysLate(MemoryPaperStore):
    def save(self, *_: object) -> None:
        raise PaperConflict


def test_an_account_that_is_never_free_answers_busy_and_nothing_is_done() -> None:
    desk = Desk(store=_AlwaysLate())

    status, content = desk.try_place(INFY, "BUY", 1)

    assert (status, content["error"]["code"]) == (429, "BUSY")
    assert desk.rows("orders") == []


@pytest.mark.parametrize(("failure", "orders"), [("before", 0), ("after", 1)])
def test_a_store_that_does_not_answer_leaves_the_outcome_open(failure: str, orders: int) -> None:
    desk = Desk()
    desk.store.fail_next_save = failure

    status, content = desk.try_place(INFY, "BUY", 1)

    assert (status, content["error"]["code"]) == (503, "STORE_UNAVAILABLE")
    assert len(desk.rows("orders")) == orders
