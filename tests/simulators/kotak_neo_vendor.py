"""The Kotak Neo simulator's inside: one vendor with its book, its logins and its market, asked one call at a time."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import HttpRequest, HttpResponse
from tests.exact_json import dump_json
from tests.simulators import kotak_neo_market as market
from tests.simulators import kotak_neo_pages as pages
from tests.simulators.kite_behaviours import Answer, Behaviour, Behaviours
from tests.simulators.kite_book import KiteBook, KiteRefusal
from tests.simulators.kite_vendor import MARKET
from tests.simulators.kotak_neo_behaviours import PRESETS
from tests.simulators.kotak_neo_login import UCC, KotakLogin

ROUTES = (
    ("POST", r"/login/1\.0/tradeApiLogin", "login"),
    ("POST", r"/login/1\.0/tradeApiValidate", "validate"),
    ("POST", r"/quick/order/rule/ms/place", "place"),
    ("POST", r"/quick/order/vr/modify", "modify"),
    ("POST", r"/quick/order/cancel", "cancel"),
    ("GET", r"/quick/user/orders", "orders"),
    ("GET", r"/quick/user/orders/(?P<no>\w+)", "one_order"),
    ("GET", r"/quick/user/trades", "trades"),
    ("GET", r"/portfolio/v2/positions", "positions"),
    ("GET", r"/portfolio/v1/holdings", "holdings"),
    ("POST", r"/quick/user/limits", "limits"),
    ("POST", r"/quick/user/check-margin", "margin"),
    ("GET", r"/script-details/1\.0/quotes/neosymbol/(?P<symbols>[^/]+)/all", "quotes"),
    ("GET", r"/market-data/1\.0/watchlist/option-chain", "chain"),
    ("GET", r"/script-details/1\.0/masterscrip/file-paths", "paths"),
    ("GET", r"/scripmaster/transformed/(?P<segment>\w+)\.csv", "file"),
)
WRITES = frozenset({"place", "modify", "cancel"})
WITHOUT_SESSION = frozenset({"login", "validate", "file"})
BY_ACCESS_TOKEN = frozenset({"quotes", "chain", "paths"})
AS_THEY_ARE = frozenset({"quotes", "holdings", "login", "validate", "chain", "paths"})
"""The calls whose answers have no stat and no stCode."""
# made anew each time: an error that is raised again keeps all that it has passed before
no_data = partial(KiteRefusal, 200, "5203", "No Data")
JSON, CSV = "application/json", "text/csv"
OK = {"stat": "Ok", "stCode": 200}


@dataclass(frozen=True)
class KotakReply:
    """What a request is answered with: the true answer's text, unless `answer` stands in its place."""

    answer: Answer | None
    success: str = ""
    kind: str = JSON
    location: None = None

    def rendered(self) -> tuple[int, str, str]:
        """Return status, text and content type."""
        answer = self.answer
        if answer is None or answer.slow_s:
            return 200, self.success, self.kind
        if answer.body is not None:
            return answer.status, answer.body, "text/html" if answer.body.startswith("<") else JSON
        return answer.status, error_body(str(answer.error_type), answer.message), JSON


def error_body(code: str, message: str) -> str:
    """Return an error answer in the shape that Kotak gives this code in."""
    if code in {"400", "10300"}:
        return json.dumps({"error": [{"code": code, "message": message}], "stat": "Not_Ok"})
    if message.startswith("Invalid credentials"):
        return json.dumps({"status": "error", "message": message, "errorCode": code})
    words = "please provide valid order number" if code == "1021" else "Not_Ok"
    return json.dumps({"stCode": int(code) if code.isdigit() else code, "errMsg": message, "stat": words})


