"""The trader's desk of a drill: a stack of its own, Zerodha as the chaos broker plays it, a phone that is told."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import operate
from infra.cli.target import local_target
from infra.local.home import Home
from infra.local.stack import Stack
from infra.operate import Target
from order_router.aws.channel_secrets import channel_secret_name
from order_router.aws.channels_table import ChannelsTable
from order_router.aws.sessions import Addresses, SecretCredentials
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account, Strategy
from order_router.domain.channel import TelegramChannel
from order_router.domain.vocabulary import OrderType, Product
from order_router.transport.channels.speakers import TOKEN as BOT_TOKEN
from tests.fakes.listed import a_share, put_listings
from tests.simulators import channels, kite
from tests.simulators.channels import ChannelsServer
from tests.simulators.chaos_process import ChaosProcess
from tests.system.client import Client, Order
from tests.system.conftest import LocalStack
from tests.system.process_faults import end_emulator

ACCOUNT, STRATEGY, CHANNEL = "live", "drill", "phone"
INSTRUMENT = "NSE:INFY"
LOST = "NSE:RELIANCE"
"""What the orders are of whose outcome is lost: while one may still fill, nobody closes a position beside it."""


@dataclass
class Desk:
    """Everything that a scene works with. `heard` is how much of what the phone was told has been looked at."""

    target: Target
    stack: Stack
    api: Client
    broker: ChaosProcess
    phone: ChannelsServer
    webhook_url: str
    token: str
    heard: int = 0

    def order(self, **changes: Any) -> Order:
        """Return an order that rests: to buy one at 1400, a hundred below the market."""
        usual = {
            "account": ACCOUNT,
            "instrument": INSTRUMENT,
            "side": "BUY",
            "quantity": 1,
            "order_type": "LIMIT",
            "limit_price": "1400",
            "product": "MIS",
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def told(self) -> list[str]:
        """Return every text that the phone was sent."""
        with self.phone.channels.lock:
            return [str(message["text"]) for message in self.phone.channels.messages]

    def hear(self, *words: str) -> str | None:
        """Return the first text since the last look that has all the words, and look on behind it."""
        told = self.told()
        for place in range(self.heard, len(told)):
            if all(word in told[place] for word in words):
                self.heard = place + 1
                return told[place]
        return None

    def look(self) -> None:
        """Have every account looked at, as the schedule does each minute."""
        self.stack.client("lambda").invoke(
            FunctionName=self.stack.physical_ids["ReconcileFunction"],
            Payload=json.dumps({"source": "schedule"}).encode(),
        )

    def log_in(self) -> None:
        """Store a session that the broker knows."""
        operate.set_session(
            self.target, ACCOUNT, {"api_key": kite.API_KEY, "access_token": kite.ACCESS_TOKEN}
        )


@contextmanager
def open_desk() -> Iterator[Desk]:
    """Start it all, and take it away with its folder."""
    with tempfile.TemporaryDirectory(prefix="order-router-drill-") as folder, channels.running() as phone:
        home, broker = Path(folder).resolve() / "stack", ChaosProcess()
        parameters = {
            "ZerodhaEndpoint": broker.url,
            "TelegramEndpoint": phone.url,
            "LocalWebhooks": "true",
        }
        stack = LocalStack(home, parameters)
        try:
            stack.up()
            yield _furnish(stack, broker, phone)
        finally:
            end_emulator(home)
            stack.down()
            broker.stop()


def _furnish(local: LocalStack, broker: ChaosProcess, phone: ChannelsServer) -> Desk:
    target, facts = local_target(Home(local.home)), local.facts
    operate.add_account(target, Account(name=ACCOUNT, broker="zerodha"))
    put_listings(
        target.dynamodb,
        target.outputs["InstrumentsTableName"],
        "zerodha",
        [a_share(INSTRUMENT), a_share(LOST)],
    )
    broker.tell_kite(prices={LOST: "1500"})
    strategy = Strategy(
        name=STRATEGY,
        accounts=(ACCOUNT,),
        order_type=OrderType.MARKET,
        product=Product.MIS,
        max_quantity=100,
        max_age_s=30,
    )
    token = operate.add_strategy(target, strategy)
    _store_credentials(target)
    _connect_phone(target)
    url = str(facts["webhook_url"])
    desk = Desk(target, Stack(facts["endpoint_url"]), local.client("admin"), broker, phone, url, token)
    desk.log_in()
    return desk


def _store_credentials(target: Target) -> None:
    prefix = f"{target.stack_name}/accounts"
    addresses = Addresses(prefix, lambda name: load_broker(name).profile, lambda _: None)
    store = SecretCredentials(lambda: target.secretsmanager, addresses)
    store.put(
        Account(name=ACCOUNT, broker="zerodha"), {"api_key": kite.API_KEY, "api_secret": kite.API_SECRET}
    )


def _connect_phone(target: Target) -> None:
    table = ChannelsTable(target.dynamodb, target.outputs["SettingsTableName"])
    table.put(TelegramChannel(name=CHANNEL, chat_id="4711", per_minute=600))
    target.secretsmanager.create_secret(
        Name=channel_secret_name(f"{target.stack_name}/channels", CHANNEL),
        SecretString=json.dumps({BOT_TOKEN: channels.TOKEN}),
    )
