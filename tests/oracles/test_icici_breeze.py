"""What we send to Breeze is what the vendor's own client sends: method, path, headers and the bytes of the body.

Left out of the comparison, one by one: `host`, `connection`, `accept` and `accept-encoding` say who carries it;
`user-agent` says who we are, where the vendor's client poses as a browser of 2010; `x-timestamp` and `x-checksum` go
with the time, so each of them is computed anew from what came, on both sides. What we leave undone is in the tests.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

import pytest

from order_router.adapter.errors import BrokerError
from order_router.adapter.http import Send
from order_router.adapter.login import Credentials
from order_router.adapter.port import ChainQuery, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers import icici_breeze
from order_router.brokers.icici_breeze import login
from order_router.domain.instrument import parse_instrument
from order_router.domain.request import OrderRequest, parse_request
from order_router.transport.http_transport import HttpTransport
from tests.contract.canaries import read_listing
from tests.contract.conftest import samples_folder
from tests.fakes.clock import FakeClock
from tests.fakes.listings import MemoryListings
from tests.oracles.client import run_client
from tests.oracles.recorder import Canned, Recorded, Recorder, recording

CARRIERS = ("host", "connection", "accept", "accept-encoding", "user-agent")
TIMES = ("x-timestamp", "x-checksum")
API_KEY, SECRET_KEY, API_SESSION = "7x1@=K%83^", "a69+y#)secret", "48213377"
SESSION_TOKEN = "QUIxMjM0NTY6NTUxMjM0NTY="
TAG, ORDER_ID = "ORD7K2M4QX5ZB3TDLW6A", "20261123N300001234"
SAMPLES = samples_folder("icici_breeze")
LISTED = [read_listing(row) for row in json.loads((SAMPLES / "_session.json").read_text())["listings"]]
ORDERED = {"order_id": ORDER_ID, "status": "Ordered"}
ANSWERS = (
    Canned(method="GET", target="/SecurityMaster.zip", content=(SAMPLES / "SecurityMaster.zip").read_bytes()),
    Canned(
        method="GET",
        target="/breezeapi/api/v1/customerdetails",
        content={"Success": {"session_token": SESSION_TOKEN}, "Status": 200, "Error": None},
    ),
    Canned(
        method="GET",
        target="/breezeapi/api/v1/order",
        content={"Success": [ORDERED], "Status": 200, "Error": None},
    ),
    *(
        Canned(
            method=method,
            target="/breezeapi/api/v1/",
            content={"Success": None, "Status": 404, "Error": "No Data Found"},
        )
        for method in ("GET", "POST", "PUT", "DELETE")
    ),
)
DAY = {"from_date": "2026-11-23T00:00:00.000Z", "to_date": "2026-11-23T23:59:59.000Z"}
SHARE = {"stock_code": "RELIND", "exchange_code": "NSE", "product": "cash"}
OPTION = {
    "stock_code": "NIFTY",
    "exchange_code": "NFO",
    "product": "options",
    "expiry_date": "2026-11-24T06:00:00.000Z",
    "right": "call",
    "strike_price": "24500",
}
FUTURE = OPTION | {"stock_code": "CNXBAN", "product": "futures", "right": "others", "strike_price": "0"}
MARGIN_POSITION = {
    "strike_price": "0",
    "quantity": "30",
    "right": "others",
    "product": "futures",
    "action": "sell",
    "price": "58200.2",
    "expiry_date": "2026-11-24T06:00:00.000Z",
    "stock_code": "CNXBAN",
}


def _request(**fields: Any) -> OrderRequest:
    usual = {
        "account": "main",
        "instrument": "NSE:RELIANCE",
        "side": "BUY",
        "quantity": 10,
        "order_type": "LIMIT",
        "limit_price": "1512.5",
        "product": "CNC",
    }
    return parse_request(usual | fields)


def _placed(**terms: str) -> dict[str, str]:
    usual = {
        "action": "buy",
        "order_type": "limit",
        "quantity": "10",
        "price": "1512.5",
        "validity": "day",
        "stoploss": "0",
        "disclosed_quantity": "0",
        "user_remark": TAG,
    }
    return usual | terms


FUTURE_REQUEST = _request(
    instrument="NFO:BANKNIFTY26NOVFUT", side="SELL", quantity=30, limit_price="58200.2", product="NRML"
)
OPTION_REQUEST = _request(
    instrument="NFO:NIFTY26NOV24500CE", quantity=75, limit_price="112.35", product="NRML"
)


def _place(request: OrderRequest) -> Callable[[Send, BrokerSession], object]:
    intent = PlaceIntent(client_order_id=TAG, client_tag=TAG, request=request)
    return lambda send, session: icici_breeze.place_order(send, session, intent)


def _modify(before: OrderRequest, request: OrderRequest) -> Callable[[Send, BrokerSession], object]:
    intent = ModifyIntent(broker_order_id=ORDER_ID, before=before, request=request)
    return lambda send, session: icici_breeze.modify_order(send, session, intent)


TARGET = OrderTarget(broker_order_id=ORDER_ID, request=_request())
CHAIN = ChainQuery(underlying=parse_instrument("NSE:NIFTY 50"), expiry=date(2026, 11, 24))
STOP = _request(order_type="SL", side="SELL", limit_price="1499.5", trigger_price="1500")


def _list_of(call: str) -> list[tuple[str, dict[str, Any]]]:
    return [(call, {"exchange_code": exchange, **DAY}) for exchange in ("BFO", "BSE", "NFO", "NSE")]


@dataclass(frozen=True)
class Intent:
    """One thing wanted, as we are asked for it and as the vendor's client is."""

    ours: Callable[[Send, BrokerSession], object]
    theirs: list[tuple[str, dict[str, Any]]]


