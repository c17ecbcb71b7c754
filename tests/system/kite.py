"""A trader at Zerodha, played by the Kite simulator in a process of its own: stopping it closes every connection."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from infra import operate
from infra.operate import Target
from order_router.domain.account import Account
from tests.simulators.kite import ACCESS_TOKEN, API_KEY
from tests.system.client import Client, Order
from tests.system.simulator_process import SimulatorProcess
from tests.system.trader import unique


class KiteProcess(SimulatorProcess):
    """The simulator on its port; it may be stopped and started again."""

    def __init__(self, port: int) -> None:
        super().__init__("kite", port)

    def orders(self) -> list[dict[str, Any]]:
        """Every order that it has taken in."""
        return list(json.loads(self._client.get("/_control/orders").text))

    def order_calls(self) -> list[str]:
        """When each placement, change and cancel came."""
        return list(json.loads(self._client.get("/_control/order_calls").text))

    def postbacks(self) -> list[dict[str, Any]]:
        """Every postback that it has sent: `body`, and the `status` that answered it."""
        return list(json.loads(self._client.get("/_control/postbacks").text))

    def take_order(self, tag: str) -> None:
        """Take in an order to buy 5 INFY under this tag: one that was on its way until now."""
        form = {
            "exchange": "NSE",
            "tradingsymbol": "INFY",
            "transaction_type": "BUY",
            "order_type": "MARKET",
            "market_protection": "-1",
            "quantity": "5",
            "product": "CNC",
            "tag": tag,
        }
        headers = {"Authorization": f"token {API_KEY}:{ACCESS_TOKEN}", "X-Kite-Version": "3"}
        assert self._client.send("POST", "/orders/regular", urlencode(form), headers).status == 200


@dataclass(frozen=True)
class KiteTrader:
    """An account at the simulator, with a session that it knows unless told otherwise."""

    target: Target
    api: Client
    kite: KiteProcess
    access_token: str = field(default=ACCESS_TOKEN, repr=False)
    account: str = field(default_factory=lambda: f"z-{unique()}")

    def __post_init__(self) -> None:
        operate.add_account(self.target, Account(name=self.account, broker="zerodha"))
        self.log_in(self.access_token)

    def log_in(self, access_token: str) -> None:
        session = {"api_key": API_KEY, "access_token": access_token}
        operate.set_session(self.target, self.account, session)

    def order(self, **changes: Any) -> Order:
        """An order to buy 5 INFY at the market, which stands at 1500.05."""
        usual = {
            "account": self.account,
            "instrument": "NSE:INFY",
            "side": "BUY",
            "quantity": 5,
            "order_type": "MARKET",
            "product": "CNC",
        }
        return usual | changes

    def rest(self) -> Order:
        """Place a limit order that must rest."""
        order = self.order(order_type="LIMIT", limit_price="1400")
        placed = self.api.place(order).order(201)
        assert placed["state"] == "open"
        return placed
