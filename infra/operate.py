"""What an operator does to a stack: accounts, strategies, keys and sessions, over clients that are handed in."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from order_router.aws.change_log import ChangeLogTable
from order_router.aws.paper_table import PaperTable
from order_router.aws.secrets_manager import write_texts
from order_router.aws.sessions import secret_name
from order_router.aws.settings_table import SettingsTable, digest_of
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account, Caller, Scope, Strategy
from order_router.domain.errors import RouterError
from order_router.domain.meter import Counted
from order_router.paper.exchange import PaperExchange
from order_router.transport.clock import SystemClock

PAPER = "paper"
OPERATOR = "operator"
"""Who is said to have changed what this command changed by the rights of whoever deployed the stack: it has no key."""

REPLACE_TRIES = 5

Invoke = Callable[[str, Mapping[str, str]], Mapping[str, Any]]


def _reaches_no_function(function: str, _: Mapping[str, str]) -> Mapping[str, Any]:
    raise RouterError(f"no way to call {function}", code="UNREACHABLE")


def _makes_no_client(service: str) -> Any:  # noqa: ANN401 - botocore's clients have no type
    raise RouterError(f"no way to reach {service}", code="UNREACHABLE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The stack to work on: its clients and the names that CloudFormation gave.

    `read_parameters` gives the parameters that it was deployed with, `invoke` calls a function by its name,
    `make_client` makes a client of a service that few commands need.
    """

    dynamodb: Any
    secretsmanager: Any
    stack_name: str
    outputs: Mapping[str, str]
    read_parameters: Callable[[], Mapping[str, str]] = dict
    invoke: Invoke = _reaches_no_function
    make_client: Callable[[str], Any] = _makes_no_client

    @property
    def settings(self) -> SettingsTable:
        """The stack's settings."""
        log = ChangeLogTable(self.dynamodb, self.outputs["GateTableName"], SystemClock())
        return SettingsTable(self.dynamodb, self.outputs["SettingsTableName"], SystemClock(), log)

    @property
    def paper_exchange(self) -> PaperExchange:
        """The stack's paper broker; RouterError where it was deployed without one."""
        table = self.outputs.get("PaperTableName")
        if table is None:
            raise RouterError(
                "this stack has no paper broker: deploy it with PaperBroker=true", code="NO_PAPER_BROKER"
            )
        return PaperExchange(PaperTable(self.dynamodb, table), SystemClock())


def add_account(target: Target, account: Account) -> None:
    """Store an account; a paper account's book is opened with it. UnknownBroker if there is no such broker."""
    _require_algo_id_taken(account)
    if account.broker == PAPER:
        target.paper_exchange.open_account(account.name)
    target.settings.put_account(account)


def _require_algo_id_taken(account: Account) -> None:
    """Raise RouterError for an algo id that would never be sent."""
    profile = load_broker(account.broker).profile
    if account.algo_id is not None and not profile.takes_algo_id:
        raise RouterError(f"{profile.title} takes no algo id", code="ALGO_ID_NOT_TAKEN")


def find_account(target: Target, name: str) -> Account | None:
    """Return the account as it was written last: what an operator did a moment ago counts."""
    stored = target.settings.stored(Counted("account", name))
    return stored.setting if stored is not None and isinstance(stored.setting, Account) else None


def account_of(target: Target, name: str) -> Account:
    """Return the account; RouterError if there is none."""
    account = find_account(target, name)
    if account is None:
        raise _no_account(name)
    return account


def _no_account(name: str) -> RouterError:
    words = f"there is no account {name[:40]!r}: add it first (router account add)"
    return RouterError(words, code="ACCOUNT_UNKNOWN")


def change_account(target: Target, name: str, changes: Mapping[str, object]) -> Account:
    """Store an account with these settings changed, all others as they stand."""

    def changed(before: Account | Strategy) -> Account:
        after = Account.model_validate(before.model_dump(mode="json") | dict(changes))
        _require_algo_id_taken(after)
        return after

    account_of(target, name)
    return _replaced(target, Counted("account", name), changed)


