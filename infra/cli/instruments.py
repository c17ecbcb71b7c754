"""`router instruments`: what brokers list, as the stack has it."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import typer

from infra.cli.accounts import facts
from infra.cli.asking import path_of
from infra.cli.command import Result, Table, command, new_app
from infra.cli.options import AccountOption
from infra.cli.patience import Patience
from infra.cli.progress import working
from infra.cli.times import at_exchange, read_time
from infra.cli.work import Work

app = new_app("Instruments, as each broker lists them.")

PAGE = 200
POLL_S = 2.0
REFRESH = "/v1/instruments/refresh"

Query = Annotated[
    str | None, typer.Argument(help="How its name begins: RELI, NSE:INFY, NFO:NIFTY26NOV26500CE.")
]
Right = Annotated[Literal["CE", "PE", "FUT"] | None, typer.Option(metavar="CE|PE|FUT", case_sensitive=False)]


@command(app, "search")
def search_instruments(  # noqa: PLR0913 - an instrument is found by as many parts
    work: Work,
    query: Query = None,
    *,
    account: AccountOption = None,
    exchange: Annotated[str | None, typer.Option(help="Such as NSE or NFO.")] = None,
    underlying: Annotated[str | None, typer.Option(help="Its contracts: NIFTY, RELIANCE.")] = None,
    expiry: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD")] = None,
    strike: Annotated[str | None, typer.Option(help="Exact, such as 26500.")] = None,
    right: Right = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
) -> Result:
    """Look for instruments by the start of their name, or by underlying, expiry, strike and right."""
    asked = {
        "query": query,
        "account": account,
        "exchange": None if exchange is None else exchange.upper(),
        "underlying": underlying,
        "expiry": expiry,
        "strike": strike,
        "right": right,
    }
    found, has_more = _pages(work, asked, limit)
    note = f"there are more: --limit shows more than {limit}" if has_more else ""
    return Result(document={"instruments": found}, shown=Table(COLUMNS, tuple(map(_row, found))), note=note)


def _pages(work: Work, asked: dict[str, str | None], limit: int) -> tuple[list[dict[str, Any]], bool]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = {**asked, "limit": str(min(PAGE, limit - len(found))), "cursor": cursor}
        answer = work.api.call("GET", "/v1/instruments", query=page)
        found += answer["instruments"]
        cursor = answer["next_cursor"]
        if cursor is None or len(found) >= limit:
            return found, cursor is not None


COLUMNS = ("instrument", "type", "expiry", "strike", "lot", "tick", "freeze", "broker", "its name there")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    names = ("instrument", "instrument_type", "expiry", "strike", "lot_size", "tick_size", "freeze_quantity")
    cells = ("" if one[name] is None else str(one[name]) for name in names)
    return (*cells, one["broker"], one["broker_symbol"])


@command(app, "show")
def show_instrument(
    work: Work,
    instrument: Annotated[str, typer.Argument(help="Such as NSE:RELIANCE.")],
    account: AccountOption = None,
) -> Result:
    """Show one instrument as the account's broker lists it."""
    found = work.api.call("GET", path_of("instruments", instrument.upper()), query={"account": account})
    return Result(document=found, shown=facts(found))


@command(app, "chain")
def show_chain(
    work: Work,
    underlying: Annotated[str, typer.Argument(help="An index or a share: NSE:NIFTY 50, NASDAQ:AAPL.")],
    expiry: Annotated[str, typer.Argument(metavar="YYYY-MM-DD", help="The day on which the options end.")],
    *,
    account: AccountOption = None,
    strikes: Annotated[int | None, typer.Option(min=1, help="So many, around the last price.")] = None,
) -> Result:
    """Show the calls and puts of one expiry by strike, as the account's broker quotes them."""
    asked = {
        "account": account,
        "underlying": underlying.upper(),
        "expiry": expiry,
        "strikes": None if strikes is None else str(strikes),
    }
    answer = work.api.call("GET", "/v1/option-chain", query=asked)
    rows = tuple(tuple(_cell(one[name]) for name in CHAIN) for one in answer["options"])
    return Result(document=answer, shown=Table(tuple(name.replace("_", " ") for name in CHAIN), rows))


