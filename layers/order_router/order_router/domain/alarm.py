"""An alarm of the watch: what it says, and what its description asks for.

The first words of a description say what is done, so that an alarm that a person adds can act as ours do:
`tell: ...`, `breaker zerodha: ...`, `breaker zerodha/live: ...`, `kill: ...`. Without such words it is told.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

FIRST_WORDS = re.compile(
    r"(?P<act>tell|breaker|kill)(?: +(?P<broker>[a-z0-9_]+)(?:/(?P<account>[a-z0-9][a-z0-9_-]*))?)?: *(?P<words>.*)",
    re.DOTALL,
)
MAX_WORDS = 400


class AlarmState(StrEnum):
    """What an alarm stands at; INSUFFICIENT_DATA is neither good nor bad news."""

    ALARM = "ALARM"
    OK = "OK"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Act(StrEnum):
    """What an alarm does beside being known."""

    TELL = "tell"
    BREAKER = "breaker"
    KILL = "kill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One change of an alarm's state. `broker` and `account` say whose breaker; account None: all at that broker.

    `changed_at` is the time of the change in CloudWatch's own words: by it two deliveries are known for one change.
    """

    name: str
    state: AlarmState
    before: AlarmState
    act: Act
    words: str
    reason: str = ""
    broker: str | None = None
    account: str | None = None
    changed_at: str | None = None

    @property
    def is_over(self) -> bool:
        """Return whether it was on and is off: a new alarm that finds all well is no news."""
        return self.state is AlarmState.OK and self.before is AlarmState.ALARM

    def is_named(self, short: str) -> bool:
        """Return whether this is its name, or its name behind the stack's."""
        return self.name == short or self.name.endswith(f"-{short}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a description asks for."""

    act: Act
    words: str
    broker: str | None = None
    account: str | None = None


def read_description(text: str, dimensions: dict[str, str]) -> Asked:
    """Return what the description asks for; whose breaker, where it does not say, from the metric's dimensions.

    A breaker of nobody is told and no more: an alarm that does not say whose must not stop everybody.
    """
    found = FIRST_WORDS.fullmatch(text.strip())
    if found is None:
        return Asked(act=Act.TELL, words=text.strip()[:MAX_WORDS])
    act, words = Act(found["act"]), found["words"].strip()[:MAX_WORDS]
    if act is not Act.BREAKER:
        return Asked(act=act, words=words)
    named = found["broker"] is not None
    broker = found["broker"] if named else dimensions.get("broker")
    account = found["account"] if named else dimensions.get("account")
    if broker is None:
        return Asked(act=Act.TELL, words=words)
    return Asked(act=act, words=words, broker=broker, account=account)
