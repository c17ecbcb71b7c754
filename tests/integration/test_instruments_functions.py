"""The shipped functions from the schedule to an instrument that is found, with AWS's fakes and a broker on a socket."""

import runpy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from order_router import wiring
from order_router.aws.environment import Environment
from order_router.aws.sessions import secret_name
from order_router.aws.settings_table import SettingsTable
from order_router.domain.account import Account
from tests.bench.seeds import SESSION
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.secretsmanager import FakeSecretsManager
from tests.fakes.sqs import FakeSqs
from tests.fakes.sqs_definitions import template_queues
from tests.simulators.kite import KiteServer, running
from tests.unit.api.events import event

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
TABLE = "InstrumentsTable"
Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]


class Stack:
    """Both functions over one set of fakes; `told` is what the log says to the trader."""

    def __init__(self, kite: KiteServer) -> None:
        self.kite, self.clock = kite, FakeClock()
        self.dynamodb, self.queues = FakeDynamoDB(template_tables()), FakeSqs(self.clock, template_queues())
        self.url = self.queues.url("RefreshQueue")
        secrets = FakeSecretsManager()
        variables = {
            "SETTINGS_TABLE": "SettingsTable",
            "INSTRUMENTS_TABLE": TABLE,
            "REFRESH_QUEUE_URL": self.url,
            "SECRETS_PREFIX": "stack/accounts",
            "BROKER_ENDPOINT_ZERODHA": kite.url,
            "INSTRUMENT_FLOORS": "NSE=2",
        }
        secrets.create_secret(Name=secret_name("stack/accounts", "main"), SecretString=SESSION)
        SettingsTable(self.dynamodb, "SettingsTable", self.clock).put_account(
            Account(name="main", broker="zerodha")
        )
        world = wiring.World(Environment(variables), clock=self.clock)
        world.__dict__.update(dynamodb=self.dynamodb, sqs=self.queues, secretsmanager=secrets)
        with (
            patch.object(wiring, "world", lambda: world),
            patch.object(wiring, "make_steady_client", lambda _: self.dynamodb),
        ):
            self.refresh, self.search = _handler("instruments_refresh"), _handler("instruments")
            self.lists = world.instruments_desk.lists

    def deliver(self) -> list[dict[str, Any]]:
        """Hand every message that waits to the function; one that fails stays."""
        messages = self.queues.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", ())
        answers = []
        for message in messages:
            record = {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
            }
            answers.append(self.refresh({"Records": [record]}, None))
            if not answers[-1]["batchItemFailures"]:
                self.queues.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return answers

    def ask(self, route: str, **more: Any) -> int:
        return int(self.search(event(route, at=self.clock.now(), **more), None)["statusCode"])


def _handler(name: str) -> Handler:
    handler: Handler = runpy.run_path(str(FUNCTIONS / name / "app.py"))["handler"]
    return handler


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running() as kite:
        yield Stack(kite)


def read(stack: Stack, name: str) -> int:
    return stack.ask("GET /v1/instruments/{instrument}", path={"instrument": name})


def test_the_schedule_loads_what_the_brokers_in_use_list(stack: Stack) -> None:
    assert read(stack, "NSE:INFY") == 503

    assert stack.refresh({"source": "schedule"}, None) == {"brokers": ["zerodha"]}
    assert stack.deliver() == [{"batchItemFailures": []}]

    stack.clock.advance(60)
    assert read(stack, "NSE:INFY") == 200
    assert read(stack, "NSE:NOTHING") == 404


def test_a_refresh_over_the_api_is_a_message_and_no_more(stack: Stack) -> None:
    assert stack.ask("POST /v1/instruments/refresh", body={}) == 202
    assert read(stack, "NSE:INFY") == 503

    assert stack.deliver() == [{"batchItemFailures": []}]
    assert stack.deliver() == []


def test_a_list_that_was_not_loaded_is_no_reason_to_be_asked_again(stack: Stack) -> None:
    stack.kite.kite.control({"instruments": "<html>"})
    stack.refresh({"source": "schedule"}, None)

    assert stack.deliver() == [{"batchItemFailures": []}]
    assert read(stack, "NSE:INFY") == 503


def test_a_message_of_a_list_that_somebody_is_at_is_done_with(stack: Stack) -> None:
    for _ in range(2):
        stack.refresh({"source": "schedule"}, None)
    stack.lists.begin("zerodha", "somebody", stack.clock.now().replace(year=2099))

    assert stack.deliver() == [{"batchItemFailures": []}] * 2
    assert read(stack, "NSE:INFY") == 503


def test_a_message_nobody_can_read_goes_the_way_of_dead_letters(stack: Stack) -> None:
    stack.queues.send_message(QueueUrl=stack.url, MessageBody="refresh, please")

    (answer,) = stack.deliver()

    assert len(answer["batchItemFailures"]) == 1
