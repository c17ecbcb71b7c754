"""A socket server that plays Interactive Brokers' Web API, with the order book of the Kite simulator behind its pages.

    python -m tests.simulators.ibkr --port 0 --print-port

Its user is the one of the adapter's samples (`ibkr_login.CREDENTIALS`). Every call but the exchange of keys is refused
unless the living key signed it, its nonce is new and its time within a minute of ours. There is a session from the
start (`ibkr_login.SESSION`); a login gives a new one, and the one before is dead. A new brokerage session shows no
orders at first, forgets what has ended, and suppresses no question. Live orders and trades are of the selected account
unless their address names another, an order's status is of the selected one; positions and funds are the same whichever
account is asked for. `POST /_control` tells it what to do, as the Kite simulator's does:

    {"prices": {"NSE:INFY": "1500"}}                 names as the router has them
    {"fill": {"order_id": "...", "quantity": 2}}
    {"behave": "ask", "on": "place", "match": {"cOID": "..."}, "times": 1}
    {"session": {"has_bridge": false}}       no brokerage session: 400 until somebody logs in
    {"session": {"live_token": null}}        no key: 401 until somebody logs in
    {"session": {"is_competing": true}}      another login of the username holds the brokerage session
    {"keeps_out": true}                      live orders or trades twice in 5 s: 429 to everything for 15 minutes
    {"warm": true}                           the first read of the live orders was made
    {"accounts": {"held": ["U1234567", "U7654321"], "selected": "U7654321"}}     the username's, and the selected one
    {"accounts": {"ignores_query": true}}    live orders and trades are of the selected account whatever is asked for
    {"reset": true}

`ibkr_behaviours.PRESETS` names the behaviours, `ibkr_vendor.ROUTES` the calls that they can be `on`. `GET
/_control/orders` lists every order that was taken in (in the book's own words: `order_id`, `tag`), `GET
/_control/requests` every request that came.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from tests.simulators.ibkr_vendor import Ibkr
from tests.simulators.kite import Handler, KiteServer
from tests.simulators.serving import LocalServer, serve_until_stopped, serving


class IbkrServer(KiteServer):
    """The simulator on a port of this machine (0: any free one)."""

    def __init__(self, port: int = 0, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.ibkr = Ibkr(now)
        self.kite = self.ibkr  # type: ignore[assignment]  # what the handler asks: take, control, book, requests
        LocalServer.__init__(self, port, Handler, stopping=self.ibkr.stopping)


def running(**options: Any) -> AbstractContextManager[IbkrServer]:
    """Run a simulator in a thread for as long as the context lasts."""
    return serving(IbkrServer(**options))


if __name__ == "__main__":
    serve_until_stopped(IbkrServer, __doc__)
