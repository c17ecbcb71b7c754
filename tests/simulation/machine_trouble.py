"""Trouble that is named beforehand: the next call that fits fails in the way that was asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.simulation import clients, network
from tests.simulation.trouble import DIES, FREEZES, Trouble

AWS_CALLS = {
    "authorizer": ("dynamodb.get_item",),
    "webhook": ("dynamodb.get_item", "dynamodb.put_item", "sqs.send_message"),
    "place": (
        "dynamodb.get_item",
        "dynamodb.put_item",
        "dynamodb.transact_write_items",
        "secretsmanager.get_secret_value",
        "sqs.send_message",
        "sqs.change_message_visibility",
    ),
    "modify": ("dynamodb.get_item", "dynamodb.put_item", "dynamodb.transact_write_items"),
    "cancel": (
        "dynamodb.get_item",
        "dynamodb.query",
        "dynamodb.put_item",
        "dynamodb.transact_write_items",
    ),
    "orders": ("dynamodb.get_item", "dynamodb.query"),
    "positions": ("dynamodb.query", "secretsmanager.get_secret_value"),
    "reconcile": ("dynamodb.query", "dynamodb.put_item", "dynamodb.transact_write_items"),
    "dead_letters": ("dynamodb.get_item", "dynamodb.put_item"),
    "kill_switch": ("dynamodb.get_item", "dynamodb.transact_write_items", "dynamodb.update_item"),
    "alarm": ("dynamodb.get_item", "dynamodb.query", "dynamodb.put_item"),
    "limits": ("dynamodb.get_item", "dynamodb.put_item"),
}
WRITES = ("place", "modify", "cancel")


@dataclass(frozen=True)
class Named:
    """One thing that will go wrong: at the call number `after` + 1 that fits the pattern and can fail in this way."""

    point: str
    kind: str
    after: int = 0

    def _repr_pretty_(self, printer: Any, _cycle: object) -> None:
        printer.text(f"<{self.point} {self.kind}{f' after {self.after}' if self.after else ''}>")


@dataclass
class NamedTrouble(Trouble):
    """Trouble that comes where it was asked for, and nowhere else."""

    armed: list[tuple[Named, int]] = field(default_factory=list)
    elapsed: Callable[[], int] = int
    last_hit_at: int = -(10**12)

    def arm(self, named: Named) -> None:
        """Let this happen at the next call that fits."""
        self.armed.append((named, named.after))

    def lose(self, endpoint: str, *, is_lost: bool) -> None:
        """Let nothing reach a broker, or everything again."""
        if is_lost:
            self.out_of_reach.add(endpoint)
        else:
            self.out_of_reach.discard(endpoint)
        self.last_hit_at = self.elapsed()

    def at(self, point: str, kinds: Sequence[str]) -> str | None:
        """Return what was asked for at this point, None: nothing."""
        for place, (named, left) in enumerate(self.armed):
            if fnmatchcase(point, named.point) and named.kind in kinds:
                if left > 0:
                    self.armed[place] = (named, left - 1)
                    continue
                del self.armed[place]
                self.last_hit_at = self.elapsed()
                return self._happens(point, named.kind)
        return None

    def end(self) -> None:
        """Let nothing go wrong any more."""
        super().end()
        self.armed.clear()


def _aws_failures(*functions: str) -> list[Named]:
    return [
        Named(f"{function}: {call}", kind)
        for function in functions
        for call in AWS_CALLS[function]
        for kind in clients.KINDS[call]
        if kind not in {DIES, FREEZES}
    ]


def _broker_failures(*calls: str) -> list[Named]:
    writes = [Named(f"*: broker.{call}", kind) for call in calls for kind in network.KITE_WRITES]
    return [*writes, *(Named("*: broker.read", kind) for kind in network.READS)]


def _deaths(*functions: str) -> list[Named]:
    ends = (DIES, FREEZES)
    return [Named(f"{name}: *", kind, after) for name in functions for kind in ends for after in range(7)]


def failures_of(function: str) -> SearchStrategy[Named | None]:
    """Draw what goes wrong in a function's next call, often nothing."""
    choices = [_aws_failures(function), _deaths(function)]
    if function != "webhook":
        calls = (function,) if function in WRITES else ()
        choices += [_aws_failures("authorizer"), _broker_failures(*calls), _broker_failures(*calls)]
    return st.none() | st.none() | st.one_of(*map(st.sampled_from, choices))


def failures() -> SearchStrategy[Named]:
    """Draw what goes wrong at some later call, of whatever function."""
    deletes = [Named("source of *: delete", "delete lost")]
    choices = [_broker_failures(*WRITES), _aws_failures(*AWS_CALLS), _deaths(*AWS_CALLS), deletes]
    return st.one_of(*map(st.sampled_from, choices))
