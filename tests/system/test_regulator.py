"""What the regulator asks of a deployed stack: one address, and a trail of every order that nobody can change."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.cli.target import local_target
from infra.local.home import Home
from infra.local.stack import Stack
from infra.operate import Target
from order_router.domain.audit import verified
from order_router.domain.exchange_time import exchange_day
from tests.fakes.listed import a_share, put_listings
from tests.system.client import Client, eventually
from tests.system.conftest import LocalStack
from tests.system.kite import KiteProcess, KiteTrader
from tests.system.test_operator_command import command, printed
from tests.system.trader import Trader, in_time, unique

ADDRESS = "13.200.1.2"
BUCKET = "audit-of-the-tests"
LOCK = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 5}}}


class _Echo(BaseHTTPRequestHandler):
    """Tells every caller the same address, as a NAT gateway would make them have."""

    def do_GET(self) -> None:
        body = f"{ADDRESS}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@dataclass(frozen=True)
class Regulated:
    """A stack with an archive, its operator's way in and its bucket."""

    local: LocalStack
    target: Target
    s3: Any

    @property
    def admin(self) -> Client:
        return self.local.client("admin")

    def trader(self) -> Trader:
        return Trader(target=self.target, api=self.admin)

    def kept(self, client_order_id: str) -> dict[str, str]:
        """The versions of an order in the bucket, by their names."""
        found = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        names = [one["Key"] for one in found if f"/{client_order_id}/" in one["Key"]]
        return {name: self.s3.get_object(Bucket=BUCKET, Key=name)["Body"].read().decode() for name in names}

    def kept_to_the_end(self, client_order_id: str, state: str) -> dict[str, str]:
        """The same, once the last of them has this state."""

        def look() -> dict[str, str] | None:
            kept = self.kept(client_order_id)
            return kept if any(f'"state": "{state}"' in text for text in kept.values()) else None

        return eventually(look, f"{client_order_id} {state} in the bucket")

    def kept_turns(self, account: str, count: int) -> list[dict[str, Any]]:
        """The turns of an account's switch in the bucket, each a whole document, once there are so many."""

        def look() -> list[dict[str, Any]] | None:
            found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="switches/").get("Contents", [])
            names = sorted(one["Key"] for one in found if f"/account/{account}/" in one["Key"])
            texts = [self.s3.get_object(Bucket=BUCKET, Key=name)["Body"].read().decode() for name in names]
            documents = [[json.loads(line) for line in text.splitlines()] for text in texts]
            assert all(verified(document)["lines"] == 1 for document in documents)
            return [document[1] for document in documents] if len(documents) == count else None

        return eventually(look, f"{count} turns of {account} in the bucket")


@pytest.fixture(scope="module")
def regulated(tmp_path_factory: pytest.TempPathFactory, kite_port: int) -> Iterator[Regulated]:
    echo = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    parameters = {
        "AuditRetentionYears": "5",
        "AuditBucketName": BUCKET,
        "EgressEcho": f"http://127.0.0.1:{echo.server_port}",
        "ZerodhaEndpoint": f"http://127.0.0.1:{kite_port}",
    }
    local = LocalStack(home=tmp_path_factory.mktemp("regulated"), parameters=parameters)
    try:
        local.up()
        target = local_target(Home(local.home))
        put_listings(
            target.dynamodb, target.outputs["InstrumentsTableName"], "zerodha", [a_share("NSE:INFY")]
        )
        yield Regulated(local, target, _bucket(local))
    finally:
        local.down()
        echo.shutdown()


def _bucket(local: LocalStack) -> Any:
    s3 = Stack(local.facts["endpoint_url"]).client("s3")
    region = {"LocationConstraint": local.facts["region"]}
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True, CreateBucketConfiguration=region)
    s3.put_object_lock_configuration(Bucket=BUCKET, ObjectLockConfiguration=LOCK)
    return s3


def test_every_function_that_calls_brokers_tells_its_address(regulated: Regulated) -> None:
    Trader(target=regulated.target, api=regulated.admin)

    found = json.loads(printed(regulated.local, "egress", "check", "--json"))

    assert {one["function"]: one["address"] for one in found["functions"]} == dict.fromkeys(
        (
            "place",
            "modify",
            "cancel",
            "session",
            "kill_work",
            "reconcile",
            "positions",
            "instruments_refresh",
        ),
        ADDRESS,
    )
    # all of this machine's functions have one address, and nothing promises that it stays
    assert (found["static_egress"], found["address"]) == ("none", None)


def test_an_account_that_needs_a_registered_address_is_named(regulated: Regulated) -> None:
    printed(regulated.local, "account", "add", "checked", "--broker", "kotak_neo")
    try:
        told = command(regulated.local, "egress", "check")
    finally:
        printed(regulated.local, "account", "disable", "checked")

    assert told.returncode == 1
    assert "checked" in told.stdout
    assert "StaticEgress=nat-gateway" in told.stderr


def test_the_call_before_the_open_reaches_the_functions(regulated: Regulated) -> None:
    functions = dict(pair.split("=", 1) for pair in regulated.target.outputs["EgressFunctions"].split())

    touched = [regulated.target.invoke(arn, {"source": "touch"}) for arn in functions.values()]

    assert touched == [{"touched": True}] * len(functions)


