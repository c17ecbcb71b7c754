"""What happened when: a line as it happens, and at the end how long each thing took."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console

from tests.system.client import eventually


@dataclass
class Timeline:
    """Prints a line as it happens; `took` keeps what is summed up at the end. `missed` names what did not come."""

    console: Console
    took: list[tuple[str, float]] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def scene(self, title: str) -> None:
        """Begin another scene."""
        self.console.print(f"\n[bold]{title}[/]")

    def say(self, who: str, what: str) -> None:
        """Print what somebody did, with the seconds since the drill began."""
        seconds = time.monotonic() - self.began
        self.console.print(f"{seconds:7.1f} s  {who:9}  {what}", highlight=False, markup=False)

    def wait[T](self, who: str, what: str, look: Callable[[], T | None], *, within_s: float) -> T:
        """Wait until a look finds something, and say how long that took; what does not come fails the scene."""
        began = time.monotonic()
        try:
            found = eventually(look, what, within_s=within_s)
        except AssertionError:
            self.missed.append(what)
            raise
        seconds = time.monotonic() - began
        self.took.append((what, seconds))
        self.say(who, f"{what} (after {seconds:.1f} s)")
        return found
