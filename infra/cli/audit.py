"""`router audit`: what happened to a day's orders, and who turned a kill switch, as a file whose lines are chained."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.command import Result, command, new_app
from infra.cli.options import AccountOption
from infra.cli.refusal import Misuse, Refusal
from infra.cli.work import Work

if TYPE_CHECKING:
    from order_router.domain.audit import Line

app = new_app("What happened to each order, and why; who turned a kill switch.")

PAGE = "100"
Day = Annotated[
    str, typer.Argument(metavar="YYYY-MM-DD", help="The day at the Indian exchanges that orders came in.")
]
Output = Annotated[
    Path | None, typer.Option(help="Into this new file, for you alone to read, instead of to the screen.")
]


@command(app, "export")
def export_day(work: Work, day: Day, account: AccountOption = None, output: Output = None) -> Result:
    """Write a day's orders, all that became of them since, and its turns of kill switches; the end counts the lines."""
    from order_router.domain.audit import TURNS, in_order, jsonl, whole  # noqa: PLC0415 - a fast start

    _require_day(day)
    found = _found(work, {"day": day, "account": account})
    lines, turns = in_order(found.lines), found.turns
    exported_at = work.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    about = {"day": day, "account": account, "exported_at": exported_at}
    document = whole(lines, about=about if turns is None else {**about, TURNS: turns})
    told = f"{len(lines)} lines, {_of(turns)}; the digest of the end is {document[-1]['digest']}"
    if output is None:
        return Result(document={"lines": list(document)}, shown=jsonl(document).rstrip("\n"), note=told)
    _write_new(output, jsonl(document))
    summary = {"file": str(output), "lines": len(lines), "digest": document[-1]["digest"]}
    return Result(document=summary, shown=f"{output}: {told}")


@command(app, "verify")
def verify_file(
    work: Work,  # noqa: ARG001 - what every command gets
    file: Annotated[Path, typer.Argument(help="What export wrote, or an object of the audit's bucket.")],
) -> Result:
    """Look whether every line of a file is as it was written; exits with 1 and names the first that is not."""
    from order_router.domain.audit import TURNS, read_jsonl, verified  # noqa: PLC0415 - a fast start

    lines = read_jsonl(_read(file))
    end, turns = verified(lines), lines[0].get(TURNS)
    summary = {"file": str(file), "lines": end["lines"], "turns": turns, "digest": end["digest"]}
    shown = f"{file}: {end['lines']} lines as written, {_of(turns)}, digest {end['digest']}"
    return Result(document=summary, shown=shown)


def _require_day(day: str) -> None:
    from datetime import date  # noqa: PLC0415 - only here

    try:
        date.fromisoformat(day)
    except ValueError:
        raise Misuse("the day must be a date such as 2026-11-23") from None


def _of(turns: int | None) -> str:
    """Say how many turns a document has: an earlier release told of none, which is not the same as none."""
    return "without kill switches" if turns is None else f"{turns} of them turns of kill switches"


@dataclass
class _Found:
    """A day's lines; `turns` counts those of kill switches, None if the stack's release does not tell of them."""

    lines: "list[Line]"
    turns: int | None = None


def _found(work: Work, query: dict[str, str | None]) -> _Found:
    """Return the day's lines, as many pages as it takes."""
    found, cursor = _Found([]), None
    while True:
        page = work.api.call("GET", "/v1/audit", query={**query, "limit": PAGE, "cursor": cursor})
        found.lines += page["lines"]
        if "turns" in page:
            found.lines += page["turns"]
            found.turns = (found.turns or 0) + len(page["turns"])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet: an audit never takes the place of another."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refusal(f"{path} is there already: name another file") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)


def _read(path: Path) -> str:
    try:
        # what is not ASCII is no line of an audit either: it is found where it stands
        return path.read_bytes().decode("ascii", "surrogateescape")
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror}") from None
