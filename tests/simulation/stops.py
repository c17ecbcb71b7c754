"""Which kill switches stand, and how long after its gate a call may still leave: held against the tables' writes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from order_router.domain.lifecycle import EventKind

Item = dict[str, Any]
Require = Callable[[object, str], None]
KILL = "kill#"
ASKED_BY = {
    "POST": EventKind.SUBMITTING,
    "PUT": EventKind.MODIFY_REQUESTED,
    "DELETE": EventKind.CANCEL_REQUESTED,
}
"""The step that is stored as a call passes its gate."""

LONGEST_CALL = timedelta(milliseconds=3200)
"""For how long a call that has passed its gate may leave at most: what is stopped meanwhile may leave so long."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A switch that is on: since when for entries, and for exits if it does not let them through."""

    since: datetime
    exits_since: datetime | None

    def begins(self, *, is_exit: bool) -> datetime | None:
        """Return since when it stops such an order, None if it does not."""
        return self.exits_since if is_exit else self.since


@dataclass
class Stops:
    """The switches as the gate's table has them, and when each call passed its gate last."""

    on: dict[str, Standing] = field(default_factory=dict)
    passed: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def turned(self, name: str, item: Item, at: datetime) -> None:
        """Take how a switch stands now."""
        if not item["engaged"]["BOOL"]:
            self.on.pop(name, None)
            return
        was = self.on.get(name, Standing(at, None))
        lets_exits = item.get("lets_exits", {"BOOL": False})["BOOL"]
        self.on[name] = Standing(was.since, None if lets_exits else was.exits_since or at)

    def begun(self, name: str, kind: str, at: datetime) -> None:
        """Note that a call passed its gate."""
        self.passed[name, kind] = at

    def standing(self, switches: Iterable[str], *, is_exit: bool) -> list[str]:
        """Return those of the switches that stop an order now."""
        return [one for one in switches if one in self.on and self.on[one].begins(is_exit=is_exit)]

    def judge_left(self, method: str, item: Item, now: datetime, require: Require) -> None:
        """Require that a call leaves soon after its gate, and so soon after whatever stops it by now."""
        name, is_exit = item["client_order_id"]["S"], is_exit_item(item)
        passed = self.passed.get((name, ASKED_BY[method]), datetime.min.replace(tzinfo=now.tzinfo))
        require(now - passed <= LONGEST_CALL, f"{method} of {name} left {now - passed} after its gate")
        if method == "DELETE":
            return
        for switch in self.standing(switches_of(item), is_exit=is_exit):
            since = self.on[switch].begins(is_exit=is_exit) or now
            require(
                now - since <= LONGEST_CALL, f"{method} of {name} left {now - since} after {switch} was on"
            )


def is_exit_item(item: Item) -> bool:
    """Return whether a stored order closes a position."""
    return bool(item["request"]["M"].get("position_effect") == {"S": "CLOSE"})


def switches_of(item: Item) -> tuple[str, ...]:
    """Return the kill switches that are over a stored order."""
    request = item["request"]["M"]
    switches = (f"{KILL}global", f"{KILL}account#{request['account']['S']}")
    return (*switches, f"{KILL}strategy#{request['strategy']['S']}") if "strategy" in request else switches
