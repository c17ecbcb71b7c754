"""The times that are promised, and that what must fit into one of them does."""

from datetime import timedelta

from order_router.brokers.registry import BROKERS, load_broker
from order_router.service import timing
from order_router.transport.http_transport import Limits


def test_the_times_are_those_that_were_decided() -> None:
    decided = {
        "PLACE_FUNCTION_TIMEOUT": timedelta(seconds=28),
        "WRITE_TIME": timedelta(seconds=10),
        "READ_TIME": timedelta(seconds=7),
        "API_MAX_AGE": timedelta(seconds=10),
        "SEND_BUDGET": timedelta(seconds=6),
        "ENTRY_READS": timedelta(seconds=8),
        "LEASE": timedelta(seconds=35),
        "REPLAY_WAIT": timedelta(seconds=10),
        "REPLAY_POLL_S": 0.1,
        "SEND_PAUSE_S": 0.5,
        "READ_PAUSE_S": 1.0,
        "PACE_WAIT": timedelta(seconds=3),
        "PASS_TIME": timedelta(seconds=8),
        "PORTFOLIO_TIME": timedelta(seconds=18),
        "LOOKS_TIME": timedelta(seconds=30),
        "WATCHES_TIME": timedelta(seconds=40),
        "RECONCILE_DELAY_S": 5,
        "RECONCILE_AGAIN_FOR": timedelta(minutes=2),
        "BOOK_TIME": timedelta(seconds=22),
        "BOOK_HELD": timedelta(seconds=30),
        "BOOK_WAIT": timedelta(seconds=8),
        "BOOK_POLL_S": 1.0,
        "LOOK_OVERDUE": timedelta(seconds=15),
        "BETWEEN_LAST_BOOKS": timedelta(minutes=10),
        "INDEX_LAG": timedelta(seconds=10),
    }

    assert {name: getattr(timing, name) for name in decided} == decided


def test_a_turn_at_a_book_outlives_its_reads_and_a_look_waits_for_the_next_one() -> None:
    rests_s = [load_broker(name).profile.book_every_s or 0 for name in BROKERS]

    assert timing.BOOK_HELD > timing.BOOK_TIME
    assert max(rests_s) < timing.BOOK_WAIT.total_seconds()


def test_a_socket_s_limits_are_the_times_that_the_services_count_on() -> None:
    limits = Limits()

    assert timedelta(seconds=limits.connect_timeout_s + limits.write_answer_timeout_s) == timing.WRITE_TIME
    assert timedelta(seconds=limits.connect_timeout_s + limits.read_answer_timeout_s) == timing.READ_TIME
    four_reads_s = limits.connect_timeout_s + 4 * limits.read_answer_timeout_s
    assert timedelta(seconds=four_reads_s) == timing.BOOK_TIME
    assert (limits.connect_timeout_s, limits.max_idle_s) == (2.0, 20.0)
    assert limits.max_body == 32 * 1024 * 1024
