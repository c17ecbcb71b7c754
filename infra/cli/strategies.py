"""`router strategy`: what webhook tokens may trade, and the tokens."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.accounts import REMEMBERED_S, document_of, facts
from infra.cli.command import Result, Table, command, new_app
from infra.cli.options import StrategyName
from infra.cli.refusal import Misuse, Refusal
from infra.cli.work import Work

app = new_app("Strategies and their webhook tokens.")
COPY_NOW = "this token is kept nowhere: copy it now"

Document = Annotated[Path, typer.Argument(help="The strategy as JSON, - for standard input.")]


@command(app, "add")
def add_strategy(work: Work, document: Document) -> Result:
    """Add a strategy and print its webhook token; one that is there keeps its tokens, and limits not named here."""
    from infra import operate  # noqa: PLC0415 - a fast start
    from order_router.domain.account import Strategy  # noqa: PLC0415 - the same

    wanted = Strategy.model_validate_json(_read(document))
    if wanted.token_digests:
        raise Misuse("token_digests: leave it out, tokens are made here (router strategy token)")
    if operate.find_strategy(work.target, wanted.name) is None:
        return _with_token(work, wanted.name, operate.add_strategy(work.target, wanted))
    # what other commands set is not undone by a file that does not speak of it
    stays = {"token_digests", "is_enabled"} | ({"limits"} - wanted.model_fields_set)
    after = operate.change_strategy(work.target, wanted.name, wanted.model_dump(mode="json", exclude=stays))
    limits = " its limits stay and" if "limits" in stays else ""
    words = (
        f"strategy {wanted.name} is changed;{limits} its token stays (router strategy token makes a new one)"
    )
    return Result(document=_public(after), shown="", note=words)


def _read(path: Path) -> str:
    import sys  # noqa: PLC0415 - only who reads

    try:
        return sys.stdin.read() if path == Path("-") else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not text'}") from None


def _public(strategy: object) -> dict[str, object]:
    """Return a strategy as JSON values, its tokens counted and not shown."""
    fields = document_of(strategy)
    digests = fields.pop("token_digests")
    assert isinstance(digests, list)  # noqa: S101 - the model says so
    return {**fields, "tokens": len(digests)}


def _with_token(work: Work, name: str, token: str, note: str = COPY_NOW) -> Result:
    from infra import operate  # noqa: PLC0415 - a fast start

    document = {**_public(operate.strategy_of(work.target, name)), "token": token}
    return Result(document=document, shown=token, note=note)


@command(app, "list")
def list_strategies(work: Work) -> Result:
    """List the strategies."""
    found = [_public(strategy) for strategy in work.target.settings.strategies()]
    rows = tuple(
        (
            str(one["name"]),
            "enabled" if one["is_enabled"] else "disabled",
            ", ".join(strategy.accounts),
            str(one["order_type"]),
            str(one["product"]),
            str(one["max_quantity"]),
            str(one["tokens"]),
        )
        for one, strategy in zip(found, work.target.settings.strategies(), strict=True)
    )
    columns = ("strategy", "", "accounts", "type", "product", "at most", "tokens")
    return Result(document={"strategies": found}, shown=Table(columns, rows))


@command(app, "show")
def show_strategy(work: Work, name: StrategyName) -> Result:
    """Show a strategy; of its tokens only how many there are."""
    from infra import operate  # noqa: PLC0415 - a fast start

    document = _public(operate.strategy_of(work.target, name))
    return Result(document=document, shown=facts(document))


@command(app, "enable")
def enable_strategy(work: Work, name: StrategyName) -> Result:
    """Let a strategy's alerts become orders."""
    return _switch(work, name, is_enabled=True)


@command(app, "disable")
def disable_strategy(work: Work, name: StrategyName) -> Result:
    """Let no alert of a strategy become an order; its tokens stay."""
    return _switch(work, name, is_enabled=False)


def _switch(work: Work, name: str, *, is_enabled: bool) -> Result:
    from infra import operate  # noqa: PLC0415 - a fast start

    strategy = operate.change_strategy(work.target, name, {"is_enabled": is_enabled})
    word = "enabled" if is_enabled else "disabled"
    return Result(
        document=_public(strategy),
        shown=f"strategy {name} is {word} (workers may take {REMEMBERED_S} s to see it)",
    )


Replace = Annotated[bool, typer.Option("--replace", help="All older tokens stop working at once.")]
RevokeOld = Annotated[
    bool, typer.Option("--revoke-old", help="Make none: let only the newest token work from now on.")
]


@command(app, "token")
def make_token(
    work: Work, name: StrategyName, *, replace: Replace = False, revoke_old: RevokeOld = False
) -> Result:
    """Print a new webhook token; the older ones work beside it until --revoke-old."""
    from infra import operate  # noqa: PLC0415 - a fast start

    if replace and revoke_old:
        raise Misuse("--replace or --revoke-old, not both")
    if revoke_old:
        return _revoke_old(work, name)
    token = operate.add_token(work.target, name, replacing=replace)
    others = operate.strategy_of(work.target, name).token_digests[:-1]
    if replace:
        note = f"{COPY_NOW}; the older ones are ended (within {REMEMBERED_S} s)"
    elif others:
        note = f"{COPY_NOW}; {len(others)} older work beside it: router strategy token {name} --revoke-old"
    else:
        note = COPY_NOW
    return _with_token(work, name, token, note)


def _revoke_old(work: Work, name: str) -> Result:
    from infra import operate  # noqa: PLC0415 - a fast start

    if not operate.strategy_of(work.target, name).token_digests:
        raise Refusal(f"strategy {name} has no token: router strategy token {name} makes one")
    ended = operate.keep_newest_token(work.target, name)
    document = {**_public(operate.strategy_of(work.target, name)), "ended": ended}
    words = f"{ended} older ended (within {REMEMBERED_S} s); the newest token of {name} works"
    return Result(document=document, shown=words)
