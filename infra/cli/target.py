"""Which stack a command works on: the local one, unless a stack in AWS is named."""

import boto3

from infra.local.environment import aws_environment
from infra.local.home import Home, read_json
from infra.operate import Target
from order_router.domain.errors import RouterError


def aws_target(stack_name: str, region: str | None) -> Target:
    """Return a stack in AWS, by the usual profile and region."""
    session = boto3.Session(region_name=region)
    stack = session.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    return Target(
        dynamodb=session.client("dynamodb"),
        secretsmanager=session.client("secretsmanager"),
        stack_name=stack_name,
        outputs={row["OutputKey"]: row["OutputValue"] for row in stack.get("Outputs", [])},
    )


def local_target(home: Home) -> Target:
    """Return the local stack; RouterError if it has never been started."""
    facts = read_json(home.facts)
    if not facts:
        raise RouterError("the local stack has not been started: make up")
    environment = aws_environment(facts["endpoint_url"])
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=facts["region"],
    )
    return Target(
        dynamodb=session.client("dynamodb", endpoint_url=facts["endpoint_url"]),
        secretsmanager=session.client("secretsmanager", endpoint_url=facts["endpoint_url"]),
        stack_name=facts["stack_name"],
        outputs=facts["outputs"],
    )
