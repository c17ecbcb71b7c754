"""One refresh in a process of its own, or its floor: prints what that took as JSON.

refresh_process.py refresh           the shipped function, one message
refresh_process.py floor <file>      the same calls of DynamoDB alone: pages of what is stored, batches of a file
refresh_process.py rows <file>       the rows of a file of CSV, and nothing done with them
"""

import csv
import gzip
import json
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session

FUNCTION = Path(__file__).resolve().parents[2] / "functions" / "instruments_refresh" / "app.py"
EVENT = {
    "Records": [
        {
            "messageId": "bench",
            "receiptHandle": "bench",
            "body": json.dumps({"broker": "zerodha", "takes_any_count": False}),
        }
    ]
}
BATCH = 25


def refresh() -> None:
    """Run the handler on one message; anything but success is an error."""
    handler = runpy.run_path(str(FUNCTION))["handler"]
    _start()
    assert handler(EVENT, None) == {"batchItemFailures": []}


def floor(path: str) -> None:
    """Make the calls that cannot be left out: read every partition of a file, write its requests in batches."""
    client: Any = botocore.session.get_session().create_client("dynamodb")
    asked = json.loads(Path(path).read_text())
    _start()
    for partition in asked["partitions"]:
        pages = client.get_paginator("query").paginate(
            TableName="InstrumentsTable",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            ConsistentRead=True,
        )
        assert sum(len(page["Items"]) for page in pages) >= 0
    for at in range(0, len(asked["requests"]), BATCH):
        client.batch_write_item(RequestItems={"InstrumentsTable": asked["requests"][at : at + BATCH]})


def rows(path: str) -> None:
    """Split a file of CSV into its rows."""
    with gzip.open(path, "rt", newline="") as file:
        _start()
        assert sum(1 for _ in csv.reader(file)) > 0


STARTED: list[tuple[float, float]] = []


def _start() -> None:
    STARTED.append((time.process_time(), time.perf_counter()))


def main() -> int:
    """Do what the arguments say and print the figures."""
    modes: dict[str, Callable[..., None]] = {"refresh": refresh, "floor": floor, "rows": rows}
    modes[sys.argv[1]](*sys.argv[2:])
    (cpu, wall), (cpu_end, wall_end) = STARTED[-1], (time.process_time(), time.perf_counter())
    print(json.dumps({"cpu_s": cpu_end - cpu, "wall_s": wall_end - wall, "peak_mib": _peak_kib() / 1024}))
    return 0


def _peak_kib() -> int:
    """Return the most memory that this program had; `ru_maxrss` would count what its parent had as it was started."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))


if __name__ == "__main__":
    raise SystemExit(main())
