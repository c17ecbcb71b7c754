"""An alarm of CloudWatch opens an account's breaker on the deployed stack; one read of the broker closes it again."""

from typing import Any

import botocore.session
import pytest

from infra import operate
from order_router.domain.account import Account
from tests.system.client import eventually
from tests.system.conftest import LocalStack
from tests.system.trader import Trader, unique

NAMESPACE = "RouterTest"


@pytest.fixture
def cloudwatch(stack: LocalStack) -> Any:
    """CloudWatch of the stack."""
    facts = stack.facts
    return botocore.session.get_session().create_client(
        "cloudwatch",
        region_name=facts["region"],
        endpoint_url=facts["endpoint_url"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def breaker(trader: Trader, account: str) -> dict[str, Any]:
    reply = trader.api.get("/v1/breakers", account=account)
    assert reply.status == 200, reply
    (found,) = reply.content["breakers"]
    return dict(found)


def becomes(trader: Trader, account: str, *states: str, within_s: float = 30) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = breaker(trader, account)
        return found if found["state"] in states else None

    return eventually(look, f"the breaker of {account} in {states}", within_s=within_s)


@pytest.fixture
def rising(cloudwatch: Any, stack: LocalStack, trader: Trader) -> str:
    """An alarm of the trader's own, for one account, over a metric that nobody has measured yet."""
    name = f"own-{unique()}"
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmDescription=f"breaker paper/{trader.account}: The exchange is in trouble.",
        Namespace=NAMESPACE,
        MetricName=name,
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[stack.facts["outputs"]["AlarmTopicArn"]],
    )
    return name


def test_an_alarm_stops_an_account_s_orders_until_its_broker_answers_a_read(
    trader: Trader, cloudwatch: Any, rising: str
) -> None:
    resting = trader.rest("90")
    assert breaker(trader, trader.account)["state"] == "closed"

    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[{"MetricName": rising, "Value": 5}])

    opened = becomes(trader, trader.account, "open", within_s=60)
    assert opened["by"] == f"alarm {rising}"
    refused = trader.api.place(trader.order())
    assert (refused.status, refused.code) == (422, "BROKER_CIRCUIT_OPEN")
    assert refused.content["order"]["state"] == "refused"
    exit_order = trader.api.place(trader.order(side="SELL", position_effect="CLOSE"))
    assert exit_order.code == "BROKER_CIRCUIT_OPEN"
    # nothing stops a cancel
    assert trader.api.cancel(resting["client_order_id"]).order(200)["state"] == "cancelled"

    closed = becomes(trader, trader.account, "closed", within_s=90)
    assert closed["by"] == "probe"
    assert trader.place()["state"] == "filled"


def test_an_alarm_of_the_stack_opens_the_breakers_of_its_broker_and_a_person_closes_one(
    trader: Trader, stack: LocalStack, cloudwatch: Any
) -> None:
    live = Account(name=f"{trader.account}-live", broker="ibkr")
    operate.add_account(trader.target, live)
    name = f"{stack.facts['stack_name']}-ibkr-errors"

    def turn(state: str) -> None:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")

    # the function remembers the accounts for fifteen seconds: an alarm that came too early comes again
    def look() -> bool | None:
        turn("OK")
        turn("ALARM")
        return True if breaker(trader, live.name)["state"] != "closed" else None

    eventually(look, "an open breaker", within_s=60)
    turn("OK")

    assert breaker(trader, trader.account)["state"] == "closed"
    reply = trader.api.send("DELETE", f"/v1/breakers/{live.name}")
    assert (reply.status, reply.content["state"]) == (200, "closed")
    assert trader.with_scope("trade").api.send("DELETE", f"/v1/breakers/{live.name}").status == 403
