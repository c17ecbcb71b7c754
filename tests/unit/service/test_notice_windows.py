"""How long a repeat of each kind is no news, and which kinds bring a link that stops new orders."""

from datetime import timedelta

import pytest

from order_router.domain.notices import KINDS, Notice
from order_router.domain.telling import Delivery
from order_router.service.telling import deliver, spread
from tests.fakes.telling_world import TELEGRAM, TellingWorld

MILLISECOND = timedelta(milliseconds=1)
"""What the memory of notices counts in."""

SAID_AT_ONCE = {"test", "summary"}
"""Nobody queues these: each is said whenever it is asked for."""

OF_AN_ORDER = {"fill", "partial", "cancelled", "expired", "rejected", "refused", "stale", "held"}
WINDOWS = {
    timedelta(minutes=1): {"kill_on", "kill_off"},
    timedelta(minutes=5): {"breaker_open", "breaker_closed"},
    timedelta(minutes=15): {"alarm", "alert_refused", "a kind that the table lacks"},
    timedelta(minutes=30): {"login_needed", "login_failed"},
    timedelta(days=1): {
        *OF_AN_ORDER,
        *("late_fill", "unknown", "closed", "not_done", "duplicate", "stray", "unreadable"),
        *("kill_outcome", "limit_near", "limit_reached"),
        *("instruments_not_refreshed", "calendar_unknown"),
    },
}


def test_of_every_kind_it_is_known_when_it_is_news_again() -> None:
    known = set().union(*WINDOWS.values())

    assert KINDS.keys() - SAID_AT_ONCE <= known


@pytest.mark.parametrize(
    ("kind", "window"), [(kind, window) for window, kinds in WINDOWS.items() for kind in sorted(kinds)]
)
def test_a_repeat_is_no_news_until_its_window_is_over(kind: str, window: timedelta) -> None:
    world = TellingWorld(TELEGRAM)
    notice = Notice(kind=kind, account="main", message="look at it", subject="it")

    told = []
    for message_id, later in (("m-1", timedelta()), ("m-2", window - MILLISECOND), ("m-3", MILLISECOND)):
        world.clock.advance(later.total_seconds())
        told.append(spread(world.desk, notice, message_id))

    assert told == [1, 0, 1]


def test_a_link_that_stops_comes_with_trouble_that_goes_on_and_with_nothing_else() -> None:
    world = TellingWorld(TELEGRAM.model_copy(update={"per_minute": 100}))
    for kind in KINDS:
        notice = Notice(kind=kind, account="main", message="look at it")
        deliver(world.desk, Delivery(delivery_id=kind, channel="phone", notice=notice, at=world.clock.now()))

    with_link = {telling.notice.kind for telling in world.telegram.said if telling.stop_link is not None}
    assert sorted(world.telegram.kinds) == sorted(KINDS)
    assert with_link == {"unknown", "duplicate", "breaker_open"}
