"""What the services of the kill switch work with: the ports, handed in once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from order_router.domain.kill_switch import KillSwitch, KillTicket, SwitchState, switch_of
from order_router.domain.kill_work import KillWork
from order_router.ports import Clock, Notice, Notifier, Settings
from order_router.service.desk import Desk


class KillSwitches(Protocol):
    """The kill switches in the gate, and what is kept of each turn."""

    def get(self, switch: KillSwitch) -> SwitchState:
        """Return how it stands (a consistent read); off since ever if it was never turned."""

    def turn(self, after: SwitchState, *, before: SwitchState) -> None:
        """Store how it stands and keep the turn, both or neither: from then on no order passes one that is on.

        Raises SwitchConflict if it does not stand as `before` any more, or StoreUnavailable.
        """

    def known(self) -> tuple[SwitchState, ...]:
        """Return every switch that was ever turned, by name."""

    def history(self, switch: KillSwitch, *, last: int) -> tuple[SwitchState, ...]:
        """Return its last turns, newest first."""

    def turned(self, switch: KillSwitch, number: int) -> SwitchState:
        """Return how the turn of this number, 1 to its version, left it; StoreUnavailable if that is not known."""


class KillWorks(Protocol):
    """The work that was asked for, one record an account, and one more for each strategy in it."""

    def get(self, name: str) -> KillWork | None:
        """Return the work of this name as last written (a consistent read)."""

    def write(self, work: KillWork, *, replacing: KillWork | None) -> KillWork:
        """Store it and return it with its version; WorkConflict if another one stands there, or StoreUnavailable."""

    def known(self) -> tuple[KillWork, ...]:
        """Return the last work of every account and strategy, by name."""


class KillQueue(Protocol):
    """Asks for the next pass of a work."""

    def put(self, name: str, work_id: str, *, delay_s: int) -> None:
        """Ask for a pass after a delay; may StoreUnavailable."""


class KillTickets(Protocol):
    """Tickets to turn a switch on, each good for one time."""

    def issue(self, ticket: KillTicket) -> None:
        """Store a ticket; may StoreUnavailable."""

    def find(self, digest: str, now: datetime) -> KillTicket | None:
        """Return the ticket if it was issued, was not used and has not expired."""

    def use(self, ticket: KillTicket, now: datetime) -> bool:
        """Use the ticket up; False if it was used before or has expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KillDesk:
    """The ports of who turns the switch: nothing of a broker's, so that nothing of a broker's can be in its way.

    `nonce` makes a value that no other call makes; `lets_exits`: whether exits pass a switch that was turned on without
    a word on them.
    """

    settings: Settings
    clock: Clock
    notifier: Notifier
    switches: KillSwitches
    works: KillWorks
    queue: KillQueue
    tickets: KillTickets
    nonce: Callable[[], str]
    lets_exits: Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class KillWorkDesk:
    """The ports of who does the work, and the desk that its cancels and exits go through as any order does."""

    orders: Desk
    switches: KillSwitches
    works: KillWorks
    queue: KillQueue

    def tell(
        self, account: str, message: str, client_order_id: str | None = None, subject: str | None = None
    ) -> bool:
        """Tell what became of the work, or of a part of it; return whether that is on its way."""
        return self.orders.notifier.tell(
            Notice(
                kind="kill_outcome",
                account=account,
                message=message,
                client_order_id=client_order_id,
                subject=subject,
            )
        )


def still_stands(switches: KillSwitches, work: KillWork) -> bool:
    """Return whether the switch is on since the stop that asked for the work: none is done under another one."""
    state = switches.get(switch_of(work.switch))
    return state.is_on and state.since == work.since
