"""What we send to Kotak Neo is what the vendor's own client sends, from a socket's point of view.

Left out of the comparison, one by one: `user-agent`, `host`, `connection` and `accept-encoding` say who carries the
message; `x-request-id` is a nonce of the client for its own log; `x-client-id` is the start of the access token, which
we spread no further. The field `pf` of a placement, which Kotak's older pages have, is in neither's. A change or a
cancel of an after-market order reads the book first, to know whether Kotak still keeps it: that read is ours alone, and
so is `ts` in the cancel, which Kotak's page asks for and its client leaves out.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs

import pyotp
import pytest

from order_router.adapter.errors import BrokerError
from order_router.adapter.http import HttpRequest, Send
from order_router.adapter.login import Credentials
from order_router.adapter.port import ChainQuery, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers import kotak_neo
from order_router.brokers.kotak_neo import instruments, login
from order_router.domain.instrument import parse_instrument
from order_router.domain.request import OrderRequest, parse_request
from order_router.transport.http_transport import HttpTransport
from tests.fakes.clock import FakeClock
from tests.fakes.listings import MemoryListings
from tests.oracles.client import run_client
from tests.oracles.recorder import Canned, Recorded, Recorder, recording
from tests.simulators.kotak_neo_market import LISTINGS

CARRIERS = ("user-agent", "host", "connection", "accept-encoding", "x-request-id", "x-client-id")
KEY = "consumer-key-of-the-app"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
USER = {"mobile_number": "+919812345678", "ucc": "AB1CD"}
TAG, ORDER_ID = "ORD7K2M4QX5ZB3TDLW6A", "261123000123456"
VIEW, TRADE, SID = "view-token", "trade-token", "trade-sid"
SEGMENTS = {"NSE": "nse_cm", "BSE": "bse_cm", "NFO": "nse_fo", "BFO": "bse_fo"}
SYMBOLS = {
    "NSE:INFY": "INFY-EQ",
    "BSE:SBIN": "SBIN",
    "NFO:NIFTY26NOV26500CE": "NIFTY26NOV26500CE",
    "BFO:SENSEX26NOVFUT": "SENSEX26NOVFUT",
}
TERMS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "market": ({"order_type": "MARKET"}, {"order_type": "MKT", "price": "0", "trigger_price": "0"}),
    "limit": (
        {"order_type": "LIMIT", "limit_price": "1500.05"},
        {"order_type": "L", "price": "1500.05", "trigger_price": "0"},
    ),
    "stop": (
        {"order_type": "SL", "limit_price": "1511.5", "trigger_price": "1510"},
        {"order_type": "SL", "price": "1511.5", "trigger_price": "1510"},
    ),
}


@dataclass(frozen=True)
class Case:
    """One intent: how we are asked for it, and how the vendor's client is."""

    ours: Callable[[Send, BrokerSession], object]
    call: str
    arguments: dict[str, Any]


def request(instrument: str, terms: str, **more: Any) -> OrderRequest:
    usual = {"account": "main", "instrument": instrument, "side": "BUY", "quantity": 130, "product": "MIS"}
    return parse_request(usual | TERMS[terms][0] | more)


def placed(instrument: str, terms: str, **more: Any) -> Case:
    wanted = request(instrument, terms, **more)
    intent = PlaceIntent(client_order_id=TAG, client_tag=TAG, request=wanted)
    arguments = {
        "exchange_segment": SEGMENTS[wanted.instrument.exchange],
        "product": str(wanted.product),
        "quantity": str(wanted.quantity),
        "validity": str(wanted.validity),
        "trading_symbol": SYMBOLS[instrument],
        "transaction_type": {"BUY": "B", "SELL": "S"}[wanted.side],
        "disclosed_quantity": str(wanted.disclosed_quantity or 0),
        "tag": TAG,
        **TERMS[terms][1],
    }
    return Case(lambda send, session: kotak_neo.place_order(send, session, intent), "place_order", arguments)


def modified(terms: str, **more: Any) -> Case:
    kept = {"after_market": True} if "after_market" in more else {}
    before, wanted = request("NSE:INFY", "limit", **kept), request("NSE:INFY", terms, **more)
    intent = ModifyIntent(broker_order_id=ORDER_ID, before=before, request=wanted)
    arguments = {
        "order_id": ORDER_ID,
        "quantity": str(wanted.quantity),
        "validity": str(wanted.validity),
        "disclosed_quantity": str(wanted.disclosed_quantity or 0),
        **TERMS[terms][1],
    }
    return Case(
        lambda send, session: kotak_neo.modify_order(send, session, intent), "modify_order", arguments
    )


def _told_am(case: Case) -> Case:
    return replace(case, arguments={**case.arguments, "amo": "YES"})