CHAIN = ("strike", "right", "instrument", "bid_price", "ask_price", "last_price", "volume", "open_interest")


def _cell(value: object) -> str:
    return "" if value is None else str(value)


@command(app, "status")
def show_lists(work: Work, account: AccountOption = None) -> Result:
    """Show how each broker's list stands: when it was loaded, how many rows, what went wrong last."""
    answer = work.api.call("GET", REFRESH, query={"account": account})
    return Result(document=answer, shown=_lists(answer["lists"]))


LISTS = ("broker", "loaded", "rows", "new or changed", "gone", "seconds", "problem")


def _lists(lists: list[dict[str, Any]]) -> Table:
    return Table(LISTS, tuple(_list_row(one) for one in lists))


def _list_row(one: dict[str, Any]) -> tuple[str, ...]:
    problem = one["problem"]
    seconds = Decimal(one["read_s"]) + Decimal(one["write_s"])
    return (
        one["broker"],
        at_exchange(read_time(one["loaded_at"])) or "never",
        f"{sum(one['rows'].values()):,}",
        f"{one['put']:,}",
        f"{one['deleted']:,}",
        f"{seconds:.1f}",
        "" if problem is None else f"{problem['code']}: {problem['message']}",
    )


AnyCount = Annotated[bool, typer.Option("--any-count", help="However many rows it has against those loaded.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Ask for it and do not follow it.")]
Timeout = Annotated[int, typer.Option(min=1, help="Seconds after which to stop looking.")]
BrokerName = Annotated[str | None, typer.Option(help="This broker's list; unless named every used one's.")]


@command(app, "refresh")
def refresh_instruments(
    work: Work,
    *,
    broker: BrokerName = None,
    any_count: AnyCount = False,
    no_wait: NoWait = False,
    timeout: Timeout = 900,
) -> Result:
    """Load brokers' lists anew and follow that; a bad or missing one leaves yesterday's."""
    before = {one["broker"]: one["tried_at"] for one in work.api.call("GET", REFRESH)["lists"]}
    body = {"takes_any_count": any_count} | ({} if broker is None else {"broker": broker})
    wanted = work.api.call("POST", REFRESH, body=body)["brokers"]
    if no_wait:
        return Result(
            document={"brokers": wanted},
            shown=f"asked for: {', '.join(wanted)}",
            note="router instruments status tells what became of it",
        )
    return _followed(work, {name: before.get(name) for name in wanted}, timeout)


def _followed(work: Work, before: dict[str, str | None], timeout_s: int) -> Result:
    give_up = work.clock.now() + timedelta(seconds=timeout_s)
    lists: list[dict[str, Any]] = []
    waiting, patience = list(before), Patience()
    with working(work, f"loading the instruments of {', '.join(before)}") as tell:
        while True:
            seen = patience.look(lambda: work.api.call("GET", REFRESH)["lists"])
            if seen is not None:
                lists = [one for one in seen if one["broker"] in before]
                waiting = [one["broker"] for one in lists if not _is_done(one, before)]
            if not waiting or work.clock.now() >= give_up:
                return _refreshed(lists, waiting)
            tell(f"loading the instruments of {', '.join(waiting)}")
            work.clock.sleep(POLL_S)


def _is_done(one: dict[str, Any], before: dict[str, str | None]) -> bool:
    return not one["is_under_way"] and one["tried_at"] != before[one["broker"]]


def _refreshed(lists: list[dict[str, Any]], waiting: list[str]) -> Result:
    failed = [one for one in lists if one["problem"] is not None]
    note = f"not done yet: {', '.join(waiting)} (router instruments status)" if waiting else ""
    return Result(
        document={"lists": lists}, shown=_lists(lists), note=note, exit_code=1 if failed or waiting else 0
    )
