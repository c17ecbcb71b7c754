"""Twenty faults on real sockets, each adapter, several seeds: never two orders, never one forgotten."""

import os
from collections import Counter

import pytest

from order_router.brokers.registry import BROKERS, load_broker
from order_router.domain.lifecycle import EventKind, State
from tests.faults.chaos_floors import FLOORS
from tests.faults.chaos_run import Certificates, run, trouble
from tests.simulators.chaos_faults import FAULTS

SEEDS = range(int(os.environ.get("CHAOS_SEEDS", "3")))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.made_in(tmp_path_factory.mktemp("tls"))


def test_there_are_twenty_faults_and_a_floor_for_every_broker() -> None:
    assert len(FAULTS) == 20
    assert set(FLOORS) == set(BROKERS)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("broker", FLOORS)
def test_no_order_is_doubled_or_lost_whatever_the_broker_does(
    broker: str, fault: str, certificates: Certificates
) -> None:
    played: Counter[str] = Counter()

    for seed in SEEDS:
        played += run(broker, fault, seed, certificates)

    assert played[fault] >= len(SEEDS), "the fault was hardly played: the test shows nothing"


HOURS_TO_THE_LAST_BOOKS = 8.2 * 3600
TAG_HIDING = [name for name, fault in FAULTS.items() if fault.hides_tag]


@pytest.mark.parametrize("fault", TAG_HIDING)
@pytest.mark.parametrize("broker", FLOORS)
def test_the_days_end_does_not_close_an_order_whose_row_may_have_lost_its_tag(
    broker: str, fault: str, certificates: Certificates
) -> None:
    with trouble(broker, fault, 0, certificates) as day:
        order = day.hide_one_until(HOURS_TO_THE_LAST_BOOKS, 15 * 60, 15 * 60)

        (held,) = day.floor.held()
    if not load_broker(broker).profile.tag.is_echoed:
        # no tag to hide: its attributes have told long before
        assert (order.state, order.broker_order_id) == (State.OPEN, held.broker_order_id)
        return
    assert order.state is State.UNKNOWN
    assert EventKind.PERSON_TOLD in {step.event.kind for step in order.history}


@pytest.mark.parametrize("broker", FLOORS)
def test_a_stop_that_an_answer_was_lost_of_is_still_a_stop_after_the_next_change(
    broker: str, certificates: Certificates
) -> None:
    with trouble(broker, "accept_then_timeout", 0, certificates) as day:
        order = day.lose_a_change(order_type="SL", limit_price="1605", trigger_price="1600")

        (held,) = day.floor.held()
    assert (held.order_type, held.state, held.quantity, held.filled_quantity) == ("SL", State.OPEN, 20, 0)
    assert (order.request.order_type, order.state) == ("SL", State.OPEN)


@pytest.mark.parametrize("broker", FLOORS)
def test_a_change_that_the_broker_reads_when_the_next_has_come_is_not_taken_for_that_one_sent_twice(
    broker: str, certificates: Certificates
) -> None:
    with trouble(broker, "half_open", 0, certificates) as day:
        late, own = day.be_overtaken()

    assert (late.step, own.step) == ("2", "3")
    assert late.taken
    assert own.taken
