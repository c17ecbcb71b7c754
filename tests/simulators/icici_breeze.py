"""A socket server that plays ICICI Breeze, with the order book of the Kite simulator behind its pages.

    python -m tests.simulators.icici_breeze --port 0 --print-port

Its app: api_key `breeze-simulator`, secret_key `breeze-secret`; its session: `U0lNMTIzOmxpdmU=`, which the API_Session
48213377 is exchanged for. Every call but that exchange is refused unless its checksum fits its bytes, its time is
within a minute of ours, and its session is alive. `POST /_control` tells it what to do, as the Kite simulator's does;
instruments go by Breeze's names (`NSE:INFTEC`, `NFO:NIFTY|24-Nov-2026|Call|24500`), and there are

    {"session": {"session_token": "..."}}   the old one is dead then
    {"per_minute": 3}                       more calls in a minute are refused, as HTTP 401
    {"shows_remark": true}                  the order list shows what user_remark was sent
    {"redirect_url": "http://..."}          where the login page sends the browser

`icici_breeze_behaviours.PRESETS` names the behaviours.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import order_router.brokers
from tests.exact_json import dump_json
from tests.simulators import icici_breeze_pages as pages
from tests.simulators.icici_breeze_behaviours import PRESETS
from tests.simulators.icici_breeze_dialect import API_KEY, SECRET_KEY, SESSION_TOKEN
from tests.simulators.kite import Handler, KiteServer
from tests.simulators.kite_behaviours import Answer, Behaviour, Behaviours
from tests.simulators.kite_book import KiteRefusal
from tests.simulators.kite_vendor import Kite, Reply
from tests.simulators.serving import LocalServer, serve_until_stopped, serving

API_SESSION = "48213377"
ROOT = "/breezeapi/api/v1/"
LOGIN_PAGE, MASTER = "/apiuser/login", "/NewSecurityMaster/SecurityMaster.zip"
MASTER_FILE = Path(order_router.brokers.__path__[0]) / "icici_breeze" / "samples" / "SecurityMaster.zip"
PRICES = {
    "NSE:RELIND": "1400.5",
    "NSE:INFTEC": "1500.05",
    "BSE:RELIND": "1400.55",
    "NSE:NIFTY": "24480.55",
    "NFO:CNXBAN|24-Nov-2026|Others|0": "58200.2",
    "NFO:NIFTY|24-Nov-2026|Call|24500": "112.35",
    "NFO:NIFTY|24-Nov-2026|Put|24500": "98.5",
    "BFO:BSESEN|26-Nov-2026|Call|85000": "410",
}
CALLS = {
    "POST order": "place",
    "PUT order": "modify",
    "DELETE order": "cancel",
    "GET order": "orders",
    "GET trades": "trades",
    "GET portfoliopositions": "positions",
    "GET portfolioholdings": "portfolio",
    "GET dematholdings": "holdings",
    "GET funds": "margins",
    "GET quotes": "quotes",
    "GET optionchain": "chain",
    "POST margincalculator": "margin",
}
# made anew each time: an error that is raised again keeps all that it has passed before
nothing_found = partial(pages.refusal, "No Data Found", 404)
no_positions = partial(pages.refusal, "No Positions available.", 200)


class BreezeReply(Reply):
    """What a request is answered with, in Breeze's envelope."""

    def rendered(self) -> tuple[int, str, str]:
        """Return status, text and content type."""
        if self.answer is None or self.answer.error_type is None:
            return super().rendered()
        answer = self.answer
        envelope = {"Success": None, "Status": int(answer.error_type or 0), "Error": answer.message}
        return answer.status, dump_json(envelope), "application/json"


@dataclass(frozen=True)
class _Asked:
    """One call as it came: its bytes are what was signed."""

    call: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def form(self) -> dict[str, Any]:
        """Return the fields of the body."""
        form: dict[str, Any] = json.loads(self.body)
        return form


