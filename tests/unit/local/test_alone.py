"""Of commands that start at once, one works and the others wait."""

import fcntl
import io
import threading
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest

from infra.local import emulator, lifecycle
from infra.local.alone import alone
from infra.local.home import Home


class Told(io.StringIO):
    """Notes that something was said."""

    def __init__(self) -> None:
        super().__init__()
        self.something = threading.Event()

    def write(self, words: str) -> int:
        self.something.set()
        return super().write(words)


def test_the_second_says_that_it_waits_until_the_first_is_done(tmp_path: Path) -> None:
    lock, done, told = tmp_path / "home" / "lock", list[str](), Told()

    def second() -> None:
        with alone(lock):
            done.append("second")

    with redirect_stdout(told):
        with alone(lock):
            other = threading.Thread(target=second)
            other.start()
            assert told.something.wait(timeout=30)
            done.append("first")
        other.join()

    assert done == ["first", "second"]
    assert "waiting" in told.getvalue()


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), alone(tmp_path / "lock"):
        raise KeyboardInterrupt

    with alone(tmp_path / "lock"):
        pass


def _is_held(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_who_brings_a_stack_up_or_takes_it_down_is_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, held = Home(tmp_path), list[bool]()

    def works_on(home: Home, *_: object) -> Any:
        held.append(_is_held(home.lock))

    monkeypatch.setattr(lifecycle, "build", lambda: ("digest", False))
    monkeypatch.setattr(lifecycle, "_brought_up", works_on)
    monkeypatch.setattr(emulator, "stop", works_on)

    lifecycle.bring_up(home, {})
    lifecycle.take_down(home)

    assert held == [True, True]
    assert not _is_held(home.lock)
