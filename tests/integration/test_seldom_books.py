"""A book that its broker lets one user read seldom is read in turn, however many looks ask for it at once."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, cast

import pytest

from order_router.adapter.errors import RateLimited
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers.ibkr.profile import profile
from order_router.domain.account import Account
from order_router.domain.breaker import FIRST_PAUSE, Breaker, BreakerState, opened
from order_router.domain.errors import Reason
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.limits import STARTING
from order_router.domain.order import Ownership, take_ownership
from order_router.service.book_turns import BookTurns
from order_router.service.place import order_of
from order_router.service.reading_books import note_kept_out
from order_router.service.reconcile import answer_ask, reconcile_account, reconcile_all
from order_router.service.timing import BOOK_HELD, BOOK_WAIT, LEASE, RECONCILE_DELAY_S
from tests.fakes.world import World
from tests.faults import ibkr_side
from tests.faults.crashes import Crash, Crashes, CrashingPort, Point
from tests.faults.look_queue import LookQueue
from tests.faults.played_brokers import PlayedIbkr
from tests.simulators.ibkr_vendor import BETWEEN, Ibkr

MINUTE_S, TENTH_S = 60, 0.1
BOOKS = ("/iserver/account/orders", "/iserver/account/trades")
READS = ("/iserver/accounts", *BOOKS)
TURN = "book#ibkr#"
DOWN = Reason("BROKER_UNREACHABLE", "no connection")


class Desk:
    """A trader at the simulator that keeps out whoever asks too often; `asked` is when which page was asked for."""

    def __init__(self) -> None:
        self.world = World()
        self.vendor: Ibkr = PlayedIbkr(self.world)._kite  # type: ignore[assignment]
        self.vendor.control({"keeps_out": True, "warm": True})
        self.asked: list[tuple[datetime, str]] = []
        self.statuses: list[int] = []
        self.takes_s = 0.0
        handle = self.world.handlers[PlayedIbkr.ENDPOINT]

        def noted(request: Any) -> Any:
            path = request.url.removeprefix(PlayedIbkr.ENDPOINT).partition("?")[0]
            self.asked.append((self.world.clock.now(), path))
            answer = handle(request)
            self.statuses.append(answer.status)
            self.world.clock.advance(self.takes_s)
            return answer

        self.world.handlers[PlayedIbkr.ENDPOINT] = noted

    def lose(self, key: str = "lost", account: str = "paper") -> str:
        """Lose an order on its way, and return its id."""
        self.vendor.control({"behave": "drop_unseen", "on": "place"})
        order = self.world.place(key, account=account, product="CNC").order
        assert order.state is State.UNKNOWN
        return order.client_order_id

    def share(self, name: str) -> None:
        """Give the same user another account."""
        around = Surroundings(now=self.world.clock.now, listings=self.world.listings["ibkr"])
        self.world.settings.put_account(Account(name=name, broker="ibkr"))
        self.world.sessions.log_in(name, ibkr_side.SECRETS, around=around)

    def gaps_s(self) -> list[float]:
        """Return how far apart each page of the book was asked for, and that nothing was refused."""
        assert 429 not in self.statuses
        times = [[at for at, path in self.asked if path.endswith(page)] for page in BOOKS]
        return [(after - before).total_seconds() for one in times for before, after in pairwise(one)]

    def mark(self) -> str:
        """Return the name of the user's turn."""
        session = self.world.desk.sessions.session(Account(name="paper", broker="ibkr"))
        return f"{TURN}{session.user(('consumer_key', 'access_token'))}"


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize("offset_tenths", range(0, 60, 7))
def test_a_chain_of_looks_and_the_schedule_stay_within_what_the_broker_allows(
    desk: Desk, offset_tenths: int
) -> None:
    queue = LookQueue(desk.world)
    desk.lose()

    queue.pass_time(offset_tenths * TENTH_S)
    for _ in range(3):
        reconcile_all(desk.world.desk)
        queue.pass_time(MINUTE_S)

    gaps = desk.gaps_s()
    assert min(gaps) >= BETWEEN.total_seconds()
    assert len(gaps) > 20, "the chain and the schedule went on"
    assert max(gaps) <= MINUTE_S + BOOK_WAIT.total_seconds()


