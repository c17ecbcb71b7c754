"""How the vendor's client is kept quiet."""

import pytest

from order_router.adapter.errors import OutcomeUnknown, SessionExpired, Unsupported
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.port import ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret
from order_router.brokers import zerodha
from order_router.brokers.zerodha.session import call
from order_router.domain.request import parse_request

LIMIT = {
    "account": "main",
    "instrument": "NSE:INFY",
    "side": "BUY",
    "quantity": 5,
    "order_type": "LIMIT",
    "limit_price": "1500.05",
    "product": "CNC",
}


def never(_: HttpRequest) -> HttpResponse:
    raise AssertionError("nothing may be sent")


def answer(body: bytes) -> HttpResponse:
    return HttpResponse(status=200, headers={"content-type": "application/json"}, body=body)


def session(**secrets: str) -> BrokerSession:
    stored = {name: Secret(text) for name, text in secrets.items()}
    return BrokerSession(account="main", endpoint="https://api.kite.trade", secrets=stored)


@pytest.mark.parametrize("secrets", [{}, {"api_key": "k"}, {"api_key": "k", "access_token": "two\nlines"}])
def test_without_a_usable_session_nothing_is_sent(secrets: dict[str, str]) -> None:
    with pytest.raises(SessionExpired) as raised:
        zerodha.read_orders(never, session(**secrets))

    assert "two" not in str(raised.value)


def test_an_endpoint_with_a_path_keeps_it() -> None:
    urls: list[str] = []

    def send(request: HttpRequest) -> HttpResponse:
        urls.append(request.url)
        return answer(b'{"status":"success","data":[]}')

    sandbox = BrokerSession(
        account="main",
        endpoint="https://sandbox.kite.trade/oms",
        secrets={"api_key": Secret("k"), "access_token": Secret("t")},
    )

    zerodha.read_orders(send, sandbox)
    zerodha.read_holdings(send, session(api_key="k", access_token="t"))

    assert urls == ["https://sandbox.kite.trade/oms/orders", "https://api.kite.trade/portfolio/holdings"]


@pytest.mark.parametrize("tag", ["A" * 21, "with-a-dash", "ümlaut", "", "two words"])
def test_a_tag_that_kite_would_refuse_is_not_sent(tag: str) -> None:
    intent = PlaceIntent(client_order_id="A" * 20, client_tag=tag, request=parse_request(LIMIT))

    with pytest.raises(Unsupported):
        zerodha.place_order(never, session(api_key="k", access_token="t"), intent)


@pytest.mark.parametrize("order_id", ["", "../user/profile", "1?x=1", "1/2", "1 2", "\u0661"])
def test_an_order_id_that_is_not_one_never_becomes_a_path(order_id: str) -> None:
    target = OrderTarget(broker_order_id=order_id, request=parse_request(LIMIT))

    for one in (zerodha.cancel_order, zerodha.read_order):
        with pytest.raises(Unsupported):
            one(never, session(api_key="k", access_token="t"), target)


@pytest.mark.parametrize("change", [{"side": "SELL"}, {"product": "MIS"}, {"instrument": "NSE:TCS"}])
def test_what_makes_an_order_another_order_cannot_be_modified(change: dict[str, str]) -> None:
    before, request = parse_request(LIMIT), parse_request(LIMIT | change)
    intent = ModifyIntent(broker_order_id="1990345678901234567", before=before, request=request)

    with pytest.raises(Unsupported, match=next(iter(change))):
        zerodha.modify_order(never, session(api_key="k", access_token="t"), intent)


def test_a_mistake_of_ours_before_anything_is_sent_is_not_an_unknown_outcome() -> None:
    with pytest.raises(TypeError):
        call(never, session(api_key="k", access_token="t"), lambda kite: kite.place_order(colour="red"))


def test_a_client_that_stumbles_over_an_answer_leaves_the_outcome_unknown() -> None:
    surprise = answer(b'{"status":"success","data":[]}')
    intent = PlaceIntent(client_order_id="A" * 20, client_tag="A" * 20, request=parse_request(LIMIT))

    with pytest.raises(OutcomeUnknown, match="TypeError") as raised:
        zerodha.place_order(lambda _: surprise, session(api_key="k", access_token="t"), intent)

    assert raised.value.__context__ is None