def margin(instrument: str, token: str, terms: str, **more: Any) -> Case:
    wanted = request(instrument, terms, **more)
    arguments = {
        "exchange_segment": SEGMENTS[wanted.instrument.exchange],
        "product": str(wanted.product),
        "quantity": str(wanted.quantity),
        "instrument_token": token,
        "transaction_type": {"BUY": "B", "SELL": "S"}[wanted.side],
        **TERMS[terms][1],
    }
    return Case(
        lambda send, session: kotak_neo.read_order_margin(send, session, wanted), "margin_required", arguments
    )


def quoted(*pairs: tuple[str, str, str]) -> Case:
    names = [parse_instrument(name) for name, _, _ in pairs]
    tokens = [{"exchange_segment": segment, "instrument_token": token} for _, segment, token in pairs]
    return Case(
        lambda send, session: kotak_neo.read_quotes(send, session, names),
        "quotes",
        {"instrument_tokens": tokens, "quote_type": "all"},
    )


def read_master(send: Send, session: BrokerSession) -> object:
    @contextmanager
    def download(asked: HttpRequest) -> Iterator[BinaryIO]:
        yield BytesIO(send(asked).body)

    return list(instruments.read_instruments(download, session))


NIFTY = parse_instrument("NSE:NIFTY 50")
TARGET = OrderTarget(broker_order_id=ORDER_ID, request=request("NSE:INFY", "limit"))
WAITING = OrderTarget(broker_order_id=ORDER_ID, request=request("NSE:INFY", "limit", after_market=True))
CHAIN = ChainQuery(underlying=NIFTY, expiry=date(2026, 11, 24))
KEPT_CANCEL = "cancel after the market"
CASES: dict[str, Case] = {
    **{f"place {terms}": placed("NSE:INFY", terms) for terms in TERMS},
    **{f"place on {name}": placed(name, "limit", side="SELL") for name in SYMBOLS},
    **{
        f"place {product}": placed("NSE:INFY", "market", product=product)
        for product in ("CNC", "NRML", "MTF")
    },
    **{
        f"place stop for {validity}": placed("NSE:INFY", "stop", validity=validity)
        for validity in ("DAY", "IOC")
    },
    "place disclosed": placed("BSE:SBIN", "limit", disclosed_quantity=13),
    **{f"modify to {terms}": modified(terms) for terms in TERMS},
    "modify validity and quantity": modified("limit", validity="IOC", quantity=65, disclosed_quantity=7),
    "cancel": Case(
        lambda send, session: kotak_neo.cancel_order(send, session, TARGET),
        "cancel_order",
        {"order_id": ORDER_ID},
    ),
    **{
        f"place after the market {terms}": _told_am(placed("NSE:INFY", terms, after_market=True))
        for terms in TERMS
    },
    **{
        f"modify after the market to {terms}": _told_am(modified(terms, after_market=True)) for terms in TERMS
    },
    KEPT_CANCEL: Case(
        lambda send, session: kotak_neo.cancel_order(send, session, WAITING),
        "cancel_order",
        {"order_id": ORDER_ID, "amo": "YES"},
    ),
    "book": Case(kotak_neo.read_orders, "order_report", {}),
    "one order": Case(
        lambda send, session: kotak_neo.read_order(send, session, TARGET),
        "order_report",
        {"order_id": ORDER_ID},
    ),
    "trades": Case(kotak_neo.read_trades, "trade_report", {}),
    "positions": Case(kotak_neo.read_positions, "positions", {}),
    "holdings": Case(kotak_neo.read_holdings, "holdings", {}),
    "funds": Case(kotak_neo.read_funds, "limits", {}),
    "margin": margin("NSE:INFY", "1594", "limit", product="CNC", quantity=1),
    "margin of a stop": margin("NFO:NIFTY26NOV26500CE", "71472", "stop", side="SELL", product="NRML"),
    "margin of a market order": margin("BSE:SBIN", "500112", "market"),
    "quotes": quoted(("NSE:INFY", "nse_cm", "1594"), ("NFO:NIFTY26NOV26500CE", "nse_fo", "71472")),
    "quote of an index": quoted(("NSE:NIFTY 50", "nse_cm", "Nifty 50")),
    "option chain": Case(
        lambda send, session: kotak_neo.read_option_chain(send, session, CHAIN),
        "option_chain",
        {"exchange": "nse_fo", "underlying": "NIFTY", "expiry": "2026-11-24", "instrument_type": "option"},
    ),
    "files of the master": Case(read_master, "scrip_master", {}),
}


