"""The command's root: which stack it works on, and the groups of commands."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import (
    accounts,
    audit,
    breakers,
    combinations,
    credentials,
    egress,
    instruments,
    keys,
    kill,
    limits,
    notifications,
    order_reads,
    portfolio,
    sessions,
    strategies,
)
from infra.cli.work import Choice, Work

LOCAL = Path(__file__).resolve().parents[2] / ".local"

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Accounts, credentials, sessions, orders: everything a trader does to a stack, local or in AWS.",
)
app.add_typer(accounts.app, name="account")
app.add_typer(accounts.broker_app, name="broker")
app.add_typer(credentials.app, name="credentials")
app.add_typer(sessions.app, name="session")
sessions.mount(app)
app.add_typer(strategies.app, name="strategy")
app.add_typer(keys.app, name="key")
app.add_typer(order_reads.app, name="order")
combinations.mount(instruments.app)
app.add_typer(instruments.app, name="instruments")
app.add_typer(egress.app, name="egress")
app.add_typer(breakers.app, name="breaker")
app.add_typer(audit.app, name="audit")
app.add_typer(kill.app, name="kill")
app.add_typer(limits.app, name="limits")
app.add_typer(notifications.app, name="notify")
portfolio.mount(app)


@app.callback()
def choose_stack(  # noqa: PLR0913 - each is one option
    context: typer.Context,
    *,
    stack: Annotated[
        str | None, typer.Option(envvar="ROUTER_STACK", help="A stack in AWS; the local one unless named.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Its region; your profile's unless named.")] = None,
    profile: Annotated[str | None, typer.Option(help="Your AWS profile; the usual one unless named.")] = None,
    home: Annotated[Path, typer.Option(help="The local stack's folder.")] = LOCAL,
    api_url: Annotated[
        str | None, typer.Option(envvar="ROUTER_API_URL", help="The API's address; the stack's unless named.")
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option(help="A file with the API key that only you may read; or set ROUTER_API_KEY."),
    ] = None,
) -> None:
    """Work on the local stack, or on one in AWS by the usual profile and region."""
    choice = Choice(
        home=home, stack=stack, region=region, profile=profile, api_url=api_url, api_key_file=api_key_file
    )
    if context.obj is None:
        context.obj = Work(choice)
