"""`router positions`, `holdings` and `funds`: what an account has, as its broker tells it now."""

from typing import Annotated, Any

import typer

from infra.cli.command import Result, Table, command
from infra.cli.options import AccountOption
from infra.cli.work import Work

Every = Annotated[bool, typer.Option("--all-accounts", help="Whatever ROUTER_ACCOUNT says.")]

COLUMNS: dict[str, tuple[str, ...]] = {
    "positions": (
        "instrument",
        "product",
        "quantity",
        "average_price",
        "last_price",
        "realised_pnl",
        "unrealised_pnl",
    ),
    "holdings": ("instrument", "quantity", "unsettled_quantity", "average_price", "last_price", "pnl"),
    "funds": ("segment", "available", "used", "cash", "collateral"),
}


def mount(app: typer.Typer) -> None:
    """Put the commands into the root."""
    command(app, "positions")(read_positions)
    command(app, "holdings")(read_holdings)
    command(app, "funds")(read_funds)


def read_positions(work: Work, account: AccountOption = None, *, every: Every = False) -> Result:
    """Show the positions of one account, or of all."""
    return _read(work, "positions", None if every else account)


def read_holdings(work: Work, account: AccountOption = None, *, every: Every = False) -> Result:
    """Show the holdings of one account, or of all."""
    return _read(work, "holdings", None if every else account)


def read_funds(work: Work, account: AccountOption = None, *, every: Every = False) -> Result:
    """Show the money of one account, or of all."""
    return _read(work, "funds", None if every else account)


def _read(work: Work, what: str, account: str | None) -> Result:
    answer = work.api.call("GET", f"/v1/{what}", query={"account": account})
    entries = answer["accounts"]
    rows = [
        (entry["account"], *(_cell(row.get(name)) for name in COLUMNS[what]))
        for entry in entries
        for row in entry.get(what, ())
    ]
    failed = [entry for entry in entries if "error" in entry]
    lines = [f"{entry['account']}: {_why(entry['error'])}" for entry in failed]
    unread = [
        f"{entry['account']}: {_left_out(row)}" for entry in entries for row in entry.get("unreadable", ())
    ]
    note = "\n".join((*lines, *unread))
    headers = ("account", *(name.replace("_", " ") for name in COLUMNS[what]))
    return Result(document=answer, shown=Table(headers, tuple(rows)), note=note, exit_code=1 if note else 0)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _left_out(row: dict[str, Any]) -> str:
    return f"a row that cannot be read is left out: {row['name'] or 'without a name'}: {row['why']}"


def _why(error: dict[str, Any]) -> str:
    return f"{error['code']}: {error['detail']}"
