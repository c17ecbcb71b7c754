"""An alarm opens the breakers it names, stops everything if it was set so, or is told; twice is as once."""

from dataclasses import dataclass, field, replace

import pytest

from order_router.domain.account import Account
from order_router.domain.alarm import Act, Alarm, AlarmState
from order_router.domain.breaker import Breaker
from order_router.domain.notices import NoticeNotQueued
from order_router.ports import StoreUnavailable
from order_router.service.alarms import AlarmDesk, act_on, act_on_each
from order_router.service.breaker import BreakerDesk, reset_breaker
from tests.fakes.breakers import MemoryBreakers
from tests.fakes.clock import FakeClock
from tests.fakes.queues import MemoryNotifier, MemoryReconcileQueue
from tests.fakes.settings import MemorySettings
from tests.fakes.telling_world import TELEGRAM, TellingWorld

DOWN = Alarm(
    name="router-zerodha-errors",
    state=AlarmState.ALARM,
    before=AlarmState.OK,
    act=Act.BREAKER,
    words="Half of the calls failed.",
    reason="Threshold crossed",
    broker="zerodha",
)
TELL = replace(DOWN, name="router-unknown-orders", act=Act.TELL, broker=None)


@dataclass
class Watch:
    """Three accounts, and everything that an alarm may do to them."""

    breakers: MemoryBreakers = field(default_factory=MemoryBreakers)
    notifier: MemoryNotifier = field(default_factory=MemoryNotifier)
    stops: list[tuple[str, str]] = field(default_factory=list)

    def desk(self, *kills: str) -> AlarmDesk:
        settings = MemorySettings()
        for name, broker in (("one", "zerodha"), ("two", "zerodha"), ("neo", "kotak_neo")):
            settings.put_account(Account(name=name, broker=broker))
        breakers = BreakerDesk(
            settings=settings,
            breakers=self.breakers,
            clock=FakeClock(),
            notifier=self.notifier,
            reconcile=MemoryReconcileQueue(),
        )
        return AlarmDesk(breakers=breakers, stop=self.stop, kills=frozenset(kills))

    def stop(self, by: str, why: str, change: str | None) -> bool:
        _ = change
        self.stops.append((by, why))
        return True

    def engaged(self) -> list[str]:
        pairs = (("zerodha", "one"), ("zerodha", "two"), ("kotak_neo", "neo"))
        return [account for broker, account in pairs if self.breakers.get(broker, account).is_engaged]

    def told(self) -> list[tuple[str, str]]:
        return [(notice.kind, notice.account) for notice in self.notifier.notices]


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_it_opens_every_account_s_breaker_at_that_broker(watch: Watch) -> None:
    act_on(watch.desk(), DOWN)
    act_on(watch.desk(), DOWN)

    assert watch.engaged() == ["one", "two"]
    assert watch.told() == [("breaker_open", "one"), ("breaker_open", "two")]
    breaker = watch.breakers.get("zerodha", "one")
    assert breaker.by == "alarm router-zerodha-errors"
    assert "Threshold crossed" in watch.notifier.notices[0].message
    assert watch.stops == []


def test_it_opens_one_account_s_breaker_where_it_names_one(watch: Watch) -> None:
    act_on(watch.desk(), replace(DOWN, account="two"))

    assert watch.engaged() == ["two"]


def close(watch: Watch, account: str) -> None:
    desk = watch.desk().breakers
    known = desk.settings.account(account)
    assert known is not None
    reset_breaker(desk, known, by="key k-admin")


def test_a_change_that_comes_again_opens_no_breaker_that_was_closed_meanwhile(watch: Watch) -> None:
    change = replace(DOWN, changed_at="2026-11-23T04:30:15.490+0000")
    act_on(watch.desk(), change)
    close(watch, "one")

    act_on(watch.desk(), change)

    assert watch.engaged() == ["two"]
    assert [kind for kind, _ in watch.told()] == ["breaker_open", "breaker_open", "breaker_closed"]

    act_on(watch.desk(), replace(change, changed_at="2026-11-23T04:38:15.490+0000"))
    assert watch.engaged() == ["one", "two"]


def test_a_change_that_found_its_breaker_open_is_not_acted_on_once_that_is_closed(watch: Watch) -> None:
    first = replace(DOWN, changed_at="2026-11-23T04:30:15.490+0000")
    other = replace(first, name="router-zerodha-silent")
    for alarm in (first, other):
        act_on(watch.desk(), alarm)
    close(watch, "one")

    for alarm in (other, first):
        act_on(watch.desk(), alarm)

    assert watch.engaged() == ["two"]
    assert watch.told().count(("breaker_open", "one")) == 1


def test_the_second_try_for_one_account_leaves_the_other_as_it_is(watch: Watch) -> None:
    change = replace(DOWN, changed_at="2026-11-23T04:30:15.490+0000")
    write = watch.breakers.write

    def failing(breaker: Breaker, *, replacing: Breaker) -> Breaker:
        if breaker.account == "two":
            raise StoreUnavailable("the store did not answer")
        return write(breaker, replacing=replacing)

    watch.breakers.write = failing  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        act_on(watch.desk(), change)
    watch.breakers.write = write  # type: ignore[method-assign]
    close(watch, "one")

    act_on(watch.desk(), change)

    assert watch.engaged() == ["two"]


