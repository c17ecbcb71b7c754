"""`sam deploy` to the emulator, when something changed."""

import json

from botocore.exceptions import ClientError

from infra.local.environment import aws_environment
from infra.local.home import BUILD, REGION, host_architecture
from infra.local.sam import run_sam
from infra.local.stack import Stack

BUCKET = "order-router-build"


def local_parameters(extra: dict[str, str]) -> dict[str, str]:
    """Give the template's parameters as the local stack sets them."""
    return {
        "Architecture": host_architecture(),
        "DeletionProtection": "false",
        # Alerts come from this machine, not from TradingView's addresses.
        "TradingViewAddresses": "",
        # A laptop's trader works at any hour, and the emulator's scheduler knows no time zone.
        "ReconcileInMarketHours": "rate(1 minute)",
        # Neither has a simulated broker hours.
        "MarketHours": "ignored",
        # A simulated broker lists a handful.
        "InstrumentFloors": "",
    } | extra


def needs_deploy(stack: Stack, wanted: dict[str, str]) -> bool:
    """Tell whether the stack is missing, unfinished, or differs from what is wanted."""
    try:
        answer = stack.client("ssm").get_parameter(Name=_note(stack))
    except ClientError:
        return True
    return bool(json.loads(answer["Parameter"]["Value"]) != wanted)


def deploy(stack: Stack, parameters: dict[str, str]) -> None:
    """Run `sam deploy` on the built template."""
    _ensure_bucket(stack)
    # Asks the emulator ten times a second how far it is; at the pace meant for AWS this takes 23 s, not 6.
    environment = aws_environment(stack.endpoint_url) | {"SAM_CLI_POLL_DELAY": "0.1"}
    run_sam(_arguments(stack.name, parameters), folder=BUILD, environment=environment)


def remember(stack: Stack, wanted: dict[str, str]) -> None:
    """Note in the emulator what it runs: were it killed, the note falls back together with its state."""
    stack.client("ssm").put_parameter(
        Name=_note(stack), Value=json.dumps(wanted), Type="String", Overwrite=True
    )


def _note(stack: Stack) -> str:
    return f"/{stack.name}/local/deployed"


def _arguments(name: str, parameters: dict[str, str]) -> list[str]:
    overrides = [f'ParameterKey={key},ParameterValue="{value}"' for key, value in parameters.items()]
    return [
        "deploy",
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
