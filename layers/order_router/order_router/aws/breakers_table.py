"""The breakers of accounts in the gate table: each one's item is the very switch that the gate checks.

gate                       holds
breaker#<broker>#<account> `engaged`, which stops orders, and all that is known of the breaker; it never expires

An item that only says `engaged` was set by hand: it is read as a breaker that somebody opened.
"""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from order_router.aws.change_log import ChangeLogTable
from order_router.aws.failures import Overtaken, named_failures, put_as, unless_changed
from order_router.aws.values import Item, from_item, to_item
from order_router.domain.breaker import FIRST_PAUSE, Breaker, BreakerState
from order_router.domain.change_log import Change, breaker_change
from order_router.domain.errors import Reason
from order_router.ports import BreakerConflict, Clock, StoreUnavailable

BUSY = "TransactionConflictException"
TRIES = 40
PAUSE_S = 0.005
BY_HAND = "hand"


class BreakersTable:
    """Implements `ports.Breakers` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str, clock: Clock) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table
        self._clock = clock

    def get(self, broker: str, account: str) -> Breaker:
        """Return the breaker as last written; a closed one if there is none."""
        unknown = Breaker(broker=broker, account=account)
        with named_failures("reading a breaker"):
            answer = self._client.get_item(TableName=self._table, Key=_key(unknown), ConsistentRead=True)
        return _breaker(unknown, answer.get("Item"))

    def write(self, breaker: Breaker, *, replacing: Breaker) -> Breaker:
        """Store the breaker and return it with its version; once this returns no order passes an open one.

        One that opens or closes is kept in the log of changes, both or neither.
        """
        after = replace(breaker, version=replacing.version + 1)
        change = breaker_change(replacing, after)
        if change is not None:
            return self._put_with(change, after, replacing)
        writer = secrets.token_hex(8)
        for _ in range(TRIES):
            if self._put(after, replacing, writer):
                return after
            # every order on its way out checks this item, and each check is in the way for some milliseconds
            self._clock.sleep(PAUSE_S * (1 + secrets.randbelow(4)))
        raise StoreUnavailable("writing a breaker: too many conflicts")

    def _put_with(self, change: Change, after: Breaker, replacing: Breaker) -> Breaker:
        condition = unless_changed(replacing.version, new_without="version")
        put = {"TableName": self._table, "Item": _item(after), **condition}
        if not ChangeLogTable(self._client, self._table, self._clock).put_with(put, change):
            raise BreakerConflict(self.get(after.broker, after.account))
        return after

    def _put(self, after: Breaker, replacing: Breaker, writer: str) -> bool:
        condition = unless_changed(replacing.version, new_without="version")
        with named_failures("writing a breaker"):
            try:
                put_as(self._client, self._table, _item(after), writer=writer, condition=condition)
            except Overtaken as overtaken:
                raise BreakerConflict(_breaker(replacing, overtaken.item)) from None
            except ClientError as error:
                if error.response["Error"]["Code"] == BUSY:
                    return False
                raise
        return True


def _key(breaker: Breaker) -> Item:
    return to_item({"gate": breaker.switch})


def _item(breaker: Breaker) -> Item:
    return _key(breaker) | to_item(
        {
            "engaged": breaker.is_engaged,
            "state": str(breaker.state),
            "failures": [_text(at) for at in breaker.failures],
            "since": _text(breaker.since),
            "by": breaker.by,
            "reason_code": None if breaker.reason is None else breaker.reason.code,
            "reason_words": None if breaker.reason is None else breaker.reason.message,
            "pause_s": int(breaker.pause.total_seconds()),
            "probe_at": _text(breaker.probe_at),
            "lease_owner": breaker.owner,
            "lease_until": _text(breaker.lease_until),
            "is_told": breaker.is_told,
            "changes": list(breaker.changes) or None,
            "version": breaker.version,
        }
    )


def _breaker(of: Breaker, item: Item | None) -> Breaker:
    """Return the breaker that an item holds, of the same account as `of`."""
    fields = {} if item is None else from_item(item)
    if "version" not in fields:
        is_on = fields.get("engaged", False)
        state, by = (BreakerState.OPEN, BY_HAND) if is_on else (BreakerState.CLOSED, None)
        return Breaker(broker=of.broker, account=of.account, state=state, by=by)
    code = fields.get("reason_code")
    return Breaker(
        broker=of.broker,
        account=of.account,
        state=BreakerState(fields["state"]),
        failures=tuple(datetime.fromisoformat(text) for text in fields["failures"]),
        since=_time(fields.get("since")),
        by=fields.get("by"),
        reason=None if code is None else Reason(code, fields["reason_words"]),
        pause=timedelta(seconds=fields.get("pause_s", FIRST_PAUSE.total_seconds())),
        probe_at=_time(fields.get("probe_at")),
        owner=fields.get("lease_owner"),
        lease_until=_time(fields.get("lease_until")),
        is_told=fields["is_told"],
        changes=tuple(fields.get("changes", ())),
        version=fields["version"],
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
