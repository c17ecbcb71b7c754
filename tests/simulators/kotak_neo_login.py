"""Who is logged in at the Kotak Neo simulator: a time-based code, then an MPIN; one session lives at a time."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pyotp

from tests.simulators.kite_book import IST, KiteRefusal

ACCESS_TOKEN = "kotak-simulator"
MOBILE_NUMBER, UCC, MPIN = "+919812345678", "AB1CD", "735914"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
TRADE_TOKEN, SID = "live-token", "live-sid"
WINDOW_S = 30
# made anew each time: an error that is raised again keeps all that it has passed before
no_room = partial(KiteRefusal, 401, "401", "Invalid credentials or TOTP.")
dead = partial(KiteRefusal, 403, "100022", "invalid session token")


class KotakLogin:
    """One user. A code is good in its half minute and the one after it; a new session ends the one before."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.clock_off_s = 0
        self.access_token, self.totp_secret, self.mpin = ACCESS_TOKEN, TOTP_SECRET, MPIN
        self.trade_token: str | None = TRADE_TOKEN
        self.sid = SID
        self.base_url = ""
        self._views: dict[str, str] = {}
        self._count = 0

    def be_told(self, **told: Any) -> None:
        """Set `clock_off_s`, `access_token`, `totp_secret`, `mpin`, `trade_token` (null: none lives) or `sid`."""
        settable = {"clock_off_s", "access_token", "totp_secret", "mpin", "trade_token", "sid"}
        if told.keys() - settable:
            raise ValueError(f"nothing is called {', '.join(sorted(told.keys() - settable))}")
        vars(self).update(told)

    def clock(self) -> datetime:
        """Return the present by Kotak's own clock."""
        return self._now() + timedelta(seconds=self.clock_off_s)

    def open_view(self, headers: Mapping[str, str], fields: Mapping[str, Any]) -> dict[str, Any]:
        """Take the first step: a view token for a code."""
        self._require_access(headers)
        for field, name in (("mobileNumber", "MobileNumber"), ("ucc", "Ucc"), ("totp", "Totp")):
            if not fields.get(field):
                raise KiteRefusal(400, "400", f"Missing required field '{name}'")
        if fields["ucc"] != UCC:
            raise KiteRefusal(200, "429", "Invalid UCC")
        if fields["mobileNumber"] != MOBILE_NUMBER or fields["totp"] not in self._codes():
            raise no_room()
        self._count += 1
        view, sid = f"view-{self._count}", f"view-sid-{self._count}"
        self._views[view] = sid
        return self._session("View", view, sid)

    def open_trade(self, headers: Mapping[str, str], fields: Mapping[str, Any]) -> dict[str, Any]:
        """Take the second step: a trade token for the MPIN."""
        self._require_access(headers)
        view = headers.get("auth", "")
        if self._views.get(view) != headers.get("sid"):
            raise dead()
        if fields.get("mpin") != self.mpin:
            raise KiteRefusal(200, "401", "Invalid MPIN")
        del self._views[view]
        self.trade_token, self.sid = self._trade_token(), f"trade-sid-{self._count}"
        return self._session("Trade", self.trade_token, self.sid) | {"baseUrl": self.base_url}

    def require_session(self, headers: Mapping[str, str], *, is_write: bool) -> None:
        """Refuse a call whose headers do not prove the session that lives; a write needs the access token too."""
        is_proven = (headers.get("auth"), headers.get("sid")) == (self.trade_token, self.sid)
        if not is_proven or (is_write and headers.get("authorization") != self.access_token):
            raise dead()

    def require_app(self, headers: Mapping[str, str]) -> None:
        """Refuse a call for market data without the access token."""
        if headers.get("authorization") != self.access_token:
            raise dead()

    def _require_access(self, headers: Mapping[str, str]) -> None:
        if headers.get("authorization") != self.access_token or headers.get("neo-fin-key") != "neotradeapi":
            raise KiteRefusal(401, "401", "Invalid credentials")

    def _codes(self) -> set[str]:
        totp, at = pyotp.TOTP(self.totp_secret), self.clock()
        return {totp.at(at), totp.at(at - timedelta(seconds=WINDOW_S))}

    def _session(self, kind: str, token: str, sid: str) -> dict[str, Any]:
        return {
            "token": token,
            "sid": sid,
            "rid": f"rid-{self._count}",
            "ucc": UCC,
            "dataCenter": "E43",
            "kType": kind,
            "status": "success",
        }

    def _trade_token(self) -> str:
        """Return a JSON Web Token that ends with the day at the exchange."""
        tomorrow = self.clock().astimezone(IST).date() + timedelta(days=1)
        ends = datetime.combine(tomorrow, datetime.min.time(), IST)
        parts = ({"alg": "RS256"}, {"exp": int(ends.timestamp()), "jti": str(self._count)})
        head, claims = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
        return f"{head}.{claims}.c2ln".replace("=", "")
