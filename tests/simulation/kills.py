"""What kill switches were asked to do beside stopping: the exits that they wrote down, and that their end was told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from order_router.domain.kill_work import KillWork
from order_router.ports import Notice
from tests.simulation.wants import Wants

Item = dict[str, Any]
Require = Callable[[object, str], None]
WORK = "kill-work#"


@dataclass
class Kills:
    """The last record of each account's work and strategy's, and every exit that one was ever written down."""

    works: dict[str, KillWork] = field(default_factory=dict)
    exits: set[str] = field(default_factory=set)

    def written(self, item: Item) -> None:
        """Take a work as it is stored."""
        work = KillWork.model_validate_json(item["document"]["S"])
        self.works[work.name] = work
        self.exits |= {line.client_order_id for line in work.exits}

    def judge_asked(self, orders: Iterable[str], wants: Wants, require: Require) -> None:
        """Require that somebody asked for each order: a caller, an alert, or a stop that closes positions."""
        strange = [name for name in orders if name not in wants.asked and name not in self.exits]
        require(not strange, f"nobody asked for {strange}")

    def is_left(self) -> bool:
        """Return whether some work is not over, or its end not known to be told."""
        return any(not work.is_over or not work.is_told for work in self.works.values())

    def judge_told(self, notices: Iterable[tuple[datetime, Notice]], require: Require) -> None:
        """Require that no work is left to be done, and that the end of each is in the queue of notices."""
        told = {notice.subject for _, notice in notices if notice.kind == "kill_outcome"}
        for name, work in self.works.items():
            require(work.is_over, f"the work of the kill switch for {name} is {work.phase} in the end")
            require(work.work_id in told, f"the end of the kill switch's work for {name} was not told")
