"""Who renews sessions, in memory."""

from collections.abc import Callable
from datetime import datetime

from order_router.domain.account import Account


class MemoryRenewer:
    """Implements `ports.SessionRenewer`; `renewed` and `reported` list what was asked. `on_renew` does the work."""

    def __init__(self) -> None:
        self.renewed: list[tuple[str, str | None, datetime]] = []
        self.reported: list[tuple[str, str | None]] = []
        self.on_renew: Callable[[Account, str | None, datetime], None] = lambda *_: None

    def renew(self, account: Account, *, refused: str | None, until: datetime) -> None:
        self.renewed.append((account.name, refused, until))
        self.on_renew(account, refused, until)

    def report(self, account: Account, *, refused: str | None) -> None:
        self.reported.append((account.name, refused))
