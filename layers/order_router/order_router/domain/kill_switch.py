"""The kill switch: what it stops, since when, who turned it and why."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from order_router.domain.errors import RouterError


class SwitchConflict(RouterError):
    """Somebody else turned the switch first; `current` is how it stands."""

    code = "CONFLICT"

    def __init__(self, current: "SwitchState") -> None:
        word = "on" if current.is_on else "off"
        super().__init__(f"the kill switch of {current.switch} was turned {word} meanwhile: look at it again")
        self.current = current


class StopScope(StrEnum):
    """What a kill switch stops: every order, an account's, or a strategy's."""

    GLOBAL = "global"
    ACCOUNT = "account"
    STRATEGY = "strategy"


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """One of the switches. `name` is the account's or the strategy's; None for the one that stops everything."""

    scope: StopScope
    name: str | None = None

    @property
    def key(self) -> str:
        """Return the switch's name in the gate."""
        return f"kill#{self.scope}" if self.name is None else f"kill#{self.scope}#{self.name}"

    def __str__(self) -> str:
        """Return what it stops, in words."""
        return "everything" if self.name is None else f"{self.scope} {self.name}"


EVERYTHING = KillSwitch(StopScope.GLOBAL)


def switch_of(key: str) -> KillSwitch:
    """Return the switch of a name in the gate; ValueError if it is none of a kill switch."""
    kind, _, rest = key.partition("#")
    scope, _, name = rest.partition("#")
    found = KillSwitch(StopScope(scope), name or None)
    if kind != "kill" or (found.scope is StopScope.GLOBAL) != (found.name is None):
        raise ValueError(f"{key[:80]!r} is no kill switch")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchState:
    """How a switch stands. `since`: when it came to be on, or off; `at`: when it was last turned, by whom and why.

    `lets_exits`: while it is on, an order that closes a position passes. `version` counts the times it was turned.
    `cancels_open` and `closes_positions`: what else that turn was asked to do; None where it says nothing of it.
    """

    switch: KillSwitch
    is_on: bool = False
    lets_exits: bool = False
    since: datetime | None = None
    at: datetime | None = None
    by: str = ""
    reason: str = ""
    cancels_open: bool | None = None
    closes_positions: bool | None = None
    version: int = 0

    def turned_on(self, turn: "Turn", *, lets_exits: bool) -> "SwitchState":
        """Return it on; one that is on already stays on since it was, with the new word on exits and the new reason."""
        since = self.since if self.is_on else turn.at
        return replace(self._turned(turn), is_on=True, lets_exits=lets_exits, since=since)

    def turned_off(self, turn: "Turn") -> "SwitchState":
        """Return it off."""
        return replace(self._turned(turn), is_on=False, lets_exits=False, since=turn.at)

    def _turned(self, turn: "Turn") -> "SwitchState":
        return replace(
            self,
            at=turn.at,
            by=turn.by,
            reason=turn.reason,
            cancels_open=turn.cancels_open,
            closes_positions=turn.closes_positions,
            version=self.version + 1,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Who turned a switch, when and why, and what else was asked for: `by` is a key's id, `link` or `alarm`."""

    at: datetime
    by: str
    reason: str
    cancels_open: bool | None = None
    closes_positions: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KillTicket:
    """The right to turn one switch on, once, kept by the digest of its token."""

    digest: str
    switch: KillSwitch
    expires_at: datetime
