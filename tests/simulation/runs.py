"""Many seeds, one after another: what they hit, and which of them break a rule."""

import gc
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from order_router.ports import StoreUnavailable
from tests.simulation.judge import Violation
from tests.simulation.stack import Stack, seeded
from tests.simulation.trouble import merge_kinds


class Run(Protocol):
    """One seed's run."""

    stack: Stack

    def run(self) -> str:
        """Run it and return its digest."""


@dataclass
class Result:
    """What so many runs showed. `violations` by seed."""

    seeds: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Sequence[str]] = field(default_factory=dict)
    violations: dict[int, str] = field(default_factory=dict)

    def add(self, other: "Result") -> None:
        """Add what other seeds showed."""
        self.seeds += other.seeds
        self.hits.update(other.hits)
        merge_kinds(self.kinds, other.kinds)
        self.violations.update(other.violations)

    def coverage(self) -> dict[str, int]:
        """Return how often each trouble came that can come at a point that was passed."""
        names = (f"{point}: {kind}" for point, kinds in self.kinds.items() for kind in kinds)
        return {name: self.hits[name] for name in sorted(names)}


def run_one(make: Callable[[int], Run], seed: int, into: Result | None = None) -> str:
    """Run one seed and return its digest; Violation if a rule breaks."""
    run = make(seed)
    try:
        with seeded(run.stack.random):
            return run.run()
    finally:
        run.stack.hub.close()
        if into is not None:
            into.hits.update(run.stack.trouble.hits)
            merge_kinds(into.kinds, run.stack.trouble.kinds)


RunMany = Callable[[Callable[[int], Run], Iterable[int]], Result]


def run_many(make: Callable[[int], Run], seeds: Iterable[int], *, until_broken: bool = False) -> Result:
    """Run the seeds; a seed that breaks a rule is noted, and the others run on, or not if `until_broken`."""
    result = Result()
    with quiet() as defects:
        for seed in seeds:
            result.seeds += 1
            defects.found.clear()
            try:
                run_one(make, seed, result)
                defects.require_none()
            except Violation as violation:
                result.violations[seed] = str(violation)
                if until_broken:
                    break
            # what outlives the run that made it does not outlive the next
            gc.collect(1)
    return result


class Defects(logging.Handler):
    """What the router caught and wrote down as an error: a table that fails is one of the faults, all else a defect."""

    def __init__(self) -> None:
        super().__init__(level=logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record, unless a fault explains it."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, StoreUnavailable):
            self.found.append(f"{record.name}: {record.getMessage()}: {error!r}")

    def require_none(self) -> None:
        """Raise Violation with what was caught."""
        if self.found:
            raise Violation(f"caught and logged: {self.found}")


@contextmanager
def quiet() -> Iterator[Defects]:
    """Write no log, and look for garbage only between runs and not in what was there before: a fifth of the time."""
    defects, log = Defects(), logging.getLogger("order_router")
    log.addHandler(defects)
    logging.disable(logging.WARNING)
    gc.disable()
    gc.collect()
    gc.freeze()
    try:
        yield defects
    finally:
        # what is frozen stays so: thousands of tests, and all that they import, among it
        gc.enable()
        logging.disable(logging.NOTSET)
        log.removeHandler(defects)
