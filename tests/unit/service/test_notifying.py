"""One notifier of several tells each."""

from order_router.ports import Notice
from order_router.service.notifying import EachNotifier
from tests.fakes.queues import MemoryNotifier


def test_each_is_told_in_turn() -> None:
    log, queue = MemoryNotifier(), MemoryNotifier()
    notice = Notice(kind="test", account="all", message="one word to everybody")

    EachNotifier([log, queue]).tell(notice)

    assert (log.notices, queue.notices) == ([notice], [notice])
