"""Measure everything, print it, and write .local/bench.json; the headline broker is zerodha."""

import sys
from typing import Any

from infra.local.home import BUILD, SHARED, write_json
from tests.bench.circumstances import circumstances
from tests.bench.cold_start import measure_cold_starts
from tests.bench.imports import measure_imports
from tests.bench.instruments import measure_instruments
from tests.bench.lambda_folders import lambda_folders
from tests.bench.overhead import measure_overhead
from tests.bench.sizes import measure_sizes
from tests.bench.table import print_figures

HEADLINE = "zerodha"
BROKERS = (HEADLINE, "paper")
FIGURES = SHARED / "bench.json"


def main() -> int:
    """Run the benches."""
    if not (BUILD / "template.yaml").exists():
        print("nothing is built yet: `make bench` builds first", file=sys.stderr)
        return 1
    figures = _measure()
    write_json(FIGURES, _headlines(figures) | figures, mode=0o644)
    print_figures(figures)
    print(f"\nwritten to {FIGURES}")
    return 0


def _measure() -> dict[str, Any]:
    figures = {"circumstances": circumstances()}
    print("refreshing 100,000 instruments, two days")
    figures["instruments"] = measure_instruments()
    print("placing 1,000 orders at each broker")
    figures["overhead"] = {broker: measure_overhead(broker) for broker in BROKERS}
    with lambda_folders() as folders:
        print("starting functions cold")
        figures["cold_start"] = measure_cold_starts(folders)
        print("weighing imports")
        figures["imports"] = measure_imports(folders)
    return figures | {"layers": measure_sizes()}


def _headlines(figures: dict[str, Any]) -> dict[str, Any]:
    overhead, cold_start = figures["overhead"][HEADLINE], figures["cold_start"]
    return {
        "overhead_ms_p50": overhead["overhead_ms_p50"],
        "overhead_ms_p99": overhead["overhead_ms_p99"],
        "aws_calls_before": overhead["aws_calls_before"],
        "aws_calls_after": overhead["aws_calls_after"],
        "cold_start_ratio": cold_start[HEADLINE]["ratio"],
        "cold_start_ms": cold_start[HEADLINE]["median_ms"],
        "baseline_ms": cold_start["baseline"]["median_ms"],
        "refresh_to_floor": figures["instruments"]["first_day"]["to_floor"],
        "refresh_peak_mib": figures["instruments"]["first_day"]["peak_mib"],
        "layer_mib": figures["layers"]["total"],
    }


if __name__ == "__main__":
    raise SystemExit(main())
