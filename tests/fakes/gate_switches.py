"""Switches of the gate table turned by hand: what a store's tests, and trials from outside, stop orders with."""

import secrets
from typing import Any

from botocore.exceptions import ClientError

from order_router.aws.values import to_item
from order_router.ports import Clock, StoreUnavailable

TRIES = 40
PAUSE_S = 0.005


class Switches:
    """Turns switches on and off (low-level DynamoDB client, gate table)."""

    def __init__(self, client: Any, table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def set(self, name: str, *, engaged: bool, lets_exits: bool = False) -> None:
        """Turn a switch on or off; once this returns, no order passes a switch that is on."""
        item = to_item({"gate": name, "engaged": engaged, "lets_exits": lets_exits})
        for _ in range(TRIES):
            try:
                self._client.put_item(TableName=self._table, Item=item)
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionConflictException":
                    raise
            else:
                return
            # every order on its way out checks this item, and each check is in the way for some milliseconds
            self._clock.sleep(PAUSE_S * (1 + secrets.randbelow(4)))
        raise StoreUnavailable("setting a switch: too many conflicts")
