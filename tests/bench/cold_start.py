"""The first invocation of `place`, as a ratio to a function that only imports boto3 and makes a DynamoDB client.

Both run under the same emulator and the same runtime client, with the same interpreter, the same boto3 and all
modules compiled, in turn, each time in a new process. Measured is the whole first invocation, from the request to
the emulator to its answer: starting the interpreter, the runtime client, the imports, and the handler. `place` is
the built function with the built layers, and its invocation is a whole order until it is filled: settings, session,
transaction, broker, the look after it, and the update. AWS and the broker are one server on this machine that
answers at once, over plain HTTP: so the work of a TLS handshake (and of loading the authorities' certificates) is
not in it, and neither are Lambda's own fetching and unpacking. Files are in the page cache.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from order_router.aws.paper_table import PaperTable
from tests.bench.emulator import ColdStart, start_cold
from tests.bench.instant_aws import InstantAws
from tests.bench.lambda_folders import LambdaFolders
from tests.bench.place_function import order_event
from tests.bench.seeds import FUNCTION_ENVIRONMENT, PAPER, open_paper, put_account
from tests.bench.stub_server import stub_server

ROUNDS = 9
BROKERS = ("zerodha", "paper")
BASELINE = Path(__file__).parent / "baseline"


@dataclass(frozen=True)
class Contender:
    """A function that is started cold, and the account that its order is for."""

    name: str
    code: Path
    account: str


def measure_cold_starts(folders: LambdaFolders, *, rounds: int = ROUNDS) -> dict[str, Any]:
    """Start each contender cold once a round, and return the figures; the first round only warms the disk."""
    aws = InstantAws()
    for broker in BROKERS:
        put_account(aws, broker, broker)
    open_paper(PaperTable(aws, PAPER), "paper")
    place = folders.functions["place"]
    contenders = [Contender("baseline", BASELINE, "none"), *(Contender(one, place, one) for one in BROKERS)]
    starts: dict[str, list[ColdStart]] = {contender.name: [] for contender in contenders}
    with stub_server(aws) as server:
        for _ in range(rounds + 1):
            for contender in contenders:
                starts[contender.name].append(_start(contender, folders, server.url))
    return _figures({name: measured[1:] for name, measured in starts.items()})


def _start(contender: Contender, folders: LambdaFolders, url: str) -> ColdStart:
    environment = {
        **folders.environment(contender.code),
        **FUNCTION_ENVIRONMENT,
        "AWS_ENDPOINT_URL": url,
        "BROKER_ENDPOINT_ZERODHA": url,
    }
    started = start_cold(contender.code, environment, order_event(contender.account, "cold"))
    if started.answer.get("statusCode") != 201:
        raise RuntimeError(f"{contender.name}: expected a placed order, received {started.answer}")
    return started


def _figures(starts: dict[str, list[ColdStart]]) -> dict[str, Any]:
    baseline_ms = median(start.total_ms for start in starts["baseline"])
    return {name: _figures_of(measured, baseline_ms) for name, measured in starts.items()}


def _figures_of(starts: list[ColdStart], baseline_ms: float) -> dict[str, Any]:
    totals = sorted(start.total_ms for start in starts)
    return {
        "median_ms": round(median(totals)),
        "init_ms": round(median(start.init_ms for start in starts)),
        "least_ms": round(totals[0]),
        "most_ms": round(totals[-1]),
        "ratio": round(median(totals) / baseline_ms, 2),
        "starts": len(starts),
    }
