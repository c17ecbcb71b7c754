"""What SAM makes of template.yaml: CloudFormation's own resources, by the same translator that AWS runs."""

import functools
import json
import subprocess
from collections.abc import Sequence
from typing import Any

from tests.architecture.template import REPOSITORY

# The translator is no package of the tests' own environment.
STACK_PYTHON = REPOSITORY / ".local" / "env" / "stack" / "bin" / "python"
PROGRAM = """
import copy, json, os, sys
os.environ["AWS_DEFAULT_REGION"] = "ap-south-1"
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

class NoManagedPolicies:
    def load(self):
        return {}

def packed(template):
    for name, entry in template["Resources"].items():
        for place in {"CodeUri", "ContentUri"} & set(entry.get("Properties", {})):
            entry["Properties"][place] = f"s3://bucket/{name}"
    return template

asked = json.load(sys.stdin)
template = packed(yaml_parse(open("template.yaml").read()))
if asked["only"]:
    template["Resources"] = {name: template["Resources"][name] for name in asked["only"]}
    for entry in template["Resources"].values():
        entry["Properties"].pop("Events", None)
    del template["Outputs"]
made = [transform(copy.deepcopy(template), given, NoManagedPolicies()) for given in asked["given"]]
print(json.dumps([one["Resources"] for one in made]))
"""


def _transform(given: Sequence[dict[str, str]], *, only: Sequence[str] = ()) -> list[dict[str, Any]]:
    finished = subprocess.run(
        [STACK_PYTHON, "-B", "-c", PROGRAM],
        input=json.dumps({"given": given, "only": only}),
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    return list(json.loads(finished.stdout))


@functools.cache
def transformed() -> dict[str, dict[str, Any]]:
    """The resources, every parameter at its default."""
    (made,) = _transform([{}])
    return made


def transformed_parts(
    only: Sequence[str], given: Sequence[dict[str, str]]
) -> list[dict[str, dict[str, Any]]]:
    """What becomes of some resources, their events left out, once for each set of parameters."""
    return _transform(given, only=only)
