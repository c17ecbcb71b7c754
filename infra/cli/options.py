"""The options and arguments that commands share, and what a shell completes them with."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.work import ACCOUNT_VARIABLE, Choice, Work


def _named(kind: str) -> Callable[[typer.Context, str], list[str]]:
    def complete(context: typer.Context, incomplete: str) -> list[str]:
        """Return the names on the chosen stack; a stack that does not answer completes nothing."""
        given = context.find_root().params
        try:
            settings = Work(Choice(**{**given, "home": Path(given["home"])})).target.settings
            names = [one.name for one in getattr(settings, kind)()]
        except Exception:  # noqa: BLE001 - a shell that completes must never see an error
            return []
        return [name for name in names if name.startswith(incomplete)]

    return complete


def _brokers(incomplete: str) -> list[str]:
    from order_router.brokers.registry import BROKERS  # noqa: PLC0415 - only who completes pays for it

    return [name for name in sorted(BROKERS) if name.startswith(incomplete)]


_accounts = complete_accounts = _named("accounts")
_strategies = complete_strategies = _named("strategies")

NewName = Annotated[str, typer.Argument(help="Lower case letters, digits, - and _.")]
AccountName = Annotated[
    str,
    typer.Argument(metavar="ACCOUNT", envvar=ACCOUNT_VARIABLE, autocompletion=_accounts, help="The account."),
]
StrategyName = Annotated[
    str, typer.Argument(metavar="STRATEGY", autocompletion=_strategies, help="The strategy.")
]
AccountOption = Annotated[
    str | None,
    typer.Option("--account", envvar=ACCOUNT_VARIABLE, autocompletion=_accounts, help="Of this account."),
]
AccountsOption = Annotated[
    list[str] | None,
    typer.Option("--account", autocompletion=_accounts, help="For this account alone; repeat for more."),
]
BrokerOption = Annotated[
    str, typer.Option(autocompletion=_brokers, help="Such as paper or zerodha: router broker list has them.")
]


class ScopeWord(StrEnum):
    """The scopes of a key, as domain.account.Scope has them: that module takes its time to import."""

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"
