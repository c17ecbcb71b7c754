"""The session function as it ships: what a minute could not do for sessions keeps nobody from being told."""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from order_router import wiring
from order_router.ports import StoreUnavailable
from order_router.service import login_links, session_notices, sessions
from order_router.service.sessions import report_dead
from tests.fakes.login_world import LoginWorld
from tests.fakes.sessions import MemoryTickets

APP = Path(__file__).resolve().parents[2] / "functions" / "session" / "app.py"


EACH_MINUTE = {"source": "keep-alive", "address": "https://api.example"}


def session_function(keep_alive: Any, told: list[object]) -> Any:
    """The handler of the function over a world without ports, with these services."""
    world = SimpleNamespace(session_desk="the desk", seen_address=lambda: None)
    with (
        patch.object(login_links, "note_address", lambda *_: None),
        patch.object(wiring, "world", lambda: world),
        patch.object(sessions, "keep_alive", keep_alive),
        patch.object(session_notices, "tell_untold", told.append),
    ):
        return runpy.run_path(str(APP))["handler"]


def test_each_minute_says_whose_sessions_live_on_and_tells_what_is_untold() -> None:
    told: list[object] = []
    handler = session_function(lambda _: ("live",), told)

    assert handler(EACH_MINUTE, None) == {"kept_alive": ["live"]}
    assert told == ["the desk"]


def test_what_is_untold_is_told_even_where_no_session_could_be_kept_alive() -> None:
    def failing(_: object) -> tuple[str, ...]:
        raise StoreUnavailable("the settings: Throttled")

    told: list[object] = []
    handler = session_function(failing, told)

    with pytest.raises(StoreUnavailable):
        handler(EACH_MINUTE, None)
    assert told == ["the desk"]


def test_links_stand_in_notices_from_the_first_minute_of_a_stack() -> None:
    world = LoginWorld()
    world.tickets = MemoryTickets()
    made = SimpleNamespace(session_desk=world.desk, seen_address=lambda: None)
    with patch.object(wiring, "world", lambda: made):
        handler = runpy.run_path(str(APP))["handler"]

    handler(EACH_MINUTE, None)
    report_dead(world.desk, "page", None)

    (notice,) = world.notifier.notices
    assert (notice.link or "").startswith("https://api.example/v1/sessions/page/login?token=")