INTENTS: dict[str, Intent] = {
    "buy shares": Intent(_place(_request()), [("place_order", SHARE | _placed())]),
    "buy shares on margin": Intent(
        _place(_request(product="MTF")), [("place_order", SHARE | {"product": "mtf"} | _placed())]
    ),
    "buy at once or not, a part of it shown": Intent(
        _place(_request(validity="IOC", disclosed_quantity=5)),
        [("place_order", SHARE | _placed(validity="ioc", disclosed_quantity="5"))],
    ),
    "sell at a stop": Intent(
        _place(STOP),
        [
            (
                "place_order",
                SHARE | _placed(action="sell", order_type="stoploss", price="1499.5", stoploss="1500"),
            )
        ],
    ),
    "buy an option": Intent(
        _place(OPTION_REQUEST), [("place_order", OPTION | _placed(quantity="75", price="112.35"))]
    ),
    "sell a future": Intent(
        _place(FUTURE_REQUEST),
        [("place_order", FUTURE | _placed(action="sell", quantity="30", price="58200.2"))],
    ),
    "cancel": Intent(
        lambda send, session: icici_breeze.cancel_order(send, session, TARGET),
        [("cancel_order", {"exchange_code": "NSE", "order_id": ORDER_ID})],
    ),
    "one order": Intent(
        lambda send, session: icici_breeze.read_order(send, session, TARGET),
        [("get_order_detail", {"exchange_code": "NSE", "order_id": ORDER_ID})],
    ),
    "the order book": Intent(icici_breeze.read_orders, _list_of("get_order_list")),
    "the trades": Intent(icici_breeze.read_trades, _list_of("get_trade_list")),
    "the positions": Intent(icici_breeze.read_positions, [("get_portfolio_positions", {})]),
    "the holdings": Intent(
        icici_breeze.read_holdings,
        [("get_demat_holdings", {}), ("get_portfolio_holdings", {"exchange_code": "NSE"})],
    ),
    "the funds": Intent(icici_breeze.read_funds, [("get_funds", {})]),
    "a share's quote": Intent(
        lambda send, session: icici_breeze.read_quotes(send, session, [parse_instrument("NSE:RELIANCE")]),
        [("get_quotes", {"stock_code": "RELIND", "exchange_code": "NSE", "product_type": "cash"})],
    ),
    "a future's quote": Intent(
        lambda send, session: icici_breeze.read_quotes(
            send, session, [parse_instrument("NFO:BANKNIFTY26NOVFUT")]
        ),
        [("get_quotes", {"product_type": "futures", **{k: v for k, v in FUTURE.items() if k != "product"}})],
    ),
    "an option chain": Intent(
        lambda send, session: icici_breeze.read_option_chain(send, session, CHAIN),
        [
            (
                "get_option_chain_quotes",
                {
                    "stock_code": "NIFTY",
                    "exchange_code": "NFO",
                    "product_type": "options",
                    "expiry_date": "2026-11-24T06:00:00.000Z",
                    "right": right,
                },
            )
            for right in ("call", "put")
        ],
    ),
    "an order's margin": Intent(
        lambda send, session: icici_breeze.read_order_margin(send, session, FUTURE_REQUEST),
        [("margin_calculator", {"lists": [MARGIN_POSITION], "exchange_code": "NFO"})],
    ),
}
STOP_TERMS = {"order_type": "stoploss", "stoploss": "1500", "quantity": "8", "price": "1499.5"}
MODIFICATION = {"order_id": ORDER_ID, "exchange_code": "NSE", "validity": "day", "disclosed_quantity": "0"}