class Breeze(Kite):
    """The simulated vendor. `skew_s` is how far a call's time may be from ours, None: as far as it likes."""

    def __init__(self, now: Callable[[], datetime], *, skew_s: float | None = 60) -> None:
        self._skew_s = skew_s
        super().__init__(now)

    def reset(self) -> None:
        """Start the day anew."""
        super().reset()
        self.book.prices = {name: Decimal(price) for name, price in PRICES.items()}
        self.behaviours = Behaviours(PRESETS)
        self.session_token = SESSION_TOKEN
        self.redirect_url: str | None = None
        self.shows_remark = False
        self.per_minute: int | None = None
        self._calls: list[datetime] = []

    def take(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Take one request in, do it or not as told, and return how it is to be answered."""
        page = f"{method} {urlsplit(target).path.removeprefix(ROOT)}"
        lowered = {name.lower(): text for name, text in headers.items()}
        with self.lock:
            if page == f"GET {LOGIN_PAGE}":
                return self._logged_in(target)
            if page == "GET customerdetails":
                return self._exchanged(body)
            if page not in CALLS:
                return BreezeReply(Answer(status=404, error_type="404", message="Resource not found"))
            return self._taken(_Asked(CALLS[page], body, lowered))

    def control(self, told: dict[str, Any]) -> None:
        """Do what a test asks for."""
        own = {name: told.pop(name) for name in OWN_CONTROLS if name in told}
        if "session" in told:
            self.session_token = told.pop("session")["session_token"]
        super().control(told)
        for name, value in own.items():
            setattr(self, name, value)

    def _logged_in(self, target: str) -> Reply:
        """Let a person log in: send the browser on with an API_Session and nothing else."""
        if parse_qs(urlsplit(target).query).get("api_key") != [API_KEY]:
            return _refused(pages.refusal("Public Key does not exist."))
        return BreezeReply(None, location=f"{self.redirect_url or '/logged-in'}?apisession={API_SESSION}")

    def _exchanged(self, body: bytes) -> Reply:
        form = json.loads(body)
        if form.get("AppKey") != API_KEY:
            return _refused(pages.refusal("Public Key does not exist."))
        if form.get("SessionToken") != API_SESSION:
            return _refused(pages.refusal("Resource not available."))
        return _success({"idirect_userid": "SIM123", "session_token": self.session_token})

    def _taken(self, asked: _Asked) -> Reply:
        try:
            self._check_rate()
            self._check_signature(asked)
            form = asked.form
            self.requests.append({"call": asked.call, **form})
            behaviour = self.behaviours.take(asked.call, form)
            if behaviour.before is not None:
                return BreezeReply(behaviour.before)
            done = _success(self.do(asked.call, form, behaviour))
        except KiteRefusal as refusal:
            return _refused(refusal)
        return done if behaviour.after is None else BreezeReply(behaviour.after, done.success)

    def do(self, call: str, form: dict[str, Any], behaviour: Behaviour) -> Any:
        """Do one call and return its `Success`."""
        if call in {"place", "modify", "cancel"}:
            return self._write(call, form, behaviour)
        found = self._rows(call, form)
        if isinstance(found, list) and not found:
            raise no_positions() if call == "positions" else nothing_found()
        return found

    def _write(self, call: str, form: dict[str, Any], behaviour: Behaviour) -> Any:
        order_id = form.get("order_id", "")
        try:
            if call == "place":
                order_id = self.book.accept("regular", pages.order_form(form))
                self.book.settle(order_id, behaviour.effect, behaviour.quantity)
            elif behaviour.effect == "nothing":
                self.book.history(order_id)
            elif call == "modify":
                self.book.modify(order_id, pages.terms(form))
            else:
                self.book.cancel(order_id, behaviour.effect)
        except KiteRefusal as refusal:
            raise _in_breezes_words(refusal) from refusal
        return {
            "order_id": order_id,
            "message": MESSAGES[call],
            **({"user_remark": ""} if call == "place" else {}),
        }

    def _rows(self, call: str, form: dict[str, Any]) -> Any:
        book, exchange = self.book, form.get("exchange_code")
        if call == "orders":
            named = form.get("order_id")
            rows = [row for row in book.orders.values() if row["exchange"] == exchange]
            rows = rows if named is None else [row for row in rows if row["order_id"] == named]
            return [pages.order_row(row, shows_remark=self.shows_remark) for row in rows]
        if call == "trades":
            return [pages.trade_row(trade) for trade in book.trades if trade["exchange"] == exchange]
        if call == "positions":
            return [pages.position_row(row) for row in book.positions()["net"]]
        if call == "margins":
            return pages.funds_row(book.margins())
        return self._market(call, form)

    def _market(self, call: str, form: dict[str, Any]) -> Any:
        if call == "holdings":
            return self.book.holdings
        if call == "quotes":
            names = [f"{form['exchange_code']}:{pages.name_of(form)}"]
        elif call == "chain":
            names = [name for name in self.book.prices if _is_of_chain(name, form)]
        elif call == "margin":
            return {"span_margin_required": "100000", "non_span_margin_required": "0"}
        else:
            names = []
        split = [(name.partition(":"), self.book.prices.get(name)) for name in names]
        return [pages.quote_row(at, name, price) for (at, _, name), price in split if price is not None]

    def _check_rate(self) -> None:
        now = self._now()
        self._calls = [at for at in self._calls if now - at < timedelta(minutes=1)]
        if self.per_minute is not None and len(self._calls) >= self.per_minute:
            words = "Limit exceed: API call per minute:Try after some time"
            raise KiteRefusal(401, "5", words)
        self._calls.append(now)

    def _check_signature(self, asked: _Asked) -> None:
        headers = asked.headers
        if headers.get("x-appkey") != API_KEY or headers.get("x-sessiontoken") != self.session_token:
            raise KiteRefusal(401, "401", "Unauthorized")
        timestamp = headers.get("x-timestamp", "")
        signed = sha256(timestamp.encode() + asked.body + SECRET_KEY.encode()).hexdigest()
        if headers.get("x-checksum") != f"token {signed}" or not self._is_timely(timestamp):
            raise KiteRefusal(401, "5", "Authentication Fail :: Invalid Checksum.")

    def _is_timely(self, timestamp: str) -> bool:
        at = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.000Z").replace(tzinfo=UTC)
        return self._skew_s is None or abs((self._now() - at).total_seconds()) <= self._skew_s


OWN_CONTROLS = ("per_minute", "shows_remark", "redirect_url")
MESSAGES = {
    "place": "Successfully Placed the order",
    "modify": "Successfully Modified the order",
    "cancel": "Your Order Canceled successfully.",
}


def _success(value: Any) -> Reply:
    return BreezeReply(None, dump_json({"Success": value, "Status": 200, "Error": None}))


def _refused(refusal: KiteRefusal) -> Reply:
    answer = Answer(status=refusal.status, error_type=refusal.error_type, message=refusal.message)
    return BreezeReply(answer)


def _in_breezes_words(refusal: KiteRefusal) -> KiteRefusal:
    """Return the book's refusal as Breeze says it."""
    if refusal.status == 200:
        return refusal
    if "Couldn't find" in refusal.message:
        return pages.refusal("No Data Found")
    if "does not exist" in refusal.message:
        return pages.refusal("Invalid stock code")
    return pages.refusal(refusal.message)


def _is_of_chain(name: str, form: Mapping[str, str]) -> bool:
    wanted = pages.name_of({**form, "strike_price": ""})
    return name.startswith(f"{form['exchange_code']}:{wanted}")


class BreezeHandler(Handler):
    """The Kite simulator's handler, and the list of instruments, which is an archive."""

    def handle_request(self) -> None:
        """Answer one request."""
        if urlsplit(self.path).path != MASTER:
            super().handle_request()
            return
        body = MASTER_FILE.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "application/zip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = handle_request  # noqa: N815 - the names of http.server


class BreezeServer(KiteServer):
    """The simulator on a port of this machine (0: any free one)."""

    def __init__(self, port: int = 0, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.kite = Breeze(now)
        LocalServer.__init__(self, port, BreezeHandler, stopping=self.kite.stopping)


def running(**options: Any) -> AbstractContextManager[BreezeServer]:
    """Run a simulator in a thread for as long as the context lasts."""
    return serving(BreezeServer(**options))


if __name__ == "__main__":
    serve_until_stopped(BreezeServer, __doc__)
