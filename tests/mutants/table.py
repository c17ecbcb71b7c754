"""The list of mutants as a page: `python -m tests.mutants.table` writes it, a test holds it against the data."""

from pathlib import Path

from tests.mutants.by_hand import THEMES
from tests.mutants.mutant import Mutant

PAGE = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- mutants by hand: written by python -m tests.mutants.table -->\n", "<!-- end -->\n"


def by_hand() -> str:
    """Return one table for each theme."""
    return "\n".join(f"### {theme}\n\n{_table(mutants)}" for theme, mutants in THEMES.items())


def page() -> str:
    """Return the page as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{by_hand()}\n{END}{rest.partition(END)[2]}"


def _table(mutants: tuple[Mutant, ...]) -> str:
    rows = (f"| {one.name} | {one.breaks} | `{one.file}` | {_tests(one)} |\n" for one in mutants)
    return "| mutant | what it breaks | where | noticed by |\n|---|---|---|---|\n" + "".join(rows)


def _tests(mutant: Mutant) -> str:
    return ", ".join(f"`{name.removeprefix('tests/').replace('::', ' ')}`" for name in mutant.killed_by)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
