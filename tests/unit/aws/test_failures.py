"""Whether a call to AWS that failed may have been carried out, and who stands where a condition failed."""

from typing import Any, NoReturn

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from order_router.aws.failures import Overtaken, may_have_happened, put_as


def answered(status: int | None, code: str = "Odd") -> ClientError:
    response: dict[str, object] = {"Error": {"Code": code, "Message": "words"}}
    if status is not None:
        response["ResponseMetadata"] = {"HTTPStatusCode": status}
    return ClientError(response, "TransactWriteItems")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "may"),
    [
        (ReadTimeoutError(endpoint_url="https://dynamodb.example"), True),
        (answered(400), False),
        (answered(499), False),
        (answered(500), True),
        (answered(503), True),
        (answered(None), False),
        (answered(400, "TransactionInProgressException"), True),
    ],
)
def test_only_a_definite_no_proves_that_nothing_happened(
    error: BotoCoreError | ClientError, may: bool
) -> None:
    assert may_have_happened(error) is may


class Refusing:
    """A client each of whose writes fails so."""

    def __init__(self, code: str, item: dict[str, Any] | None = None) -> None:
        response: dict[str, Any] = {"Error": {"Code": code, "Message": "words"}}
        self._error = ClientError(response | ({} if item is None else {"Item": item}), "PutItem")  # type: ignore[arg-type]

    def put_item(self, **_: object) -> NoReturn:
        raise self._error


def put(client: Refusing) -> None:
    put_as(client, "Table", {"turn": {"S": "a"}}, writer="me", condition={})


@pytest.mark.parametrize("item", [None, {"writer": {"S": "another"}}])
def test_a_write_whose_condition_failed_over_another_s_item_was_overtaken(
    item: dict[str, Any] | None,
) -> None:
    with pytest.raises(Overtaken) as raised:
        put(Refusing("ConditionalCheckFailedException", item))

    assert raised.value.item == item


def test_a_write_that_stands_already_was_made() -> None:
    put(Refusing("ConditionalCheckFailedException", {"writer": {"S": "me"}}))


def test_a_write_that_was_throttled_was_overtaken_by_nobody() -> None:
    with pytest.raises(ClientError, match="Throttling"):
        put(Refusing("ThrottlingException"))
