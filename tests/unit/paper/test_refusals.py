import pytest

from order_router.adapter.http import HttpRequest
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.paper.checks import MAX_RESTING_ORDERS
from order_router.paper.errors import PaperRefusal, RefusalCode
from order_router.paper.records import BOOK
from order_router.paper.render import HTTP_STATUS
from tests.unit.paper.market import CALL, FUTURE, INFY, Desk

LIMIT = {"order_type": "LIMIT", "limit_price": "1490"}


@pytest.mark.parametrize(
    ("instrument", "side", "quantity", "fields", "code"),
    [
        (parse_instrument("NSE:NOSUCH"), "BUY", 1, {}, "NO_SUCH_INSTRUMENT"),
        (FUTURE, "BUY", 80, {}, "WRONG_LOT"),
        (INFY, "BUY", 1, {"order_type": "LIMIT", "limit_price": "1490.03"}, "WRONG_TICK"),
        (INFY, "BUY", 1, {"order_type": "SL_M", "trigger_price": "1510.01"}, "WRONG_TICK"),
        (
            INFY,
            "BUY",
            1,
            {"order_type": "SL", "trigger_price": "1520", "limit_price": "1510"},
            "WRONG_TRIGGER",
        ),
        (
            INFY,
            "SELL",
            1,
            {"order_type": "SL", "trigger_price": "1480", "limit_price": "1490"},
            "WRONG_TRIGGER",
        ),
        (INFY, "BUY", 667, {}, "SHORT_OF_FUNDS"),
        (INFY, "SELL", 1, {}, "SHORT_OF_HOLDINGS"),
        (INFY, "BUY", 1, {"product": "NRML"}, "WRONG_PRODUCT"),
        (INFY, "BUY", 1, {"product": "MTF"}, "WRONG_PRODUCT"),
        (FUTURE, "BUY", 75, {"product": "CNC"}, "WRONG_PRODUCT"),
        (INFY, "BUY", 0, {}, "BAD_INPUT"),
        (INFY, "BUY", 1, {"limit_price": "1500"}, "BAD_INPUT"),
        (INFY, "BUY", 1, {"order_type": "LIMIT"}, "BAD_INPUT"),
        (INFY, "HOLD", 1, {}, "BAD_INPUT"),
        (INFY, "BUY", 1, {"client_tag": "A" * 33}, "BAD_INPUT"),
    ],
)
def test_an_order_that_must_not_trade_is_refused_and_changes_nothing(
    instrument: Instrument, side: str, quantity: int, fields: dict[str, object], code: str
) -> None:
    desk = Desk()
    before = desk.store.load("paper")

    assert desk.refused(instrument, side, quantity, **fields) == code
    assert desk.store.load("paper") == before
    assert desk.rows("orders") == []


def test_an_unknown_account_is_told_so() -> None:
    desk = Desk()
    desk.account = "nobody"

    assert desk.ask("GET", "/funds")[0] == 403


def test_a_request_without_an_account_is_not_logged_in() -> None:
    desk = Desk()
    desk.account = ""

    status, content = desk.ask("GET", "/funds")

    assert (status, content["error"]["code"]) == (401, "NOT_LOGGED_IN")


def test_an_order_that_is_not_there_cannot_be_read_changed_or_cancelled() -> None:
    desk = Desk()

    answers = [
        desk.ask("GET", "/orders/261123000001"),
        desk.modify("261123000001", quantity=1, order_type="MARKET", validity="DAY"),
        desk.cancel("261123000001"),
    ]

    assert [(status, content["error"]["code"]) for status, content in answers] == [(404, "NO_SUCH_ORDER")] * 3


def test_an_order_that_has_ended_cannot_be_changed_or_cancelled() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 1)

    answers = [desk.cancel(order_id), desk.modify(order_id, quantity=2, order_type="MARKET", validity="DAY")]

    assert [(status, content["error"]["code"]) for status, content in answers] == [
        (409, "ORDER_HAS_ENDED")
    ] * 2


def test_what_an_order_is_cannot_be_modified() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 1, **LIMIT)

    status, content = desk.modify(order_id, side="SELL", quantity=1, validity="DAY", **LIMIT)

    assert (status, content["error"]["code"]) == (400, "BAD_INPUT")


def test_a_quantity_cannot_shrink_to_what_is_filled() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 150)

    status, content = desk.modify(order_id, quantity=100, order_type="MARKET", validity="DAY")

    assert (status, content["error"]["code"]) == (422, "WRONG_QUANTITY")


def test_shares_that_a_resting_sale_has_claimed_cannot_be_sold_again() -> None:
    desk = Desk()
    desk.place(INFY, "BUY", 10)
    desk.place(INFY, "SELL", 6, order_type="LIMIT", limit_price="1600")

    assert desk.refused(INFY, "SELL", 5) == "SHORT_OF_HOLDINGS"
    desk.place(INFY, "SELL", 4)


def test_an_account_can_rest_only_as_many_orders_as_an_item_of_the_store_can_hold() -> None:
    desk = Desk()
    fields = {
        "order_type": "SL",
        "limit_price": "1700.05",
        "trigger_price": "1700.05",
        "disclosed_quantity": 1,
    }
    for _ in range(MAX_RESTING_ORDERS):
        desk.place(INFY, "BUY", 1, product="MIS", client_tag="A" * 32, **fields)

    assert desk.refused(INFY, "BUY", 1, product="MIS", **fields) == "TOO_MANY_ORDERS"
    assert len(BOOK.dump(desk.store.load("paper").book)) < 200_000


@pytest.mark.parametrize("last_price", ["1500.01", "0", "-5", "NaN"])
def test_a_price_off_the_grid_is_refused(last_price: str) -> None:
    with pytest.raises(PaperRefusal):
        Desk().price(INFY, last_price)


def test_a_price_of_an_unknown_instrument_is_refused() -> None:
    with pytest.raises(PaperRefusal):
        Desk().price(parse_instrument("NSE:NOSUCH"), "1500")


def test_every_refusal_has_a_status_of_a_refusal() -> None:
    assert set(HTTP_STATUS) == set(RefusalCode)
    assert all(400 <= status < 500 for status in HTTP_STATUS.values())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":1,"a":2}', b'{"quantity":NaN}', b"\xff"])
def test_an_unreadable_body_is_refused(body: bytes) -> None:
    desk = Desk()
    headers = {"authorization": "paper paper"}

    answer = desk.exchange.handle(
        HttpRequest(method="POST", url="paper://exchange/orders", headers=headers, body=body)
    )

    assert answer.status == 400


def test_an_option_needs_a_strike() -> None:
    listed = Desk().store.market([CALL])[CALL]

    with pytest.raises(ValueError, match="strike"):
        type(listed)(
            instrument=CALL,
            last_price=listed.last_price,
            lot_size=75,
            tick_size=listed.tick_size,
            max_fill_quantity=75,
            kind=listed.kind,
        )


def test_a_sale_cannot_be_modified_to_more_than_is_held() -> None:
    desk = Desk()
    desk.place(INFY, "BUY", 10)
    terms = {"order_type": "LIMIT", "limit_price": "1600"}
    order_id = desk.place(INFY, "SELL", 6, **terms)

    status, content = desk.modify(order_id, quantity=11, validity="DAY", **terms)

    assert (status, content["error"]["code"]) == (422, "SHORT_OF_HOLDINGS")
    assert desk.modify(order_id, quantity=10, validity="DAY", **terms)[0] == 200
