"""`router audit`: what happened to a day's orders, switches, breakers and limits, as a file whose lines are chained."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.command import Result, command, new_app
from infra.cli.options import AccountOption
from infra.cli.refusal import Misuse, Refusal
from infra.cli.work import Work

if TYPE_CHECKING:
    from order_router.domain.audit import Line

app = new_app(
    "What happened to each order, and why; who turned a kill switch, opened a breaker or set limits."
)

PAGE = "100"
ONLY = "accounts"
"""The accounts of which alone a document tells, in its head; absent: all, or those of `account`."""
Day = Annotated[
    str, typer.Argument(metavar="YYYY-MM-DD", help="The day at the Indian exchanges that orders came in.")
]
Output = Annotated[
    Path | None, typer.Option(help="Into this new file, for you alone to read, instead of to the screen.")
]


@command(app, "export")
def export_day(work: Work, day: Day, account: AccountOption = None, output: Output = None) -> Result:
    """Write a day's orders, all that became of them since, its kill switches, breakers and limits, line by line."""
    from order_router.domain.audit import in_order, jsonl, whole  # noqa: PLC0415 - a fast start

    _require_day(day)
    found = _found(work, {"day": day, "account": account})
    lines = in_order(found.lines)
    exported_at = work.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    about = {"day": day, "account": account, "exported_at": exported_at}
    document = whole(lines, about={**about, **found.narrowed, **found.counts})
    told = f"{len(lines)} lines, {_of(document[0])}; the digest of the end is {document[-1]['digest']}"
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
    from order_router.domain.audit import CHANGES, TURNS, read_jsonl, verified  # noqa: PLC0415 - a fast start

    lines = read_jsonl(_read(file))
    end, head = verified(lines), lines[0]
    counts = {"turns": head.get(TURNS), "changes": head.get(CHANGES)}
    summary = {"file": str(file), "lines": end["lines"], **counts, "digest": end["digest"]}
    shown = f"{file}: {end['lines']} lines as written, {_of(head)}, digest {end['digest']}"
    return Result(document=summary, shown=shown)


def _require_day(day: str) -> None:
    from datetime import date  # noqa: PLC0415 - only here

    try:
        date.fromisoformat(day)
    except ValueError:
        raise Misuse("the day must be a date such as 2026-11-23") from None


def _of(head: Mapping[str, Any]) -> str:
    """Say what a document has beside orders: an earlier release told of none of it, which is not the same as none."""
    from order_router.domain.audit import CHANGES, TURNS  # noqa: PLC0415 - a fast start

    kinds = (
        (TURNS, "turns of kill switches", "kill switches"),
        (CHANGES, "of breakers and limits", "breakers and limits"),
    )
    told = [
        f"{head[name]} of them {words}" if name in head else f"without {absent}"
        for name, words, absent in kinds
    ]
    return ", ".join([*told, f"of no account but {', '.join(head[ONLY])}"] if ONLY in head else told)


@dataclass
class _Found:
    """A day's lines; `counts` is how many are not of orders, without what the stack's release does not tell of.

    `narrowed` names the accounts of which alone it tells, if not of all.
    """

    lines: "list[Line]"
    narrowed: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def _found(work: Work, query: dict[str, str | None]) -> _Found:
    """Return the day's lines, as many pages as it takes."""
    from order_router.domain.audit import CHANGES, TURNS  # noqa: PLC0415 - a fast start

    found, cursor = _Found([]), None
    while True:
        page = work.api.call("GET", "/v1/audit", query={**query, "limit": PAGE, "cursor": cursor})
        found.lines += page["lines"]
        if page.get(ONLY) is not None:
            found.narrowed = {ONLY: page[ONLY]}
        for name, count in (("turns", TURNS), ("changes", CHANGES)):
            if name in page:
                found.lines += page[name]
                found.counts[count] = found.counts.get(count, 0) + len(page[name])
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
