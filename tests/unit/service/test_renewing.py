"""Whether a call that met a dead session may be made again: only with another session, and in time."""

from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from order_router.adapter.login import CredentialsRefused
from order_router.domain.account import Account
from order_router.service.renewing import has_new_session
from tests.fakes.login_world import BROWSER, UNATTENDED
from tests.fakes.world import World

PAPER = Account(name="paper", broker="paper")


@pytest.fixture
def world() -> World:
    world = World()
    world.sessions.log_in("paper", {"token": "dead"})
    return world


def is_mended(world: World, *, profile: Any = UNATTENDED, until: datetime | None) -> bool:
    """Return what is said of the session that is stored as the test begins."""
    refused = world.sessions.session(PAPER)
    if profile is None:
        world.sessions.log_out("paper")
        profile = BROWSER
    desk = replace(world.desk, broker_of=lambda _: SimpleNamespace(profile=profile))
    return has_new_session(desk, PAPER, refused, until=until)


def logs_in_after(world: World, seconds: float) -> None:
    def renew(*_: object) -> None:
        world.clock.advance(seconds)
        world.sessions.log_in("paper", {"token": "new"})

    world.renewer.on_renew = renew


@pytest.mark.parametrize(("seconds", "is_in_time"), [(4.999, True), (5, False)])
def test_a_login_helps_the_call_if_it_ends_in_time(world: World, seconds: float, *, is_in_time: bool) -> None:
    logs_in_after(world, seconds)

    assert is_mended(world, until=world.clock.now() + timedelta(seconds=5)) is is_in_time
    assert (len(world.renewer.renewed), world.renewer.reported) == (1, [])


def test_a_login_that_failed_mends_nothing(world: World) -> None:
    def refuse(*_: object) -> None:
        raise CredentialsRefused("no")

    world.renewer.on_renew = refuse

    assert is_mended(world, until=world.clock.now() + timedelta(seconds=5)) is False


@pytest.mark.parametrize("left", [None, 0])
def test_without_time_for_a_login_the_dead_session_is_only_told_of(world: World, left: float | None) -> None:
    refused = world.sessions.session(PAPER).fingerprint
    until = None if left is None else world.clock.now() + timedelta(seconds=left)

    assert is_mended(world, until=until) is False
    assert (world.renewer.renewed, world.renewer.reported) == ([], [("paper", refused)])


def test_a_session_that_is_gone_is_not_another_one(world: World) -> None:
    assert is_mended(world, profile=None, until=world.clock.now() + timedelta(seconds=5)) is False
    assert len(world.renewer.reported) == 1
