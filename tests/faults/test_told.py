"""Who judges whether a person was told counts what the stream tells and what is queued, never what was asked for."""

from itertools import pairwise

from order_router.ports import Notice
from order_router.service.reconcile import reconcile_account
from tests.fakes.told import queued_of, told_by, told_of_write
from tests.fakes.transport import Fault
from tests.fakes.world import World


def test_a_notice_that_the_stream_stands_for_is_not_told_by_asking_for_it() -> None:
    asked = [Notice(kind=kind, account="paper", message="look") for kind in ("unknown", "closed", "fill")]

    assert queued_of(asked) == []


def test_a_notice_of_another_kind_is_told_as_it_is_queued() -> None:
    (queued,) = queued_of([Notice(kind="duplicate", account="paper", message="two", client_order_id="A")])

    assert (queued.kind, queued.message, queued.client_order_id) == ("duplicate", "two", "A")


def look_at_a_lost_order() -> World:
    world = World()
    world.transport.writes = [Fault.REQUEST_LOST]
    world.place()
    world.clock.advance(40)
    reconcile_account(world.desk, "paper")
    return world


def test_the_news_of_all_writes_is_the_news_of_the_last() -> None:
    writes = look_at_a_lost_order().store.writes

    each = [told_of_write(after, before) for before, after in pairwise([None, *writes]) if after is not None]

    assert [notice for told in each for notice in told] == told_by(writes[-1:])


def test_an_unknown_order_is_told_once_by_its_stored_step_whatever_was_asked() -> None:
    world = look_at_a_lost_order()

    told = told_by(world.store.writes[-1:], world.notifier.notices)

    assert [notice.kind for notice in told] == ["unknown"]
    assert "unknown" in {notice.kind for notice in world.notifier.notices}
