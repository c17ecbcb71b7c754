"""A stack is well only if its table answers and is there to use."""

from typing import Any

from botocore.exceptions import ReadTimeoutError

from order_router.aws.probe import is_active
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory, make_table


def test_a_table_that_answers_is_active() -> None:
    with aws_in_memory():
        client = aws_client("dynamodb")

        assert is_active(client, make_table(client, "OrdersTable"))
        assert not is_active(client, "no-such-table")


def test_a_table_that_is_silent_or_being_made_is_not() -> None:
    def silent(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="https://dynamodb.example")

    def being_made(**_: Any) -> Any:
        return {"Table": {"TableStatus": "CREATING"}}

    assert not is_active(Wrapped(None, describe_table=silent), "orders")
    assert not is_active(Wrapped(None, describe_table=being_made), "orders")
