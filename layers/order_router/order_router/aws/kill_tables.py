"""The kill switches, what is kept of their turns, the work asked for and the one-tap tickets, in the gate table.

gate                           holds
kill#<scope>[#<name>]          a switch: `engaged`, `lets_exits` (the gate's conditions), who turned it, when and why
kill-log#<switch>#<number>     the same, as one turn left it; kept for good
kill-index                     the names of the switches and of the works that there are
kill-work#<account>[#<strategy>]  the work, as a document; it goes by itself
kill-link#<digest>             a ticket for one turn, by the digest of its token; it goes by itself
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from order_router.aws.failures import (
    FAILED,
    LOST,
    PASSING,
    is_done,
    named_failures,
    reasons_of,
    unless_changed,
)
from order_router.aws.values import Item, from_item, to_item
from order_router.domain.kill_switch import KillSwitch, KillTicket, SwitchConflict, SwitchState, switch_of
from order_router.domain.kill_work import KillWork, WorkConflict
from order_router.ports import Clock, StoreUnavailable

INDEX: Item = {"gate": {"S": "kill-index"}}
LOG = "kill-log#"
TURN_TRIES = 100
"""How often a turn is tried: every order on its way out is in its way for some milliseconds."""

TURN_PAUSE_S = 0.005
WORK_LIFE = timedelta(days=30)
KEPT_AFTER_EXPIRY = timedelta(days=1)


class KillSwitchesTable:
    """Implements `service.kill_desk.KillSwitches` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str, clock: Clock) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table
        self._clock = clock

    def get(self, switch: KillSwitch) -> SwitchState:
        """Return how the switch stands; off since ever if it was never turned."""
        return _state(switch, _get(self._client, self._table, switch.key))

    def turn(self, after: SwitchState, *, before: SwitchState) -> None:
        """Store how it stands and keep the turn, both or neither; SwitchConflict if it was turned meanwhile."""
        operations = self._operations(after, before)
        for _ in range(TURN_TRIES):
            if self._transact(operations, after.switch):
                return
            self._clock.sleep(TURN_PAUSE_S * (1 + secrets.randbelow(4)))
        raise StoreUnavailable(f"turning the kill switch of {after.switch}: too many conflicts")

    def _operations(self, after: SwitchState, before: SwitchState) -> list[dict[str, Any]]:
        fields, key = _fields(after), after.switch.key
        item = to_item({"gate": key, **fields})
        condition = unless_changed(before.version, new_without="version")
        switch = {"Put": {"TableName": self._table, "Item": item, **condition}}
        log = to_item({"gate": _log_name(after.switch, after.version), **fields})
        return [
            switch,
            {"Put": {"TableName": self._table, "Item": log}},
            {"Update": {"TableName": self._table, "Key": INDEX, **_added("switches", key)}},
        ]

    def _transact(self, operations: list[dict[str, Any]], switch: KillSwitch) -> bool:
        """Try once; False when other writes were in the way for the moment."""
        with named_failures("turning a kill switch"):
            try:
                self._client.transact_write_items(TransactItems=operations)
            except ClientError as error:
                codes = reasons_of(error)
                if FAILED in codes[:1]:
                    raise SwitchConflict(self.get(switch)) from None
                if PASSING.intersection(codes):
                    return False
                raise
        return True

    def known(self) -> tuple[SwitchState, ...]:
        """Return every switch that was ever turned, by name."""
        names = _index(self._client, self._table, "switches")
        return tuple(self.get(switch_of(name)) for name in names)

    def history(self, switch: KillSwitch, *, last: int) -> tuple[SwitchState, ...]:
        """Return its last turns, newest first."""
        newest = self.get(switch).version
        numbers = range(newest, max(0, newest - last), -1)
        items = [_get(self._client, self._table, _log_name(switch, number)) for number in numbers]
        return tuple(_state(switch, item) for item in items if item is not None)

    def turned(self, switch: KillSwitch, number: int) -> SwitchState:
        """Return how the turn of this number left it; StoreUnavailable if its record is not there."""
        item = _get(self._client, self._table, _log_name(switch, number))
        if item is None:
            raise StoreUnavailable(f"turn {number} of the kill switch of {switch} is not in its log")
        return _state(switch, item)


