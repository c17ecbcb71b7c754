"""What an operator does to a stack: accounts, strategies, keys and sessions, over clients that are handed in."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from order_router.aws.paper_table import PaperTable
from order_router.aws.sessions import secret_name
from order_router.aws.settings_table import SettingsTable, digest_of
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account, Caller, Scope, Strategy
from order_router.domain.errors import RouterError
from order_router.paper.exchange import PaperExchange
from order_router.transport.clock import SystemClock

PAPER = "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The stack to work on: its clients and the names that CloudFormation gave."""

    dynamodb: Any
    secretsmanager: Any
    stack_name: str
    outputs: Mapping[str, str]

    @property
    def settings(self) -> SettingsTable:
        """The stack's settings."""
        return SettingsTable(self.dynamodb, self.outputs["SettingsTableName"], SystemClock())

    @property
    def paper_exchange(self) -> PaperExchange:
        """The stack's paper broker; RouterError where it was deployed without one."""
        table = self.outputs.get("PaperTableName")
        if table is None:
            raise RouterError("this stack has no paper broker: deploy it with PaperBroker=true")
        return PaperExchange(PaperTable(self.dynamodb, table), SystemClock())


def add_account(target: Target, account: Account) -> None:
    """Store an account; a paper account's book is opened with it. UnknownBroker if there is no such broker."""
    load_broker(account.broker)
    if account.broker == PAPER:
        target.paper_exchange.open_account(account.name)
    target.settings.put_account(account)


def add_strategy(target: Target, strategy: Strategy, token: str | None = None) -> str:
    """Store a strategy with a webhook token (a new one unless given) and return the token: it is kept nowhere."""
    unknown = [name for name in strategy.accounts if target.settings.account(name) is None]
    if unknown:
        raise RouterError(f"there is no account {unknown[0]!r}: add it first")
    token = secrets.token_urlsafe(32) if token is None else token
    opened = strategy.model_copy(update={"token_digests": (*strategy.token_digests, digest_of(token))})
    target.settings.put_strategy(opened)
    return token


def add_key(
    target: Target, key_id: str, scopes: frozenset[Scope], accounts: frozenset[str] = frozenset()
) -> str:
    """Store a new API key and return it: it is kept nowhere."""
    api_key = f"or_{secrets.token_urlsafe(32)}"
    target.settings.put_caller(api_key, Caller(key_id=key_id, scopes=scopes, accounts=accounts))
    return api_key


def session_fields(target: Target, account_name: str) -> tuple[str, ...]:
    """Return the names of what a session of this account's broker is made of."""
    account = target.settings.account(account_name)
    if account is None:
        raise RouterError(f"there is no account {account_name!r}: add it first")
    return load_broker(account.broker).profile.session_fields


def set_session(target: Target, account_name: str, fields: Mapping[str, str]) -> None:
    """Store an account's session in its own secret."""
    missing = [name for name in session_fields(target, account_name) if not fields.get(name)]
    if missing:
        raise RouterError(f"a session of {account_name} needs {', '.join(missing)}")
    name = secret_name(f"{target.stack_name}/accounts", account_name)
    text = json.dumps(dict(fields))
    client = target.secretsmanager
    try:
        client.put_secret_value(SecretId=name, SecretString=text)
    except client.exceptions.ResourceNotFoundException:
        client.create_secret(Name=name, SecretString=text)
