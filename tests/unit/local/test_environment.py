"""What a shell names of AWS and of its way to the internet, and how much of it reaches whom."""

import json
import os
import shutil
import subprocess

import pytest

from infra.local.environment import aws_environment, build_environment, tool_environment
from infra.local.home import REPOSITORY

MAKE = shutil.which("make") or "make"
DEAD = "http://127.0.0.1:9"
AWS = {"AWS_PROFILE": "there-is-none", "AWS_ENDPOINT_URL": DEAD, "AWS_DEFAULT_REGION": "us-east-1"}
WAY_OUT = {"https_proxy": DEAD, "HTTP_PROXY": DEAD, "UV_DEFAULT_INDEX": DEAD}


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that names a profile, an endpoint, a region, a proxy and an index of packages."""
    for name, value in (AWS | WAY_OUT).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "intranet")


def test_what_fetches_packages_goes_the_shells_way_and_knows_none_of_its_aws() -> None:
    found = build_environment()

    assert {name: found.get(name) for name in WAY_OUT} == WAY_OUT
    assert "AWS_PROFILE" not in found
    assert "AWS_ENDPOINT_URL" not in found


def test_the_emulator_and_who_calls_it_know_no_proxy() -> None:
    for found in (tool_environment(), aws_environment("http://127.0.0.1:4566")):
        assert set(WAY_OUT) & set(found) == set()


@pytest.mark.parametrize("name", ["DEV", "STACK"])
def test_what_make_runs_on_the_local_stack_sees_no_aws_of_the_shell_and_asks_this_machine_directly(
    name: str,
) -> None:
    python = f"$(patsubst %/bin,%/bin/python,$({name}))"
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    recipe = f"shown: ; @{python} -c '{show}'"

    ran = subprocess.run(
        [MAKE, "--no-print-directory", "--eval", recipe, "shown"],
        cwd=REPOSITORY,
        env={name: value for name, value in os.environ.items() if name != "MAKEFLAGS"},
        capture_output=True,
        text=True,
        check=True,
    )

    found = json.loads(ran.stdout)
    assert {"AWS_PROFILE", "AWS_ENDPOINT_URL"} & set(found) == set()
    assert found["AWS_DEFAULT_REGION"] == "ap-south-1"
    assert found["NO_PROXY"] == "127.0.0.1,localhost,intranet"
    assert found["https_proxy"] == DEAD