@pytest.mark.parametrize("takes_s", [0, 3, 7])
def test_two_accounts_of_one_user_are_read_one_after_the_other(desk: Desk, takes_s: float) -> None:
    desk.share("second")
    for account in ("paper", "second"):
        desk.lose(account, account)
    desk.takes_s, began = takes_s, len(desk.asked)

    settled = reconcile_all(desk.world.desk)

    assert [one.looked_at for one in settled] == [1, 1]
    assert len(desk.asked) - began == 2 * len(READS)
    assert min(desk.gaps_s()) >= BETWEEN.total_seconds()


def test_a_look_that_would_wait_too_long_leaves_its_orders_to_the_next_and_goes_on_asking(desk: Desk) -> None:
    client_order_id = desk.lose()
    world, asked = desk.world, len(desk.asked)
    world.desk.turns.take(desk.mark(), "somebody", world.clock.now(), until=world.clock.now() + BOOK_HELD)
    began = world.clock.now()

    settled = answer_ask(world.desk, "paper", None)

    assert world.clock.now() - began <= BOOK_WAIT
    assert settled is not None
    assert (settled.looked_at, settled.unknown, len(desk.asked)) == (0, 1, asked)
    assert world.reconcile.asked[-1] == ("paper", 5), "the chain goes on"
    order = world.store.get(client_order_id)
    assert order is not None
    assert order.state is State.UNKNOWN


@pytest.mark.parametrize("is_asked", [True, False])
def test_a_circuit_s_read_that_was_left_to_others_is_made_by_the_next_look(
    desk: Desk, is_asked: bool
) -> None:
    world = desk.world
    breaker = opened(Breaker(broker="ibkr", account="paper"), world.clock.now(), by="alarm", reason=DOWN)
    world.breakers.write(breaker, replacing=Breaker(broker="ibkr", account="paper"))
    world.clock.advance(FIRST_PAUSE.total_seconds())
    world.desk.turns.take(
        desk.mark(), "somebody", world.clock.now(), until=world.clock.now() + BOOK_WAIT * 1.2
    )

    reconcile_account(world.desk, "paper", is_asked=is_asked)

    left = world.breakers.get("ibkr", "paper")
    assert (left.state, left.pause, desk.asked) == (BreakerState.OPEN, FIRST_PAUSE, [])
    assert world.reconcile.asked == ([("paper", RECONCILE_DELAY_S)] if is_asked else [])
    world.clock.advance(RECONCILE_DELAY_S)
    reconcile_account(world.desk, "paper")
    assert not world.breakers.get("ibkr", "paper").is_engaged


def told_at(world: World, client_order_id: str) -> list[datetime]:
    """Return when a person was told of the order, which nothing has settled."""
    order = world.store.get(client_order_id)
    assert order is not None
    assert order.state is State.UNKNOWN
    return [step.event.at for step in order.history if step.event.kind is EventKind.PERSON_TOLD]


def test_an_order_is_told_once_within_a_minute_though_its_looks_never_get_their_turn(desk: Desk) -> None:
    world, queue, lost_at = desk.world, LookQueue(desk.world), desk.world.clock.now()
    lost, asked = desk.lose(), len(desk.asked)
    world.desk.turns.take(desk.mark(), "others", lost_at, until=lost_at + 5 * timedelta(seconds=MINUTE_S))

    queue.pass_time(3 * MINUTE_S)

    told = told_at(world, lost)
    assert len(told) == 1
    assert LEASE < told[0] - lost_at <= timedelta(seconds=MINUTE_S)
    assert len(desk.asked) == asked, "no book was read"


