"""Accounts, strategies, keys and sessions in memory."""

import hashlib
from collections.abc import Mapping

from order_router.adapter.errors import SessionExpired
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.domain.account import Account, Caller, Strategy
from order_router.domain.change_log import Change, limits_change
from order_router.domain.meter import Counted
from order_router.ports import StoredSetting
from tests.fakes.clock import MONDAY_MORNING


class MemorySettings:
    """Implements `ports.Settings`; `changes` is what was kept of changes of limits."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._strategies: dict[str, Strategy] = {}
        self._callers: dict[str, Caller] = {}
        self.changes: tuple[Change, ...] = ()

    def put_account(self, account: Account) -> None:
        """Store or replace an account."""
        self._accounts[account.name] = account

    def put_strategy(self, strategy: Strategy) -> None:
        """Store or replace a strategy; its token digests open it."""
        self._strategies[strategy.name] = strategy

    def put_caller(self, api_key: str, caller: Caller) -> None:
        """Store who holds an API key."""
        self._callers[api_key] = caller

    def prepare(self, account: str, strategy: str | None) -> None:
        """Do nothing: all is in memory."""

    def stored(self, counted: Counted) -> StoredSetting | None:
        """Return the setting as last written."""
        kept: Mapping[str, Account | Strategy] = (
            self._accounts if counted.kind == "account" else self._strategies
        )
        found = kept.get(counted.owner)
        return None if found is None else StoredSetting(found, found.model_dump_json())

    def replace(self, stored: StoredSetting, setting: Account | Strategy, *, by: str) -> bool:
        """Store the setting in place of the one that was read."""
        kind = "account" if isinstance(setting, Account) else "strategy"
        if self.stored(Counted(kind, setting.name)) != stored:
            return False
        change = limits_change(stored.setting, setting, by=by, at=MONDAY_MORNING)
        self.changes += () if change is None else (change,)
        if isinstance(setting, Account):
            self.put_account(setting)
        else:
            self.put_strategy(setting)
        return True

    def account(self, name: str) -> Account | None:
        """Return the account of this name."""
        return self._accounts.get(name)

    def accounts(self) -> tuple[Account, ...]:
        """Return all accounts by name."""
        return tuple(self._accounts[name] for name in sorted(self._accounts))

    def strategy(self, name: str) -> Strategy | None:
        """Return the strategy of this name."""
        return self._strategies.get(name)

    def strategies(self) -> tuple[Strategy, ...]:
        """Return all strategies by name."""
        return tuple(self._strategies[name] for name in sorted(self._strategies))

    def strategy_of_token(self, token: str) -> Strategy | None:
        """Return the strategy that a webhook token opens."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        return next((found for found in self._strategies.values() if digest in found.token_digests), None)

    def caller(self, api_key: str) -> Caller | None:
        """Return who holds this API key."""
        return self._callers.get(api_key)


class MemorySessions:
    """Implements `ports.Sessions`; `forgotten` lists the accounts whose session was dropped."""

    def __init__(self, endpoint: str = "https://broker.example") -> None:
        self._endpoint = endpoint
        self._stored: dict[str, BrokerSession] = {}
        self.forgotten: list[str] = []

    def log_in(self, account: str, secrets: Mapping[str, str], *, around: Surroundings | None = None) -> None:
        """Store a session for the account; `around` is what its adapter may ask for, the usual if absent."""
        wrapped = {name: Secret(text) for name, text in secrets.items()}
        around = Surroundings() if around is None else around
        self._stored[account] = BrokerSession(account, self._endpoint, wrapped, around)

    def log_out(self, account: str) -> None:
        """Remove the account's session."""
        self._stored.pop(account, None)

    def session(self, account: Account) -> BrokerSession:
        """Return the account's stored session."""
        if account.name not in self._stored:
            raise SessionExpired(f"account {account.name} has no session stored: log in first")
        return self._stored[account.name]

    def forget(self, account: Account) -> None:
        """Note that the broker refused the session."""
        self.forgotten.append(account.name)
