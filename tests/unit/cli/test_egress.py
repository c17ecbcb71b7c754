"""`router egress check`: what the functions themselves say of their address."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from infra.operate import Target
from tests.unit.cli.trying import OUTPUTS, Ran, Stack

ADDRESS = "13.200.1.2"
FUNCTIONS = "place=arn:place:live modify=arn:modify:live cancel=arn:cancel:live session=arn:session"


def check(stack: Stack, answers: Mapping[str, Any], *options: str, **changes: Any) -> Ran:
    """Run the command on a stack whose functions answer so; ADDRESS unless said otherwise."""
    asked: list[Mapping[str, str]] = []

    def invoke(function: str, event: Mapping[str, str]) -> Mapping[str, Any]:
        asked.append(event)
        return dict(answers.get(function, {"address": ADDRESS}))

    outputs = OUTPUTS | {"EgressFunctions": FUNCTIONS} | changes.pop("outputs", {})
    setting = changes.pop("setting", "nat-gateway")
    target: Target = replace(
        stack.target, outputs=outputs, invoke=invoke, read_parameters=lambda: {"StaticEgress": setting}
    )
    from infra.cli.__main__ import main  # noqa: PLC0415 - as the other tests run it, with another target

    code = main(["egress", "check", *options], stack.work(target=target))
    out, err = stack.capsys.readouterr()
    assert asked == [{"source": "address"}] * 4
    return Ran(code, out, err)


@pytest.fixture(autouse=True)
def accounts(stack: Stack) -> None:
    for name, broker in (("practice", "paper"), ("mine", "zerodha"), ("neo", "kotak_neo")):
        stack.ok("account", "add", name, "--broker", broker)


def test_one_address_and_who_needs_it_registered(stack: Stack) -> None:
    ran = check(stack, {}, outputs={"EgressAddress": ADDRESS})

    assert ran.code == 0, ran
    assert ran.out.count(ADDRESS) == 5
    assert "to register: 13.200.1.2" in ran.out
    assert [line.split() for line in ran.out.splitlines()[-2:]] == [
        ["mine", "zerodha", "orders"],
        ["neo", "kotak_neo", "logins,", "orders"],
    ]


def test_a_machine_reads_the_same(stack: Stack) -> None:
    document = check(stack, {}, "--json").json

    assert (document["static_egress"], document["address"], document["is_fit"]) == (
        "nat-gateway",
        ADDRESS,
        True,
    )
    assert [one["function"] for one in document["functions"]] == ["place", "modify", "cancel", "session"]
    assert document["accounts"][1] == {
        "account": "neo",
        "broker": "kotak_neo",
        "registered_for": ["logins", "orders"],
    }


@pytest.mark.parametrize(
    "answers",
    [
        {"arn:cancel:live": {"address": "13.200.9.9"}},
        {"arn:session": {"error": {"code": "BROKER_UNREACHABLE", "message": "no connection"}}},
        {"arn:place:live": {"errorMessage": "Task timed out", "errorType": "Error"}},
        {"arn:place:live": {}},
    ],
)
def test_functions_that_do_not_agree_give_no_address_to_register(
    stack: Stack, answers: Mapping[str, Any]
) -> None:
    ran = check(stack, answers)

    assert ran.code == 1
    assert "to register: no address yet" in ran.out
    assert "register none" in ran.err


def test_an_address_that_is_not_the_stack_s_own_is_not_registered(stack: Stack) -> None:
    assert check(stack, {}, outputs={"EgressAddress": "13.200.9.9"}).code == 1


def test_without_a_static_address_such_brokers_cannot_trade(stack: Stack) -> None:
    ran = check(stack, {}, setting="none")

    assert ran.code == 1
    assert "StaticEgress=nat-gateway" in ran.err
    assert "to register: no address yet" in ran.out