class Wire:
    """Both clients at one recording server."""

    def __init__(self, recorder: Recorder, folder: Path) -> None:
        self.recorder, self.clock = recorder, FakeClock()
        self.around = Surroundings(now=self.clock.now, listings=MemoryListings(LISTINGS))
        self.send = HttpTransport(self.clock).sender(recorder.url, not_after=None)
        self.session = self._session()
        steps: list[tuple[str, dict[str, Any]]] = [
            ("totp_login", {**USER, "totp": pyotp.TOTP(SECRET).at(self.clock.now())}),
            ("totp_validate", {"mpin": "735914"}),
        ]
        calls = [(case.call, case.arguments) for case in CASES.values()]
        run_client("kotak_neo", recorder.url, [*steps, *calls], folder)
        taken = [one.without(*CARRIERS) for one in recorder.take()]
        assert len(taken) == len(steps) + len(calls), "the client sent more or less than one request a call"
        self.logins, self.theirs = taken[:2], dict(zip(CASES, taken[2:], strict=True))

    def ours(self, call: Callable[[Send, BrokerSession], object]) -> list[Recorded]:
        with suppress(BrokerError):
            call(self.send, self.session)
        return [one.without(*CARRIERS) for one in self.recorder.take()]

    def log_in(self) -> list[Recorded]:
        stored = {"access_token": KEY, **USER, "totp_secret": SECRET, "mpin": "735914"}
        secrets = {name: Secret(text) for name, text in stored.items()}
        credentials = Credentials(
            account="main", endpoint=self.recorder.url, secrets=secrets, around=self.around
        )
        new = login.log_in(self.send, credentials)
        assert (new.endpoint, new.secrets["trade_token"].reveal()) == (self.recorder.url, TRADE)
        return [one.without(*CARRIERS) for one in self.recorder.take()]

    def _session(self) -> BrokerSession:
        texts = {"access_token": KEY, "trade_token": TRADE, "sid": SID}
        secrets = {name: Secret(text) for name, text in texts.items()}
        return BrokerSession("main", self.recorder.url, secrets, self.around)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    answers = [
        Canned(
            method="POST",
            target="/login/1.0/tradeApiLogin",
            content={"data": {"token": VIEW, "sid": "view-sid"}},
        )
    ]
    with recording(answers) as recorder:
        session = {"token": TRADE, "sid": SID, "baseUrl": recorder.url}
        answers.append(Canned(method="POST", target="/login/1.0/tradeApiValidate", content={"data": session}))
        kept = {"nOrdNo": ORDER_ID, "ordSt": "after market order req received"}
        book = {"stat": "Ok", "stCode": 200, "data": [kept]}
        answers.append(Canned(method="GET", target="/quick/user/orders", content=book))
        yield Wire(recorder, tmp_path_factory.mktemp("kotak"))


def test_both_steps_of_a_login_are_what_the_vendors_client_sends(wire: Wire) -> None:
    ours = wire.log_in()

    assert ours == wire.logins
    assert [one.target for one in ours] == ["/login/1.0/tradeApiLogin", "/login/1.0/tradeApiValidate"]
    assert json.loads(ours[0].body)["totp"].isdigit()


@pytest.mark.parametrize("name", [name for name in CASES if name != KEPT_CANCEL])
def test_what_we_send_is_what_the_vendors_client_sends(wire: Wire, name: str) -> None:
    *asked, sent = wire.ours(CASES[name].ours)

    assert sent == wire.theirs[name]
    assert [one.target for one in asked] == ["/quick/user/orders"] * name.startswith("modify after")


def test_a_cancel_of_what_kotak_still_keeps_is_the_vendors_client_s_and_names_its_symbol(wire: Wire) -> None:
    _, sent = wire.ours(CASES[KEPT_CANCEL].ours)
    theirs = wire.theirs[KEPT_CANCEL]

    assert (
        _fields(sent)
        == {**_fields(theirs), "ts": "INFY-EQ"}
        == {"on": ORDER_ID, "am": "YES", "ts": "INFY-EQ"}
    )
    for one in (sent, theirs):
        assert (one.method, one.target) == ("POST", "/quick/order/cancel")
    assert sent.without("content-length").headers == theirs.without("content-length").headers


def test_a_placement_and_a_change_say_what_was_asked(wire: Wire) -> None:
    """Two clients that both sent nothing would be the same too."""
    placement, change = (_fields(wire.theirs[name]) for name in ("place stop", "modify to stop"))

    assert placement == {
        "am": "NO",
        "dq": "0",
        "es": "nse_cm",
        "mp": "0",
        "pc": "MIS",
        "pr": "1511.5",
        "pt": "SL",
        "qt": "130",
        "rt": "DAY",
        "tp": "1510",
        "ts": "INFY-EQ",
        "tt": "B",
        "ig": TAG,
        "os": "NEOTRADEAPI",
    }
    assert (change["no"], change["vd"], change["tp"]) == (ORDER_ID, "DAY", "1510")


def _fields(sent: Recorded) -> dict[str, str]:
    fields: dict[str, str] = json.loads(parse_qs(sent.body.decode())["jData"][0])
    return fields