@dataclass(frozen=True)
class Vendor:
    """What the vendor's client sent: its login, then each call's requests, in the order asked for."""

    login: list[Recorded]
    calls: list[Recorded]


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with recording(ANSWERS) as made:
        yield made


@pytest.fixture(scope="module")
def vendor(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Vendor:
    calls = [call for intent in INTENTS.values() for call in intent.theirs]
    asked = {
        "api_key": API_KEY,
        "secret_key": SECRET_KEY,
        "api_session": API_SESSION,
        "calls": [*calls, ("modify_order", MODIFICATION | STOP_TERMS)],
    }
    told = run_client("icici_breeze", recorder.url, asked, tmp_path_factory.mktemp("client"))
    assert told["has_logs"], "the client was loaded in another way than its import demands"
    sent = [one for one in recorder.take() if one.target != "/SecurityMaster.zip"]
    return Vendor(login=sent[:1], calls=sent[1:])


class Ours:
    """Our adapter over the real transport, at the same recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        clock = FakeClock()
        self.send = HttpTransport(clock).sender(recorder.url, not_after=None)
        around = Surroundings(now=clock.now, listings=MemoryListings(LISTED))
        secrets = {"api_key": Secret(API_KEY), "secret_key": Secret(SECRET_KEY)}
        self.credentials = Credentials(account="main", endpoint=recorder.url, secrets=secrets, around=around)
        session = {**secrets, "session_token": Secret(SESSION_TOKEN)}
        self.session = BrokerSession("main", recorder.url, session, around)

    def sent(self, call: Callable[[Send, BrokerSession], object]) -> list[Recorded]:
        self.recorder.take()
        with suppress(BrokerError):
            call(self.send, self.session)
        return self.recorder.take()


@pytest.fixture
def ours(vendor: Vendor, recorder: Recorder) -> Ours:
    return Ours(recorder)


def comparable(requests: list[Recorded]) -> list[Recorded]:
    """Return the requests without who carries them and when, once each checksum is found to be right."""
    for one in requests:
        if "x-checksum" in one.headers:
            signed = one.headers["x-timestamp"].encode() + one.body + SECRET_KEY.encode()
            assert one.headers["x-checksum"] == f"token {sha256(signed).hexdigest()}"
    return [one.without(*CARRIERS, *TIMES) for one in requests]


def theirs_of(vendor: Vendor, name: str) -> list[Recorded]:
    first = 0
    for other, intent in INTENTS.items():
        if other == name:
            return vendor.calls[first : first + len(intent.theirs)]
        first += len(intent.theirs)
    raise KeyError(name)


@pytest.mark.parametrize("name", INTENTS)
def test_the_same_intent_is_the_same_on_the_wire(ours: Ours, vendor: Vendor, name: str) -> None:
    sent = ours.sent(INTENTS[name].ours)

    assert len(sent) == len(INTENTS[name].theirs)
    assert comparable(sent) == comparable(theirs_of(vendor, name))
    assert all("x-checksum" in one.headers for one in sent)


def test_a_modification_is_the_same_and_reads_nothing_before(ours: Ours, vendor: Vendor) -> None:
    """The vendor's client reads the order first, to refuse one that has ended: our service knows, and reads after."""
    request = _request(order_type="SL", quantity=8, limit_price="1499.5", trigger_price="1500")

    sent = ours.sent(_modify(_request(), request))

    read, change = comparable(vendor.calls[-2:])
    assert (read.method, change.method) == ("GET", "PUT")
    assert comparable(sent) == [change]


def test_the_session_is_asked_for_in_the_same_way(ours: Ours, vendor: Vendor) -> None:
    """Ours asks for the funds after it, with what it was given: that proves the secret key, which this does not."""
    answer = {"apisession": API_SESSION}

    exchanged, proof = ours.sent(lambda send, _: login.redeem_login(send, ours.credentials, answer))

    assert comparable([exchanged]) == comparable(vendor.login)
    assert comparable([proof]) == comparable(theirs_of(vendor, "the funds"))
