"""Two stacks in one account and region share no name: a practice stack beside the one that trades."""

from typing import Any

import pytest

from tests.architecture.transformed import transformed

NAMES = {
    "AWS::ApiGatewayV2::Api": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::EC2::SecurityGroup": "GroupName",
}
"""The property that names a resource of each kind in its account and region."""

NAMED_WITHIN = {
    "AWS::ApiGatewayV2::Authorizer": "its API",
    "AWS::ApiGatewayV2::Stage": "its API",
    "AWS::Lambda::Alias": "its function",
    "AWS::Lambda::Permission": "its function",
}
"""Kinds whose names are a parent's own affair."""

SHARED = {
    "AWS::Lambda::LayerVersion": "its versions are numbered: two stacks publish side by side, each by its own number",
}
"""Kinds whose name two stacks have in common, and why that does no harm."""

UNNAMED = {
    "AWS::EC2::EIP",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Version",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
STACK = ("${AWS::StackName}", {"Ref": "AWS::StackName"})


def _is_of_one_stack(name: Any) -> bool:
    """Whether a name has the stack's in it; CloudFormation makes one that has where there is none."""
    return name is None or name in STACK or STACK[0] in name.get("Fn::Sub", "")


def test_every_kind_of_resource_is_known_for_how_it_is_named() -> None:
    kinds = {entry["Type"] for entry in transformed().values()}

    assert kinds <= set(NAMES) | set(NAMED_WITHIN) | set(SHARED) | UNNAMED


@pytest.mark.parametrize("kind", sorted(NAMES))
def test_no_name_is_the_same_in_every_stack(kind: str) -> None:
    named = {
        logical_id: entry.get("Properties", {}).get(NAMES[kind])
        for logical_id, entry in transformed().items()
        if entry["Type"] == kind
    }

    assert named
    assert not [logical_id for logical_id, name in named.items() if not _is_of_one_stack(name)]


def test_a_schedule_s_name_is_left_to_cloudformation() -> None:
    """It holds 64 characters, and a stack's name may have 128."""
    schedules = [one for one in transformed().values() if one["Type"] == "AWS::Scheduler::Schedule"]

    assert len(schedules) > 9
    assert not [one for one in schedules if "Name" in one["Properties"]]
