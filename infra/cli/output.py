"""What a command prints: its result on stdout, as a table or as one JSON document; notes on stderr."""

import json
import sys
from typing import Any

from infra.cli.command import Result, Table

UNBOUNDED = 10_000


def show(result: Result, *, as_json: bool) -> None:
    """Print a result."""
    if as_json:
        print_json(result.document)
        return
    if isinstance(result.shown, Table):
        print_table(result.shown)
    elif result.shown:
        print(_plain_lines(result.shown))
    if result.note:
        print(_plain_lines(result.note), file=sys.stderr)


def print_json(document: Any) -> None:  # noqa: ANN401 - a JSON value
    """Print one JSON document."""
    print(json.dumps(document, indent=2, ensure_ascii=True, default=str))


def plain(text: str) -> str:
    """Return the text without what a terminal would obey: words of brokers and files may hold anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _plain_lines(text: str) -> str:
    return "\n".join(plain(line) for line in text.split("\n"))


def print_table(table: Table) -> None:
    """Print a table as wide as its content: an id that is cut short could not be copied."""
    from rich.console import Console  # noqa: PLC0415 - only who prints tables pays for it

    if not table.rows:
        print("none")
        return
    console = Console(highlight=False, width=UNBOUNDED, height=UNBOUNDED)
    with console.capture() as drawn:
        console.print(rich_table(table))
    print("\n".join(line.rstrip() for line in drawn.get().splitlines()))


def rich_table(table: Table) -> Any:  # noqa: ANN401 - rich comes when it is needed
    """Return the table as rich draws it."""
    from rich.table import Table as RichTable  # noqa: PLC0415 - only who prints tables pays for it
    from rich.text import Text  # noqa: PLC0415 - the same

    drawn = RichTable(box=None, pad_edge=False, header_style="bold", show_header=any(table.columns))
    for column in table.columns:
        drawn.add_column(column, no_wrap=True)
    for row in table.rows:
        # as Text: no word of a broker is read as markup
        drawn.add_row(*(Text(plain(cell)) for cell in row))
    return drawn
