"""Whether a call to AWS that failed may have been carried out."""

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from order_router.aws.failures import may_have_happened


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
