"""Clients are made of the services that we name, without a look at what else there is."""

import pytest
from botocore.exceptions import UnknownServiceError

from order_router.aws.clients import SERVICES, make_client


@pytest.fixture(autouse=True)
def _somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_that_we_name_has_a_client(service: str) -> None:
    endpoint = make_client(service).meta.endpoint_url

    assert endpoint == f"https://{service}.ap-south-1.amazonaws.com"


def test_queries_can_still_be_read_page_by_page() -> None:
    assert make_client("dynamodb").can_paginate("query")


def test_a_service_that_we_do_not_name_is_refused_by_name() -> None:
    with pytest.raises(
        UnknownServiceError, match=r"'kinesis'.*dynamodb, lambda, s3, secretsmanager, sns, sqs"
    ):
        make_client("kinesis")
