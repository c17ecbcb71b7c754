"""Puts and deletes in batches of 25, each repeated until it is done: for rows that may be written again and again."""

import secrets
from datetime import datetime
from decimal import Decimal
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from order_router.aws.failures import SERVER_ERROR
from order_router.aws.values import Item
from order_router.ports import Clock, StoreUnavailable

BATCH = 25
TRIES = 10
"""So often in a row a batch may come to nothing; what is throttled comes through a few rows at a time."""

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 5.0
PASSING = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"})


class BatchWriter:
    """Collects writes to one table and sends them 25 at a time; none may be of an item already in its batch.

    `write_units` is what DynamoDB says that they cost.
    """

    def __init__(self, client: Any, table: str, clock: Clock, not_after: datetime) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table
        self._clock = clock
        self._not_after = not_after
        self._waiting: list[dict[str, Any]] = []
        self.write_units = Decimal(0)

    def put(self, item: Item) -> None:
        """Store an item, whatever stands there."""
        self._add({"PutRequest": {"Item": item}})

    def delete(self, key: Item) -> None:
        """Remove an item, if it is there."""
        self._add({"DeleteRequest": {"Key": key}})

    def flush(self) -> None:
        """Return when everything is written; StoreUnavailable if that fails or takes longer than it may."""
        waiting, self._waiting = self._waiting, []
        tries = 0
        while waiting:
            left = self._write(waiting)
            tries = tries + 1 if len(left) == len(waiting) else 0
            if left:
                self._pause(tries)
            waiting = left

    def _add(self, request: dict[str, Any]) -> None:
        self._waiting.append(request)
        if len(self._waiting) >= BATCH:
            self.flush()

    def _write(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Try once and return what is not done."""
        if self._clock.now() >= self._not_after:
            raise StoreUnavailable("writing instruments: the time for it is over")
        try:
            answer = self._client.batch_write_item(
                RequestItems={self._table: requests}, ReturnConsumedCapacity="TOTAL"
            )
        except ClientError as error:
            if not _is_passing(error):
                raise StoreUnavailable(f"writing instruments: {error.response['Error']['Code']}") from None
            return requests
        except BotoCoreError:
            return requests  # done or not: to do it again changes nothing
        self._count(answer)
        left: list[dict[str, Any]] = (answer.get("UnprocessedItems") or {}).get(self._table, [])
        return left

    def _pause(self, tries: int) -> None:
        if tries >= TRIES:
            raise StoreUnavailable(f"writing instruments: nothing came through in {TRIES} tries")
        longest = min(LONGEST_PAUSE_S, SHORTEST_PAUSE_S * 2**tries)
        self._clock.sleep(longest * (50 + secrets.randbelow(51)) / 100)

    def _count(self, answer: dict[str, Any]) -> None:
        for used in answer.get("ConsumedCapacity", ()):
            self.write_units += Decimal(str(used.get("CapacityUnits", 0)))


def _is_passing(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error.response["Error"]["Code"] in PASSING or status >= SERVER_ERROR
