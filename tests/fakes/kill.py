"""Kill switches, their work and their tickets in memory; they keep the contracts that the tables keep."""

from dataclasses import dataclass, field
from datetime import datetime

from order_router.domain.kill_switch import KillSwitch, KillTicket, SwitchConflict, SwitchState
from order_router.domain.kill_work import KillWork, WorkConflict
from order_router.ports import StoreUnavailable
from order_router.service.kill_desk import KillDesk, KillWorkDesk
from order_router.service.kill_switch import Release, release
from order_router.service.kill_work import make_pass
from tests.fakes.order_store import MemoryOrderStore
from tests.fakes.world import World


class MemoryKillSwitches:
    """Implements `service.kill_desk.KillSwitches`: the gate of `store` meets them. `fails`: so many turns fail."""

    def __init__(self, store: MemoryOrderStore) -> None:
        self._store = store
        self._turns: dict[KillSwitch, list[SwitchState]] = {}
        self.fails = 0

    def get(self, switch: KillSwitch) -> SwitchState:
        turns = self._turns.get(switch)
        return SwitchState(switch=switch) if turns is None else turns[-1]

    def turn(self, after: SwitchState, *, before: SwitchState) -> None:
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("turning a kill switch: Throttled")
        if self.get(after.switch).version != before.version:
            raise SwitchConflict(self.get(after.switch))
        self._turns.setdefault(after.switch, []).append(after)
        self._store.set_switch(after.switch.key, engaged=after.is_on, lets_exits=after.lets_exits)

    def known(self) -> tuple[SwitchState, ...]:
        return tuple(sorted((self.get(one) for one in self._turns), key=lambda state: state.switch.key))

    def history(self, switch: KillSwitch, *, last: int) -> tuple[SwitchState, ...]:
        return tuple(self._turns.get(switch, [])[::-1][:last])

    def turned(self, switch: KillSwitch, number: int) -> SwitchState:
        turns = self._turns.get(switch, [])
        if not 1 <= number <= len(turns):
            raise StoreUnavailable(f"turn {number} of the kill switch of {switch} is not in its log")
        return turns[number - 1]


class MemoryKillWorks:
    """Implements `service.kill_desk.KillWorks`; `written` is every version in the order of its writing."""

    def __init__(self) -> None:
        self._works: dict[str, KillWork] = {}
        self.written: list[KillWork] = []

    def get(self, name: str) -> KillWork | None:
        return self._works.get(name)

    def write(self, work: KillWork, *, replacing: KillWork | None) -> KillWork:
        standing = self.get(work.name)
        version = 0 if replacing is None else replacing.version
        if (0 if standing is None else standing.version) != version:
            raise WorkConflict(f"the work of {work.name} was changed meanwhile")
        stored = work.model_copy(update={"version": version + 1})
        self._works[work.name] = stored
        self.written.append(stored)
        return stored

    def known(self) -> tuple[KillWork, ...]:
        return tuple(self._works[name] for name in sorted(self._works))


class MemoryKillQueue:
    """Implements `service.kill_desk.KillQueue`; `asked` lists (name, work id, delay)."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []
        self.is_down = False

    def put(self, name: str, work_id: str, *, delay_s: int) -> None:
        if self.is_down:
            raise StoreUnavailable("the queue did not answer")
        self.asked.append((name, work_id, delay_s))


class MemoryKillTickets:
    """Implements `service.kill_desk.KillTickets`."""

    def __init__(self) -> None:
        self._tickets: dict[str, KillTicket] = {}
        self._used: set[str] = set()

    def issue(self, ticket: KillTicket) -> None:
        self._tickets[ticket.digest] = ticket

    def find(self, digest: str, now: datetime) -> KillTicket | None:
        ticket = self._tickets.get(digest)
        is_good = ticket is not None and digest not in self._used and now < ticket.expires_at
        return ticket if is_good else None

    def use(self, ticket: KillTicket, now: datetime) -> bool:
        is_good = self.find(ticket.digest, now) == ticket
        if is_good:
            self._used.add(ticket.digest)
        return is_good


@dataclass
class KillWorld:
    """The router in memory with its kill switches. `lets_exits`: as the stack is set."""

    world: World = field(default_factory=World)
    works: MemoryKillWorks = field(default_factory=MemoryKillWorks)
    queue: MemoryKillQueue = field(default_factory=MemoryKillQueue)
    tickets: MemoryKillTickets = field(default_factory=MemoryKillTickets)
    lets_exits: bool = False

    def __post_init__(self) -> None:
        self.switches = MemoryKillSwitches(self.world.store)
        self.desk = KillDesk(
            settings=self.world.settings,
            clock=self.world.clock,
            notifier=self.world.notifier,
            switches=self.switches,
            works=self.works,
            queue=self.queue,
            tickets=self.tickets,
            nonce=self.world.desk.nonce,
            lets_exits=lambda: self.lets_exits,
        )
        self.work_desk = KillWorkDesk(
            orders=self.world.desk, switches=self.switches, works=self.works, queue=self.queue
        )

    def work(self, name: str = "paper") -> KillWork:
        """Return the work of this name, which must be there."""
        found = self.works.get(name)
        assert found is not None
        return found

    def run_passes(self, limit: int = 200) -> int:
        """Bring every message to its worker when it is due, and return how many there were."""
        made = 0
        while self.queue.asked and made < limit:
            name, work_id, delay_s = self.queue.asked.pop(0)
            self.world.clock.advance(delay_s)
            make_pass(self.work_desk, name, work_id)
            made += 1
        return made

    def told(self, kind: str) -> list[str]:
        """Return the words of every notice of this kind."""
        return [notice.message for notice in self.world.notifier.notices if notice.kind == kind]


def let_go(
    kill: KillWorld, switch: KillSwitch, *, by: str, reason: str, asked_at: datetime | None = None
) -> SwitchState:
    """Turn the switch off, as asked for now."""
    at = kill.world.clock.now() if asked_at is None else asked_at
    return release(kill.desk, Release(switch=switch, by=by, reason=reason, asked_at=at))
