"""`sam deploy` to the emulator, when something changed."""

import subprocess

from botocore.exceptions import ClientError

from infra.local.environment import aws_environment
from infra.local.home import BUILD, REGION, Home, host_architecture, read_json, write_json
from infra.local.stack import Stack

BUCKET = "order-router-build"


class DeployError(RuntimeError):
    """`sam deploy` failed; the message carries what it printed."""


def local_parameters(extra: dict[str, str]) -> dict[str, str]:
    """Give the template's parameters as the local stack sets them."""
    return {
        "Architecture": host_architecture(),
        "DeletionProtection": "false",
        # Alerts come from this machine, not from TradingView's addresses.
        "TradingViewAddresses": "",
    } | extra


def needs_deploy(home: Home, stack: Stack, wanted: dict[str, str]) -> bool:
    """Tell whether the stack is missing, or differs from what is wanted."""
    return read_json(home.deployed) != wanted or not _exists(stack)


def deploy(stack: Stack, parameters: dict[str, str]) -> None:
    """Run `sam deploy` on the built template."""
    _ensure_bucket(stack)
    finished = subprocess.run(
        _command(stack.name, parameters),
        cwd=BUILD,
        # Asks the emulator ten times a second how far it is; the default of AWS's pace costs 12 s here.
        env=aws_environment(stack.endpoint_url) | {"SAM_CLI_POLL_DELAY": "0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise DeployError(finished.stdout)


def remember(home: Home, wanted: dict[str, str]) -> None:
    """Record what was deployed."""
    write_json(home.deployed, wanted)


def _command(name: str, parameters: dict[str, str]) -> list[str]:
    overrides = [f'ParameterKey={key},ParameterValue="{value}"' for key, value in parameters.items()]
    return [
        "sam", "deploy",
        "--template-file", str(BUILD / "template.yaml"),
        "--stack-name", name,
        "--region", REGION,
        "--s3-bucket", BUCKET,
        "--capabilities", "CAPABILITY_IAM",
        "--no-progressbar", "--no-confirm-changeset", "--no-fail-on-empty-changeset",
        "--parameter-overrides", *overrides,
    ]  # fmt: skip


def _ensure_bucket(stack: Stack) -> None:
    storage = stack.client("s3")
    try:
        storage.head_bucket(Bucket=BUCKET)
    except ClientError:
        storage.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})


def _exists(stack: Stack) -> bool:
    try:
        stacks = stack.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"]
    except ClientError:
        return False
    return bool(stacks[0]["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"})
