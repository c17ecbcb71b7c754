"""Who takes part: two workers with three deliveries of one message, the reconciler twice, and the burial."""

from datetime import timedelta
from typing import NamedTuple

from order_router.domain.gate import PaceExceeded
from order_router.domain.vocabulary import Source
from order_router.ports import Letter, PlaceOrder, StoreUnavailable
from order_router.service.dead_letters import bury_order
from order_router.service.desk import Desk
from order_router.service.place import StillUnsent, place_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.queues import MemoryDeadLetters
from tests.faults.search.broker import REQUEST
from tests.faults.search.worker import ACCOUNT, Ended, Job
from tests.faults.search.world import DEADLINE_S, POINTS

COMMAND = PlaceOrder(
    request=REQUEST,
    idempotency_key="alert:1",
    source=Source.ALERT,
    received_at=POINTS[0],
    deadline=POINTS[0] + timedelta(seconds=DEADLINE_S),
)
LETTER = Letter("m-1", "{}")
EXPECTED = (StillUnsent, StoreUnavailable, PaceExceeded)
"""How a worker may end: its message, or the schedule, comes again."""

State = tuple[int, ...]
POINT, STORE, BOOK, FAULTS = range(4)
"""The first numbers of a state: the point of time, the store, the book, the faults left."""

DELIVERIES = (4, 5, 6)
REDRIVE = 6
LOOKS = (7, 8)
BURIAL = 9
WORKPLACES = range(4, 10)
NEVER, ENDED = 0, -1
"""The other numbers: where a worker stands. These stand in a place when nobody is there."""

NAMES = ("1A", "2B", "3A", "3B", "look", "burial")
"""Delivery 1 at worker A, 2 at B, the redrive 3 at either, and who else works."""
WORKERS = (0, 1, 0, 1, 2, 3)
LOOK_JOB, BURIAL_JOB = 4, 5


def place(desk: Desk) -> None:
    """Deliver the message."""
    place_order(desk, COMMAND)


def look(desk: Desk) -> None:
    """Run the reconciler once."""
    reconcile_account(desk, ACCOUNT)


def bury(desk: Desk) -> None:
    """Bury the message that the queue gave up on."""
    bury_order(desk, MemoryDeadLetters(), LETTER, COMMAND)


JOBS: tuple[Job, ...] = (place, place, place, place, look, bury)


class Step(NamedTuple):
    """One transition: whose, in words, where to, and the rule that it broke."""

    who: str
    words: str
    to: State
    broken: str | None = None


def how(ended: Ended) -> str:
    """Return how a worker ended, in words."""
    return "ends" if ended.error is None else f"ends with {type(ended.error).__name__}"


def defect(ended: Ended) -> str | None:
    """Return what is wrong with how a worker ended."""
    if ended.error is None or isinstance(ended.error, EXPECTED):
        return None
    return f"a worker ended with {type(ended.error).__name__}: {ended.error}"


def with_worker(state: State, shared: State, place: int, at: int) -> State:
    """Return the state with a worker in a place; two looks are alike, so their places are in order."""
    if place in LOOKS:
        other = state[LOOKS[0] + LOOKS[1] - place]
        return (*shared, *state[DELIVERIES[0] : LOOKS[0]], *sorted((at, other)), *state[BURIAL:])
    return (*shared, *state[DELIVERIES[0] : place], at, *state[place + 1 :])
