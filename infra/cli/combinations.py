"""`router instruments combine`: several legs under one name, defined once."""

import re
from typing import Annotated, Any

import typer

from infra.cli.accounts import facts
from infra.cli.command import Result, command
from infra.cli.options import AccountOption
from infra.cli.refusal import Refusal
from infra.cli.work import Work

LEG = re.compile(r"(BUY|SELL)\s+([0-9]{1,3})\s+([A-Z]+:.+)")
Legs = Annotated[
    list[str], typer.Argument(metavar="LEG...", help="Such as 'BUY 1 OPRA:AAPL261218C00200000'.")
]


def mount(app: typer.Typer) -> None:
    """Put the command among those of instruments."""
    command(app, "combine")(combine_instruments)


def combine_instruments(
    work: Work,
    name: Annotated[str, typer.Argument(help="What orders will call it: COMBO:NAME.")],
    legs: Legs,
    *,
    account: AccountOption = None,
) -> Result:
    """Define a combination of 2 to 6 legs at the account's broker, once: its name keeps its meaning.

    Choose which legs are bought so that buying the combination costs money: a credit spread is sold.
    """
    if account is None:
        raise Refusal("name the account at whose broker it is defined: --account")
    body = {
        "account": account,
        "name": name.upper().removeprefix("COMBO:"),
        "legs": [_leg(leg) for leg in legs],
    }
    found = work.api.call("POST", "/v1/instruments/combinations", body=body)
    shown = found | {"legs": [f"{leg['side']} {leg['ratio']} {leg['instrument']}" for leg in found["legs"]]}
    return Result(document=found, shown=facts(shown))


def _leg(text: str) -> dict[str, Any]:
    found = LEG.fullmatch(text.strip().upper())
    if found is None:
        raise Refusal(f"expected a leg such as 'BUY 1 OPRA:AAPL261218C00200000', received {text[:60]!r}")
    return {"side": found[1], "ratio": int(found[2]), "instrument": found[3]}
