"""The IBKR simulator's inside: one vendor with its book, its sessions and its questions, asked one call at a time."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import HttpRequest, HttpResponse
from tests.exact_json import dump_json
from tests.simulators import ibkr_combinations as combinations
from tests.simulators import ibkr_market as market
from tests.simulators import ibkr_pages as pages
from tests.simulators.ibkr_accounts import IbkrAccounts
from tests.simulators.ibkr_behaviours import PRESETS, QUESTIONS
from tests.simulators.ibkr_login import ACCOUNT_ID, Called, IbkrLogin, refusal
from tests.simulators.kite_behaviours import Answer, Behaviour, Behaviours
from tests.simulators.kite_book import KiteBook, KiteRefusal

ROOT = "/v1/api"
ROUTES = (
    ("POST", r"/oauth/live_session_token", "live_session_token"),
    ("POST", r"/iserver/auth/ssodh/init", "init"),
    ("POST", r"/tickle", "tickle"),
    ("GET", r"/iserver/accounts", "accounts"),
    ("POST", r"/iserver/account", "switch"),
    ("GET", r"/portfolio/accounts", "portfolios"),
    ("POST", r"/iserver/questions/suppress", "suppress"),
    ("POST", r"/iserver/account/(?P<account>\w+)/orders", "place"),
    ("POST", r"/iserver/reply/(?P<reply_id>[\w-]+)", "reply"),
    ("POST", r"/iserver/account/(?P<account>\w+)/order/(?P<order_id>-?\w+)", "modify"),
    ("DELETE", r"/iserver/account/(?P<account>\w+)/order/(?P<order_id>-?\w+)", "cancel"),
    ("GET", r"/iserver/account/orders", "orders"),
    ("GET", r"/iserver/account/order/status/(?P<order_id>\w+)", "status"),
    ("GET", r"/iserver/account/trades", "trades"),
    ("POST", r"/iserver/account/(?P<account>\w+)/orders/whatif", "whatif"),
    ("GET", r"/iserver/marketdata/snapshot", "snapshot"),
    ("GET", r"/portfolio2/(?P<account>\w+)/positions", "positions"),
    ("GET", r"/portfolio/(?P<account>\w+)/summary", "summary"),
    ("GET", r"/trsrv/stocks", "stocks"),
    ("GET", r"/trsrv/futures", "futures"),
    ("GET", r"/trsrv/secdef", "secdef"),
    ("GET", r"/iserver/secdef/search", "search"),
    ("GET", r"/iserver/secdef/strikes", "strikes"),
    ("GET", r"/iserver/secdef/info", "info"),
    ("GET", r"/iserver/currency/pairs", "pairs"),
    ("GET", r"/iserver/contract/(?P<conid>\w+)/info-and-rules", "rules"),
)
WITHOUT_BRIDGE = frozenset(
    {"init", "tickle", "portfolios", "positions", "summary", "stocks", "futures", "secdef"}
)
JSON = "application/json"
SELDOM = frozenset({"orders", "trades"})
"""What a user may ask for once in `BETWEEN`; whoever is faster is kept out for `KEPT_OUT`."""

BETWEEN = timedelta(seconds=5)
KEPT_OUT = timedelta(minutes=15)
Fields = dict[str, Any]


@dataclass(frozen=True)
class IbkrReply:
    """What a request is answered with: the true answer's text, unless `answer` stands in its place."""

    answer: Answer | None
    success: str = ""
    location: None = None

    def rendered(self) -> tuple[int, str, str]:
        """Return status, text and content type."""
        answer = self.answer
        if answer is None or answer.slow_s:
            return 200, self.success, JSON
        if answer.body is not None:
            return answer.status, answer.body, "text/html" if answer.body.startswith("<") else JSON
        return answer.status, error_body(str(answer.error_type), answer.message), JSON


def error_body(code: str, message: str) -> str:
    """Return an error answer; those that come with HTTP 200 have no statusCode."""
    status = {"statusCode": int(code)} if code.isdigit() and code != "200" else {}
    return json.dumps({"error": message} | status)