class KillWorksTable:
    """Implements `service.kill_desk.KillWorks` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def get(self, name: str) -> KillWork | None:
        """Return the work of this name as last written."""
        item = _get(self._client, self._table, _work_name(name))
        return None if item is None else KillWork.model_validate_json(item["document"]["S"])

    def write(self, work: KillWork, *, replacing: KillWork | None) -> KillWork:
        """Store the work and return it with its version; WorkConflict if another one stands there."""
        stored = work.model_copy(update={"version": 1 if replacing is None else replacing.version + 1})
        if replacing is None:
            # a name too many does no harm, and work that nobody finds would
            with named_failures("naming a work"):
                self._client.update_item(TableName=self._table, Key=INDEX, **_added("works", work.name))
        fields = {
            "gate": _work_name(work.name),
            # an earlier release reads no work with a word that it does not know: only one that is over has it
            "document": stored.model_dump_json(exclude={"is_told"} if stored.is_told else None),
            "version": stored.version,
            "expires_at": int((work.updated_at + WORK_LIFE).timestamp()),
        }
        condition = unless_changed(stored.version - 1, new_without="gate")
        with named_failures("writing a work"):
            try:
                self._client.put_item(TableName=self._table, Item=to_item(fields), **condition)
            except ClientError as error:
                if error.response["Error"]["Code"] != LOST:
                    raise
                if self.get(work.name) == stored:
                    # our own write, whose answer was lost
                    return stored
                raise WorkConflict(f"the work of {work.name} was changed meanwhile") from None
        return stored

    def known(self) -> tuple[KillWork, ...]:
        """Return the last work of every account and strategy, by name."""
        found = (self.get(name) for name in _index(self._client, self._table, "works"))
        return tuple(work for work in found if work is not None)


class KillTicketsTable:
    """Implements `service.kill_desk.KillTickets` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def issue(self, ticket: KillTicket) -> None:
        """Store a ticket."""
        fields = {
            "gate": _link_name(ticket.digest),
            "switch": ticket.switch.key,
            "good_until": ticket.expires_at.isoformat(),
            "expires_at": int((ticket.expires_at + KEPT_AFTER_EXPIRY).timestamp()),
        }
        with named_failures("issuing a kill link"):
            self._client.put_item(TableName=self._table, Item=to_item(fields))

    def find(self, digest: str, now: datetime) -> KillTicket | None:
        """Return the ticket if it was issued, was not used and has not expired."""
        item = _get(self._client, self._table, _link_name(digest))
        if item is None:
            return None
        fields = from_item(item)
        until = datetime.fromisoformat(fields["good_until"])
        ticket = KillTicket(digest=digest, switch=switch_of(fields["switch"]), expires_at=until)
        return None if "used_at" in fields or now >= until else ticket

    def use(self, ticket: KillTicket, now: datetime) -> bool:
        """Use the ticket up; False if it was used before or has expired."""
        if now >= ticket.expires_at:
            return False
        with named_failures("using a kill link"):
            return is_done(
                lambda: self._client.update_item(
                    TableName=self._table,
                    Key={"gate": {"S": _link_name(ticket.digest)}},
                    UpdateExpression="SET used_at = :now",
                    ConditionExpression="switch = :switch AND attribute_not_exists(used_at)",
                    ExpressionAttributeValues={
                        ":now": {"S": now.isoformat()},
                        ":switch": {"S": ticket.switch.key},
                    },
                )
            )


def _get(client: Any, table: str, name: str) -> Item | None:  # noqa: ANN401 - botocore's clients have no type
    with named_failures("reading the kill switch"):
        answer = client.get_item(TableName=table, Key={"gate": {"S": name}}, ConsistentRead=True)
    found: Item | None = answer.get("Item")
    return found


def _index(client: Any, table: str, kind: str) -> list[str]:  # noqa: ANN401 - botocore's clients have no type
    item = _get(client, table, INDEX["gate"]["S"]) or {}
    return sorted(item.get(kind, {}).get("SS", []))


def _added(kind: str, name: str) -> dict[str, Any]:
    return {"UpdateExpression": f"ADD {kind} :name", "ExpressionAttributeValues": {":name": {"SS": [name]}}}


def _fields(state: SwitchState) -> dict[str, object]:
    return {
        "engaged": state.is_on,
        "lets_exits": state.lets_exits,
        "since": None if state.since is None else state.since.isoformat(),
        "turned_at": None if state.at is None else state.at.isoformat(),
        "turned_by": state.by,
        "reason": state.reason,
        "cancels_open": state.cancels_open,
        "closes_positions": state.closes_positions,
        "version": state.version,
    }


def _state(switch: KillSwitch, item: Item | None) -> SwitchState:
    if item is None:
        return SwitchState(switch=switch)
    fields = from_item(item)
    return SwitchState(
        switch=switch,
        is_on=bool(fields.get("engaged", False)),
        lets_exits=bool(fields.get("lets_exits", False)),
        since=_moment(fields.get("since")),
        at=_moment(fields.get("turned_at")),
        by=fields.get("turned_by", ""),
        reason=fields.get("reason", ""),
        cancels_open=fields.get("cancels_open"),
        closes_positions=fields.get("closes_positions"),
        version=fields.get("version", 0),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def is_turn(name: str) -> bool:
    """Return whether an item of the gate table, by its key, is what is kept of a turn."""
    return name.startswith(LOG)


def turn_of(item: Item) -> tuple[datetime, SwitchState]:
    """Return what is kept of a turn, and when it was; ValueError or KeyError for an item that is none."""
    key, _, number = item["gate"]["S"].removeprefix(LOG).rpartition("#")
    state = _state(switch_of(key), item)
    if str(state.version) != number or state.at is None:
        raise ValueError(f"{item['gate']['S'][:80]!r} is no turn of a kill switch")
    return state.at, state


def _log_name(switch: KillSwitch, number: int) -> str:
    return f"{LOG}{switch.key}#{number}"


def _work_name(name: str) -> str:
    return f"kill-work#{name}"


def _link_name(digest: str) -> str:
    return f"kill-link#{digest}"
