"""How a command is written: a function from what it works with to a Result, which is shown as a table or as JSON."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate

import typer

from infra.cli.work import Work

JSON_HELP = "Print one JSON document and nothing else."


@dataclass(frozen=True, slots=True)
class Table:
    """What a person sees of many things."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command found or did.

    `document` is its JSON, `shown` what a person sees of it, `note` what a person is told beside it (on stderr).
    """

    document: Any
    shown: Table | str
    note: str = ""
    exit_code: int = 0


def new_app(help_text: str) -> typer.Typer:
    """Return a group of commands."""
    return typer.Typer(no_args_is_help=True, help=help_text, rich_markup_mode="rich")


def command[**P](
    app: typer.Typer, name: str, *, hidden: bool = False
) -> Callable[[Callable[Concatenate[Work, P], Result]], Callable[Concatenate[Work, P], Result]]:
    """Make a command of a function; it gets `--json` and what it works with, and its Result is shown."""

    def decorate(function: Callable[Concatenate[Work, P], Result]) -> Callable[Concatenate[Work, P], Result]:
        app.command(name, hidden=hidden)(_shown(function))
        return function

    return decorate


def _shown(function: Callable[..., Result]) -> Callable[..., None]:
    """Return the function as typer is to see it: the context in front, `--json` at the end."""

    def run(context: typer.Context, /, *, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - whatever it takes
        from infra.cli.output import show  # noqa: PLC0415 - only who prints pays for it

        work: Work = context.obj
        work.as_json = as_json
        result = function(work, **given)
        show(result, as_json=as_json)
        if result.exit_code:
            raise typer.Exit(result.exit_code)

    def described(context: typer.Context, **given: Any) -> None:  # noqa: ANN401 - the same
        run(context, as_json=given.pop("as_json"), **given)

    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    first = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    last = inspect.Parameter(
        "as_json",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[bool, typer.Option("--json", help=JSON_HELP)],
    )
    described.__doc__ = function.__doc__
    described.__name__ = function.__name__
    signature = inspect.Signature([first, *own, last])
    described.__signature__ = signature  # type: ignore[attr-defined]  # what typer reads
    described.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
    return described
