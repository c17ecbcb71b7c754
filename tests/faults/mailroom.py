"""A broker's postbacks in one process: what the Kite simulator posts, kept until a test lets it come."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from order_router.brokers.registry import load_broker, load_postbacks
from order_router.service.postbacks import Postback, PostbackDesk, Taken, take_postback
from tests.fakes.sessions import MemorySecrets, MemoryStrays
from tests.fakes.world import World
from tests.faults.crashes import Crash, Crashes, CrashingPort
from tests.simulators.kite import API_SECRET, Kite
from tests.simulators.kite_postbacks import KitePostbacks, Posted

PORTS = ("store", "settings", "notifier", "credentials", "reconcile", "strays")


class KeptPostbacks(KitePostbacks):
    """Posts nothing by itself: `bodies` is what would come, in the order of what happened."""

    def __init__(self, kite: Kite) -> None:
        super().__init__()
        self.bodies: list[bytes] = []
        self.be_told(url="kept")
        kite.postbacks = self
        kite.book._on_change = self.tell

    def _put(self, posted: Posted) -> None:
        self.bodies.append(posted[1])


@dataclass
class Mailroom:
    """Takes the postbacks of a world's account at Zerodha; each is a worker of its own, which may die at `deaths`."""

    world: World
    kite: Kite
    deaths: Crashes = field(default_factory=Crashes)
    taken: list[Taken] = field(default_factory=list)
    died: int = 0

    def __post_init__(self) -> None:
        self.posted = KeptPostbacks(self.kite)
        self.strays = MemoryStrays()
        secrets = MemorySecrets("")
        secrets.put_credentials("paper", {"api_secret": API_SECRET})
        desk = self.world.desk
        plain = PostbackDesk(
            store=desk.store,
            settings=desk.settings,
            clock=desk.clock,
            notifier=desk.notifier,
            credentials=secrets,
            broker_of=load_broker,
            postbacks_of=load_postbacks,
            reconcile=desk.reconcile,
            strays=self.strays,
        )
        ports: dict[str, Any] = {
            name: CrashingPort(getattr(plain, name), name, self.deaths) for name in PORTS
        }
        self._desk = replace(plain, **ports)

    def take(self, bodies: Iterable[bytes]) -> None:
        """Bring these postbacks, one after the other."""
        for body in bodies:
            self.deaths.begin()
            try:
                postback = Postback(broker="zerodha", account="paper", headers={}, body=body)
                self.taken.append(take_postback(self._desk, postback))
            except Crash:
                self.died += 1

    def newest_first_and_twice(self) -> list[bytes]:
        """Return all that the broker has posted so far, as no broker should send it."""
        return [body for body in self.posted.bodies[::-1] for _ in range(2)]
