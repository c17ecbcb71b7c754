"""How a broker's list stands, as the fields of an item."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from order_router.aws.values import AttributeValue, Item, from_item
from order_router.domain.errors import Reason
from order_router.domain.instrument_list import Changes, ListState
from order_router.domain.vocabulary import Exchange


def moment(at: datetime) -> AttributeValue:
    """Return a time as a text that sorts by time."""
    return {"S": _text(at)}


def state_fields(state: ListState) -> dict[str, Any]:
    """Return the fields of a list that nobody is at."""
    changes, problem = state.changes, state.problem
    return {
        "loaded_at": _optional_text(state.loaded_at),
        "rows": {str(exchange): count for exchange, count in state.rows.items()},
        "expired": state.expired,
        "put": changes.put,
        "deleted": changes.deleted,
        "unchanged": changes.unchanged,
        "write_units": changes.write_units,
        "read_s": state.read_s,
        "write_s": state.write_s,
        "tried_at": _optional_text(state.tried_at),
        "problem": None if problem is None else {"code": problem.code, "message": problem.message},
    }


def read_state(item: Item) -> ListState:
    """Return how a list stands; one that was never tried has no fields."""
    fields = from_item(item)
    problem = fields.get("problem")
    return ListState(
        loaded_at=_time(fields.get("loaded_at")),
        rows={Exchange(name): int(count) for name, count in fields.get("rows", {}).items()},
        expired=fields.get("expired", 0),
        changes=Changes(
            put=fields.get("put", 0),
            deleted=fields.get("deleted", 0),
            unchanged=fields.get("unchanged", 0),
            write_units=Decimal(fields.get("write_units", 0)),
        ),
        read_s=Decimal(fields.get("read_s", 0)),
        write_s=Decimal(fields.get("write_s", 0)),
        tried_at=_time(fields.get("tried_at")),
        problem=None if problem is None else Reason(problem["code"], problem["message"]),
        busy_until=_time(fields.get("busy_until")),
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _optional_text(at: datetime | None) -> str | None:
    return None if at is None else _text(at)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
