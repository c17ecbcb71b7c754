"""Reads template.yaml as data, its short function forms written out."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]


class _Loader(yaml.CSafeLoader):
    """YAML with CloudFormation's tags."""


def _read_tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        message = f"{suffix} takes a text or a list"
        raise TypeError(message)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _read_tag)


@functools.cache
def template() -> dict[str, Any]:
    return dict(yaml.load((REPOSITORY / "template.yaml").read_text(), Loader=_Loader))  # noqa: S506  # a SafeLoader


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a kind, by logical name."""
    found = {name: entry for name, entry in template()["Resources"].items() if entry["Type"] == kind}
    return {name: entry["Properties"] for name, entry in found.items()}


def functions() -> dict[str, dict[str, Any]]:
    """The properties of each function, by the name of its folder."""
    return {
        entry["CodeUri"].removeprefix("functions/"): entry
        for entry in resources("AWS::Serverless::Function").values()
    }


def environment(function: str) -> dict[str, Any]:
    own = functions()[function]["Environment"]["Variables"]
    return dict(template()["Globals"]["Function"]["Environment"]["Variables"]) | dict(own)


def statements(role: str) -> Iterator[dict[str, Any]]:
    """The statements of a role, those behind a condition too."""
    for policy in resources("AWS::IAM::Role")[role]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def routes() -> dict[str, dict[str, Any]]:
    """The HTTP events of all functions, by route key."""
    events = [event for entry in functions().values() for event in entry.get("Events", {}).values()]
    http = [event["Properties"] for event in events if event["Type"] == "HttpApi"]
    return {f"{properties['Method']} {properties['Path']}": properties for properties in http}


def seconds_allowed(function: str) -> int:
    return int(functions()[function].get("Timeout", template()["Globals"]["Function"]["Timeout"]))


def logical_ids(value: Any) -> set[str]:
    """The resources that a value names."""
    return {part for text in texts(value) for part in re.findall(r"[A-Z][A-Za-z]+", text)} & set(
        template()["Resources"]
    )
