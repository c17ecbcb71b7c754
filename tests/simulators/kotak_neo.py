"""A socket server that plays Kotak Neo's trade API, with the order book of the Kite simulator behind its pages.

    python -m tests.simulators.kotak_neo --port 0 --print-port

Its user is in `kotak_neo_login`: access token, mobile number, client code, MPIN, TOTP secret. There is a session from
the start (`live-token`, `live-sid`); a login gives a new one, and the one before is dead. The codes are checked by the
clock that the server was given. A market order becomes a limit with a band; a modify loses an order's tag, a cancel
appends to it; a tag that was used is refused. `POST /_control` tells it what to do, as the Kite simulator's does:

    {"prices": {"NSE:INFY": "1500"}}                 names as the router has them
    {"market": "closed"}      am YES is taken and waits until it is open again; no other is
    {"fill": {"order_id": "...", "quantity": 2}}
    {"behave": "accept_then_drop", "on": "place", "match": {"ig": "..."}, "times": 1}
    {"session": {"trade_token": "...", "sid": "..."}}     the old one is dead then; trade_token null: there is none
    {"login": {"mpin": "...", "totp_secret": "...", "access_token": "...", "clock_off_s": 90}}
    {"holdings": [...]}    {"reset": true}

`kotak_neo_behaviours.PRESETS` names the behaviours, `kotak_neo_vendor.ROUTES` the calls that they can be `on`.
`GET /_control/orders` lists every order that was taken in (in the book's own words: `order_id`, `tag`),
`GET /_control/requests` every request that came.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, cast

from tests.simulators.kite import Handler, KiteServer
from tests.simulators.kotak_neo_vendor import KotakNeo
from tests.simulators.serving import LocalServer, serve_until_stopped, serving


class KotakHandler(Handler):
    """The Kite simulator's handler, with the vendor's own clock in its answers."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the present as Kotak's clock has it."""
        return format_datetime(cast("KotakNeoServer", self.server).neo.logins.clock(), usegmt=True)


class KotakNeoServer(KiteServer):
    """The simulator on a port of this machine (0: any free one)."""

    def __init__(self, port: int = 0, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.neo = KotakNeo(now)
        self.kite = self.neo  # type: ignore[assignment]  # what the handler asks: take, control, book, requests
        LocalServer.__init__(self, port, KotakHandler, stopping=self.neo.stopping)
        self.neo.base_url = self.neo.logins.base_url = self.url


def running(**options: Any) -> AbstractContextManager[KotakNeoServer]:
    """Run a simulator in a thread for as long as the context lasts."""
    return serving(KotakNeoServer(**options))


if __name__ == "__main__":
    serve_until_stopped(KotakNeoServer, __doc__)
