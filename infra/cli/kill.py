"""`router kill`: stop everything, an account or a strategy, let it go again, and see what is stopped."""

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated, Any

import typer

from infra.cli.command import Result, Table, command, new_app
from infra.cli.options import complete_accounts, complete_strategies
from infra.cli.patience import Patience
from infra.cli.progress import working
from infra.cli.refusal import Misuse, Refusal
from infra.cli.times import at_exchange, read_time
from infra.cli.work import Work

app = new_app("The kill switch: once it has answered, no new order leaves.")
PATH = "/v1/kill-switch"
POLL_S = 1.0
OVER = {"done", "stopped"}
GONE = {"cancelled", "refused"}
"""What an order is that was cancelled: at its broker, or before it was sent."""

Account = Annotated[
    str | None, typer.Option("--account", autocompletion=complete_accounts, help="This account alone.")
]
Strategy = Annotated[
    str | None, typer.Option("--strategy", autocompletion=complete_strategies, help="This strategy alone.")
]
Everything = Annotated[bool, typer.Option("--everything", help="Every account.")]
Reason = Annotated[str | None, typer.Option(help="Kept with the turn, and told.")]
Exits = Annotated[
    bool | None,
    typer.Option(
        "--exits/--no-exits",
        help="Whether orders that close a position still leave; as the stack is set unless said.",
    ),
]
CancelOpen = Annotated[bool, typer.Option("--cancel-open", help="Cancel their open orders as well.")]
ClosePositions = Annotated[
    bool,
    typer.Option(
        "--close-positions", help="Cancel, and then close their positions at the market; with --yes."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Yes, trade at the market to close positions.")]
Wait = Annotated[int, typer.Option("--wait", min=0, help="Seconds to wait for what is done besides.")]


@command(app, "on")
def turn_on(  # noqa: PLR0913 - each is one option
    work: Work,
    *,
    account: Account = None,
    strategy: Strategy = None,
    everything: Everything = False,
    reason: Reason = None,
    exits: Exits = None,
    cancel_open: CancelOpen = False,
    close_positions: ClosePositions = False,
    yes: Yes = False,
    wait: Wait = 300,
) -> Result:
    """Stop: everything, unless an account or a strategy is named. It stands once this answers."""
    switch = _switch(account, strategy, everything=everything) or {"scope": "global"}
    if close_positions and not yes:
        raise Misuse("--close-positions sells and buys at the market: say --yes as well")
    asked = {"reason": reason, "lets_exits": exits, "cancel_open": cancel_open}
    body = {**switch, **{name: value for name, value in asked.items() if value is not None}}
    if close_positions:
        body |= {"close_positions": True, "confirm": True}
    answer = work.api.call("POST", PATH, body=body)
    accounts = {one["account"] for one in answer["work"]}
    if not accounts:
        return Result(document=answer, shown=_state_words(answer))
    if not work.as_json:
        work.terminal.tell(_state_words(answer))
    done, unseen = _followed(work, answer["work"], accounts, switch, wait)
    return _work_result({**answer, "work": done}, accounts, unseen)


@command(app, "off")
def turn_off(
    work: Work,
    *,
    reason: Annotated[str, typer.Option(help="Why orders may leave again; it is kept.")],
    account: Account = None,
    strategy: Strategy = None,
    everything: Everything = False,
) -> Result:
    """Let orders leave again: name what, and say why."""
    switch = _switch(account, strategy, everything=everything)
    if switch is None:
        raise Misuse("name what may trade again: --everything, --account NAME or --strategy NAME")
    answer = work.api.call("DELETE", PATH, body={**switch, "reason": reason})
    return Result(document=answer, shown=_state_words(answer))


@command(app, "status")
def show_status(
    work: Work,
    *,
    history: Annotated[bool, typer.Option("--history", help="Each switch's last twenty turns too.")] = False,
) -> Result:
    """Show every switch that was ever turned, and what was done besides."""
    answer = work.api.call("GET", PATH, query={"history": "true" if history else None})
    rows = tuple(
        row
        for one in answer["switches"]
        for row in [_state_row(one), *(_state_row(turn, mark="  ") for turn in one.get("history", ()))]
    )
    on = sum(one["is_on"] for one in answer["switches"])
    columns = ("stops", "is", "exits", "since", "turned", "by", "reason")
    note = f"{on} on" + "".join(f"\n{line}" for one in answer["work"] for line in _work_lines(one))
    return Result(document=answer, shown=Table(columns, rows), note=note)


def _switch(account: str | None, strategy: str | None, *, everything: bool) -> dict[str, str] | None:
    given = [
        *([{"scope": "account", "name": account}] if account is not None else []),
        *([{"scope": "strategy", "name": strategy}] if strategy is not None else []),
        *([{"scope": "global"}] if everything else []),
    ]
    if len(given) > 1:
        raise Misuse("name one: --everything, --account NAME or --strategy NAME")
    return given[0] if given else None


def _what(one: dict[str, Any]) -> str:
    return "everything" if one["name"] is None else f"{one['scope']} {one['name']}"


def _state_words(one: dict[str, Any]) -> str:
    if not one["is_on"]:
        return f"the kill switch of {_what(one)} is off: orders may leave"
    exits = "exits pass" if one["lets_exits"] else "exits are stopped too"
    since = at_exchange(read_time(one["since"]))
    return f"the kill switch of {_what(one)} is on since {since}: no new order leaves, {exits}"


def _state_row(one: dict[str, Any], mark: str = "") -> tuple[str, ...]:
    return (
        f"{mark}{_what(one)}",
        "on" if one["is_on"] else "off",
        "pass" if one["is_on"] and one["lets_exits"] else "",
        at_exchange(read_time(one["since"])),
        at_exchange(read_time(one["turned_at"])),
        one["turned_by"] or "",
        one["reason"] or "",
    )


def _followed(
    work: Work,
    begun: list[dict[str, Any]],
    accounts: Collection[str],
    switch: dict[str, str],
    wait_s: int,
) -> tuple[list[dict[str, Any]], str]:
    """Return the work once all of it is over, or as it was seen last, and why it could not be seen any longer."""
    give_up = work.clock.now() + timedelta(seconds=wait_s)
    strategy = switch.get("name") if switch["scope"] == "strategy" else None
    patience = Patience()
    with working(work, "cancelling and closing"):
        while any(one["phase"] not in OVER for one in begun) and work.clock.now() < give_up:
            work.clock.sleep(POLL_S)
            try:
                found = patience.look(lambda: work.api.call("GET", PATH)["work"])
            except Refusal as error:
                # the switch is on all the same: that it cannot be looked at must not pass for a stop that failed
                return begun, f"what became of it cannot be seen: {error.message} (router kill status)"
            if found is not None:
                begun = [one for one in found if one["account"] in accounts and one["strategy"] == strategy]
    return begun, ""


def _work_result(answer: dict[str, Any], accounts: Collection[str], unseen: str) -> Result:
    lines = [line for one in answer["work"] for line in _work_lines(one)]
    gone = sorted(set(accounts) - {one["account"] for one in answer["work"]})
    lines += [f"{account}: not shown any more (router kill status)" for account in gone]
    is_whole = not gone and all(one["phase"] == "done" and not one["problems"] for one in answer["work"])
    return Result(document=answer, shown="\n".join(lines), note=unseen, exit_code=0 if is_whole else 1)


def _work_lines(one: dict[str, Any]) -> list[str]:
    cancelled = sum(line["outcome"] in GONE for line in one["cancelled"])
    head = f"{one['account']} {one['phase']}: {cancelled} of {len(one['cancelled'])} open orders cancelled"
    if one["close_positions"]:
        filled = sum(line["state"] == "filled" for line in one["exits"])
        head += f", {filled} of {len(one['exits'])} exits filled"
    failed = [line for line in (*one["cancelled"], *one["exits"]) if line["code"] is not None]
    return [
        head,
        *(f"  {line['client_order_id']}: {line['code']}: {line['message']}" for line in failed),
        *(f"  {problem}" for problem in one["problems"]),
    ]