def test_an_alarm_for_nobody_s_breaker_is_told(watch: Watch) -> None:
    act_on(watch.desk(), replace(DOWN, broker="ibkr"))

    assert watch.engaged() == []
    assert watch.told() == [("alarm", "all")]


def test_one_breaker_that_cannot_be_written_does_not_save_the_others(watch: Watch) -> None:
    write = watch.breakers.write

    def failing(*arguments: object, **more: object) -> object:
        if watch.breakers.calls < 3:
            watch.breakers.calls += 1
            raise StoreUnavailable("the store did not answer")
        return write(*arguments, **more)  # type: ignore[arg-type]

    watch.breakers.write = failing  # type: ignore[assignment,method-assign]
    with pytest.raises(StoreUnavailable):
        act_on(watch.desk(), DOWN)
    assert watch.engaged() == ["two"]

    act_on(watch.desk(), DOWN)

    assert watch.engaged() == ["one", "two"]


def test_what_only_tells_stops_nothing(watch: Watch) -> None:
    act_on(watch.desk(), TELL)

    assert (watch.engaged(), watch.stops) == ([], [])
    assert watch.told() == [("alarm", "all")]


def test_it_stops_everything_where_that_is_set(watch: Watch) -> None:
    act_on(watch.desk("unknown-orders"), TELL)
    act_on(watch.desk("other"), TELL)
    act_on(watch.desk(), replace(TELL, act=Act.KILL))

    assert [by for by, _ in watch.stops] == ["alarm router-unknown-orders"] * 2
    assert watch.told() == [("alarm", "all")] * 3


@pytest.mark.parametrize("before", list(AlarmState))
def test_an_alarm_that_ends_opens_and_stops_nothing(watch: Watch, before: AlarmState) -> None:
    for alarm in (DOWN, replace(TELL, act=Act.KILL)):
        act_on(watch.desk("unknown-orders"), replace(alarm, state=AlarmState.OK, before=before))
        act_on(
            watch.desk("unknown-orders"), replace(alarm, state=AlarmState.INSUFFICIENT_DATA, before=before)
        )

    assert (watch.engaged(), watch.stops) == ([], [])
    assert len(watch.told()) == (2 if before is AlarmState.ALARM else 0)


@pytest.mark.parametrize("alarm", [TELL, replace(TELL, state=AlarmState.OK, before=AlarmState.ALARM)])
def test_what_cannot_be_queued_comes_again_and_is_told_then(watch: Watch, alarm: Alarm) -> None:
    watch.notifier.fails = 1
    with pytest.raises(NoticeNotQueued):
        act_on(watch.desk(), alarm)

    act_on(watch.desk(), alarm)

    assert watch.told() == [("alarm", "all")]


def test_an_alarm_that_cannot_be_told_keeps_no_other_one_from_being_acted_on(watch: Watch) -> None:
    watch.notifier.fails = 1
    with pytest.raises(NoticeNotQueued):
        act_on_each(watch.desk(), [TELL, replace(TELL, act=Act.KILL), DOWN])

    assert (len(watch.stops), watch.engaged()) == (1, ["one", "two"])


def test_a_breaker_s_opening_that_cannot_be_queued_is_left_to_whoever_looks_at_it_next(watch: Watch) -> None:
    watch.notifier.fails = 2

    act_on(watch.desk(), DOWN)

    assert watch.engaged() == ["one", "two"]
    assert not watch.breakers.get("zerodha", "one").is_told


def test_the_end_of_an_alarm_is_no_repeat_of_its_begin(watch: Watch) -> None:
    act_on(watch.desk(), TELL)
    act_on(watch.desk(), replace(TELL, state=AlarmState.OK, before=AlarmState.ALARM))

    subjects = {notice.subject for notice in watch.notifier.notices}
    assert len(subjects) == 2


@pytest.fixture
def telling() -> TellingWorld:
    return TellingWorld(TELEGRAM)


def heard(watch: Watch, telling: TellingWorld, *alarms: Alarm) -> list[str]:
    """Return what the trader is told of changes that come four minutes apart, each of them twice."""
    desk = watch.desk()
    desk = replace(desk, breakers=replace(desk.breakers, notifier=telling.notifier, clock=telling.clock))
    for alarm in alarms:
        for _ in range(2):
            act_on(desk, alarm)
            telling.pass_time(1)
        telling.pass_time(4 * 60)
    return [one.notice.message for one in telling.telegram.said]


def test_the_last_word_of_an_alarm_that_comes_and_goes_is_how_it_stands(
    watch: Watch, telling: TellingWorld
) -> None:
    on = replace(TELL, changed_at="2026-11-23T04:30:15.490+0000")
    over = replace(
        on, state=AlarmState.OK, before=AlarmState.ALARM, changed_at="2026-11-23T04:34:15.490+0000"
    )
    again = replace(on, changed_at="2026-11-23T04:38:15.490+0000")
    gone = replace(over, changed_at="2026-11-23T04:42:15.490+0000")

    told = heard(watch, telling, on, over, again, gone)

    begun, ended = "router-unknown-orders: Half", "router-unknown-orders is over: Half"
    assert [words[: words.index("Half") + 4] for words in told] == [begun, ended] * 2


def test_a_change_whose_time_nobody_said_is_told_rather_twice_than_never(
    watch: Watch, telling: TellingWorld
) -> None:
    assert len(heard(watch, telling, TELL, TELL)) == 4
