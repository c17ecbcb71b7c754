"""A changed setting reaches the functions behind an alias: it is a new version of those that have it."""

import functools
import re
from typing import Any

import pytest

from tests.architecture.template import resources, template, texts
from tests.architecture.transformed import transformed, transformed_parts

PARAMETERS = template()["Parameters"]
CONDITIONS = template()["Conditions"]
LAYERS = sorted(resources("AWS::Serverless::LayerVersion"))
BEHIND_AN_ALIAS = sorted(
    name for name, entry in resources("AWS::Serverless::Function").items() if "AutoPublishAlias" in entry
)
LONGEST_DESCRIPTION = 256
"""Of a version and of a function: docs.aws.amazon.com/lambda/latest/api, PublishVersion. Read 2026-11."""


def _named(value: Any) -> set[str]:
    """The parameters on whose values a value of the template depends, by its conditions too."""
    if isinstance(value, list):
        return set().union(*map(_named, value))
    if not isinstance(value, dict):
        return set()
    named = set().union(*map(_named, value.values()))
    if "Fn::If" in value:
        named |= _named(CONDITIONS[value["Fn::If"][0]])
    if isinstance(value.get("Condition"), str):
        named |= _named(CONDITIONS[value["Condition"]])
    words = {word for text in texts(value.get("Fn::Sub", "")) for word in re.findall(r"\$\{(\w+)\}", text)}
    return named | ({value["Ref"]} if "Ref" in value else set()) & set(PARAMETERS) | words & set(PARAMETERS)


def _settings(function: str) -> set[str]:
    """The parameters that change what a function is; its description says them and does not depend on them."""
    made = transformed()[function]["Properties"]
    return _named({name: value for name, value in made.items() if name != "Description"})


def _other(parameter: str) -> str:
    entry = PARAMETERS[parameter]
    allowed = [value for value in entry.get("AllowedValues", []) if value != entry["Default"]]
    return str(allowed[0]) if allowed else f"{entry['Default']}9"


@functools.cache
def _versions() -> dict[str, dict[str, str]]:
    """The logical name of each function's version: as shipped (""), and with one parameter changed."""
    changed = ["", *sorted(set(PARAMETERS) - {"StaysEmpty"})]
    given = [{name: _other(name)} if name else {} for name in changed]
    made = transformed_parts([*BEHIND_AN_ALIAS, *LAYERS], given)
    return {
        name: {
            one["Properties"]["FunctionName"]["Ref"]: logical_id
            for logical_id, one in part.items()
            if one["Type"] == "AWS::Lambda::Version"
        }
        for name, part in zip(changed, made, strict=True)
    }


def test_six_functions_run_behind_an_alias() -> None:
    assert [name.removesuffix("Function") for name in BEHIND_AN_ALIAS] == [
        "Authorizer",
        "Cancel",
        "KillSwitch",
        "Modify",
        "Place",
        "Webhook",
    ]


@pytest.mark.parametrize("function", BEHIND_AN_ALIAS)
def test_each_changed_setting_is_a_new_version_and_nothing_else_is(function: str) -> None:
    """A version too few leaves the old setting in force; one too many fails the deploy, for nothing changed."""
    versions = _versions()
    shipped = versions[""][function]

    renewing = {name for name, made in versions.items() if made[function] != shipped}
    assert renewing == _settings(function)


def test_what_must_never_wait_for_a_new_build_is_a_setting_of_the_order_path() -> None:
    everyone = {"Architecture", "LogLevel", "MarketHours", "TradingHolidays", "TradingSessions"}
    sends = everyone | {
        "StaticEgress",
        "PaperBroker",
        "EgressEcho",
        *(name for name in PARAMETERS if name.endswith("Endpoint") and name != "TelegramEndpoint"),
    }

    assert {name: _settings(name) for name in BEHIND_AN_ALIAS} == {
        "AuthorizerFunction": everyone,
        "CancelFunction": sends,
        "KillSwitchFunction": everyone | {"KillSwitchLetsExits"},
        "ModifyFunction": sends,
        "PlaceFunction": sends,
        "WebhookFunction": everyone | {"TradingViewAddresses"},
    }


@pytest.mark.parametrize("function", BEHIND_AN_ALIAS)
def test_a_version_s_description_says_its_settings_of_few_values_and_is_never_too_long(function: str) -> None:
    """CloudFormation replaces a version with another description, whatever SAM makes of the settings."""
    (version,) = [
        one["Properties"]["Description"]["Fn::Sub"]
        for one in transformed().values()
        if one["Type"] == "AWS::Lambda::Version" and one["Properties"]["FunctionName"] == {"Ref": function}
    ]
    choices = {name for name in _settings(function) if "AllowedValues" in PARAMETERS[name]}
    longest = sum(max(map(len, PARAMETERS[name]["AllowedValues"])) for name in choices)

    assert _named({"Fn::Sub": version}) == choices
    assert len(re.sub(r"\$\{\w+\}", "", version)) + longest <= LONGEST_DESCRIPTION


@pytest.mark.parametrize("function", BEHIND_AN_ALIAS)
def test_a_function_s_own_description_is_one_sentence_whatever_is_set(function: str) -> None:
    (joined,) = transformed()[function]["Properties"]["Description"].values()
    chosen, described = joined[1][0]["Fn::Select"]

    assert (joined[0], joined[1][1], chosen) == (" ", "", 0)
    assert described[0].endswith(".")
    assert len(described[0]) < LONGEST_DESCRIPTION


def test_what_makes_sam_look_at_values_can_be_nothing_but_empty() -> None:
    assert (PARAMETERS["StaysEmpty"]["Default"], PARAMETERS["StaysEmpty"]["AllowedValues"]) == ("", [""])
    assert all(
        resources("AWS::Serverless::Function")[name]["AutoPublishCodeSha256"] == {"Ref": "StaysEmpty"}
        for name in BEHIND_AN_ALIAS
    )


def test_no_setting_is_a_secret_for_a_description_shows_them() -> None:
    assert not [name for name, entry in PARAMETERS.items() if "NoEcho" in entry]