def test_a_dead_worker_s_order_is_told_by_the_first_look_though_that_does_not_get_its_turn(
    desk: Desk,
) -> None:
    world, now = desk.world, desk.world.clock.now()
    born = order_of(world.command("dead", product="CNC"), world.desk.account("paper"))
    world.store.write(take_ownership(born, Ownership("dead", now + LEASE), now), replacing=None)
    world.desk.turns.take(desk.mark(), "others", now, until=now + 5 * timedelta(seconds=MINUTE_S))
    world.clock.advance(LEASE.total_seconds() + 1)

    assert reconcile_account(world.desk, "paper", is_asked=False).looked_at == 0
    assert len(told_at(world, born.client_order_id)) == 1


def test_a_worker_that_died_in_its_turn_keeps_nobody_out_for_long(desk: Desk) -> None:
    desk.lose()
    world = desk.world
    world.desk.turns.take(desk.mark(), "dead", world.clock.now(), until=world.clock.now() + BOOK_HELD)
    world.clock.advance(BOOK_HELD.total_seconds())

    assert reconcile_account(world.desk, "paper").looked_at == 1


def test_wherever_in_its_turn_a_worker_dies_the_next_look_of_the_schedule_reads_the_book() -> None:
    quiet = Crashes()
    for point in (None, *(Point(call, is_after) for call in range(3) for is_after in (False, True))):
        desk, crashes = Desk(), quiet if point is None else Crashes(frozenset({point}))
        desk.lose()
        dying = replace(
            desk.world.desk, turns=cast("BookTurns", CrashingPort(desk.world.turns, "turns", crashes))
        )
        with suppress(Crash):
            reconcile_account(dying, "paper")
        desk.world.clock.advance(MINUTE_S)

        assert reconcile_account(desk.world.desk, "paper", is_asked=False).looked_at == 1
        assert min(desk.gaps_s(), default=MINUTE_S) >= BETWEEN.total_seconds()

    assert quiet.calls == ["turns.free_at", "turns.take", "turns.rest"]


def test_where_turns_cannot_be_marked_no_book_is_read(desk: Desk) -> None:
    desk.lose()
    asked, desk.world.turns.is_down = len(desk.asked), True

    assert reconcile_account(desk.world.desk, "paper").unknown == 1
    assert len(desk.asked) == asked


LIMITED = Account(name="paper", broker="ibkr", limits=STARTING)


@pytest.mark.parametrize("what", ["place", "orders", "positions"])
def test_whoever_is_kept_out_reads_nothing_until_the_broker_listens_again(desk: Desk, what: str) -> None:
    world = desk.world
    lost = desk.lose()
    world.settings.put_account(LIMITED)
    world.clock.advance(60)
    desk.vendor.control({"behave": "too_many_requests", "on": what, "times": 1})
    if what == "place":
        world.settings.put_account(Account(name="paper", broker="ibkr"))
        world.place("fast", product="CNC")
        world.settings.put_account(LIMITED)
    else:
        reconcile_all(world.desk)
    asked = len(desk.asked)

    for _ in range(14):
        world.clock.advance(MINUTE_S)
        reconcile_all(world.desk)
    assert len(desk.asked) == asked
    order = world.store.get(lost)
    assert order is not None
    assert order.has(EventKind.PERSON_TOLD), "an order that is not looked for is told of all the same"

    world.clock.advance(2 * MINUTE_S)
    reconcile_all(world.desk)
    assert [path for _, path in desk.asked[asked : asked + 3]] == list(READS)


def test_a_user_is_known_by_what_names_it_in_each_of_its_accounts_sessions() -> None:
    def user(account: str, **changes: str) -> str | None:
        secrets = {name: Secret(text) for name, text in (ibkr_side.SECRETS | changes).items()}
        return BrokerSession(account, "https://ibkr.example", secrets).user(profile.user_fields)

    assert user("paper") == user("second", live_session_token="new", account_id="U7654321")
    assert user("paper") != user("paper", access_token="another")
    assert BrokerSession("paper", "https://ibkr.example").user(()) is None


def test_a_broker_that_does_not_say_how_long_it_refuses_is_asked_again_at_once(desk: Desk) -> None:
    note_kept_out(desk.world.desk, LIMITED, RateLimited("slowly", broker_code="429"))
    desk.lose()

    assert reconcile_account(desk.world.desk, "paper").looked_at == 1
