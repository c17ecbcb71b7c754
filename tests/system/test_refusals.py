"""What is refused: a problem with a stable code, and nothing at the broker."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.operate import Target
from tests.architecture.template import routes
from tests.system.client import Client, Reply
from tests.system.conftest import LocalStack
from tests.system.trader import Trader

NOBODYS_ORDER = "AAAAAAAAAAAAAAAAAAAA"
GUARDED = sorted(key for key, event in routes().items() if event.get("Auth") != {"Authorizer": "NONE"})
Call = Callable[[Trader], Reply]


@pytest.fixture(scope="module")
def refused(target: Target, admin: Client) -> Iterator[Trader]:
    """A trader who never gets an order through, whatever these tests send."""
    trader = Trader(target=target, api=admin)
    yield trader
    assert trader.at_broker() == []


def _send(client: Client, route: str) -> Reply:
    method, _, path = route.partition(" ")
    path = path.replace("{client_order_id}", NOBODYS_ORDER).replace("{instrument}", "NSE:INFY")
    body = None if method in {"GET", "DELETE"} else "{}"
    return client.send(method, path, body)


def test_the_template_guards_every_route_but_those_that_prove_themselves_and_the_public_two() -> None:
    assert set(routes()) - set(GUARDED) == {
        "GET /v1/health",
        "GET /v1/openapi.json",
        # a token in the address or the body, a signature
        "GET /v1/sessions/{account}/login",
        "GET /v1/sessions/{account}/callback",
        "POST /v1/sessions/{account}/callback",
        "GET /v1/kill-switch/link",
        "POST /v1/kill-switch/link",
        "POST /v1/postbacks/{broker}/{account}",
        "POST /v1/postbacks/{broker}/{account}/{token}",
        "POST /v1/webhooks/tradingview",
        "POST /v1/webhooks/tradingview/{token}",
    }


@pytest.mark.parametrize("route", GUARDED)
def test_a_wrong_key_is_told_so_on_every_route(admin: Client, route: str) -> None:
    reply = _send(Client(admin.api_url, "or_nobody-has-this-key"), route)

    assert (reply.status, reply.code) == (401, "API_KEY_UNKNOWN")


@pytest.mark.parametrize("route", GUARDED)
def test_without_a_key_the_gateway_lets_nobody_in(admin: Client, route: str) -> None:
    # the gateway's own answer: no function is called, so it is no problem with a code
    assert _send(Client(admin.api_url, None), route).status == 401


@pytest.mark.parametrize(
    ("scope", "route"),
    [
        ("read", "POST /v1/orders"),
        ("read", "PATCH /v1/orders/{client_order_id}"),
        ("read", "DELETE /v1/orders/{client_order_id}"),
        ("read", "POST /v1/orders/cancel-all"),
        ("read", "PUT /v1/paper/prices/{instrument}"),
        ("trade", "PUT /v1/paper/prices/{instrument}"),
    ],
)
def test_a_key_without_the_scope_is_forbidden(stack: LocalStack, scope: str, route: str) -> None:
    reply = _send(stack.client(scope), route)

    assert (reply.status, reply.code) == (403, "SCOPE_MISSING")


def test_a_key_bound_to_an_account_reaches_no_other(trader: Trader) -> None:
    other = Trader(target=trader.target, api=trader.api)
    theirs = other.rest("90")
    bound = trader.with_scope("trade", trader.account)

    for reply in (
        bound.api.place(other.order()),
        bound.api.get("/v1/orders", account=other.account),
        bound.api.get("/v1/positions", account=other.account),
        bound.api.send("POST", "/v1/orders/cancel-all", {"account": other.account}),
    ):
        assert (reply.status, reply.code) == (403, "ACCOUNT_FORBIDDEN")
    # an order of others does not even exist
    for reply in (
        bound.api.read(theirs["client_order_id"]),
        bound.api.modify(theirs["client_order_id"], quantity=1),
        bound.api.cancel(theirs["client_order_id"]),
    ):
        assert (reply.status, reply.code) == (404, "ORDER_NOT_FOUND")
    assert [row["status"] for row in other.at_broker()] == ["OPEN"]


def test_a_key_bound_to_an_account_sees_and_trades_its_own(trader: Trader) -> None:
    bound = trader.with_scope("trade", trader.account)

    placed = bound.place()

    assert [order["client_order_id"] for order in bound.api.orders()] == [placed["client_order_id"]]
    assert [entry["account"] for entry in bound.api.get("/v1/funds").content["accounts"]] == [trader.account]


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", '"text"', '{"account": "paper", "account": "paper"}', '{"quantity": NaN}', b"\xff\xfe"],
    ids=["empty", "cut short", "a list", "a text", "a key twice", "not a number", "not UTF-8"],
)
def test_a_body_that_is_no_strict_json_object_is_unreadable(refused: Trader, body: str | bytes) -> None:
    reply = refused.api.send("POST", "/v1/orders", body, {"Content-Type": "application/json"})

    assert (reply.status, reply.code) == (400, "BODY_UNREADABLE")


def test_a_body_over_64_kib_is_too_large(refused: Trader) -> None:
    reply = refused.api.send("POST", "/v1/orders", b" " * (64 * 1024 + 1))

    assert (reply.status, reply.code) == (413, "BODY_TOO_LARGE")


def test_every_bad_field_is_named(refused: Trader) -> None:
    order = refused.order(
        order_type="LIMIT", quantity=-1, side="HOLD", product="CASH", trigger_price="1", colour="red"
    )

    reply = refused.api.place(order)

    assert (reply.status, reply.code) == (422, "INVALID_REQUEST")
    assert {line["field"] for line in reply.content["errors"]} == {
        "quantity",
        "side",
        "product",
        "trigger_price",
        "colour",
        "limit_price",
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"order_type": "LIMIT"}, "limit_price"),
        ({"order_type": "MARKET", "limit_price": "90"}, "limit_price"),
        ({"order_type": "SL", "trigger_price": "90"}, "limit_price"),
        ({"order_type": "SL_M", "limit_price": "90", "trigger_price": "90"}, "limit_price"),
        ({"order_type": "LIMIT", "limit_price": "0"}, "limit_price"),
        ({"order_type": "LIMIT", "limit_price": "90.00001"}, "limit_price"),
        ({"order_type": "STOP"}, "order_type"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"instrument": "INFY"}, "instrument"),
    ],
    ids=str,
)
def test_an_order_that_cannot_be_is_refused_by_its_field(
    refused: Trader, changes: dict[str, Any], field: str
) -> None:
    reply = refused.api.place(refused.order(**changes))

    assert (reply.status, reply.code) == (422, "INVALID_REQUEST")
    assert [line["field"] for line in reply.content["errors"]] == [field]


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        (lambda trader: trader.api.read(NOBODYS_ORDER), 404, "ORDER_NOT_FOUND"),
        (lambda trader: trader.api.cancel("not-an-id"), 404, "ORDER_NOT_FOUND"),
        (lambda trader: trader.api.set_price("NSE:NOSUCHSHARE", "1"), 404, "NO_SUCH_INSTRUMENT"),
        (lambda trader: trader.api.set_price(trader.instrument, "1.01"), 422, "WRONG_TICK"),
        (lambda trader: trader.api.get("/v1/orders", cursor="no-cursor"), 400, "INVALID_CURSOR"),
        (lambda trader: trader.api.get("/v1/orders", state="lost"), 422, "INVALID_REQUEST"),
        (lambda trader: trader.api.get("/v1/orders", day="today"), 422, "INVALID_REQUEST"),
        (lambda trader: trader.api.get("/v1/orders", limit=0), 422, "INVALID_REQUEST"),
        (lambda trader: trader.api.get("/v1/orders", account="nobody"), 422, "ACCOUNT_UNKNOWN"),
        (lambda trader: trader.api.place(trader.order(account="nobody")), 422, "ACCOUNT_UNKNOWN"),
        (lambda trader: trader.api.place(trader.order(product="MTF")), 422, "UNSUPPORTED"),
        (lambda trader: trader.api.place(trader.order(), "with space"), 422, "IDEMPOTENCY_KEY_INVALID"),
        (lambda trader: trader.api.modify(NOBODYS_ORDER), 404, "ORDER_NOT_FOUND"),
    ],
    ids=range(13),
)
def test_a_call_that_cannot_be_answered_says_why(refused: Trader, call: Call, status: int, code: str) -> None:
    reply = call(refused)

    assert (reply.status, reply.code) == (status, code)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"instrument": "NSE:NOSUCHSHARE"}, "NSE:NOSUCHSHARE does not trade here"),
        ({"quantity": 100_000}, "insufficient funds: the order needs 10000000.00, available is 1000000.00"),
        ({"side": "SELL"}, "insufficient holdings"),
        ({"order_type": "LIMIT", "limit_price": "90.01"}, "multiple of tick_size 0.05"),
    ],
    ids=["instrument", "funds", "holdings", "tick"],
)
def test_a_brokers_no_is_told_in_its_words_with_the_order_beside_it(
    refused: Trader, changes: dict[str, Any], words: str
) -> None:
    reply = refused.api.place(refused.order(**changes))

    assert (reply.status, reply.code) == (422, "ORDER_REJECTED")
    assert words in reply.content["detail"]
    order = reply.content["order"]
    assert (order["state"], order["broker_order_id"]) == ("rejected", None)
    assert refused.api.read(order["client_order_id"]).order(200) == order


def test_an_order_that_has_ended_cannot_change(trader: Trader) -> None:
    filled = trader.place()["client_order_id"]

    for reply in (trader.api.modify(filled, quantity=6), trader.api.cancel(filled)):
        assert (reply.status, reply.code) == (409, "ORDER_ALREADY_FINAL")


def test_a_change_that_the_broker_refuses_leaves_the_order_as_it_was(trader: Trader) -> None:
    placed = trader.rest("90")

    reply = trader.api.modify(placed["client_order_id"], quantity=100_000)

    assert (reply.status, reply.code) == (422, "ORDER_REJECTED")
    assert "insufficient funds" in reply.content["detail"]
    assert (reply.content["order"]["state"], reply.content["order"]["quantity"]) == ("open", 5)
    assert [(row["status"], row["quantity"]) for row in trader.at_broker()] == [("OPEN", 5)]


def test_a_webhook_with_a_wrong_token_is_nobodys(refused: Trader) -> None:
    sender = refused.strategy()
    wrong = "wrong-token-of-at-least-32-characters"

    replies = [
        sender.send(sender.message(token=wrong)),
        sender.send(sender.message(token=None)),
        sender.send(sender.message(), token=wrong),
        sender.send(sender.message(strategy="another")),
    ]

    assert {(reply.status, reply.code) for reply in replies} == {(401, "WEBHOOK_TOKEN_UNKNOWN")}