class KotakNeo:
    """The simulated vendor: its book, its session, and what it has been told to do. One call at a time."""

    def __init__(self, now: Callable[[], datetime], base_url: str = "") -> None:
        self._now = now
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        # the server's pages of control show what there is of them
        self.postbacks = SimpleNamespace(sent=[])
        self.base_url = base_url
        self.reset()

    def reset(self) -> None:
        """Start the day anew."""
        self.logins = KotakLogin(self._now)
        self.logins.base_url = self.base_url
        self.book = KiteBook(self._now)
        self.book.prices = {name: Decimal(price) for name, price in market.PRICES.items()}
        self.shown_tags: dict[str, str] = {}
        self.behaviours = Behaviours(PRESETS)
        self.requests: list[dict[str, Any]] = []

    def take(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> KotakReply:
        """Take one request in, do it or not as told, and return how it is to be answered."""
        parts = urlsplit(target)
        for verb, pattern, call in ROUTES:
            found = re.fullmatch(pattern, parts.path)
            if verb == method and found:
                asked = {**dict(parse_qsl(parts.query)), **_form(body), **found.groupdict()}
                return self._reply(call, asked, headers)
        return KotakReply(Answer(status=404, error_type="404", message="no such page"))

    def _reply(self, call: str, fields: dict[str, Any], headers: Mapping[str, str]) -> KotakReply:
        with self.lock:
            self.requests.append({"call": call, **fields})
            behaviour = self.behaviours.take(call, fields)
            answer, text = behaviour.before, ""
            try:
                self._require_right(call, headers)
                if answer is None:
                    # rendered as it stands now: a later call must not change what this one says
                    text = self._done(call, fields, headers, behaviour)
                    answer = behaviour.after
            except KiteRefusal as refused:
                refusal = pages.in_kotaks_words(refused)
                answer = Answer(status=refusal.status, error_type=refusal.error_type, message=refusal.message)
            return KotakReply(answer, text, CSV if call == "file" else JSON)

    def _require_right(self, call: str, headers: Mapping[str, str]) -> None:
        if call in BY_ACCESS_TOKEN:
            self.logins.require_app(headers)
        elif call not in WITHOUT_SESSION:
            self.logins.require_session(headers, is_write=call in WRITES)

    def _done(
        self, call: str, fields: dict[str, Any], headers: Mapping[str, str], behaviour: Behaviour
    ) -> str:
        if call == "file":
            return market.master_file(fields["segment"])
        if call in WRITES:
            return dump_json({"nOrdNo": WRITERS[call](self, fields, behaviour), **OK})
        content = READERS[call](self, fields, headers)
        return dump_json(content if call in AS_THEY_ARE else {**OK, **content})

    def place(self, fields: dict[str, Any], behaviour: Behaviour) -> str:
        """Take an order in and let it meet the market; a tag serves once."""
        form = pages.placed_form(fields, self.book.prices)
        tag = form.get("tag", "")
        if tag and any(row["tag"] == tag for row in self.book.orders.values()):
            raise KiteRefusal(200, "32", "error from core")
        order_id = self.book.accept(pages.VARIETIES[fields["am"]], form)
        self.shown_tags[order_id] = tag or self._own_tag()
        self.book.settle(order_id, behaviour.effect, behaviour.quantity)
        return order_id

    def modify(self, fields: dict[str, Any], _: Behaviour) -> str:
        """Change an order; its tag is lost by this."""
        pages.require_change(fields)
        row = self.book.orders.get(fields["no"])
        if row is None:
            raise KiteRefusal(200, "1006", "order not found")
        self._require_variety(fields["no"], fields["am"])
        self.book.modify(fields["no"], pages.changed_form(fields, row, self.book.prices))
        self.shown_tags[fields["no"]] = self._own_tag()
        return str(fields["no"])

    def cancel(self, fields: dict[str, Any], behaviour: Behaviour) -> str:
        """Cancel an order; its tag gets a time behind it."""
        pages.require_cancel(fields)
        self._require_variety(fields["on"], fields["am"])
        self.book.cancel(fields["on"], behaviour.effect)
        shown = self.shown_tags[fields["on"]]
        self.shown_tags[fields["on"]] = f"{shown}-{int(self._now().timestamp())}"
        return str(fields["on"])

    def order_rows(self, order_id: str | None = None) -> dict[str, Any]:
        """Return the rows of the book, or one of them; Kotak has a refusal for none."""
        orders = [row for row in self.book.orders.values() if order_id in {None, row["order_id"]}]
        return rows_or_none([pages.order_row(row, self.shown_tags[row["order_id"]]) for row in orders])

    def limits(self) -> dict[str, Any]:
        """Return the money of the account."""
        equity = self.book.margins()["equity"]
        return {
            "Category": "CLIENT_SPECIAL",
            "CollateralValue": str(self.book.cash),
            "Collateral": "0",
            "MarginUsed": str(equity["utilised"]["debits"]),
            "Net": str(equity["net"]),
        }

    def margin(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """Return what an order would bind: all of its value."""
        listing = market.BY_KEY.get(f"{fields['exSeg']}|{fields['tok']}")
        if listing is None:
            raise KiteRefusal(200, "1009", "invalid instrument")
        price = Decimal(fields["prc"]) or self.book.prices[str(listing.instrument)]
        used = self.book.margins()["equity"]["utilised"]["debits"]
        return {
            "avlCash": str(self.book.cash),
            "mrgnUsd": str(used),
            "ordMrgn": str(price * int(fields["qty"])),
            "rmsVldtd": "OK",
        }

    def control(self, told: dict[str, Any]) -> None:
        """Do what a test asks for."""
        if told.get("reset"):
            self.reset()
        if "market" in told:
            MARKET[told["market"]](self.book)
        for instrument, price in told.get("prices", {}).items():
            self.book.set_price(instrument, Decimal(price))
        if "fill" in told:
            self.book.fill(told["fill"]["order_id"], quantity=told["fill"].get("quantity"))
        self.logins.be_told(**told.get("session", {}), **told.get("login", {}))
        if "holdings" in told:
            self.book.holdings = told["holdings"]
        if "behave" in told:
            self.behaviours.tell(told["behave"], told)

    def _require_variety(self, order_id: str, am: str) -> None:
        try:
            self.book.require_variety(order_id, pages.VARIETIES[am])
        except KiteRefusal as refusal:
            raise KiteRefusal(200, "5204", "Cancel Order Response : Bad Input") from refusal

    def _own_tag(self) -> str:
        return f"{int(self._now().timestamp())}-{len(self.requests):06d}-{UCC}-ADMINAPI"


Fields = Mapping[str, Any]
WRITERS: dict[str, Callable[[KotakNeo, dict[str, Any], Behaviour], str]] = {
    "place": KotakNeo.place,
    "modify": KotakNeo.modify,
    "cancel": KotakNeo.cancel,
}
READERS: dict[str, Callable[[KotakNeo, Fields, Mapping[str, str]], Any]] = {
    "login": lambda neo, fields, headers: {"data": neo.logins.open_view(headers, fields)},
    "validate": lambda neo, fields, headers: {"data": neo.logins.open_trade(headers, fields)},
    "orders": lambda neo, _, __: neo.order_rows(),
    "one_order": lambda neo, fields, _: neo.order_rows(fields["no"]),
    "trades": lambda neo, _, __: rows_or_none([pages.trade_row(trade) for trade in neo.book.trades]),
    "positions": lambda neo, _, __: rows_or_none(
        [pages.position_row(row) for row in neo.book.positions()["net"]]
    ),
    "holdings": lambda neo, _, __: {"data": neo.book.holdings},
    "limits": lambda neo, _, __: neo.limits(),
    "margin": lambda neo, fields, _: neo.margin(fields),
    "quotes": lambda neo, fields, _: market.quotes(
        unquote(fields["symbols"]).split(","), neo.book.prices, neo._now
    ),
    "chain": lambda neo, fields, _: {"data": market.chain(fields, neo.book.prices)},
    "paths": lambda neo, _, __: {"data": market.file_paths(neo.base_url)},
}


def rows_or_none(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return rows as Kotak does: an empty list is a refusal."""
    if not rows:
        raise no_data()
    return {"data": rows}


def answer(neo: KotakNeo, endpoint: str, request: HttpRequest) -> HttpResponse:
    """Answer one request without a socket; OutcomeUnknown where the server would hang up or answer too late."""
    reply = neo.take(request.method, request.url.removeprefix(endpoint), request.body, request.headers)
    if reply.answer is not None and (reply.answer.drop or reply.answer.slow_s):
        raise OutcomeUnknown("no answer in time")
    status, text, kind = reply.rendered()
    return HttpResponse(status=status, headers={"content-type": kind}, body=text.encode())


def _form(body: bytes) -> dict[str, Any]:
    text = dict(parse_qsl(body.decode())).get("jData", body.decode())
    fields = json.loads(text) if text else {}
    return fields if isinstance(fields, dict) else {}
