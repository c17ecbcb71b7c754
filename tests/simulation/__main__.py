"""The long run: `python -m tests.simulation --days 1450000 --replays 1000 --orders 100000`.

Prints what went wrong where and how often, the rules that broke (none), and how much that proves. With
`--keep FOLDER` a run that was stopped goes on where it was.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.simulation.day import Day
from tests.simulation.kept import Kept, present_code
from tests.simulation.liveness import OneFaultyOrder, OneOrder, OnePassingFault
from tests.simulation.runs import Result, Run, quiet, run_many, run_one

CHUNK = 1000
ENOUGH_HITS = 100
SHOWN = 20
SLOW_SECONDS = 60


def main() -> int:
    """Run what is asked for; 1 if a rule broke or something was not reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--days", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the first seed of the days")
    parser.add_argument("--replays", type=int, default=0)
    parser.add_argument("--orders", type=int, default=0, help="of each of the three liveness runs")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder for what finished chunks showed")
    options = parser.parse_args()
    kept = Kept(options.keep, present_code()) if options.keep else None
    with ProcessPoolExecutor(options.jobs) as pool:
        days = range(options.first, options.first + options.days)
        is_good = [
            _prove_days(pool, days, kept) if options.days else True,
            _prove_replays(pool, days, options.replays) if options.replays else True,
            *(_prove_liveness(pool, kind, options.orders, kept) for kind in LIVENESS if options.orders),
        ]
    return 0 if all(is_good) else 1


def _chunks(seeds: range) -> Iterator[range]:
    yield from (seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK))


@dataclass(frozen=True)
class _Chunk:
    """Runs a chunk of seeds, unless what it showed is kept."""

    make: Callable[[int], Run]
    kept: Kept | None

    def __call__(self, seeds: range) -> Result:
        name = self.make.__name__
        if self.kept and (known := self.kept.result_of(name, seeds)):
            return known
        result = run_many(self.make, seeds)
        if self.kept:
            self.kept.keep(name, seeds, result)
        return result


def _run_all(
    pool: ProcessPoolExecutor, make: Callable[[int], Run], seeds: range, kept: Kept | None
) -> Result:
    total, began = Result(), time.monotonic()
    for result in pool.map(_Chunk(make, kept), _chunks(seeds)):
        total.add(result)
        if total.seeds % (20 * CHUNK) == 0:
            rate = total.seeds / (time.monotonic() - began)
            print(f"  {total.seeds} seeds, {rate:.0f} a second, {len(total.violations)} broken", flush=True)
    print(f"{make.__name__}: {total.seeds} seeds in {(time.monotonic() - began) / 60:.1f} min")
    for seed, violation in sorted(total.violations.items())[:SHOWN]:
        print(f"  seed {seed}: {violation}")
    return total


def _prove_days(pool: ProcessPoolExecutor, seeds: range, kept: Kept | None) -> bool:
    total = _run_all(pool, Day, seeds, kept)
    coverage = total.coverage()
    for name, times in coverage.items():
        print(f"  {times:9} {name}")
    for name in sorted(name for name in total.hits if name.startswith("ended")):
        print(f"  {total.hits[name]:9} {name}")
    rare = sorted((times, name) for name, times in coverage.items() if times < ENOUGH_HITS)
    print(f"{len(coverage)} points, {len(rare)} of them hit less than {ENOUGH_HITS} times: {rare[:SHOWN]}")
    print(
        f"{len(total.violations)} violations in {total.seeds} days;"
        f" none in N bounds the chance of one, for these faults, at 3/N = {3 / total.seeds:.2g} (95 %)"
    )
    return not total.violations and not rare


def _prove_replays(pool: ProcessPoolExecutor, seeds: range, replays: int) -> bool:
    chosen = Random(0).sample(seeds, replays)  # noqa: S311 - a sample, not a secret
    first, second = (list(pool.map(_digest, chosen, chunksize=10)) for _ in range(2))
    same = sum(one == two for one, two in zip(first, second, strict=True))
    print(f"{same} of {replays} seeds run again gave the same trace; {len(set(first))} traces differ")
    return same == replays


def _digest(seed: int) -> str:
    with quiet():
        return run_one(Day, seed)


LIVENESS: tuple[tuple[type[OneOrder], float, float], ...] = (
    (OneOrder, 1.0, 0.9999),
    (OnePassingFault, 1.4, 0.995),
    (OneFaultyOrder, 1.2, 0.0),
)


def _prove_liveness(
    pool: ProcessPoolExecutor, kind: tuple[type[OneOrder], float, float], orders: int, kept: Kept | None
) -> bool:
    make, spare, bar = kind
    total = _run_all(pool, make, range(int(orders * spare)), kept)
    placed, counted = total.hits["placed"], total.hits["orders"]
    print(f"  {placed} of {counted} placed and nobody had to help ({100 * placed / counted:.3f} %)")
    for name in sorted(name for name in total.hits if name.startswith("not placed")):
        print(f"  {total.hits[name]:9} {name}")
    took = sorted(
        seconds
        for name in total.hits
        if name.startswith("resolved")
        for seconds in [int(name.split()[2])]
        for _ in range(total.hits[name])
    )
    p99 = took[int(0.99 * (len(took) - 1))] if took else 0
    print(f"  {len(took)} unknown orders were resolved by their tag, p99 within {p99} s")
    return not total.violations and placed >= bar * counted and p99 <= SLOW_SECONDS


if __name__ == "__main__":
    sys.exit(main())
