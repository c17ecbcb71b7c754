"""Files that hold secrets: read only if nobody but their owner may read them."""

import stat
import sys
from pathlib import Path

from infra.cli.refusal import Misuse, Refusal

MAX_FILE = 64 * 1024
STANDARD_INPUT = Path("-")


def read_private(path: Path) -> str:
    """Return a file's text, `-` for standard input.

    Refused if others may read the file: what it holds is then no secret any more. A pipe has no such others.
    """
    if path == STANDARD_INPUT:
        return _decoded(sys.stdin.buffer.read(MAX_FILE + 1), "standard input")
    try:
        with path.open("rb") as file:
            mode = path.stat().st_mode
            if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
                raise Refusal(
                    f"{path} can be read by others: chmod 600 {path}, and consider what it holds as seen"
                )
            return _decoded(file.read(MAX_FILE + 1), str(path))
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror}") from None


def _decoded(content: bytes, what: str) -> str:
    if len(content) > MAX_FILE:
        raise Misuse(f"{what} has more than {MAX_FILE} bytes: is it the right one?")
    try:
        return content.decode()
    except UnicodeDecodeError:
        pass
    # raised out here: the decoder's error holds the content
    raise Misuse(f"{what} is not text: is it the right one?")
