"""The whole router in memory over brokers whose sessions die: orders, and the logins that they ask for."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from order_router.adapter.session import BrokerSession
from order_router.aws.renewer import LambdaSessionRenewer
from order_router.domain.account import Account
from order_router.domain.vocabulary import Source
from order_router.ports import PlaceOrder, Sessions
from order_router.service.desk import Desk
from order_router.service.place import Placement, place_order
from tests.fakes.login_world import LoginWorld
from tests.fakes.orders import a_request
from tests.fakes.renewer import FakeLambda
from tests.fakes.world import ENDPOINT, World


class Remembering:
    """The sessions of one worker, which remembers each until it is told to forget it."""

    def __init__(self, inner: Sessions) -> None:
        self._inner = inner
        self._remembered: dict[str, BrokerSession] = {}

    def session(self, account: Account) -> BrokerSession:
        if account.name not in self._remembered:
            self._remembered[account.name] = self._inner.session(account)
        return self._remembered[account.name]

    def forget(self, account: Account) -> None:
        self._remembered.pop(account.name, None)


class TradingLogins:
    """Accounts `live` (logs in by itself) and `page` (on its broker's page) with money and shares to trade."""

    def __init__(self) -> None:
        self.world = World()
        self.clock = self.world.clock
        self.logins = LoginWorld(
            clock=self.clock,
            settings=self.world.settings,
            notifier=self.world.notifier,
            orders_go_to=ENDPOINT,
        )
        self.server = self.logins.server
        for account in ("live", "page"):
            self.world.exchange.open_account(account)
        self.session_function = FakeLambda(lambda: self.logins.desk)
        self.waits: list[float] = []
        self.sessions = Remembering(self.logins.secrets)

    def make_client(self, wait_s: float) -> FakeLambda:
        self.waits.append(wait_s)
        return self.session_function

    @property
    def desk(self) -> Desk:
        renewer = LambdaSessionRenewer(self.make_client, lambda: "session", self.clock)
        return replace(
            self.world.desk,
            sessions=self.sessions,
            renewer=renewer,
            broker_of=self.logins.broker_of,
        )

    def command(
        self, account: str, key: str = "k-1", *, source: Source = Source.API, **changes: Any
    ) -> PlaceOrder:
        now = self.clock.now()
        return PlaceOrder(
            request=a_request(account=account, **changes),
            idempotency_key=key,
            source=source,
            received_at=now,
            deadline=now + timedelta(seconds=10 if source is Source.API else 30),
        )

    def place(self, account: str, key: str = "k-1", *, source: Source = Source.API) -> Placement:
        return place_order(self.desk, self.command(account, key, source=source))

    def at_broker(self, account: str) -> int:
        return len(self.world.paper_store.all_orders(account))

    def log_in(self, account: str = "live") -> None:
        """Begin a session that the broker takes, a while ago."""
        self.server.token = "canary-first"
        self.logins.secrets.put_session(account, "canary-first", self.clock.now() + timedelta(hours=9))

    def kill_session(self) -> None:
        """Let the broker forget its session, as another login elsewhere does."""
        self.server.token = None
