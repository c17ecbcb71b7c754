"""What the stores of sessions promise: in memory it is asked here, of DynamoDB in `integration/`."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from order_router.domain.broker_session import SessionRecord, SessionState, leased
from order_router.domain.errors import Reason
from order_router.domain.instrument import parse_instrument
from order_router.domain.reports import OrderReport, ReportedState
from order_router.domain.vocabulary import OrderType, Product, Side
from order_router.ports import (
    LoginTicket,
    LoginTickets,
    RecordConflict,
    SessionRecords,
    StrayPostback,
    StrayPostbacks,
)
from tests.fakes.clock import MONDAY_MORNING as NOW

WHOLE = SessionRecord(
    account="live",
    state=SessionState.FAILED,
    expires_at=NOW + timedelta(hours=16),
    last_login_at=NOW - timedelta(days=1, microseconds=7),
    previous_login_at=NOW - timedelta(days=2),
    last_error=Reason("TOTP_REFUSED", "the code was not taken"),
    failed_at=NOW,
    refused="0123456789abcdef",
    retry_at=NOW + timedelta(seconds=60),
    told=("failed:TOTP_REFUSED", "needed"),
    told_at=NOW,
    telling=(("needed", NOW), ("failed:CODE_REFUSED", NOW + timedelta(seconds=1))),
    owner="nonce",
    lease_until=NOW + timedelta(seconds=75),
)
TICKET = LoginTicket(digest="d" * 64, account="live", expires_at=NOW + timedelta(minutes=15))


class SessionRecordsContract:
    """Inherit this and offer `records`."""

    def test_an_account_that_was_never_seen_has_no_session(self, records: SessionRecords) -> None:
        assert records.get("live") == SessionRecord(account="live")

    def test_what_was_written_is_read_back_whole(self, records: SessionRecords) -> None:
        stored = records.write(WHOLE, replacing=records.get("live"))

        assert stored == replace(WHOLE, version=1)
        assert records.get("live") == stored
        assert records.get("other") == SessionRecord(account="other")

    def test_what_is_absent_stays_absent(self, records: SessionRecords) -> None:
        records.write(WHOLE, replacing=records.get("live"))
        bare = SessionRecord(account="live", state=SessionState.VALID)

        stored = records.write(bare, replacing=records.get("live"))

        assert records.get("live") == stored == replace(bare, version=2)

    def test_of_two_first_writes_one_wins(self, records: SessionRecords) -> None:
        seen = records.get("live")
        first = records.write(leased(seen, "a", NOW), replacing=seen)

        with pytest.raises(RecordConflict) as caught:
            records.write(leased(seen, "b", NOW), replacing=seen)

        assert caught.value.current == first == records.get("live")

    def test_of_two_later_writes_one_wins(self, records: SessionRecords) -> None:
        seen = records.write(WHOLE, replacing=records.get("live"))
        first = records.write(leased(seen, "a", NOW), replacing=seen)

        for record in (leased(seen, "b", NOW), first):
            with pytest.raises(RecordConflict) as caught:
                records.write(record, replacing=seen)
            assert caught.value.current == first

        assert records.write(WHOLE, replacing=first).version == 3


class LoginTicketsContract:
    """Inherit this and offer `tickets`."""

    def test_a_ticket_is_found_until_it_is_used(self, tickets: LoginTickets) -> None:
        assert tickets.find(TICKET.digest, NOW) is None
        tickets.issue(TICKET)

        assert tickets.find(TICKET.digest, NOW) == TICKET
        assert tickets.find("e" * 64, NOW) is None
        assert tickets.use(TICKET, NOW) is True
        assert tickets.find(TICKET.digest, NOW) is None

    def test_a_ticket_is_used_once(self, tickets: LoginTickets) -> None:
        tickets.issue(TICKET)

        assert [tickets.use(TICKET, NOW) for _ in range(3)] == [True, False, False]

    def test_a_ticket_expires(self, tickets: LoginTickets) -> None:
        tickets.issue(TICKET)
        last = TICKET.expires_at - timedelta(microseconds=1)

        assert tickets.find(TICKET.digest, last) == TICKET
        assert tickets.find(TICKET.digest, TICKET.expires_at) is None
        assert tickets.use(TICKET, TICKET.expires_at) is False
        assert tickets.use(TICKET, last) is True

    def test_a_ticket_is_for_its_account_alone(self, tickets: LoginTickets) -> None:
        tickets.issue(TICKET)

        assert tickets.use(replace(TICKET, account="other"), NOW) is False

    def test_a_ticket_that_was_never_issued_cannot_be_used(self, tickets: LoginTickets) -> None:
        assert tickets.use(TICKET, NOW) is False

    def test_the_address_is_the_last_one(self, tickets: LoginTickets) -> None:
        assert tickets.address() is None
        tickets.remember_address("https://one.example")
        tickets.remember_address("https://two.example")

        assert tickets.address() == "https://two.example"


REPORT = OrderReport(
    broker_order_id="B-1",
    state=ReportedState.OPEN,
    status="OPEN",
    instrument=parse_instrument("NSE:INFY"),
    side=Side.BUY,
    quantity=5,
    filled_quantity=0,
    order_type=OrderType.LIMIT,
    product=Product.CNC,
    limit_price=Decimal("1500.05"),
)


class StrayPostbacksContract:
    """Inherit this and offer `strays`."""

    def test_an_order_is_new_once(self, strays: StrayPostbacks) -> None:
        filled = replace(REPORT, state=ReportedState.FILLED, filled_quantity=5)

        assert strays.keep(StrayPostback("live", REPORT), NOW) is True
        assert strays.keep(StrayPostback("live", REPORT), NOW) is False
        assert strays.keep(StrayPostback("live", filled), NOW) is False

    def test_orders_and_accounts_are_told_apart(self, strays: StrayPostbacks) -> None:
        other = replace(REPORT, broker_order_id="B-2", client_tag="by hand")

        assert strays.keep(StrayPostback("live", REPORT), NOW) is True
        assert strays.keep(StrayPostback("live", other), NOW) is True
        assert strays.keep(StrayPostback("second", REPORT), NOW) is True
