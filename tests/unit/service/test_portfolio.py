"""Positions, holdings and funds: one account's failure stands beside the others' answers."""

import json
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from order_router.adapter.errors import AdapterDefect, SessionExpired
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.port import Broker
from order_router.api.answers import portfolio_answer
from order_router.domain.account import Account
from order_router.domain.reports import Funds, Position
from order_router.ports import Transport
from order_router.service.desk import ReadingDesk
from order_router.service.portfolio import read_portfolio
from order_router.service.timing import PORTFOLIO_TIME, READ_TIME
from tests.architecture.template import seconds_allowed
from tests.fakes.clock import FakeClock
from tests.fakes.relisted import half_a_share, relist
from tests.fakes.transport import Fault
from tests.fakes.world import World

PAPER = Account(name="paper", broker="paper")


@pytest.fixture
def world() -> World:
    return World()


def desk(world: World) -> ReadingDesk:
    return ReadingDesk(
        sessions=world.sessions,
        broker_of=world.desk.broker_of,
        transport=world.transport,
        clock=world.clock,
    )


def test_what_an_account_holds_is_read(world: World) -> None:
    world.place()

    [positions] = read_portfolio(desk(world), "positions", [PAPER])
    [funds] = read_portfolio(desk(world), "funds", [PAPER])

    assert (positions.account, positions.error, funds.error) == ("paper", None, None)
    assert [row.quantity for row in positions.rows if isinstance(row, Position)] == [5]
    assert all(isinstance(row, Funds) for row in funds.rows)
    assert read_portfolio(desk(world), "holdings", [PAPER])[0].rows == ()


def test_a_position_that_cannot_be_read_is_told_beside_the_others(world: World) -> None:
    world.place()
    relist(world, lambda rows: [half_a_share("NSE:RELIANCE"), *rows])

    [found] = read_portfolio(desk(world), "positions", [PAPER])
    content = json.loads(json.dumps(portfolio_answer("positions", (found,)).content))

    (account,) = content["accounts"]
    assert [row["instrument"] for row in account["positions"]] == ["NSE:INFY"]
    assert account["unreadable"] == [{"name": "NSE:RELIANCE", "why": "expected a whole number in quantity"}]


def test_an_account_without_a_session_says_so_beside_the_others_and_its_session_is_dropped(
    world: World,
) -> None:
    out = Account(name="out", broker="paper")

    failed, answered = read_portfolio(desk(world), "funds", [out, PAPER])

    assert (failed.account, type(failed.error), failed.rows) == ("out", SessionExpired, ())
    assert (answered.account, answered.error) == ("paper", None)
    assert world.sessions.forgotten == ["out"]


def test_a_broker_that_does_not_answer_keeps_its_session(world: World) -> None:
    world.transport.reads = [Fault.ANSWER_LOST]

    [failed] = read_portfolio(desk(world), "funds", [PAPER])

    assert failed.error is not None
    assert world.sessions.forgotten == []


def test_an_adapter_s_defect_does_not_hide_the_other_accounts(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    paper = world.desk.broker_of("paper")

    class Defective:
        profile = paper.profile

        @staticmethod
        def read_funds(*_: Any) -> tuple[Funds, ...]:
            raise KeyError("defect")

    brokers = {"paper": paper, "defective": cast("Broker", Defective)}
    both = [Account(name="paper", broker="defective"), PAPER]

    failed, answered = read_portfolio(replace(desk(world), broker_of=brokers.__getitem__), "funds", both)

    assert (failed.account, type(failed.error)) == ("paper", AdapterDefect)
    assert answered.error is None


def test_a_read_has_no_deadline(world: World) -> None:
    asked: list[object] = []
    inner = world.transport.sender

    def sender(endpoint: str, *, not_after: Any) -> Any:
        asked.append(not_after)
        return inner(endpoint, not_after=not_after)

    world.transport.sender = sender  # type: ignore[method-assign]
    read_portfolio(desk(world), "funds", [PAPER])

    assert asked == [None]


@dataclass
class Slow:
    """A transport whose answers take a while."""

    inner: Transport
    clock: FakeClock
    took_s: float

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        """Return a Send of this endpoint."""
        send = self.inner.sender(endpoint, not_after=not_after)

        def slow(request: HttpRequest) -> HttpResponse:
            self.clock.advance(self.took_s)
            return send(request)

        return slow


@pytest.mark.parametrize(("took_s", "read"), [(7.0, 3), (1.5, 13)])
def test_brokers_that_hang_leave_time_to_answer_with_what_was_read(
    world: World, took_s: float, read: int
) -> None:
    slow = replace(desk(world), transport=Slow(world.transport, world.clock, took_s))
    begun_at = world.clock.now()

    found = read_portfolio(slow, "positions", [PAPER] * 30)

    assert world.clock.now() - begun_at <= PORTFOLIO_TIME + READ_TIME
    codes = [None if one.error is None else one.error.code for one in found]
    assert codes == [None] * read + ["BROKER_NOT_READ"] * (30 - read)


def test_a_read_of_many_requests_begins_none_when_the_time_is_over(world: World) -> None:
    paper = world.desk.broker_of("paper")

    def in_pages(send: Send, session: Any) -> tuple[Funds, ...]:
        pages = [paper.read_funds(send, session) for _ in range(9)]
        return pages[-1]

    paged = cast("Broker", SimpleNamespace(**vars(paper) | {"read_funds": in_pages}))
    slow = replace(desk(world), broker_of=lambda _: paged, transport=Slow(world.transport, world.clock, 7.0))

    [found] = read_portfolio(slow, "funds", [PAPER])

    assert found.error is not None
    assert len(world.transport.sent) == 3


def test_a_portfolio_is_read_within_its_functions_time() -> None:
    for_sessions = timedelta(seconds=3)

    assert (PORTFOLIO_TIME + READ_TIME + for_sessions).total_seconds() < seconds_allowed("positions")
