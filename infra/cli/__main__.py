"""The operator's command: accounts, strategies, keys and sessions of a stack, local or in AWS."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from infra import operate
from infra.cli.target import aws_target, local_target
from infra.local.home import SHARED, Home
from order_router.domain.account import Account, Scope, Strategy
from order_router.domain.errors import RouterError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
account_app = typer.Typer(no_args_is_help=True, help="Accounts.")
strategy_app = typer.Typer(no_args_is_help=True, help="Strategies and their webhook tokens.")
key_app = typer.Typer(no_args_is_help=True, help="API keys.")
session_app = typer.Typer(no_args_is_help=True, help="Broker sessions.")
app.add_typer(account_app, name="account")
app.add_typer(strategy_app, name="strategy")
app.add_typer(key_app, name="key")
app.add_typer(session_app, name="session")

Accounts = Annotated[list[str], typer.Option("--account", help="Repeat for more than one.")]


@app.callback()
def choose_stack(
    context: typer.Context,
    stack: Annotated[str | None, typer.Option(help="A stack in AWS; the local one unless given.")] = None,
    region: Annotated[str | None, typer.Option(help="Its region; your profile's unless given.")] = None,
    home: Annotated[Path, typer.Option(help="The local stack's folder.")] = SHARED,
) -> None:
    """Work on the local stack, or on one in AWS by the usual profile and region."""
    context.obj = local_target(Home(home)) if stack is None else aws_target(stack, region)


@account_app.command("add")
def add_account(
    context: typer.Context,
    name: str,
    broker: Annotated[str, typer.Option(help="Such as paper or zerodha.")],
    max_orders_per_day: Annotated[int, typer.Option()] = 1000,
) -> None:
    """Add an account, or change its settings."""
    operate.add_account(context.obj, Account(name=name, broker=broker, max_orders_per_day=max_orders_per_day))
    typer.echo(f"account {name} at {broker} is there")


@account_app.command("list")
def list_accounts(context: typer.Context) -> None:
    """List the accounts."""
    for account in context.obj.settings.accounts():
        typer.echo(f"{account.name}\t{account.broker}\t{'enabled' if account.is_enabled else 'disabled'}")


@strategy_app.command("add")
def add_strategy(
    context: typer.Context,
    document: Annotated[typer.FileText, typer.Argument(help="The strategy as JSON, `-` for standard input.")],
) -> None:
    """Add a strategy, or change its settings, and print a new webhook token for it."""
    strategy = Strategy.model_validate_json(document.read())
    typer.echo(operate.add_strategy(context.obj, strategy))


@key_app.command("add")
def add_key(
    context: typer.Context,
    key_id: str,
    scope: Annotated[list[Scope], typer.Option(help="read, trade or admin; repeat for more than one.")],
    account: Accounts = [],  # noqa: B006 - typer copies it
) -> None:
    """Print a new API key: for all accounts, unless some are named."""
    typer.echo(operate.add_key(context.obj, key_id, frozenset(scope), frozenset(account)))


@session_app.command("set")
def set_session(
    context: typer.Context,
    account: str,
    from_file: Annotated[typer.FileText | None, typer.Option(help="The fields as a JSON object.")] = None,
) -> None:
    """Store an account's broker session; asks for its fields without showing them."""
    names = operate.session_fields(context.obj, account)
    if from_file is None:
        fields = {name: str(typer.prompt(name, hide_input=True)) for name in names}
    else:
        fields = json.load(from_file)
    operate.set_session(context.obj, account, fields)
    typer.echo(f"the session of {account} is stored")


def main() -> int:
    """Run the command; wrong input gets one line that says what to do."""
    try:
        app(standalone_mode=True)
    except RouterError as error:
        print(error.message, file=sys.stderr)
    except ValidationError as error:
        for line in error.errors(include_url=False, include_input=False):
            print(f"{'.'.join(map(str, line['loc']))}: {line['msg']}", file=sys.stderr)
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
