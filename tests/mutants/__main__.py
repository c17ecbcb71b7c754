"""Judge the automatic mutants and print what became of them: `python -m tests.mutants`."""

import argparse
import sys
import time
from collections import Counter

from tests.mutants.automatic import Result, files, private_tree, run, slips
from tests.mutants.equivalent import EQUIVALENT, Equivalent, equivalent_of

BAR = 0.95


def main() -> int:
    """Print each survivor, a table of the modules and the share killed; return 0 if that reaches the bar."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=0, help="how many mutants, spread by a seed; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--only", action="append", help="a file below the package, such as service/place.py")
    given = parser.parse_args()
    began = time.monotonic()
    results = []
    with private_tree() as tree:
        chosen = slips(tree, given.only or files(), sample=given.sample, seed=given.seed)
        for result in run(tree, chosen, jobs=given.jobs):
            results.append(result)
            if result.fate == "survived" or result.how == "timeout":
                word = "survived" if result.fate == "survived" else "killed only by its time"
                print(f"{word}: {result.slip.place}\n{result.slip.diff}\n", flush=True)
    share = report(results)
    print(f"{len(results)} mutants in {time.monotonic() - began:.0f} s")
    stale = [] if given.sample or given.only else unmet(results)
    for one in stale:
        print(f"listed as equivalent, and made by no rule any more: {one.file}: {one.new}")
    return 0 if share >= BAR and not stale else 1


def unmet(results: list[Result]) -> list[Equivalent]:
    """Return what is listed as equivalent and was not among the mutants."""
    met = {equivalent_of(result.slip.file, result.slip.diff) for result in results}
    return [one for one in EQUIVALENT if one not in met]


def report(results: list[Result]) -> float:
    """Print one line for each file and return the share killed of those that are not equivalent."""
    fates = Counter((result.slip.file, result.fate) for result in results)
    names = [*dict.fromkeys(result.slip.file for result in results)]
    print("| module | killed | survived | equivalent |\n|---|---|---|---|")
    for name in names:
        print(
            f"| {name} | {fates[name, 'killed']} | {fates[name, 'survived']} | {fates[name, 'equivalent']} |"
        )
    total = Counter(result.fate for result in results)
    share = total["killed"] / max(1, total["killed"] + total["survived"])
    print(f"| all | {total['killed']} | {total['survived']} | {total['equivalent']} |")
    print(f"{share:.1%} killed of those that are not equivalent")
    return share


if __name__ == "__main__":
    sys.exit(main())
