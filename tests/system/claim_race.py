"""Many workers after the same intents at the same instant: who won, who lost to whom, and what it cost.

64 threads live through the whole race, each a worker with a store of its own. A wave is 64 claims that a barrier
releases together; the intents of a wave are contested by an equal share of the threads.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import batched
from threading import Barrier

from order_router.domain.errors import RouterError
from order_router.domain.gate import Gate
from order_router.domain.order import Order, Ownership, take_ownership
from order_router.ports import Clock, OrderStore, StoreConflict
from tests.fakes.orders import an_order

THREADS = 64
WAIT_S = 60

GateOf = Callable[[str, int], Gate]
"""The gate of a key and a worker."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What came of one worker's claim of an intent: its own order, and the one it lost to or the refusal."""

    order: Order
    lost_to: Order | None = None
    refusal: str | None = None

    @property
    def is_won(self) -> bool:
        """Return whether this worker may send."""
        return self.lost_to is None and self.refusal is None


@dataclass(frozen=True)
class Race:
    """The field: how a worker opens its store, the clock, and the gate of each claim."""

    new_worker: Callable[[], OrderStore]
    clock: Clock
    gate_of: GateOf

    def run(self, waves: Iterable[Sequence[str]]) -> dict[str, list[Claim]]:
        """Run the waves, each a list of keys that divides the threads, and return the claims by key."""
        plan = [[keys[worker % len(keys)] for worker in range(THREADS)] for keys in waves]
        barrier = Barrier(THREADS)
        claims: dict[str, list[Claim]] = defaultdict(list)
        with ThreadPoolExecutor(THREADS) as pool:
            for claimed in pool.map(lambda worker: self._work(worker, plan, barrier), range(THREADS)):
                for key, claim in claimed:
                    claims[key].append(claim)
        return claims

    def _work(self, worker: int, plan: list[list[str]], barrier: Barrier) -> list[tuple[str, Claim]]:
        store = self.new_worker()
        claimed = []
        for keys in plan:
            order = self._owned(keys[worker], worker)
            gate = self.gate_of(keys[worker], worker)
            barrier.wait(WAIT_S)
            claimed.append((keys[worker], claim(store, order, gate)))
        return claimed

    def _owned(self, key: str, worker: int) -> Order:
        now = self.clock.now()
        # of an account that the stack does not know: its reconciler would judge what is not settled within a lease
        order = replace(an_order(key, at=now, account="race"), deadline=now + timedelta(minutes=1))
        return take_ownership(order, Ownership(f"w-{worker}", now + timedelta(seconds=35)), now)


def waves(keys: Sequence[str], contenders: int) -> Iterator[list[str]]:
    """Yield the keys in waves, each key contested by so many threads (a divisor of 64; a last wave is filled up)."""
    size = THREADS // contenders
    for wave in batched(keys, size, strict=False):
        yield [wave[turn % len(wave)] for turn in range(size)]


def wrong_claims(claims: dict[str, list[Claim]], store: OrderStore) -> list[str]:
    """Name each intent that has not exactly one winner, whose losers saw another record, or whose record differs."""
    return [fault for key, of_key in claims.items() for fault in _wrong(key, of_key, store)]


def _wrong(key: str, claims: list[Claim], store: OrderStore) -> list[str]:
    winners = [claim.order for claim in claims if claim.is_won]
    if len(winners) != 1:
        refusals = sorted({str(claim.refusal) for claim in claims if claim.refusal is not None})
        return [f"{key} has {len(winners)} winners of {len(claims)}; refusals {refusals}"]
    stored = store.get(winners[0].client_order_id)
    others = [claim for claim in claims if not claim.is_won]
    faults = [
        f"{key}: {claim.order.owner} saw {claim.refusal or claim.lost_to}"
        for claim in others
        if claim.lost_to != winners[0]
    ]
    return faults if stored == winners[0] else [*faults, f"{key} is stored as {stored}"]


def claim(store: OrderStore, order: Order, gate: Gate) -> Claim:
    """Try to write the order through its gate, and return what came of it."""
    try:
        store.write(order, replacing=None, gate=gate)
    except StoreConflict as conflict:
        return Claim(order, lost_to=conflict.current)
    except RouterError as refusal:
        return Claim(order, refusal=refusal.code)
    return Claim(order)
