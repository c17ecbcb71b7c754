"""Who is logged in at the Kite simulator: its login page, its request tokens, its one access token."""

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.simulators.kite_book import IST, KiteRefusal

API_KEY, API_SECRET, ACCESS_TOKEN = "kitesimulator", "kitesimulator-secret", "live-token"
REQUEST_TOKEN_LIFE = timedelta(minutes=5)
# made anew each time: an error that is raised again keeps all that it has passed before
bad_token = partial(KiteRefusal, 403, "TokenException", "Token is invalid or has expired.")


class KiteLogin:
    """One app of one user, who logs in as soon as the page is opened. A new login ends the session before it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.access_token: str | None = ACCESS_TOKEN
        self.redirect_url = "http://127.0.0.1/"
        self.page_status = "success"
        self._waiting: dict[str, datetime] = {}
        self._count = 0

    def be_told(self, **told: str | None) -> None:
        """Set `redirect_url`, `page_status` or `access_token`."""
        unknown = told.keys() - {"redirect_url", "page_status", "access_token"}
        if unknown:
            raise ValueError(f"nothing is called {', '.join(sorted(unknown))}")
        vars(self).update(told)

    def open_page(self, query: Mapping[str, str]) -> str:
        """Log the user in and return where the page sends the browser: to the app's URL, with a request token."""
        self._require_key(query)
        answer = {"action": "login", "type": "login", "status": self.page_status}
        if self.page_status == "success":
            self._count += 1
            token = answer["request_token"] = f"request{self._count:08d}"
            self._waiting[token] = self._now() + REQUEST_TOKEN_LIFE
        answer |= dict(parse_qsl(query.get("redirect_params", "")))
        return f"{self.redirect_url}{'&' if '?' in self.redirect_url else '?'}{urlencode(answer)}"

    def exchange(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Give a session for a request token: once, for minutes, and only to whom knows the secret."""
        self._require_key(form)
        token = form.get("request_token", "")
        if token not in self._waiting or self._now() > self._waiting[token]:
            raise bad_token()
        expected = sha256(f"{API_KEY}{token}{API_SECRET}".encode()).hexdigest()
        if not hmac.compare_digest(expected, form.get("checksum", "")):
            raise KiteRefusal(403, "TokenException", "Invalid `checksum`.")
        del self._waiting[token]
        self.access_token = f"access{self._count:08d}"
        return {
            "user_id": "AB1234",
            "user_name": "Kite Simulator",
            "broker": "ZERODHA",
            "api_key": API_KEY,
            "access_token": self.access_token,
            "public_token": "public",
            "refresh_token": "",
            "login_time": self._now().astimezone(IST).strftime("%Y-%m-%d %H:%M:%S"),
            "exchanges": ["NSE", "NFO", "BFO", "BSE"],
            "products": ["CNC", "NRML", "MIS"],
            "order_types": ["MARKET", "LIMIT", "SL", "SL-M"],
            "meta": {"demat_consent": "consent"},
        }

    def end(self) -> bool:
        """End the session, as the user's logout does and the morning."""
        self.access_token = None
        return True

    def require_session(self, headers: Mapping[str, str]) -> None:
        """Refuse a call that the live session did not make."""
        expected = f"token {API_KEY}:{self.access_token}"
        is_live = self.access_token is not None and headers.get("authorization") == expected
        if not is_live or headers.get("x-kite-version") != "3":
            raise KiteRefusal(403, "TokenException", "Incorrect `api_key` or `access_token`.")

    def _require_key(self, fields: Mapping[str, str]) -> None:
        if fields.get("api_key") != API_KEY:
            raise KiteRefusal(400, "InputException", "Invalid `api_key`.")
