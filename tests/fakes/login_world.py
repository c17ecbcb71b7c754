"""An invented broker whose sessions die, and all that the services of sessions work with, in memory."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

from order_router.adapter.errors import SessionExpired
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.login import (
    BrowserLogin,
    CodeRefused,
    Credentials,
    CredentialsRefused,
    LoginKind,
    LoginUnclear,
    NewSession,
    UnattendedLogin,
)
from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession, Secret
from order_router.brokers import paper
from order_router.domain.account import Account
from order_router.service.session_desk import SessionDesk
from order_router.transport.local import Handler, LocalTransport
from tests.fakes.clock import FakeClock
from tests.fakes.queues import MemoryNotifier
from tests.fakes.sessions import MemorySecrets, MemorySessionRecords, MemoryTickets
from tests.fakes.settings import MemorySettings

ENDPOINT = "invented://broker"
ADDRESS = "https://api.example"
CREDENTIALS = {"user": "canary-user-7741", "code": "canary-code-7741"}
UNATTENDED = replace(
    paper.profile,
    name="invented",
    title="Invented",
    endpoint=ENDPOINT,
    session_fields=("token",),
    login=LoginKind.UNATTENDED,
    keep_alive_s=60,
)
BROWSER = replace(UNATTENDED, name="paged", title="Paged", login=LoginKind.BROWSER, keep_alive_s=None)
BY_HAND = replace(UNATTENDED, name="by-hand", login=LoginKind.NONE, keep_alive_s=None)
REFUSALS = {"user": CredentialsRefused, "code": CodeRefused, "busy": LoginUnclear}


@dataclass
class InventedServer:
    """The broker's side: one token lives, and a new login kills it. `refuses` is what the next logins meet."""

    clock: FakeClock
    lives_for: timedelta = timedelta(hours=16)
    token: str | None = None
    logins: int = 0
    pings: int = 0
    refuses: list[str] = field(default_factory=list)
    on_login: Callable[[], None] = lambda: None

    def handle(self, request: HttpRequest) -> HttpResponse:
        if request.url.endswith("/ping"):
            self.pings += 1
            return HttpResponse(status=200 if request.body.decode() == self.token else 403)
        assert request.is_write, "a login that the transport may repeat by itself"
        self.logins += 1
        self.on_login()
        if self.refuses:
            return HttpResponse(status=400, body=self.refuses.pop(0).encode())
        self.token = f"canary-token-{self.logins}"
        expires_at = (self.clock.now() + self.lives_for).isoformat()
        answer = {"token": self.token, "expires_at": expires_at}
        return HttpResponse(status=200, body=json.dumps(answer).encode())


class InventedLogin:
    """What the invented broker's `login` module offers, both ways."""

    def log_in(self, send: Send, credentials: Credentials, /) -> NewSession:
        return _exchange(send, credentials, {"code": credentials.secret("code")})

    def keep_alive(self, send: Send, session: BrokerSession, /) -> None:
        body = session.secret("token").encode()
        if send(HttpRequest(method="POST", url=f"{ENDPOINT}/ping", body=body)).status == 403:
            raise SessionExpired("the invented broker does not know this token")

    def login_page(self, credentials: Credentials, state: str, /) -> str:
        return f"https://broker.example/login?user={credentials.secret('user')}&state={state}"

    def redeem_login(self, send: Send, credentials: Credentials, answer: Mapping[str, str], /) -> NewSession:
        if "request_token" not in answer:
            raise LoginUnclear(f"the page of {credentials.secret('user')} sent no request_token")
        return _exchange(send, credentials, {"request_token": answer["request_token"]})


def _exchange(send: Send, credentials: Credentials, fields: Mapping[str, str]) -> NewSession:
    body = json.dumps(fields).encode()
    response = send(HttpRequest(method="POST", url=f"{ENDPOINT}/login", body=body))
    if response.status != 200:
        word = response.body.decode()
        # as bad adapters do: the words repeat what was sent
        raise REFUSALS[word](f"{word} refused for {credentials.secret('user')} with {body.decode()}")
    answer = json.loads(response.body)
    expires_at = datetime.fromisoformat(answer["expires_at"])
    return NewSession(secrets={"token": Secret(answer["token"])}, expires_at=expires_at)


def invented_broker(profile: Any, server: InventedServer) -> Broker:
    """The paper adapter behind a session: what has a dead token is refused before the order system."""

    def guarded(call: Callable[..., Any]) -> Callable[..., Any]:
        def checked(send: Send, session: BrokerSession, *more: Any) -> Any:
            if session.secret("token") != server.token:
                raise SessionExpired("the invented broker does not know this token")
            return call(send, BrokerSession(session.account, session.endpoint), *more)

        return checked

    calls = {
        name: guarded(getattr(paper, name))
        for name in paper.__all__
        if name != "profile" and callable(getattr(paper, name))
    }
    return cast("Broker", SimpleNamespace(profile=profile, **calls))


@dataclass
class LoginWorld:
    """Account `live` logs in by itself, `page` on its broker's page, `hand` not at all, `paper` needs no session."""

    clock: FakeClock = field(default_factory=FakeClock)
    settings: MemorySettings = field(default_factory=MemorySettings)
    notifier: MemoryNotifier = field(default_factory=MemoryNotifier)
    records: MemorySessionRecords = field(default_factory=MemorySessionRecords)
    tickets: MemoryTickets = field(default_factory=MemoryTickets)
    orders_go_to: str = ENDPOINT

    def __post_init__(self) -> None:
        self.server = InventedServer(self.clock)
        self.secrets = MemorySecrets(ENDPOINT, self.orders_go_to)
        self.handlers: dict[str, Handler] = {ENDPOINT: self.server.handle}
        self.transport = LocalTransport(self.clock, self.handlers)
        self.login: Any = InventedLogin()
        brokers = {"live": "invented", "page": "paged", "hand": "by-hand", "paper": "paper"}
        for account, broker in brokers.items():
            self.settings.put_account(Account(name=account, broker=broker))
            self.secrets.put_credentials(account, CREDENTIALS)
        self.tickets.remember_address(ADDRESS)
        self._nonces = count(1)

    def broker_of(self, name: str) -> Broker:
        profiles = {"invented": UNATTENDED, "paged": BROWSER, "by-hand": BY_HAND}
        if name not in profiles:
            return cast("Broker", paper)
        return invented_broker(profiles[name], self.server)

    def login_of(self, _: str) -> UnattendedLogin | BrowserLogin:
        return cast("UnattendedLogin", self.login)

    @property
    def desk(self) -> SessionDesk:
        return SessionDesk(
            settings=self.settings,
            sessions=self.secrets,
            credentials=self.secrets,
            vault=self.secrets,
            records=self.records,
            tickets=self.tickets,
            broker_of=self.broker_of,
            login_of=self.login_of,
            transport=self.transport,
            clock=self.clock,
            notifier=self.notifier,
            nonce=lambda: f"nonce-{next(self._nonces)}",
        )

    def account(self, name: str) -> Account:
        found = self.settings.account(name)
        assert found is not None
        return found

    def token(self, account: str) -> str:
        return self.secrets.session(self.account(account)).secret("token")

    def told(self) -> list[tuple[str, str]]:
        return [(notice.kind, notice.account) for notice in self.notifier.notices]
