"""What we send to Interactive Brokers is what `ibind` sends: method, path, query, headers and what the body says.

No client of the vendor's own for the Web API is on PyPI; `ibind` is the one that most use. Left out of the comparison,
one by one: `host` (ibind names the vendor's whatever it calls), `connection`, `accept`, `accept-encoding` and
`user-agent` say who carries it; nonce, timestamp and signature differ with every request, so each signature is checked
by the simulator's verifier, on both sides. Bodies are compared as JSON: ibind spells numbers as floats, with spaces.
What we do otherwise on purpose is in the tests below.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from order_router.adapter.errors import BrokerError
from order_router.adapter.http import Send
from order_router.adapter.login import Credentials
from order_router.adapter.port import ChainQuery, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers import ibkr
from order_router.brokers.ibkr import instruments, login, selection
from order_router.brokers.ibkr.questions import ANSWERED_YES
from order_router.brokers.ibkr.quotes import FIELDS
from order_router.brokers.ibkr.session import Ask
from order_router.brokers.ibkr.session import call as session_call
from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import InstrumentType, Leg, Listing
from order_router.domain.request import OrderRequest, parse_request
from order_router.domain.vocabulary import Side
from order_router.transport.http_transport import HttpTransport
from tests.fakes.clock import FakeClock
from tests.fakes.listings import MemoryListings
from tests.oracles.client import run_client
from tests.oracles.recorder import Canned, Recorded, Recorder, recording
from tests.simulators.ibkr import running
from tests.simulators.ibkr_login import ACCOUNT_ID, CREDENTIALS, LIVE_TOKEN, SESSION, Called, IbkrLogin
from tests.simulators.ibkr_market import LISTINGS

CARRIERS = ("host", "connection", "accept", "accept-encoding", "user-agent", "content-length")
FRESH = ("oauth_nonce", "oauth_timestamp", "oauth_signature", "diffie_hellman_challenge")
TAG, ORDER_ID, ROOT = "ORD7K2M4QX5ZB3TDLW6A", "1370093239", "/v1/api"
QUESTION = {"id": "07a13a5a-4a48", "message": ["without market data"], "messageIds": ["o354"]}
ACKNOWLEDGED = [{"order_id": ORDER_ID, "order_status": "Submitted"}]


def _canned(method: str, path: str, content: Any) -> Canned:
    return Canned(method=method, target=ROOT + path, content=content)


SECTIONS = [{"secType": "OPT", "months": "NOV26;DEC26", "exchange": "SMART"}]
ANSWERS = (
    _canned("POST", f"/iserver/account/{ACCOUNT_ID}/orders/whatif", {}),
    _canned("POST", f"/iserver/account/{ACCOUNT_ID}/orders", [QUESTION]),
    _canned("POST", "/iserver/reply/", ACKNOWLEDGED),
    _canned("POST", f"/iserver/account/{ACCOUNT_ID}/order/", ACKNOWLEDGED),
    _canned("POST", "/iserver/account", {"set": True, "acctId": ACCOUNT_ID}),
    _canned(
        "GET", "/iserver/accounts", {"accounts": [ACCOUNT_ID, "U7654321"], "selectedAccount": "U7654321"}
    ),
    _canned("GET", "/iserver/account/orders", {"orders": [], "snapshot": True}),
    _canned("GET", "/iserver/account/trades", []),
    _canned("GET", "/iserver/marketdata/snapshot", [{"conid": 265598, "6509": "RpB", "31": "197.93"}]),
    _canned("GET", "/iserver/secdef/search", [{"conid": "265598", "symbol": "AAPL", "sections": SECTIONS}]),
    _canned("GET", "/iserver/secdef/strikes", {"call": [200.0], "put": []}),
    _canned("GET", "/iserver/secdef/info", []),
    _canned("GET", "/trsrv/stocks", {"AAPL": []}),
)


def _request(**fields: Any) -> OrderRequest:
    usual = {
        "account": "main",
        "instrument": "NASDAQ:AAPL",
        "side": "BUY",
        "quantity": 10,
        "order_type": "LIMIT",
        "limit_price": "197.93",
        "product": "CNC",
    }
    return parse_request(usual | fields)


def _ticket(**fields: Any) -> dict[str, Any]:
    usual = {
        "conid": 265598,
        "acct_id": ACCOUNT_ID,
        "side": "BUY",
        "quantity": 10,
        "order_type": "LMT",
        "price": 197.93,
        "tif": "DAY",
    }
    return usual | fields


def _place(**fields: Any) -> Callable[[Send, BrokerSession], object]:
    intent = PlaceIntent(client_order_id=TAG, client_tag=TAG, request=_request(**fields))
    return lambda send, session: ibkr.place_order(send, session, intent)


def _placed(**fields: Any) -> list[tuple[str, dict[str, Any]]]:
    arguments = {"order_request": _ticket(coid=TAG, **fields), "answers": {"without market data": True}}
    return [("place_order", arguments)]


def _find(name: str) -> Callable[[Send, BrokerSession], object]:
    return lambda send, session: instruments.find_listing(send, session, parse_instrument(name))


TARGET = OrderTarget(broker_order_id=ORDER_ID, request=_request())
FUTURE = {"instrument": "CME:ESZ6", "product": "NRML", "limit_price": "6640.25"}
CHANGE = ModifyIntent(broker_order_id=ORDER_ID, before=_request(), request=_request(limit_price="198.1"))
SNAPSHOT = ("live_marketdata_snapshot", {"conids": ["265598"], "fields": FIELDS.split(",")})


VERTICAL = "28812380;;;667629330/1,667629350/-1"
COMBINATION = Listing(
    instrument=parse_instrument("COMBO:AAPL-DEC"),
    instrument_type=InstrumentType.COMBO,
    broker_symbol=VERTICAL,
    broker_key="28812380;667629330/1,667629350/-1",
    tick_size=Decimal("0.01"),
    legs=(
        Leg(instrument=parse_instrument("OPRA:AAPL261218C00200000"), side=Side.BUY, ratio=1),
        Leg(instrument=parse_instrument("OPRA:AAPL261218C00205000"), side=Side.SELL, ratio=1),
    ),
)
CHAIN = ChainQuery(underlying=parse_instrument("NASDAQ:AAPL"), expiry=date(2026, 12, 18), strikes=1)
MONTH = {"conid": "265598", "sec_type": "OPT", "month": "DEC26", "exchange": "SMART"}
INFO = MONTH | {"strike": "200", "right": "C"}
OPTION_SEARCH = [
    ("search_contract_by_symbol", {"symbol": "AAPL"}),
    ("search_strikes_by_conid", MONTH),
]


@dataclass(frozen=True)
class Intent:
    """One thing wanted, as we are asked for it and as ibind is."""

    ours: Callable[[Send, BrokerSession], object]
    theirs: list[tuple[str, dict[str, Any]]]


INTENTS: dict[str, Intent] = {
    "buy shares, and answer the question": Intent(_place(), _placed()),
    "sell at the market": Intent(
        _place(side="SELL", order_type="MARKET", limit_price=None),
        _placed(side="SELL", order_type="MKT", price=None),
    ),
    "buy at once or not": Intent(_place(validity="IOC"), _placed(tif="IOC")),
    "sell at a stop, with a limit": Intent(
        _place(side="SELL", order_type="SL", limit_price="190", trigger_price="190.5"),
        _placed(side="SELL", order_type="STOP_LIMIT", price=190, aux_price=190.5),
    ),
    "sell at a stop": Intent(
        _place(side="SELL", order_type="SL_M", limit_price=None, trigger_price="190.5"),
        _placed(side="SELL", order_type="STP", price=190.5),
    ),
    "buy at an exchange": Intent(
        _place(instrument="NSE:INFY", limit_price="1512.5"),
        _placed(conid=None, conidex="12345678@NSE", price=1512.5),
    ),
    "sell a future": Intent(
        _place(**FUTURE, side="SELL", quantity=1),
        _placed(
            conid=None,
            conidex="515416632@CME",
            side="SELL",
            quantity=1,
            price=6640.25,
            manual_indicator=False,
            ext_operator=ACCOUNT_ID,
        ),
    ),
    "buy a combination": Intent(
        _place(instrument="COMBO:AAPL-DEC", product="NRML", limit_price="1.25"),
        _placed(conid=None, conidex=VERTICAL, price=1.25),
    ),
    "sell a combination": Intent(
        _place(instrument="COMBO:AAPL-DEC", product="NRML", limit_price="1.3", side="SELL"),
        _placed(conid=None, conidex=VERTICAL, price=1.3, side="SELL"),
    ),
    "change an order": Intent(
        lambda send, session: ibkr.modify_order(send, session, CHANGE),
        [("modify_order", {"order_id": ORDER_ID, "order_request": _ticket(price=198.1), "answers": {}})],
    ),
    "cancel an order": Intent(
        lambda send, session: ibkr.cancel_order(send, session, TARGET),
        [("cancel_order", {"order_id": ORDER_ID})],
    ),
    "one order": Intent(
        lambda send, session: ibkr.read_order(send, session, TARGET),
        [("order_status", {"order_id": ORDER_ID})],
    ),
    "the positions": Intent(ibkr.read_positions, [("positions2", {})]),
    "the holdings": Intent(ibkr.read_holdings, [("positions2", {})]),
    "the funds": Intent(ibkr.read_funds, [("portfolio_summary", {})]),
    "a quote": Intent(
        lambda send, session: ibkr.read_quotes(send, session, [parse_instrument("NASDAQ:AAPL")]),
        [SNAPSHOT, SNAPSHOT],
    ),
    "what an order binds": Intent(
        lambda send, session: ibkr.read_order_margin(send, session, _request()),
        [SNAPSHOT, ("whatif_order", {"order_request": _ticket()})],
    ),
    "find a share": Intent(_find("NASDAQ:AAPL"), [("security_stocks_by_symbol", {"queries": "AAPL"})]),
    "find a share of a class": Intent(
        _find("NYSE:BRK.B"), [("security_stocks_by_symbol", {"queries": "BRK B"})]
    ),
    "find a future": Intent(_find("CME:ESZ6"), [("security_future_by_symbol", {"symbols": "ES"})]),
    "find an option": Intent(
        _find("OPRA:AAPL261218C00200000"), [*OPTION_SEARCH, ("search_secdef_info_by_conid", INFO)]
    ),
    "an option chain": Intent(
        lambda send, session: ibkr.read_option_chain(send, session, CHAIN),
        [*OPTION_SEARCH, SNAPSHOT, SNAPSHOT, ("search_secdef_info_by_conid", INFO)],
    ),
    "find a currency pair": Intent(_find("IDEALPRO:EUR.USD"), [("currency_pairs", {"currency": "USD"})]),
    "keep the session alive": Intent(login.keep_alive, [("tickle", {})]),
}
DIFFERENT: list[tuple[str, dict[str, Any]]] = [
    ("switch_account", {"account_id": ACCOUNT_ID}),
    ("live_orders", {"account_id": ACCOUNT_ID}),
    ("trades", {}),
    ("info_and_rules_by_conid", {"conid": "265598", "is_buy": True}),
    ("generate_live_session_token", {}),
    ("initialize_brokerage_session", {}),
    ("receive_brokerage_accounts", {}),
    ("portfolio_accounts", {}),
    ("suppress_messages", {"message_ids": list(ANSWERED_YES)}),
]


@dataclass(frozen=True)
class Both:
    """The recorder, and what ibind sent of everything that was asked of it, in that order."""

    recorder: Recorder
    theirs: list[Recorded]
    send: Send
    around: Surroundings

    @property
    def endpoint(self) -> str:
        return self.recorder.url + ROOT

    def ours(self, call: Callable[[Send, BrokerSession], object]) -> list[Recorded]:
        """Return what we sent, whatever came of it."""
        secrets = {name: Secret(text) for name, text in SESSION.items()}
        with suppress(BrokerError):
            call(self.send, BrokerSession("main", self.endpoint, secrets, self.around))
        return self.recorder.take()

    def verify(self, sent: Recorded) -> None:
        """Let the simulator judge the signature."""
        url = self.recorder.url + urlsplit(sent.target).path
        called = Called(sent.method, url, sent.headers)
        judge = IbkrLogin(self.around.now, skew_s=None)
        judge.exchange(called) if "live_session_token" in sent.target else judge.require_signature(called)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    calls = [call for intent in INTENTS.values() for call in intent.theirs] + DIFFERENT
    with recording(ANSWERS) as recorder:
        asked = {
            "credentials": CREDENTIALS,
            "live_session_token": LIVE_TOKEN,
            "logs_in": False,
            "calls": calls,
        }
        run_client("ibkr", recorder.url + ROOT, asked, tmp_path_factory.mktemp("client"))
        clock = FakeClock()
        transport = HttpTransport(clock)
        around = Surroundings(now=clock.now, listings=MemoryListings((*LISTINGS, COMBINATION)))
        send = transport.sender(recorder.url + ROOT, not_after=None)
        yield Both(recorder, recorder.take(), send, around)
        transport.close()


def said(sent: Recorded) -> tuple[Any, ...]:
    """Return what a request says: what must be the same."""
    kept = {name: text for name, text in sent.headers.items() if name not in CARRIERS}
    names = [part.strip() for part in kept.pop("authorization").removeprefix("OAuth ").split(",")]
    fresh = [name.partition("=")[0] if name.partition("=")[0] in FRESH else name for name in names]
    body = json.loads(sent.body, parse_int=Decimal, parse_float=Decimal) if sent.body else None
    return sent.method, sent.target, kept, fresh, body


def test_ibind_was_asked_and_sent_each_call(both: Both) -> None:
    replies = sum(call == "place_order" for intent in INTENTS.values() for call, _ in intent.theirs)
    calls = sum(len(intent.theirs) for intent in INTENTS.values()) + len(DIFFERENT)

    assert len(both.theirs) == calls + replies


@pytest.mark.parametrize("name", INTENTS)
def test_we_send_what_ibind_sends(both: Both, name: str) -> None:
    ours = both.ours(INTENTS[name].ours)

    theirs = _theirs_of(both, name)
    assert [said(one) for one in ours] == [said(one) for one in theirs]
    for one in (*ours, *theirs):
        both.verify(one)


@pytest.mark.parametrize(
    ("call", "theirs"),
    [(login.BEGIN, -4), (selection.ACCOUNTS, -3), (login.PORTFOLIOS, -2), (login.SUPPRESS, -1)],
)
def test_a_login_goes_on_as_ibind_does(both: Both, call: Ask, theirs: int) -> None:
    (ours,) = both.ours(lambda send, session: session_call(send, session, call))

    assert said(ours) == said(both.theirs[theirs])


def test_the_key_of_the_day_is_asked_for_as_ibind_does(both: Both) -> None:
    secrets = {name: Secret(text) for name, text in CREDENTIALS.items()}
    stored = Credentials(account="main", endpoint=both.endpoint, secrets=secrets, around=both.around)

    (ours,) = both.ours(lambda send, _: login.log_in(send, stored))

    theirs = both.theirs[-5]
    assert said(ours) == said(theirs)
    for one in (ours, theirs):
        both.verify(one)


def test_the_book_is_the_live_orders_and_the_trades(both: Both) -> None:
    """On purpose: one book is four calls, and the reference's `trades` has no slash at its end."""
    accounts, switch, orders, trades = both.ours(ibkr.read_orders)

    assert said(accounts) == said(both.theirs[-3])
    assert said(switch) == said(both.theirs[-9])
    assert said(orders) == said(both.theirs[-8])
    assert trades.target.replace("?", "/?") == both.theirs[-7].target
    for one in (accounts, switch, orders, trades):
        both.verify(one)


