"""One notifier of several: the log first, for it cannot fail."""

from collections.abc import Sequence

from order_router.ports import Notice, Notifier


class EachNotifier:
    """Implements `ports.Notifier` by telling each of several, in their order."""

    def __init__(self, notifiers: Sequence[Notifier]) -> None:
        self._notifiers = notifiers

    def tell(self, notice: Notice) -> bool:
        """Tell each of them, and return whether each has it."""
        heard = [notifier.tell(notice) for notifier in self._notifiers]
        return all(heard)
