"""What must stay true of the network that gives orders one address."""

from typing import Any

import pytest

from order_router.adapter.profile import CheckedCall
from order_router.brokers.registry import BROKERS, load_broker
from tests.architecture.template import (
    environment,
    functions,
    logical_ids,
    resources,
    template,
    texts,
)

BEHIND = {
    name for name in functions() if any(key.startswith("BROKER_ENDPOINT_") for key in environment(name))
}
"""Who calls brokers: one that is told where they are."""

CALLED_ANYWAY = {"session": "KeepAlive", "reconcile": "Always", "instruments_refresh": "BeforeTheOpen"}
"""Those that a schedule of their own calls each day, so that AWS keeps their network."""

TOUCHED = BEHIND - set(CALLED_ANYWAY)

DOES: dict[CheckedCall, set[str]] = {
    CheckedCall.ORDERS: {"place", "modify", "cancel", "kill_work"},
    CheckedCall.LOGINS: {"session"},
    CheckedCall.READS: {"positions", "reconcile", "instruments_refresh"},
}
IF_STATIC = "HasStaticEgress"
NETWORK = {name: entry for name, entry in template()["Resources"].items() if name.startswith("Egress")}


def _given(value: Any) -> Any:
    """What a setting is with the static address; without it there must be none."""
    condition, given, otherwise = value["Fn::If"]
    assert (condition, otherwise) == (IF_STATIC, {"Ref": "AWS::NoValue"})
    return given


def _of_type(kind: str) -> dict[str, dict[str, Any]]:
    return resources(f"AWS::EC2::{kind}")


def test_these_functions_call_brokers_and_no_others() -> None:
    sends_and_logs_in = DOES[CheckedCall.ORDERS] | DOES[CheckedCall.LOGINS]

    assert sends_and_logs_in | DOES[CheckedCall.READS] == BEHIND


def test_every_call_of_a_broker_leaves_from_the_static_address_and_nothing_else_does() -> None:
    """A circuit is probed on the road that orders take, and a session is used from where it was begun."""
    behind = {name for name, entry in functions().items() if "VpcConfig" in entry}
    networks = [_given(functions()[name]["VpcConfig"]) for name in sorted(BEHIND)]

    assert behind == BEHIND
    assert all(one == networks[0] for one in networks)
    assert logical_ids(networks[0]) == {"EgressGuard", "EgressSubnetA", "EgressSubnetB"}


@pytest.mark.parametrize("broker", sorted(BROKERS))
def test_what_a_broker_holds_against_an_address_leaves_from_it(broker: str) -> None:
    checked = load_broker(broker).profile.checks_address

    assert set().union(*(DOES[call] for call in checked)) <= BEHIND


@pytest.mark.parametrize("function", sorted(BEHIND))
def test_only_who_is_in_the_network_may_be_put_there(function: str) -> None:
    (role,) = texts(functions()[function]["Role"])
    allowed = {name for name, entry in resources("AWS::IAM::Role").items() if "ManagedPolicyArns" in entry}

    assert len(allowed) == len(BEHIND)
    assert role.removesuffix(".Arn") in allowed
    assert _given(resources("AWS::IAM::Role")[role.removesuffix(".Arn")]["ManagedPolicyArns"]) == [
        {"Ref": "EgressPolicy"}
    ]


def test_the_code_of_a_function_may_touch_no_network() -> None:
    allow, deny = resources("AWS::IAM::ManagedPolicy")["EgressPolicy"]["PolicyDocument"]["Statement"]

    assert (allow["Effect"], deny["Effect"]) == ("Allow", "Deny")
    assert set(allow["Action"]) == set(deny["Action"])
    assert all(action.startswith("ec2:") and "*" not in action for action in allow["Action"])
    assert deny["Condition"]["ArnLike"]["lambda:SourceFunctionArn"]["Fn::Sub"].endswith(":function:*")


