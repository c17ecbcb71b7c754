"""AWS inside this process, with the tables exactly as the template makes them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

import botocore.session
from botocore.config import Config
from moto import mock_aws

from tests.architecture.template import resources

REGION = "ap-south-1"
NOBODY = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "testing")
TABLE_KEYS = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


@contextmanager
def aws_in_memory() -> Iterator[None]:
    """Run the block with an empty AWS that nobody pays for."""
    with patch.dict(os.environ, NOBODY | {"AWS_DEFAULT_REGION": REGION}), mock_aws():
        yield


def aws_client(service: str) -> Any:
    """Return a low-level client that tries once."""
    config = Config(retries={"total_max_attempts": 1})
    return _session().create_client(service, region_name=REGION, config=config)


@cache
def _session() -> Any:
    """Return what has read the services' models: megabytes of JSON, the same for every client."""
    return botocore.session.get_session()


def make_table(client: Any, logical_name: str) -> str:
    """Make one of the template's tables and return its name."""
    properties = resources("AWS::DynamoDB::Table")[logical_name]
    kept = {name: properties[name] for name in TABLE_KEYS if name in properties}
    client.create_table(TableName=logical_name, **kept)
    return logical_name


def empty_tables(client: Any, *logical_names: str) -> None:
    """Make these tables anew: moto copies all that is in any table for each transaction."""
    for name in logical_names:
        client.delete_table(TableName=name)
        make_table(client, name)


class Wrapped:
    """A client with some of its calls replaced; `calls` lists the names of all calls made through it."""

    def __init__(self, client: Any, **replaced: Callable[..., Any]) -> None:
        self._client = client
        self._replaced = replaced
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return self._replaced.get(name) or getattr(self._client, name)
