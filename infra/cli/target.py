"""Which stack a command works on: the local one, unless a stack in AWS is named."""

import json
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local.environment import aws_environment
from infra.local.home import Home, read_json
from infra.operate import Invoke, Target
from order_router.domain.errors import RouterError

NOT_READY = {"ResourceConflictException", "ResourceNotReadyException"}
"""What Lambda says of a function that is being made, and of one whose network it took back."""

PATIENCE = {"Delay": 2, "MaxAttempts": 60}


def aws_target(stack_name: str, region: str | None, profile: str | None = None) -> Target:
    """Return a stack in AWS, by the usual profile and region."""
    session = botocore.session.Session(profile=profile)
    if region is not None:
        session.set_config_variable("region", region)
    stack = _describe(session, stack_name)
    outputs = {row["OutputKey"]: row["OutputValue"] for row in stack.get("Outputs", [])}
    return Target(
        dynamodb=session.create_client("dynamodb"),
        secretsmanager=session.create_client("secretsmanager"),
        stack_name=stack_name,
        outputs=outputs,
        read_parameters=lambda: _parameters(stack),
        invoke=_invoke(session),
        make_client=session.create_client,
    )


def local_target(home: Home) -> Target:
    """Return the local stack; RouterError if it has never been started."""
    facts = read_json(home.facts)
    if not facts:
        words = "the local stack has not been started: make up (or name one in AWS: --stack)"
        raise RouterError(words, code="STACK_NOT_STARTED")
    endpoint_url = facts["endpoint_url"]
    environment = aws_environment(endpoint_url)
    # the keys of the local stack, never those of the caller; a profile that they have named, or lack, is not looked up
    session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    session.set_credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    session.set_config_variable("region", facts["region"])
    # nor any proxy: what is on this machine is asked directly
    session.set_default_client_config(Config(proxies={}))
    name = facts["stack_name"]
    return Target(
        dynamodb=session.create_client("dynamodb", endpoint_url=endpoint_url),
        secretsmanager=session.create_client("secretsmanager", endpoint_url=endpoint_url),
        stack_name=name,
        outputs=facts["outputs"],
        read_parameters=lambda: _parameters(_describe(session, name, endpoint_url)),
        invoke=_invoke(session, endpoint_url),
        make_client=lambda service: session.create_client(service, endpoint_url=endpoint_url),
    )


def _describe(
    session: botocore.session.Session, stack_name: str, endpoint_url: str | None = None
) -> dict[str, Any]:
    cloudformation: Any = session.create_client("cloudformation", endpoint_url=endpoint_url)
    return dict(cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0])


def _invoke(session: botocore.session.Session, endpoint_url: str | None = None) -> Invoke:
    def invoke(function: str, event: Mapping[str, str]) -> dict[str, Any]:
        return call(session.create_client("lambda", endpoint_url=endpoint_url), function, event)

    return invoke


def call(client: Any, function: str, event: Mapping[str, str]) -> dict[str, Any]:  # noqa: ANN401 - botocore's client
    """Call a function and return its answer; one that AWS had put to sleep, or has just made, is waited for."""
    payload = json.dumps(event).encode()
    try:
        answer = client.invoke(FunctionName=function, Payload=payload)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_READY:
            raise
        client.get_waiter("function_active_v2").wait(FunctionName=function, WaiterConfig=PATIENCE)
        answer = client.invoke(FunctionName=function, Payload=payload)
    return dict(json.loads(answer["Payload"].read()))


def _parameters(stack: Mapping[str, Any]) -> dict[str, str]:
    return {row["ParameterKey"]: row["ParameterValue"] for row in stack.get("Parameters", [])}
