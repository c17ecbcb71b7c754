"""The paper broker's table keeps the store's contract, and lost answers do no harm."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from order_router.aws.paper_table import PaperTable
from order_router.paper.book import Change
from order_router.paper.errors import PaperConflict, PaperStoreUnavailable
from order_router.paper.exchange import PaperExchange
from order_router.paper.store import StoredBook
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory, make_table
from tests.fakes.paper_store_contract import PaperStoreContract, new_book
from tests.unit.paper.market import INFY, LISTED, Desk

TABLE = "PaperTable"


@pytest.fixture
def client() -> Iterator[Any]:
    with aws_in_memory():
        client = aws_client("dynamodb")
        make_table(client, TABLE)
        yield client


class TestPaperTable(PaperStoreContract):
    @pytest.fixture
    def store(self, client: Any) -> PaperTable:
        return PaperTable(client, TABLE)


def test_a_repeated_write_whose_answer_was_lost_recognises_its_own_success(client: Any) -> None:
    plain = PaperTable(client, TABLE)
    plain.open_account(new_book())

    def twice(**call: Any) -> Any:
        del call["ClientRequestToken"]
        client.transact_write_items(**call)
        return client.transact_write_items(**call)

    table = PaperTable(Wrapped(client, transact_write_items=twice), TABLE)
    table.save(Change(replace(new_book(), cash=Decimal(1))), _loaded(plain))

    assert _loaded(plain).book.cash == Decimal(1)
    assert _loaded(plain).version == 2


def test_a_lost_answer_is_recognised_even_after_others_have_written(client: Any) -> None:
    plain = PaperTable(client, TABLE)
    plain.open_account(new_book())

    def twice_with_others_between(**call: Any) -> Any:
        del call["ClientRequestToken"]
        client.transact_write_items(**call)
        for _ in range(10):
            plain.save(Change(replace(new_book(), cash=Decimal(2))), _loaded(plain))
        return client.transact_write_items(**call)

    table = PaperTable(Wrapped(client, transact_write_items=twice_with_others_between), TABLE)
    table.save(Change(replace(new_book(), cash=Decimal(1))), _loaded(plain))

    assert _loaded(plain).book.cash == Decimal(2)
    with pytest.raises(PaperConflict):
        plain.save(Change(new_book()), StoredBook(new_book(), version=1))


def test_a_client_that_times_out_leaves_the_outcome_open(client: Any) -> None:
    def timeout(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="http://127.0.0.1")

    table = PaperTable(Wrapped(client, transact_write_items=timeout, get_item=timeout), TABLE)

    with pytest.raises(PaperStoreUnavailable):
        table.save(Change(new_book()), StoredBook(new_book(), version=1))
    with pytest.raises(PaperStoreUnavailable):
        table.load("paper")


def test_a_table_that_refuses_is_unavailable(client: Any) -> None:
    with pytest.raises(PaperStoreUnavailable, match="ResourceNotFoundException"):
        PaperTable(client, "no-such-table").load("paper")


def test_unprocessed_keys_are_asked_for_again(client: Any) -> None:
    PaperTable(client, TABLE).list_instrument(LISTED[0])
    asked: list[int] = []

    def reluctant(**call: Any) -> Any:
        asked.append(1)
        if len(asked) < 3:
            return {"Responses": {}, "UnprocessedKeys": call["RequestItems"]}
        return client.batch_get_item(**call)

    market = PaperTable(Wrapped(client, batch_get_item=reluctant), TABLE).market([INFY])

    assert market == {INFY: LISTED[0]}


def test_keys_that_are_never_processed_are_an_error_not_an_empty_market(client: Any) -> None:
    def never(**call: Any) -> Any:
        return {"Responses": {}, "UnprocessedKeys": call["RequestItems"]}

    with pytest.raises(PaperStoreUnavailable):
        PaperTable(Wrapped(client, batch_get_item=never), TABLE).market([INFY])


def test_a_long_day_is_read_page_by_page(client: Any) -> None:
    def one_at_a_time(**call: Any) -> Any:
        return client.query(**call, Limit=1)

    desk = Desk(store=PaperTable(Wrapped(client, query=one_at_a_time), TABLE))
    for _ in range(3):
        desk.place(INFY, "BUY", 1)

    assert len(desk.rows("orders")) == 3
    assert len(desk.rows("trades")) == 3


def test_a_trading_day_on_the_table_adds_up(client: Any) -> None:
    desk = Desk(store=PaperTable(client, TABLE))
    resting = desk.place(INFY, "BUY", 150, order_type="LIMIT", limit_price="1490")
    desk.price(INFY, "1490")
    desk.price(INFY, "1480")
    desk.sleep_until_tomorrow()

    assert desk.order(resting)["average_price"] == "1486.6667"
    assert desk.rows("holdings")[0]["quantity"] == 150
    assert desk.funds()["cash"] == Decimal(1000000) - 100 * 1490 - 50 * 1480


def test_two_orders_that_meet_on_the_table_are_both_taken_in_once(client: Any) -> None:
    other = Desk(store=PaperTable(client, TABLE))
    interlopers = [lambda: other.place(INFY, "BUY", 2, client_tag="SECOND")]

    def after_another(**call: Any) -> Any:
        if interlopers:
            interlopers.pop()()
        return client.transact_write_items(**call)

    desk = Desk(store=PaperTable(client, TABLE))
    desk.exchange = PaperExchange(
        PaperTable(Wrapped(client, transact_write_items=after_another), TABLE), desk.clock
    )
    desk.place(INFY, "BUY", 1, client_tag="FIRST")

    rows = {row["client_tag"]: row["filled_quantity"] for row in desk.rows("orders")}
    assert rows == {"FIRST": 1, "SECOND": 2}
    assert desk.position(INFY)["quantity"] == 3


def _loaded(table: PaperTable) -> StoredBook:
    stored = table.load("paper")
    assert stored is not None
    return stored
