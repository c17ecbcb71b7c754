"""`router breaker`: whether orders go to each account's broker, and letting them go again by hand."""

from typing import Any

from infra.cli.asking import path_of
from infra.cli.command import Result, Table, command, new_app
from infra.cli.options import AccountName, AccountOption
from infra.cli.times import at_exchange, read_time
from infra.cli.work import Work

app = new_app("The circuit breakers between the accounts and their brokers.")


@command(app, "status")
def show_breakers(work: Work, account: AccountOption = None) -> Result:
    """Show every account's breaker; exits with 1 if one is not closed."""
    answer = work.api.call("GET", "/v1/breakers", query={"account": account})
    found = answer["breakers"]
    rows = tuple(
        (
            one["account"],
            one["broker"],
            one["state"],
            str(one["failures"]),
            at_exchange(read_time(one["since"])),
            one["by"] or "",
            at_exchange(read_time(one["next_probe_at"])),
            _why(one),
        )
        for one in found
    )
    columns = ("account", "broker", "circuit", "failures", "since", "by", "next read", "why")
    is_closed = all(one["state"] == "closed" for one in found)
    return Result(document=answer, shown=Table(columns, rows), exit_code=0 if is_closed else 1)


@command(app, "reset")
def close_breaker(work: Work, account: AccountName) -> Result:
    """Close an account's breaker now: its orders go to the broker again, whether that answers or not."""
    closed = work.api.call("DELETE", path_of("breakers", account))
    return Result(document=closed, shown=f"orders of {account} go to {closed['broker']} again")


def _why(one: dict[str, Any]) -> str:
    return "" if one["reason"] is None else f"{one['reason']['code']}: {one['reason']['message']}"
