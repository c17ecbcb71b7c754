"""The Kite simulator's inside: one vendor with its book, its session and its market, asked one call at a time."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.exact_json import dump_json
from tests.simulators.kite_behaviours import Answer, Behaviour, Behaviours
from tests.simulators.kite_book import KiteBook, KiteRefusal
from tests.simulators.kite_login import KiteLogin
from tests.simulators.kite_market import KiteMarket
from tests.simulators.kite_postbacks import KitePostbacks

PRICES = {
    "NSE:RELIANCE": "1400.5",
    "NSE:INFY": "1500.05",
    "NSE:TCS": "3100",
    "NSE:SBIN": "800.1",
    "BSE:SBIN": "800.2",
    "NFO:NIFTY26NOVFUT": "26480.6",
    "NFO:NIFTY26NOV26500CE": "102.35",
}
ROUTES = (
    ("POST", r"/orders/(?P<variety>[a-z]+)", "place"),
    ("PUT", r"/orders/(?P<variety>[a-z]+)/(?P<order_id>\w+)", "modify"),
    ("DELETE", r"/orders/(?P<variety>[a-z]+)/(?P<order_id>\w+)", "cancel"),
    ("GET", r"/orders", "orders"),
    ("GET", r"/orders/(?P<order_id>\w+)", "history"),
    ("GET", r"/orders/(?P<order_id>\w+)/trades", "order_trades"),
    ("GET", r"/trades", "trades"),
    ("GET", r"/portfolio/positions", "positions"),
    ("GET", r"/portfolio/holdings", "holdings"),
    ("GET", r"/user/margins", "margins"),
    ("GET", r"/user/profile", "profile"),
    ("GET", r"/connect/login", "login_page"),
    ("POST", r"/session/token", "token"),
    ("DELETE", r"/session/token", "logout"),
    ("GET", r"/quote", "quote"),
    ("GET", r"/quote/ltp", "ltp"),
    ("POST", r"/margins/orders", "order_margins"),
    ("GET", r"/instruments", "instruments"),
)
WITHOUT_SESSION = frozenset({"login_page", "token"})
JSON, CSV = "application/json", "text/csv"


@dataclass(frozen=True)
class Reply:
    """What a request is answered with: the true answer's text, unless `answer` stands in its place.

    `location`: where the browser is sent.
    """

    answer: Answer | None
    success: str = ""
    kind: str = JSON
    location: str | None = None

    def rendered(self) -> tuple[int, str, str]:
        """Return status, text and content type."""
        answer = self.answer
        if answer is None or answer.slow_s:
            return (200 if self.location is None else 302), self.success, self.kind
        if answer.body is not None:
            return answer.status, answer.body, "text/html" if answer.body.startswith("<") else JSON
        envelope = {
            "status": "error",
            "message": answer.message,
            "error_type": answer.error_type,
            "data": None,
        }
        return answer.status, dump_json(envelope), JSON


# the calls that are answered otherwise than with JSON
AS_TEXT: dict[str, Callable[[str], Reply]] = {
    "login_page": lambda location: Reply(None, location=location),
    "instruments": lambda dump: Reply(None, dump, CSV),
}


ORDER_CALLS = frozenset({"place", "modify", "cancel"})


class Kite:
    """The simulated vendor: its book, its session, and what it has been told to do. One call at a time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.reset()

    def reset(self) -> None:
        """Start the day anew."""
        self.logins, self.market, self.postbacks = (
            KiteLogin(self._now),
            KiteMarket(self._now),
            KitePostbacks(),
        )
        self.book = KiteBook(self._now, on_change=self.postbacks.tell)
        self.book.prices = {name: Decimal(price) for name, price in PRICES.items()}
        self.behaviours = Behaviours()
        self.requests: list[dict[str, Any]] = []
        self.order_calls: list[datetime] = []

    def take(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Take one request in, do it or not as told, and return how it is to be answered."""
        path, query = urlsplit(target).path, parse_qsl(urlsplit(target).query)
        for verb, pattern, call in ROUTES:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                form = _form(body.decode(), headers)
                names = {"i": ",".join(value for name, value in query if name == "i")} if query else {}
                return self._reply(call, {**dict(query), **names, **form, **found.groupdict()}, headers)
        return Reply(Answer(status=404, error_type="GeneralException", message="Route not found"))

    def _reply(self, call: str, fields: dict[str, str], headers: Mapping[str, str]) -> Reply:
        with self.lock:
            self.requests.append({"call": call, **fields})
            if call in ORDER_CALLS:
                self.order_calls.append(self._now())
            behaviour = self.behaviours.take(call, fields)
            answer, data = behaviour.before, None
            try:
                if call not in WITHOUT_SESSION:
                    self.logins.require_session(headers)
                if answer is None:
                    answer, data = behaviour.after, self.perform(call, fields, behaviour)
            except KiteRefusal as refusal:
                answer = Answer(status=refusal.status, error_type=refusal.error_type, message=refusal.message)
            if answer is None and call in AS_TEXT:
                return AS_TEXT[call](str(data))
            # as it stands now: a later call must not change what this one says
            return Reply(answer, dump_json({"status": "success", "data": data}))

    def perform(self, call: str, fields: Mapping[str, str], behaviour: Behaviour) -> Any:
        """Do one call and return its `data`."""
        book, order_id = self.book, fields.get("order_id", "")
        if call == "place":
            order_id = book.accept(fields["variety"], fields)
            book.settle(order_id, behaviour.effect, behaviour.quantity)
            return {"order_id": order_id}
        if call in {"modify", "cancel"}:
            book.require_variety(order_id, fields["variety"])
        if call == "modify":
            book.modify(order_id, fields)
            return {"order_id": order_id}
        if call == "cancel":
            book.cancel(order_id, behaviour.effect)
            return {"order_id": order_id}
        return READS[call](book, order_id) if call in READS else MORE[call](self, fields)

    def control(self, told: dict[str, Any]) -> None:
        """Do what a test asks for."""
        for name, do in CONTROLS.items():
            if name in told:
                do(self, told[name])
        if "behave" in told:
            self.behaviours.tell(told["behave"], told)

    @property
    def access_token(self) -> str | None:
        """The token of the session that lives; set it, and the one before is dead."""
        return self.logins.access_token

    @access_token.setter
    def access_token(self, access_token: str | None) -> None:
        self.logins.access_token = access_token

    def fill_by_hand(self, fill: Mapping[str, Any]) -> None:
        """Fill some or all of an order."""
        self.book.fill(fill["order_id"], quantity=fill.get("quantity"))

    def move(self, prices: Mapping[str, str]) -> None:
        """Move the market."""
        for instrument, price in prices.items():
            self.book.set_price(instrument, Decimal(price))


READS: dict[str, Callable[[KiteBook, str], Any]] = {
    "orders": lambda book, _: list(book.orders.values()),
    "history": lambda book, order_id: book.history(order_id),
    "order_trades": lambda book, order_id: [t for t in book.trades if t["order_id"] == order_id],
    "trades": lambda book, _: book.trades,
    "positions": lambda book, _: book.positions(),
    "holdings": lambda book, _: book.holdings,
    "margins": lambda book, _: book.margins(),
    "profile": lambda _, __: {"user_id": "AB1234", "broker": "ZERODHA"},
}
MORE: dict[str, Callable[[Kite, Mapping[str, str]], Any]] = {
    "login_page": lambda kite, fields: kite.logins.open_page(fields),
    "token": lambda kite, fields: kite.logins.exchange(fields),
    "logout": lambda kite, _: kite.logins.end(),
    "quote": lambda kite, fields: kite.market.quotes(kite.book.prices, _names(fields)),
    "ltp": lambda kite, fields: kite.market.last_prices(kite.book.prices, _names(fields)),
    "order_margins": lambda kite, fields: kite.market.margins(kite.book.prices, fields["json"]),
    "instruments": lambda kite, _: kite.market.instruments(kite.book.prices),
}
MARKET = {"open": KiteBook.open_market, "closed": KiteBook.close_market}
# in the order in which one control message is done
CONTROLS: dict[str, Callable[[Kite, Any], Any]] = {
    "reset": lambda kite, is_wanted: kite.reset() if is_wanted else None,
    "login": lambda kite, told: kite.logins.be_told(**told),
    "postbacks": lambda kite, told: kite.postbacks.be_told(**told),
    "prices": Kite.move,
    "market": lambda kite, word: MARKET[word](kite.book),
    "fill": Kite.fill_by_hand,
    "session": lambda kite, told: kite.logins.be_told(**told),
    "postbacks_again": lambda kite, is_wanted: kite.postbacks.again() if is_wanted else None,
    "instruments": lambda kite, dump: setattr(kite.market, "dump", dump),
    "carried": lambda kite, rows: kite.book.carry(rows),
    "holdings": lambda kite, rows: setattr(kite.book, "holdings", rows),
}


def _names(fields: Mapping[str, str]) -> list[str]:
    return fields["i"].split(",") if fields.get("i") else []


def _form(text: str, headers: Mapping[str, str]) -> dict[str, str]:
    if headers.get("content-type", "").startswith(JSON):
        return {"json": text}
    return dict(parse_qsl(text, keep_blank_values=True))
