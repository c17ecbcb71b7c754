"""One notifier of several tells each."""

from order_router.ports import Notice
from order_router.service.notifying import EachNotifier
from tests.fakes.queues import MemoryNotifier


def test_each_is_told_in_turn() -> None:
    log, queue = MemoryNotifier(), MemoryNotifier()
    notice = Notice(kind="test", account="all", message="one word to everybody")

    EachNotifier([log, queue]).tell(notice)

    assert (log.notices, queue.notices) == ([notice], [notice])


def test_it_is_on_its_way_once_each_has_it_and_one_that_fails_keeps_none_from_the_others() -> None:
    failing, other = MemoryNotifier(fails=1), MemoryNotifier()
    notice = Notice(kind="test", account="all", message="one word to everybody")
    each = EachNotifier([failing, other])

    assert [each.tell(notice), each.tell(notice)] == [False, True]
    assert other.notices == [notice, notice]
