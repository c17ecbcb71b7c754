"""A refresh of 100,000 instruments: on the first day, and on a second with three in a hundred changed.

The shipped function, with the real adapter, download and botocore, in a process of its own for each refresh. Kite's
file, DynamoDB and Secrets Manager are one server in this process, so that their memory and their work are not
counted: what is counted is the refresh's own processor time, and the most memory that its process ever had. Write
units are those that DynamoDB's documentation gives for these writes (`tests/fakes/dynamodb_batches.py`), read units a
unit for each 4 KB that is stored: no bill was seen.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from order_router.aws.instrument_lists import InstrumentListsTable
from order_router.aws.listing_record import KEY_PARTITIONS
from order_router.aws.settings_table import SettingsTable
from order_router.domain.account import Account
from order_router.domain.vocabulary import Exchange
from order_router.transport.clock import SystemClock
from tests.bench.master_csv import ROWS, first_day, second_day, write
from tests.bench.refresh_server import RefreshServer, refresh_server
from tests.bench.seeds import FUNCTION_ENVIRONMENT

PROCESS = Path(__file__).parent / "refresh_process.py"
REPOSITORY = Path(__file__).resolve().parents[2]
TABLE, SETTINGS = "InstrumentsTable", "SettingsTable"
PARTITIONS = [f"zerodha#{exchange}" for exchange in Exchange] + [
    f"zerodha#key#{digit}" for digit in KEY_PARTITIONS
]
Items = dict[str, dict[str, Any]]


def measure_instruments() -> dict[str, Any]:
    """Refresh twice, each time beside its floor, and return the figures."""
    rows = first_day()
    with TemporaryDirectory() as folder, refresh_server() as server:
        _seed(server)
        return {
            "rows": ROWS,
            "first_day": _day(server, Path(folder), write(rows)),
            "second_day": _day(server, Path(folder), write(second_day(rows))),
        }


def _seed(server: RefreshServer) -> None:
    settings = SettingsTable(server.dynamodb, SETTINGS, SystemClock())
    settings.put_account(Account(name="main", broker="zerodha"))


def _day(server: RefreshServer, folder: Path, file: bytes) -> dict[str, Any]:
    (folder / "all.csv.gz").write_bytes(file)
    parsed = _run(server, "rows", str(folder / "all.csv.gz"))
    before, read_units = _items(server), _read_units(server)
    server.file, server.calls = file, {}
    taken = _run(server, "refresh")
    calls, changes = (
        dict(server.calls),
        InstrumentListsTable(server.dynamodb, TABLE, SystemClock()).state("zerodha"),
    )
    floor = _floor(server, folder, before)
    if changes.problem is not None:
        raise RuntimeError(changes.problem.message)
    return {
        "cpu_s": round(taken["cpu_s"], 2),
        "floor_cpu_s": round(floor["cpu_s"], 2),
        "to_floor": round(taken["cpu_s"] / floor["cpu_s"], 2),
        "csv_cpu_s": round(parsed["cpu_s"], 2),
        "peak_mib": round(taken["peak_mib"]),
        "write_units": int(changes.changes.write_units),
        "read_units": read_units,
        "rows_written": changes.changes.put + changes.changes.deleted,
        "calls": calls,
    }


def _floor(server: RefreshServer, folder: Path, before: Items) -> dict[str, float]:
    """Make the same reads and writes with nothing decided, over what stood there before."""
    after = _items(server)
    puts = [{"PutRequest": {"Item": item}} for key, item in after.items() if before.get(key) != item]
    gone = [{"DeleteRequest": {"Key": _key(before[key])}} for key in before.keys() - after.keys()]
    asked = folder / "asked.json"
    asked.write_text(json.dumps({"partitions": PARTITIONS * bool(before), "requests": [*puts, *gone]}))
    return _run(server, "floor", str(asked))


def _read_units(server: RefreshServer) -> int:
    """Return the units of reading all that is stored, consistently: one for each 4 KB."""
    return sum(stored.size for stored in server.dynamodb._tables[TABLE].items.values()) // 4096


def _items(server: RefreshServer) -> Items:
    found = server.dynamodb.items(TABLE)
    return {json.dumps(_key(item)): item for item in found if item["sk"]["S"] != "state"}


def _key(item: dict[str, Any]) -> dict[str, Any]:
    return {"pk": item["pk"], "sk": item["sk"]}


def _run(server: RefreshServer, *arguments: str) -> dict[str, float]:
    environment = {
        **os.environ,
        **FUNCTION_ENVIRONMENT,
        "AWS_ENDPOINT_URL": server.url,
        "BROKER_ENDPOINT_ZERODHA": server.url,
        "INSTRUMENTS_TABLE": TABLE,
        "SETTINGS_TABLE": SETTINGS,
        "REFRESH_QUEUE_URL": f"{server.url}/refresh",
        "INSTRUMENT_FLOORS": "NSE=1000 BSE=1000 NFO=5000 BFO=500",
        "PYTHONPATH": f"{REPOSITORY / 'layers' / 'order_router'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, str(PROCESS), *arguments]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise RuntimeError(finished.stderr[-2000:] + finished.stdout[-2000:])
    figures: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return figures


if __name__ == "__main__":
    print(json.dumps(measure_instruments(), indent=2))
