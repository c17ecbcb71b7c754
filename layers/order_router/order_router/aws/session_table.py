"""The state of broker sessions and the tickets to log in, in the gate table.

gate                 holds
session#<account>    the account's record: state, expiry, last error, who is logging in, what was told
login#<digest>       a ticket for one login, by the digest of its token; it goes by itself
session-address      the base URL of the API, as last remembered
stray#<account>#<id> what a broker said of an order that is none of ours; it goes by itself

A record's `session_expires_at` is not `expires_at`: by that name DynamoDB would delete it.
"""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from order_router.aws.failures import Overtaken, is_done, named_failures, put_as, unless_changed
from order_router.aws.values import Item, from_item, to_item
from order_router.domain.broker_session import SessionRecord, SessionState
from order_router.domain.errors import Reason
from order_router.ports import LoginTicket, RecordConflict, StrayPostback

KEPT_AFTER_EXPIRY = timedelta(days=1)
STRAY_LIFE = timedelta(days=30)
ADDRESS = "session-address"


class SessionRecordsTable:
    """Implements `ports.SessionRecords` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def get(self, account: str) -> SessionRecord:
        """Return the record as last written; one in state `never` if there is none."""
        with named_failures("reading a session's state"):
            answer = self._client.get_item(TableName=self._table, Key=_key(account), ConsistentRead=True)
        return _record(account, answer.get("Item"))

    def write(self, record: SessionRecord, *, replacing: SessionRecord) -> SessionRecord:
        """Store the record and return it with its version; RecordConflict if another one stands there."""
        after = replace(record, version=replacing.version + 1)
        writer = secrets.token_hex(8)
        condition = unless_changed(replacing.version, new_without="gate")
        with named_failures("writing a session's state"):
            try:
                put_as(self._client, self._table, _item(after), writer=writer, condition=condition)
            except Overtaken as overtaken:
                raise RecordConflict(_record(record.account, overtaken.item)) from None
        return after


class LoginTicketsTable:
    """Implements `ports.LoginTickets` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def issue(self, ticket: LoginTicket) -> None:
        """Store a ticket."""
        item = to_item(
            {
                "gate": _ticket_name(ticket.digest),
                "account": ticket.account,
                "good_until": _text(ticket.expires_at),
                "expires_at": int((ticket.expires_at + KEPT_AFTER_EXPIRY).timestamp()),
            }
        )
        with named_failures("issuing a ticket"):
            self._client.put_item(TableName=self._table, Item=item)

    def find(self, digest: str, now: datetime) -> LoginTicket | None:
        """Return the ticket if it was issued, was not used and has not expired."""
        with named_failures("reading a ticket"):
            answer = self._client.get_item(
                TableName=self._table, Key={"gate": {"S": _ticket_name(digest)}}, ConsistentRead=True
            )
        if "Item" not in answer:
            return None
        fields = from_item(answer["Item"])
        ticket = LoginTicket(digest=digest, account=fields["account"], expires_at=_time(fields["good_until"]))
        return None if "used_at" in fields or now >= ticket.expires_at else ticket

    def use(self, ticket: LoginTicket, now: datetime) -> bool:
        """Use the ticket up; False if it was used before or has expired."""
        if now >= ticket.expires_at:
            return False
        with named_failures("using a ticket"):
            return is_done(
                lambda: self._client.update_item(
                    TableName=self._table,
                    Key={"gate": {"S": _ticket_name(ticket.digest)}},
                    UpdateExpression="SET used_at = :now",
                    ConditionExpression="account = :account AND attribute_not_exists(used_at)",
                    ExpressionAttributeValues={
                        ":now": {"S": _text(now)},
                        ":account": {"S": ticket.account},
                    },
                )
            )

    def address(self) -> str | None:
        """Return the base URL of the API as last remembered."""
        with named_failures("reading the API's address"):
            answer = self._client.get_item(TableName=self._table, Key={"gate": {"S": ADDRESS}})
        found: str | None = answer.get("Item", {}).get("url", {}).get("S")
        return found

    def remember_address(self, url: str) -> None:
        """Remember the base URL of the API."""
        with named_failures("remembering the API's address"):
            self._client.put_item(TableName=self._table, Item=to_item({"gate": ADDRESS, "url": url}))


class StrayPostbacksTable:
    """Implements `ports.StrayPostbacks` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def keep(self, stray: StrayPostback, at: datetime) -> bool:
        """Keep it under the broker's order id; True if nothing was kept of this order before."""
        report = stray.report
        item = to_item(
            {
                "gate": f"stray#{stray.account}#{report.broker_order_id}",
                "at": _text(at),
                "state": str(report.state),
                "instrument": str(report.instrument),
                "side": str(report.side),
                "quantity": report.quantity,
                "filled_quantity": report.filled_quantity,
                "client_tag": report.client_tag,
                "expires_at": int((at + STRAY_LIFE).timestamp()),
            }
        )
        with named_failures("keeping a postback"):
            answer = self._client.put_item(TableName=self._table, Item=item, ReturnValues="ALL_OLD")
        return "Attributes" not in answer


def _key(account: str) -> Item:
    return to_item({"gate": f"session#{account}"})


def _ticket_name(digest: str) -> str:
    return f"login#{digest}"


def _item(record: SessionRecord) -> Item:
    error = record.last_error
    return _key(record.account) | to_item(
        {
            "state": str(record.state),
            "session_expires_at": _optional_text(record.expires_at),
            "last_login_at": _optional_text(record.last_login_at),
            "previous_login_at": _optional_text(record.previous_login_at),
            "error_code": None if error is None else error.code,
            "error_words": None if error is None else error.message,
            "failed_at": _optional_text(record.failed_at),
            "refused": record.refused,
            "retry_at": _optional_text(record.retry_at),
            "told": list(record.told),
            "told_at": _optional_text(record.told_at),
            "telling": [[what, _text(since)] for what, since in record.telling],
            "lease_owner": record.owner,
            "lease_until": _optional_text(record.lease_until),
            "version": record.version,
        }
    )


def _record(account: str, item: Item | None) -> SessionRecord:
    if item is None:
        return SessionRecord(account=account)
    fields = from_item(item)
    code = fields.get("error_code")
    return SessionRecord(
        account=account,
        state=SessionState(fields["state"]),
        expires_at=_optional_time(fields.get("session_expires_at")),
        last_login_at=_optional_time(fields.get("last_login_at")),
        previous_login_at=_optional_time(fields.get("previous_login_at")),
        last_error=None if code is None else Reason(code, fields["error_words"]),
        failed_at=_optional_time(fields.get("failed_at")),
        refused=fields.get("refused"),
        retry_at=_optional_time(fields.get("retry_at")),
        told=tuple(fields["told"]),
        told_at=_optional_time(fields.get("told_at")),
        # a record of an earlier release has none
        telling=tuple((what, _time(since)) for what, since in fields.get("telling", ())),
        owner=fields.get("lease_owner"),
        lease_until=_optional_time(fields.get("lease_until")),
        version=fields["version"],
    )


def _text(moment: datetime) -> str:
    return moment.isoformat()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _optional_text(moment: datetime | None) -> str | None:
    return None if moment is None else _text(moment)


def _optional_time(text: str | None) -> datetime | None:
    return None if text is None else _time(text)