def test_each_version_of_an_order_is_kept_under_a_lock(regulated: Regulated) -> None:
    trader = regulated.trader()
    order = trader.place()

    kept = regulated.kept_to_the_end(order["client_order_id"], "filled")

    documents = [[json.loads(line) for line in text.splitlines()] for _, text in sorted(kept.items())]
    assert len(documents) >= 2
    assert all(verified(document) for document in documents)
    assert [line["event"] for line in in_time(documents[-1][1:-1])] == [
        "received",
        "submitting",
        "opened",
        "filled",
    ]
    name = max(kept)
    (version,) = regulated.s3.list_object_versions(Bucket=BUCKET, Prefix=name)["Versions"]
    with pytest.raises(ClientError, match="object lock"):
        regulated.s3.delete_object(Bucket=BUCKET, Key=name, VersionId=version["VersionId"])


def test_a_day_is_exported_and_a_change_of_it_is_seen(regulated: Regulated, tmp_path: Path) -> None:
    trader = regulated.trader()
    placed = trader.place()
    resting = trader.rest("90")
    trader.api.modify(resting["client_order_id"], quantity=2).order(200)
    trader.api.cancel(resting["client_order_id"]).order(200)
    received_at = datetime.fromisoformat(placed["created_at"])
    day, path = exchange_day(received_at).isoformat(), tmp_path / "day.jsonl"

    printed(regulated.local, "audit", "export", day, "--account", trader.account, "--output", str(path))

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    of_resting = [line for line in lines if line.get("client_order_id") == resting["client_order_id"]]
    assert [line["event"] for line in of_resting][-4:] == [
        *["modify_requested", "modified", "cancel_requested", "cancelled"]
    ]
    assert of_resting[0]["evidence"]["asked_by"].startswith("key ")
    assert of_resting[1]["evidence"]["switches"] == "off: global account breaker"
    assert (
        json.loads(printed(regulated.local, "audit", "verify", str(path), "--json"))["lines"]
        == len(lines) - 2
    )
    path.write_text(path.read_text().replace('"quantity": 2', '"quantity": 3', 1))
    touched = command(regulated.local, "audit", "verify", str(path))
    assert touched.returncode == 1
    assert "is not as it was written" in touched.stderr


def test_each_turn_of_a_kill_switch_is_exported_among_the_orders_and_archived(
    regulated: Regulated, tmp_path: Path
) -> None:
    trader, path = regulated.trader(), tmp_path / "day.jsonl"
    switch = ("--account", trader.account)
    printed(regulated.local, "kill", "on", *switch, "--reason", "it buys too much", "--cancel-open")
    refused = trader.api.place(trader.order())
    assert refused.code == "KILL_SWITCH_ON", refused
    printed(regulated.local, "kill", "off", *switch, "--reason", "mended")
    placed = trader.place()
    day = exchange_day(datetime.fromisoformat(placed["created_at"])).isoformat()

    printed(regulated.local, "audit", "export", day, "--account", trader.account, "--output", str(path))

    head, *lines, _ = [json.loads(line) for line in path.read_text().splitlines()]
    events = [line["event"] for line in lines if line.get("account") == trader.account]
    turns = [line for line in lines if line.get("switch") == f"kill#account#{trader.account}"]
    assert (events[0], events[1:3], events[3]) == ("kill_on", ["received", "refused"], "kill_off")
    told = [(one["turn"], one["reason"], one.get("cancel_open")) for one in turns]
    assert told == [(1, "it buys too much", True), (2, "mended", None)]
    assert head["kill_switch_turns"] == sum("switch" in line for line in lines)
    verified_file = json.loads(printed(regulated.local, "audit", "verify", str(path), "--json"))
    assert verified_file["turns"] == head["kill_switch_turns"]
    archived = regulated.kept_turns(trader.account, 2)
    assert [line["reason"] for line in archived] == ["it buys too much", "mended"]


def test_no_secret_gets_into_the_trail_or_the_archive(regulated: Regulated, kite: KiteProcess) -> None:
    token = f"canary-{unique()}"
    kite.tell(session={"access_token": token})
    trader = KiteTrader(target=regulated.target, api=regulated.admin, kite=kite, access_token=token)
    filled = trader.api.place(trader.order()).order(201)
    # a broker may quote what it was sent
    kite.tell(behave="reject_at_door", message=f"Invalid token {token}.")
    rejected = trader.api.place(trader.order()).content["order"]

    told = trader.api.get("/v1/audit", account=trader.account).order(200)
    archived = regulated.kept_to_the_end(rejected["client_order_id"], "rejected")
    texts = [
        json.dumps(told),
        *archived.values(),
        *regulated.kept_to_the_end(filled["client_order_id"], "filled").values(),
    ]

    assert "Invalid token ***." in texts[0]
    assert any("Invalid token ***." in text for text in archived.values())
    secrets = (token, str(regulated.admin.key))
    assert [secret for secret in secrets for text in texts if secret in text] == []