@dataclass
class Asking:
    """A ticket that waits for answers: `ids` are the questions to come, `order_id` the order that it changes."""

    account: str
    form: dict[str, str]
    ids: list[str]
    order_id: str | None


class Ibkr:
    """The simulated vendor. `base_url` is what its clients call it where their Host header does not say."""

    def __init__(
        self, now: Callable[[], datetime], base_url: str | None = None, *, skew_s: float | None = 60
    ) -> None:
        self._now, self._skew_s = now, skew_s
        self.base_url = base_url
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        # the server's pages of control show what there is of them
        self.postbacks = SimpleNamespace(sent=[])
        self.reset()

    def reset(self) -> None:
        """Start the day anew."""
        self.logins = IbkrLogin(self._now, self._skew_s)
        self.accounts = IbkrAccounts()
        self.book = KiteBook(self._now)
        self.book.prices = {name: Decimal(price) for name, price in market.PRICES.items()}
        self.behaviours = Behaviours(PRESETS)
        self.requests: list[Fields] = []
        self.subscribed: set[str] = set()
        self.searched: set[str] = set()
        self._asking: dict[str, Asking] = {}
        self._asked = 0
        self._warm_session = 0
        self._forgotten: set[str] = set()
        self._keeps_out = False
        self._kept_out_until: datetime | None = None
        self._asked_at: dict[str, datetime] = {}

    def take(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> IbkrReply:
        """Take one request in, do it or not as told, and return how it is to be answered."""
        parts = urlsplit(target)
        lowered = {name.lower(): text for name, text in headers.items()}
        base = lowered.get("host", "") if self.base_url is None else self.base_url
        called = Called(method, base + parts.path, lowered)
        for verb, pattern, call in ROUTES:
            found = re.fullmatch(pattern, parts.path.removeprefix(ROOT))
            if verb == method and found:
                content = json.loads(body, parse_float=Decimal) if body else {}
                return self._reply(
                    call, {**dict(parse_qsl(parts.query)), **content, **found.groupdict()}, called
                )
        return IbkrReply(Answer(status=404, error_type="404", message="Resource not found"))

    def control(self, told: dict[str, Any]) -> None:
        """Do what a test asks for."""
        if told.get("reset"):
            self.reset()
        for instrument, price in told.get("prices", {}).items():
            self.book.set_price(instrument, Decimal(price))
        if "fill" in told:
            self.book.fill(told["fill"]["order_id"], quantity=told["fill"].get("quantity"))
        self.logins.be_told(told.get("session", {}))
        self.accounts.be_told(told.get("accounts", {}))
        self._keeps_out = told.get("keeps_out", self._keeps_out)
        if told.get("warm"):
            self._warm_session = self.logins.sessions
        if "behave" in told:
            self.behaviours.tell(told["behave"], told)

    def _reply(self, call: str, fields: Fields, called: Called) -> IbkrReply:
        with self.lock:
            self.requests.append({"call": call, **fields})
            behaviour = self.behaviours.take(call, _matched(call, fields))
            answer, text = behaviour.before, ""
            try:
                self._require_pace(call)
                self._require_right(call, called)
                if answer is None:
                    # rendered as it stands now: a later call must not change what this one says
                    text = dump_json(self._done(call, fields, called, behaviour))
                    answer = behaviour.after
            except KiteRefusal as failure:
                answer = Answer(status=failure.status, error_type=failure.error_type, message=failure.message)
            return IbkrReply(answer, text)

    def _require_pace(self, call: str) -> None:
        now = self._now()
        is_early = call in SELDOM and call in self._asked_at and now - self._asked_at[call] < BETWEEN
        self._asked_at[call] = now
        if self._keeps_out and is_early:
            self._kept_out_until = now + KEPT_OUT
        if self._kept_out_until is not None and now < self._kept_out_until:
            raise refusal(429, "Too many requests")

    def _require_right(self, call: str, called: Called) -> None:
        if "user-agent" not in called.headers and "host" in called.headers:
            raise refusal(403, "Access Denied")
        if call == "live_session_token":
            return
        self.logins.require_signature(called)
        if call not in WITHOUT_BRIDGE and call != "accounts":
            self.logins.require_bridge()
        elif call == "accounts" and not self.logins.has_bridge:
            raise refusal(400, "Bad Request: no bridge")

    def _done(self, call: str, fields: Fields, called: Called, behaviour: Behaviour) -> Any:
        if call != "reply":
            self._asking.clear()  # any other request voids a question
        if fields.get("account", ACCOUNT_ID) not in self.accounts.held:
            raise refusal(400, "accountId is not valid")
        if call in WRITES:
            return WRITES[call](self, fields, behaviour)
        if call in LOGINS:
            return LOGINS[call](self, fields, called)
        return READS[call](self, fields)

    # ------------------------------------------------------------ writes
    def place(self, fields: Fields, behaviour: Behaviour) -> Any:
        """Take a ticket in, or ask before."""
        (ticket,) = fields["orders"]
        form = pages.form_of(ticket, fields["account"])
        self._price_combination(form)
        if form["tag"] in {row["tag"] for row in self.book.orders.values()}:
            words = f"Order couldn't be submitted: Local order ID={form['tag']} is already registered."
            raise refusal(200, words)
        return self._ask_or_do(Asking(fields["account"], form, _questions(behaviour), None), behaviour)

    def modify(self, fields: Fields, behaviour: Behaviour) -> Any:
        """Change an order by its whole ticket, or ask before."""
        account, order_id = fields["account"], self._known(fields)
        form = pages.form_of(
            {name: value for name, value in fields.items() if name not in {"account", "order_id"}}, account
        )
        return self._ask_or_do(Asking(account, form, _questions(behaviour), order_id), behaviour)

    def cancel(self, fields: Fields, behaviour: Behaviour) -> Any:
        """Cancel an order, or every order."""
        if fields["order_id"] == "-1":
            for order_id, row in self.book.orders.items():
                if pages.STATUSES[row["status"]] not in pages.ENDED:
                    self.book.cancel(order_id)
            return {"msg": "Request was submitted", "order_id": -1, "conid": -1, "account": None}
        order_id = self._known(fields)
        row = self.book.orders[order_id]
        venues = combinations.venues_of(f"{row['exchange']}:{row['tradingsymbol']}")
        if pages.FUTURES & venues and fields.get("manualIndicator") != "false":
            raise refusal(200, "manualIndicator is required for this contract")
        if behaviour.effect != "nothing":
            _in_ibkrs_words(lambda: self.book.cancel(order_id, behaviour.effect))
        return {"msg": "Request was submitted", "order_id": int(order_id), "conid": -1, "account": None}

    def reply(self, fields: Fields, behaviour: Behaviour) -> Any:
        """Take the answer to a question: go on with its ticket, or drop it."""
        asking = self._asking.pop(fields["reply_id"], None)
        if asking is None:
            raise refusal(503, "Service Unavailable")
        if fields["confirmed"] is not True:
            return {"error": "Order not confirmed"}
        asking.ids.pop(0)
        return self._ask_or_do(asking, behaviour)

    def _ask_or_do(self, asking: Asking, behaviour: Behaviour) -> Any:
        asking.ids = [one for one in asking.ids if one not in self.logins.suppressed]
        if asking.ids:
            self._asked += 1
            reply_id = str(UUID(int=self._asked))
            self._asking[reply_id] = asking
            words = QUESTIONS[asking.ids[0]]
            return [
                {"id": reply_id, "message": [words], "isSuppressed": False, "messageIds": [asking.ids[0]]}
            ]
        order_id = _in_ibkrs_words(lambda: self._do(asking, behaviour))
        status = pages.STATUSES[self.book.orders[order_id]["status"]]
        return [{"order_id": order_id, "order_status": status, "encrypt_message": "1"}]

    def _do(self, asking: Asking, behaviour: Behaviour) -> str:
        effect = None if (behaviour.effect or "").startswith("ask") else behaviour.effect
        if asking.order_id is not None:
            if effect != "nothing":
                self.book.modify(asking.order_id, asking.form)
            return asking.order_id
        order_id = self.book.accept("regular", asking.form)
        self.accounts.own(order_id, asking.account)
        self.book.settle(order_id, effect, behaviour.quantity)
        return order_id

    def _known(self, fields: Fields) -> str:
        order_id: str = fields["order_id"]
        is_known = order_id in self.book.orders and order_id not in self._forgotten
        if not is_known or self.accounts.owner(order_id) != fields["account"]:
            raise refusal(200, f"OrderID {order_id} doesn't exist")
        return order_id

    # ------------------------------------------------------------ logins
    def begin(self, fields: Fields, _: Called) -> Any:
        """Begin a brokerage session, which forgets what has ended."""
        begun = self.logins.begin(fields)
        ended = (
            name for name, row in self.book.orders.items() if pages.STATUSES[row["status"]] in pages.ENDED
        )
        self._forgotten.update(ended)
        return begun

    def name_accounts(self, _: Fields, __: Called) -> Any:
        """Name the accounts, which must be asked for once a session."""
        self.logins.has_asked_accounts = True
        return self.accounts.shown()

    def suppress(self, fields: Fields, _: Called) -> Any:
        """Ask these questions no more in this session."""
        self.logins.suppressed += fields["messageIds"]
        return {"status": "submitted"}

    # ------------------------------------------------------------ reads
    def live_orders(self, fields: Fields) -> Any:
        """Show the orders of an account; the first read of a session shows none."""
        if self._warm_session != self.logins.sessions:
            self._warm_session = self.logins.sessions
            return {"orders": [], "snapshot": False}
        account = self.accounts.asked_for(fields)
        rows = [
            pages.live_row(row, account)
            for name, row in self.book.orders.items()
            if name not in self._forgotten and self.accounts.owner(name) == account
        ]
        return {"orders": rows, "snapshot": True}

    def one_order(self, fields: Fields) -> Any:
        """Show one order of this session and of the selected account."""
        row = self.book.orders.get(fields["order_id"])
        if row is None or fields["order_id"] in self._forgotten:
            raise refusal(503, "Order not found")
        if self.accounts.owner(fields["order_id"]) != self.accounts.selected:
            raise refusal(503, "Order not found")
        return pages.status_row(row, self.accounts.selected)

    def search(self, fields: Fields) -> Any:
        """Show the contracts of a symbol, and from then on their strikes."""
        self.searched.add(fields["symbol"])
        return market.search(fields["symbol"])

    def strikes(self, fields: Fields) -> Any:
        """Show the strikes of a month; none before the symbol was searched for."""
        symbol = _underlying(fields)
        return market.strikes(symbol, fields["month"] if symbol in self.searched else "")

    def trades(self, fields: Fields) -> Any:
        """Show the fills of an account, those of a combination leg by leg."""
        rows: list[Fields] = []
        account = self.accounts.asked_for(fields)
        for trade in self.book.trades:
            if self.accounts.owner(trade["order_id"]) != account:
                continue
            is_one = trade["exchange"] != "COMBO"
            parts = [trade] if is_one else combinations.leg_trades(trade, self.book.prices)
            rows += [pages.trade_row(part, self.book.orders[trade["order_id"]], account) for part in parts]
        return rows

    def positions(self, _: Fields) -> Any:
        """Show the net positions, a combination as its legs."""
        rows: list[Fields] = []
        for row in self.book.positions()["net"]:
            is_one = row["exchange"] != "COMBO"
            rows += [pages.position_row(row)] if is_one else combinations.leg_positions(row, self.book.prices)
        return rows

    def _price_combination(self, form: dict[str, str]) -> None:
        """Let the book have a combination's price as its legs make it, when an order first names it."""
        if form["exchange"] == "COMBO":
            name, price = (
                form["tradingsymbol"],
                combinations.price_of(form["tradingsymbol"], self.book.prices),
            )
            self.book.prices.setdefault(f"COMBO:{name}", price)

    def option_info(self, fields: Fields) -> Any:
        """Show the options that fit."""
        return market.options(_underlying(fields), fields)

    def definitions(self, fields: Fields) -> Any:
        """Define contracts."""
        found = (market.definition(conid) for conid in fields["conids"].split(","))
        return {"secdef": [row for row in found if row is not None]}


WRITES: dict[str, Callable[[Ibkr, Fields, Behaviour], Any]] = {
    "place": Ibkr.place,
    "modify": Ibkr.modify,
    "cancel": Ibkr.cancel,
    "reply": Ibkr.reply,
}
LOGINS: dict[str, Callable[[Ibkr, Fields, Called], Any]] = {
    "live_session_token": lambda ibkr, _, called: ibkr.logins.exchange(called),
    "init": Ibkr.begin,
    "accounts": Ibkr.name_accounts,
    "switch": lambda ibkr, fields, _: ibkr.accounts.switch(fields["acctId"]),
    "suppress": Ibkr.suppress,
    "tickle": lambda ibkr, _, __: {
        "session": "abc123def456",
        "hmds": {"error": "no bridge"},
        "iserver": {"authStatus": ibkr.logins.status()},
    },
    "portfolios": lambda ibkr, _, __: [
        {"id": name, "accountId": name, "currency": "INR"} for name in ibkr.accounts.held
    ],
}
READS: dict[str, Callable[[Ibkr, Fields], Any]] = {
    "orders": Ibkr.live_orders,
    "status": Ibkr.one_order,
    "trades": Ibkr.trades,
    "positions": Ibkr.positions,
    "summary": lambda ibkr, _: pages.summary(ibkr.book.margins()),
    "whatif": lambda ibkr, fields: pages.preview(
        fields["orders"][0], pages.price_of(fields["orders"][0], ibkr.book.prices)
    ),
    "snapshot": lambda ibkr, fields: market.snapshot(
        fields["conids"].split(","), ibkr.book.prices, ibkr.subscribed, ibkr._now()
    ),
    "stocks": lambda _, fields: market.stocks(fields["symbols"]),
    "futures": lambda _, fields: market.futures(fields["symbols"]),
    "secdef": Ibkr.definitions,
    "search": Ibkr.search,
    "strikes": Ibkr.strikes,
    "info": Ibkr.option_info,
    "pairs": lambda _, fields: market.pairs(fields["currency"]),
    "rules": lambda _, fields: market.rules(fields["conid"]),
}


def answer(ibkr: Ibkr, endpoint: str, request: HttpRequest) -> HttpResponse:
    """Answer one request without a socket; OutcomeUnknown where the server would close the connection or be late."""
    target = request.url.removeprefix(endpoint)
    reply = ibkr.take(request.method, target, request.body, request.headers)
    if reply.answer is not None and (reply.answer.drop or reply.answer.slow_s):
        raise OutcomeUnknown("no answer in time")
    status, text, kind = reply.rendered()
    return HttpResponse(status=status, headers={"content-type": kind}, body=text.encode())


def _matched(call: str, fields: Fields) -> Mapping[str, str]:
    """Return the fields by which a behaviour can be matched: a placement's are its ticket's."""
    found = fields["orders"][0] if call in {"place", "whatif"} else fields
    return {name: str(value) for name, value in found.items()}


def _questions(behaviour: Behaviour) -> list[str]:
    asked, *ids = (behaviour.effect or "none").split()
    return ids if asked == "ask" else []


def _in_ibkrs_words[T](do: Callable[[], T]) -> T:
    try:
        return do()
    except KiteRefusal as failure:
        raise refusal(200, failure.message) from failure


def _underlying(fields: Fields) -> str:
    return market.BY_CONID[fields["conid"]].instrument.tradingsymbol