def add_strategy(target: Target, strategy: Strategy, token: str | None = None) -> str:
    """Store a strategy with a webhook token (a new one unless given) and return the token: it is kept nowhere.

    Tokens of a strategy that is there stop working; `change_strategy` keeps them.
    """
    _require_accounts(target, strategy)
    token = secrets.token_urlsafe(32) if token is None else token
    opened = strategy.model_copy(update={"token_digests": (*strategy.token_digests, digest_of(token))})
    target.settings.put_strategy(opened)
    return token


def find_strategy(target: Target, name: str) -> Strategy | None:
    """Return the strategy as it was written last."""
    stored = target.settings.stored(Counted("strategy", name))
    return stored.setting if stored is not None and isinstance(stored.setting, Strategy) else None


def strategy_of(target: Target, name: str) -> Strategy:
    """Return the strategy; RouterError if there is none."""
    strategy = find_strategy(target, name)
    if strategy is None:
        words = f"there is no strategy {name[:40]!r}: add it first (router strategy add)"
        raise RouterError(words, code="STRATEGY_UNKNOWN")
    return strategy


def change_strategy(target: Target, name: str, changes: Mapping[str, object]) -> Strategy:
    """Store a strategy with these settings changed, all others and its tokens as they stand."""

    def changed(before: Account | Strategy) -> Strategy:
        after = Strategy.model_validate(before.model_dump(mode="json") | dict(changes))
        _require_accounts(target, after)
        return after

    strategy_of(target, name)
    return _replaced(target, Counted("strategy", name), changed)


def _replaced[T: (Account, Strategy)](
    target: Target, counted: Counted, change: Callable[[Account | Strategy], T]
) -> T:
    """Store the changed setting over the one that was read: what another writer changed meanwhile is not undone."""
    for _ in range(REPLACE_TRIES):
        stored = target.settings.stored(counted)
        if stored is None:
            break
        after = change(stored.setting)
        if target.settings.replace(stored, after, by=OPERATOR):
            return after
    raise RouterError(f"{counted} was changed by somebody else meanwhile: try again", code="CONFLICT")


def add_token(target: Target, name: str, *, replacing: bool) -> str:
    """Give a strategy a new webhook token, beside its others or in their place, and return it: it is kept nowhere."""
    token = secrets.token_urlsafe(32)
    _change_tokens(target, name, lambda known: [*(() if replacing else known), digest_of(token)])
    return token


def keep_newest_token(target: Target, name: str) -> int:
    """Let only the newest token of a strategy work, and return how many were ended."""
    return _change_tokens(target, name, lambda known: known[-1:])


def _change_tokens(target: Target, name: str, choose: Callable[[list[str]], list[str]]) -> int:
    """Store a strategy with the digests that are chosen of its own, and return how many it has no longer."""
    ended = 0

    def changed(before: Account | Strategy) -> Strategy:
        nonlocal ended
        fields = before.model_dump(mode="json")
        known, chosen = fields["token_digests"], choose(fields["token_digests"])
        ended = len(set(known) - set(chosen))
        return Strategy.model_validate(fields | {"token_digests": chosen})

    strategy_of(target, name)
    _replaced(target, Counted("strategy", name), changed)
    return ended


def _require_accounts(target: Target, strategy: Strategy) -> None:
    unknown = [name for name in strategy.accounts if find_account(target, name) is None]
    if unknown:
        raise _no_account(unknown[0])


def add_key(
    target: Target, key_id: str, scopes: frozenset[Scope], accounts: frozenset[str] = frozenset()
) -> str:
    """Store a new API key and return it: it is kept nowhere."""
    api_key = f"or_{secrets.token_urlsafe(32)}"
    target.settings.put_caller(api_key, Caller(key_id=key_id, scopes=scopes, accounts=accounts))
    return api_key


def session_fields(target: Target, account_name: str) -> tuple[str, ...]:
    """Return the names of what a session of this account's broker is made of."""
    return load_broker(account_of(target, account_name).broker).profile.session_fields


def set_session(target: Target, account_name: str, fields: Mapping[str, str]) -> None:
    """Store an account's session in its own secret."""
    missing = [name for name in session_fields(target, account_name) if not fields.get(name)]
    if missing:
        words = f"a session of {account_name} needs {', '.join(missing)}"
        raise RouterError(words, code="SESSION_INCOMPLETE")
    name = secret_name(f"{target.stack_name}/accounts", account_name)
    write_texts(lambda: target.secretsmanager, name, fields)
