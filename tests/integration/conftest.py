"""What several tests of AWS parts begin with."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.aws import aws_client, aws_in_memory, make_table


@pytest.fixture
def client() -> Iterator[Any]:
    """Yield a DynamoDB in memory with the tables of the orders and of the gate."""
    with aws_in_memory():
        client = aws_client("dynamodb")
        for table in ("OrdersTable", "GateTable"):
            make_table(client, table)
        yield client
