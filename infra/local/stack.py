"""The deployed stack: its AWS clients, its template and the names that CloudFormation gave."""

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3

from infra.local.environment import aws_environment
from infra.local.home import REGION, STACK_NAME

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

ACCOUNT = "000000000000"


class Stack:
    """One deployed stack on one emulator."""

    def __init__(self, endpoint_url: str, name: str = STACK_NAME) -> None:
        self.name = name
        self.endpoint_url = endpoint_url
        environment = aws_environment(endpoint_url)
        # Keys are passed in, so that boto3 never looks for anybody's own.
        self._session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )

    def client(self, service: str) -> Any:  # noqa: ANN401  # boto3's overloads cannot follow a name in a variable
        """Make a client that talks to the emulator, and to nothing else."""
        return self._session.client(service, endpoint_url=self.endpoint_url)  # type: ignore[call-overload]

    def resource(self, service: str) -> Any:  # noqa: ANN401  # the same
        """Make a resource that talks to the emulator, and to nothing else."""
        return self._session.resource(service, endpoint_url=self.endpoint_url)  # type: ignore[call-overload]

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The template's outputs, by name: table names, queue addresses."""
        return {row["OutputKey"]: row["OutputValue"] for row in self._description.get("Outputs", [])}

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters it was deployed with."""
        return {row["ParameterKey"]: row["ParameterValue"] for row in self._description.get("Parameters", [])}

    @cached_property
    def physical_ids(self) -> dict[str, str]:
        """The physical name of each resource, by its name in the template."""
        rows = self.client("cloudformation").describe_stack_resources(StackName=self.name)["StackResources"]
        return {row["LogicalResourceId"]: row["PhysicalResourceId"] for row in rows}

    @cached_property
    def template(self) -> dict[str, Any]:
        """The deployed template, as the SAM transform left it."""
        answer = self.client("cloudformation").get_template(StackName=self.name, TemplateStage="Processed")
        body = answer["TemplateBody"]
        return dict(json.loads(body) if isinstance(body, str) else body)

    @cached_property
    def _description(self) -> "StackTypeDef":
        stacks: list[StackTypeDef] = self.client("cloudformation").describe_stacks(StackName=self.name)[
            "Stacks"
        ]
        return stacks[0]
