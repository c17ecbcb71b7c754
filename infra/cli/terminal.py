"""The person at the terminal, asked for what must not stand on a command line."""

import getpass
import os
import sys

from infra.cli.refusal import Misuse


class Terminal:
    """Asks on the terminal itself; what is typed at `ask_hidden` is not shown."""

    def require(self) -> None:
        """Raise Misuse if nobody can be asked."""
        if not (sys.stdin.isatty() and os.isatty(sys.stderr.fileno())):
            raise Misuse("there is no terminal to ask at: give --from-file FILE, or - for standard input")

    def ask(self, label: str) -> str:
        """Return a line that may be seen."""
        sys.stderr.write(f"{label}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.strip()

    def ask_hidden(self, label: str) -> str:
        """Return a line that is not shown."""
        return getpass.getpass(f"{label}: ", stream=sys.stderr).strip()

    def tell(self, line: str) -> None:
        """Say something beside the command's result."""
        print(line, file=sys.stderr)
