"""A mutant as data: the text that is replaced in one file of the layer, and who must notice."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers/order_router"
PACKAGE = LAYER / "order_router"


class MutantLost(AssertionError):
    """The text that a mutant replaces is not there exactly once: the code has moved on, the mutant must follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change by hand. `file` is below the package; `killed_by` are node ids: one of those tests must notice."""

    name: str
    breaks: str
    file: str
    old: str
    new: str
    killed_by: tuple[str, ...]

    @property
    def module(self) -> str:
        """Return the name of the module that is changed."""
        return module_of(self.file)

    def source(self) -> str:
        """Return the file's text with the change made; MutantLost unless the old text is there exactly once."""
        text = (PACKAGE / self.file).read_text(encoding="utf-8")
        found = text.count(self.old)
        if found != 1:
            raise MutantLost(f"{self.name}: {self.file} has {found} times:\n{self.old}")
        return text.replace(self.old, self.new)


def module_of(file: str) -> str:
    """Return the module name of a file below the package."""
    parts = ("order_router", *Path(file).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
