"""What went wrong with an AWS call, in our words and without a payload."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from order_router.ports import StoreUnavailable

SERVER_ERROR = 500
LOST = "ConditionalCheckFailedException"
"""The code of a write whose condition did not hold."""


@contextmanager
def named_failures(what: str) -> Iterator[None]:
    """Raise StoreUnavailable, naming what was tried and the kind of failure, for any failure of AWS."""
    try:
        yield
    except ClientError as error:
        raise StoreUnavailable(f"{what}: {error.response['Error']['Code']}") from None
    except BotoCoreError as error:
        raise StoreUnavailable(f"{what}: {type(error).__name__}") from None


def is_done(write: Callable[[], object]) -> bool:
    """Make a write and return whether its condition held."""
    try:
        write()
    except ClientError as error:
        if error.response["Error"]["Code"] == LOST:
            return False
        raise
    return True


def may_have_happened(error: BotoCoreError | ClientError) -> bool:
    """Return whether AWS may have carried out the call that failed: its answer was lost or is no answer."""
    if not isinstance(error, ClientError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= SERVER_ERROR or error.response["Error"]["Code"] == "TransactionInProgressException"