def test_a_contract_s_rules_are_asked_for_in_lower_case(both: Both) -> None:
    """On purpose: ibind writes `True` as Python does, the reference `true`."""
    with running() as server:
        around = Surroundings(listings=MemoryListings(LISTINGS))
        secrets = {name: Secret(text) for name, text in SESSION.items()}
        send = HttpTransport(FakeClock()).sender(server.url, not_after=None)
        _find("NASDAQ:AAPL")(send, BrokerSession("main", server.url, secrets, around))
        asked = server.ibkr.requests[-1]

    assert (asked["call"], asked["isBuy"]) == ("rules", "true")
    assert both.theirs[-6].target.endswith("/iserver/contract/265598/info-and-rules?isBuy=True")


def test_the_cancel_of_a_future_names_its_operator(both: Both) -> None:
    """On purpose: the reference demands it (CME's rule 536-B), ibind has no argument for it."""
    target = OrderTarget(broker_order_id=ORDER_ID, request=_request(**FUTURE))

    (ours,) = both.ours(lambda send, session: ibkr.cancel_order(send, session, target))

    path, _, query = ours.target.partition("?")
    assert path == _theirs_of(both, "cancel an order")[0].target
    assert query == f"manualIndicator=false&extOperator={ACCOUNT_ID}"


def test_ibind_logs_in_and_trades_at_the_simulator(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running() as server:
        # its Host header names the vendor's, whatever it calls
        server.ibkr.base_url = server.url
        asked = {
            "credentials": CREDENTIALS,
            "logs_in": True,
            "calls": [("receive_brokerage_accounts", {}), *_placed()],
        }
        told = run_client("ibkr", server.url + ROOT, asked, tmp_path_factory.mktemp("client"))

        (row,) = server.ibkr.book.orders.values()
        assert (row["tag"], row["quantity"]) == (TAG, 10)
        assert row["order_id"] in told[-1]


def _theirs_of(both: Both, name: str) -> list[Recorded]:
    """Return what ibind sent for an intent; a placement is followed by its answer to the question."""
    at = 0
    for other, intent in INTENTS.items():
        length = sum(2 if call == "place_order" else 1 for call, _ in intent.theirs)
        if other == name:
            return both.theirs[at : at + length]
        at += length
    raise KeyError(name)
