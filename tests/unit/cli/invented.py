"""Brokers that no registry has: one logs in by itself, one on a page; both are InventedServer."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from types import ModuleType
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request

from infra.cli.api import Reply
from infra.cli.desk import session_desk
from infra.cli.work import Work
from order_router.adapter.login import CredentialField
from order_router.adapter.profile import Profile
from order_router.api.endpoint import answer_event
from order_router.api.sessions import begin_session, list_sessions
from order_router.brokers.registry import BROKERS
from order_router.service.session_desk import SessionDesk
from order_router.transport.local import LocalTransport
from tests.fakes.login_world import BROWSER, ENDPOINT, UNATTENDED, InventedLogin, InventedServer
from tests.unit.api.events import event
from tests.unit.cli.trying import Answers, Stack

USER, CODE, KEY = (
    "canary-user-7741",
    "canary-code-7741",
    "-----BEGIN KEY-----\ncanary+key/7741\n-----END KEY-----",
)
CANARIES = (USER, CODE, "canary+key/7741", "canary-token")
NUMBERS = count(1)
FIELDS = (
    CredentialField(
        name="user", title="User id", pattern=r"[a-z0-9-]{4,40}", expected="4 to 40 letters", is_secret=False
    ),
    CredentialField(name="code", title="TOTP secret", pattern=r"[a-z0-9-]{4,40}", expected="4 to 40 of a-z"),
)
KEY_FIELD = CredentialField(
    name="key", title="Private key", pattern=r"-----BEGIN .*-----", expected="a PEM key", is_multiline=True
)


def _register(profile: Profile) -> dict[str, Any]:
    name = f"invented_brokers_{profile.name}"
    module, login = ModuleType(name), ModuleType(f"{name}.login")
    vars(module).update(profile=profile)
    offered = InventedLogin()
    for function in ("log_in", "keep_alive", "login_page", "redeem_login"):
        setattr(login, function, getattr(offered, function))
    return {name: module, f"{name}.login": login}


class SessionsApi(Answers):
    """An API whose routes of sessions are the real ones; what else is asked it answers as told."""

    def __init__(self, stack: "InventedStack") -> None:
        super().__init__()
        self._stack = stack

    def __call__(self, request: Request) -> Reply:
        parts = urlsplit(request.full_url)
        _, _, account = parts.path.partition("/v1/sessions")
        if "/v1/sessions" not in parts.path:
            return super().__call__(request)
        handle = begin_session if account else list_sessions
        asked = event(
            f"{request.get_method()} /v1/sessions{'/{account}' if account else ''}",
            path={"account": account.removeprefix("/")},
            query={name: one for name, (one,) in parse_qs(parts.query).items()},
        )
        answer = answer_event(asked, partial(handle, self._stack.desk))
        return Reply(answer.status, json.dumps(answer.content))


@dataclass
class InventedStack(Stack):
    """A stack with both brokers; its secrets stand in the Secrets Manager that all tests of a run share."""

    def __post_init__(self) -> None:
        self.answers = SessionsApi(self)
        self.server = InventedServer(self.clock)
        self.name = f"stack-{next(NUMBERS)}"

    @property
    def prefix(self) -> str:
        """How the names of its secrets begin."""
        return f"{self.name}/accounts"

    def work(self, **made: object) -> Work:
        work = super().work(**made)
        desk = session_desk(work.target, self.clock)
        local = LocalTransport(self.clock, {ENDPOINT: self.server.handle})
        vars(work)["desk"] = replace(desk, transport=local)
        return work

    @property
    def desk(self) -> SessionDesk:
        return self.work().desk

    def stored(self, account: str, kind: str = "credentials") -> str:
        """A secret's whole text."""
        client: Any = self.secrets
        return str(client.get_secret_value(SecretId=f"{self.prefix}/{account}/{kind}")["SecretString"])


@contextmanager
def invented_brokers() -> Iterator[None]:
    """Run the block with the brokers `invented` and `paged` in the registry."""
    profiles = [replace(UNATTENDED, credentials=FIELDS), replace(BROWSER, credentials=(*FIELDS, KEY_FIELD))]
    modules: dict[str, Any] = {}
    for profile in profiles:
        modules |= _register(profile)
    names = {profile.name: f"invented_brokers_{profile.name}" for profile in profiles}
    with patch.dict(BROKERS, names), patch.dict(sys.modules, modules):
        yield
