"""Which stack a command works on: the local one, unless a stack in AWS is named."""

import json
from collections.abc import Mapping
from typing import Any

import botocore.session

from infra.local.environment import aws_environment
from infra.local.home import Home, read_json
from infra.operate import Invoke, Target
from order_router.domain.errors import RouterError


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
    )


def local_target(home: Home) -> Target:
    """Return the local stack; RouterError if it has never been started."""
    facts = read_json(home.facts)
    if not facts:
        raise RouterError("the local stack has not been started: make up (or name one in AWS: --stack)")
    endpoint_url = facts["endpoint_url"]
    environment = aws_environment(endpoint_url)
    # the keys of the local stack, never those of the caller; a profile that they have named, or lack, is not looked up
    session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    session.set_credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    session.set_config_variable("region", facts["region"])
    name = facts["stack_name"]
    return Target(
        dynamodb=session.create_client("dynamodb", endpoint_url=endpoint_url),
        secretsmanager=session.create_client("secretsmanager", endpoint_url=endpoint_url),
        stack_name=name,
        outputs=facts["outputs"],
        read_parameters=lambda: _parameters(_describe(session, name, endpoint_url)),
        invoke=_invoke(session, endpoint_url),
    )


def _describe(
    session: botocore.session.Session, stack_name: str, endpoint_url: str | None = None
) -> dict[str, Any]:
    cloudformation: Any = session.create_client("cloudformation", endpoint_url=endpoint_url)
    return dict(cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0])


def _invoke(session: botocore.session.Session, endpoint_url: str | None = None) -> Invoke:
    def invoke(function: str, event: Mapping[str, str]) -> dict[str, Any]:
        client: Any = session.create_client("lambda", endpoint_url=endpoint_url)
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        return dict(json.loads(answer["Payload"].read()))

    return invoke


def _parameters(stack: Mapping[str, Any]) -> dict[str, str]:
    return {row["ParameterKey"]: row["ParameterValue"] for row in stack.get("Parameters", [])}
