"""A command on a terminal of its own: what is typed at its prompts, and all that its screen shows."""

import os
import pty
import select
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

PATIENCE_S = 60
ROWS, COLUMNS = 50, 160

Typed = str | Callable[[str], str]
"""A line, or what makes one of the screen as it stands."""


@dataclass(frozen=True)
class Answer:
    """What is typed where the screen ends with this prompt."""

    prompt: str
    line: Typed


def screen_of(
    line: Sequence[str | Path], answers: Sequence[Answer], environment: Mapping[str, str]
) -> tuple[str, int]:
    """Run a command, type each answer at its prompt, and return all that was shown and the exit code."""
    process, terminal = pty.fork()
    if process == 0:  # pragma: no cover - the child
        os.execve(line[0], [str(one) for one in line], environment)  # noqa: S606 - no shell is meant
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    screen, seen = "", 0
    for answer in answers:
        # a prompt that was answered stands there still: what is typed too early is thrown away
        while not screen[seen:].endswith(answer.prompt):
            more = _shown(terminal, screen)
            assert more, f"the command ended before it asked {answer.prompt!r}: {screen}"
            screen += more
        text = answer.line if isinstance(answer.line, str) else answer.line(screen)
        seen = len(screen)
        os.write(terminal, f"{text}\n".encode())
    while more := _shown(terminal, screen):
        screen += more
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return screen.replace("\r\n", "\n"), os.waitstatus_to_exitcode(status)


def _shown(terminal: int, screen: str) -> str:
    ready, _, _ = select.select([terminal], [], [], PATIENCE_S)
    assert ready, f"the command shows nothing more: {screen}"
    try:
        return os.read(terminal, 4096).decode()
    except OSError:
        return ""
