"""No secret in any log line, any answer, any order's history or any table."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.local.stack import Stack
from infra.operate import Target
from tests.system.client import Client, Reply, eventually
from tests.system.conftest import LocalStack
from tests.system.kite import KiteProcess, KiteTrader
from tests.system.trader import Trader, new_key, unique


@dataclass
class Run:
    """What was planted, what was answered, and an order that the logs must tell of."""

    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    answers: list[Reply] = field(default_factory=list)
    client_order_id: str = ""

    def leaks(self, text: str) -> list[str]:
        """The names of the secrets that a text holds."""
        return [name for name, secret in self.secrets.items() if secret in text]


@pytest.fixture(scope="module")
def run(target: Target, admin: Client, kite_port: int) -> Run:
    """Every way in, each with its secret, well and badly used."""
    run, kite = Run(), KiteProcess(kite_port)
    run.secrets["the admin key"] = str(admin.key)
    kite.start()
    try:
        _use_an_api_key(run, target, admin)
        _use_webhook_tokens(run, Trader(target=target, api=admin))
        _use_a_broker_session(run, target, admin, kite)
    finally:
        kite.stop()
    return run


def _use_an_api_key(run: Run, target: Target, admin: Client) -> None:
    trader = Trader(target=target, api=admin)
    run.secrets["an API key"] = new_key(target, "read", trader.account)
    run.secrets["a wrong API key"] = f"or_wrong-{unique()}"
    for name in ("an API key", "a wrong API key"):
        caller = Client(admin.api_url, run.secrets[name])
        run.answers += [
            caller.place(trader.order()),
            caller.get("/v1/orders"),
            caller.get("/v1/funds", account="paper"),
            caller.send("POST", "/v1/orders", "{"),
        ]


def _use_webhook_tokens(run: Run, trader: Trader) -> None:
    sender = trader.strategy()
    run.secrets["a webhook token"] = sender.token
    run.secrets["a wrong webhook token"] = wrong = f"wrong-{unique()}-{unique()}-{unique()}"
    replies = [
        sender.send(sender.message()),
        sender.send(sender.message(token=None, position_size="10"), token=sender.token),
        sender.send(sender.message(action="hold")),
        sender.send(sender.message(contracts="many")),
        sender.send(sender.message(age_s=600)),
        sender.send(sender.message(token=wrong)),
        sender.send(sender.message(), token=wrong),
        sender.send("{" + sender.token, token=sender.token),
    ]
    for reply in replies:
        for one in reply.content.get("client_order_ids", []):
            trader.api.settled(one, "filled", "stale")
            run.answers.append(trader.api.read(one))
    run.answers += [*replies, trader.api.get("/v1/orders", account=trader.account)]


def _use_a_broker_session(run: Run, target: Target, admin: Client, kite: KiteProcess) -> None:
    run.secrets["an access token"] = token = f"canary-{unique()}"
    run.secrets["a dead access token"] = dead = f"canary-{unique()}"
    kite.tell(session={"access_token": token})
    trader = KiteTrader(target=target, api=admin, kite=kite, access_token=token)
    expired = KiteTrader(target=target, api=admin, kite=kite, access_token=dead)
    filled = admin.place(trader.order())
    run.client_order_id = filled.order(201)["client_order_id"]
    # a broker may quote what it was sent
    kite.tell(behave="reject_at_door", message=f"Invalid token {token}.")
    kite.tell(behave="expired_token", on="modify", message=f"Token {token} has expired.")
    resting = trader.order(order_type="LIMIT", limit_price="1400")
    run.answers += [filled, admin.place(trader.order())]
    client_order_id = admin.place(resting).order(201)["client_order_id"]
    run.answers += [admin.modify(client_order_id, quantity=1), admin.read(client_order_id)]
    kite.tell(behave="accept_then_drop")
    lost = admin.place(trader.order()).order(202)["client_order_id"]
    run.answers.append(admin.place(expired.order()))
    run.answers += [admin.get(f"/v1/{what}", account=expired.account) for what in ("positions", "funds")]
    admin.settled(lost, "filled", within_s=60)
    run.answers += [admin.read(lost), admin.get("/v1/orders", account=trader.account)]


def test_no_answer_and_no_history_holds_a_secret(run: Run) -> None:
    texts = [f"{reply.headers}{reply.text}" for reply in run.answers]

    assert any('"history"' in text for text in texts)
    assert any("Invalid token ***." in text for text in texts)
    assert [leak for text in texts for leak in run.leaks(text)] == []


def test_no_log_holds_a_secret(run: Run, stack: LocalStack) -> None:
    logs = Stack(stack.facts["endpoint_url"]).client("logs")

    def told() -> str | None:
        text = "\n".join(_log_lines(logs))
        return text if run.client_order_id in text else None

    text = eventually(told, "the logs tell of the order")

    assert run.leaks(text) == []
    assert run.leaks((stack.home / "ministack.log").read_text(errors="replace")) == []


def test_no_table_holds_a_secret(run: Run, target: Target) -> None:
    names = [name for output, name in target.outputs.items() if output.endswith("TableName")]
    scans = [target.dynamodb.get_paginator("scan").paginate(TableName=name) for name in names]

    text = "\n".join(str(page["Items"]) for scan in scans for page in scan)

    assert run.client_order_id in text
    assert run.leaks(text) == []


def _log_lines(logs: Any) -> Iterator[str]:
    groups = [
        group for page in logs.get_paginator("describe_log_groups").paginate() for group in page["logGroups"]
    ]
    for group in groups:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            yield from (event["message"] for event in page["events"])