def test_nothing_of_the_network_is_there_without_the_setting() -> None:
    without = {name for name, entry in NETWORK.items() if entry.get("Condition") != IF_STATIC}

    assert without == {"EgressAddress"}
    assert NETWORK["EgressAddress"]["Condition"] == "HasNewAddress"
    assert template()["Conditions"]["HasNewAddress"] == {
        "Fn::And": [{"Condition": IF_STATIC}, {"Fn::Equals": [{"Ref": "EgressAllocationId"}, ""]}]
    }
    assert template()["Parameters"]["StaticEgress"]["Default"] == "none"


def test_the_address_outlives_the_stack() -> None:
    """Brokers let it be changed once a week: a stack that is deleted must not take it along."""
    address = NETWORK["EgressAddress"]

    assert address["DeletionPolicy"] == address["UpdateReplacePolicy"] == "Retain"


def test_there_is_one_way_out_and_no_way_in() -> None:
    (nat,) = _of_type("NatGateway").values()
    (guard,) = _of_type("SecurityGroup").values()
    routes = {name: one for name, one in _of_type("Route").items() if "NatGatewayId" in one}
    private = {
        next(iter(texts(one["SubnetId"]))): next(iter(texts(one["RouteTableId"])))
        for one in _of_type("SubnetRouteTableAssociation").values()
    }

    assert nat["AllocationId"]["Fn::If"][0] == "HasNewAddress"
    assert [(one["DestinationCidrBlock"], one["NatGatewayId"]) for one in routes.values()] == [
        ("0.0.0.0/0", {"Ref": "EgressNat"})
    ]
    assert private["EgressSubnetA"] == private["EgressSubnetB"] == "EgressRoutes"
    assert private["EgressPublicSubnet"] != "EgressRoutes"
    assert "SecurityGroupIngress" not in guard
    assert [(rule["FromPort"], rule["ToPort"]) for rule in guard["SecurityGroupEgress"]] == [(443, 443)]


def test_no_function_gets_a_public_address_of_its_own() -> None:
    assert not [name for name, one in _of_type("Subnet").items() if one.get("MapPublicIpOnLaunch")]


def test_the_tables_are_reached_without_the_gateway_that_costs() -> None:
    (endpoint,) = _of_type("VPCEndpoint").values()

    assert endpoint["VpcEndpointType"] == "Gateway"
    assert endpoint["ServiceName"]["Fn::Sub"].endswith(".dynamodb")
    assert endpoint["RouteTableIds"] == [{"Ref": "EgressRoutes"}]


@pytest.mark.parametrize("function", sorted(TOUCHED))
def test_an_idle_function_is_called_before_the_open(function: str) -> None:
    touch = functions()[function]["Events"]["Touch"]["Properties"]

    assert touch["Input"] == '{"source":"touch"}'
    assert touch["ScheduleExpressionTimezone"] == "Asia/Kolkata"
    assert touch["State"] == {"Fn::If": [IF_STATIC, "ENABLED", "DISABLED"]}
    # the first call of an idle function fails, as it is handed over or after that: it must come again
    assert touch["RetryPolicy"]["MaximumRetryAttempts"] > 1
    assert "EventInvokeConfig" not in functions()[function]


def test_who_is_not_called_before_the_open_is_never_idle() -> None:
    schedules = {
        name: functions()[name]["Events"][event]["Properties"] for name, event in CALLED_ANYWAY.items()
    }

    assert {name: one["ScheduleExpression"] for name, one in schedules.items()} == {
        "session": {"Ref": "KeepAliveSchedule"},
        "reconcile": "rate(10 minutes)",
        "instruments_refresh": {"Ref": "InstrumentsSchedule"},
    }
    assert template()["Parameters"]["KeepAliveSchedule"]["Default"] == "rate(1 minute)"
    # the first call of an idle function fails: a schedule that comes on a few days only would meet that
    assert template()["Parameters"]["InstrumentsSchedule"]["Default"].endswith("8 ? * * *)")
    assert all(one.get("State") is None for one in schedules.values())


def test_the_check_asks_each_of_them() -> None:
    told = template()["Outputs"]["EgressFunctions"]["Value"]
    named = {part.split(".")[0] for part in texts(told) if "Function" in part}

    assert named == {f"{name.title().replace('_', '')}Function" for name in BEHIND}
    assert all(environment(name)["EGRESS_ECHO"] == {"Ref": "EgressEcho"} for name in BEHIND)
