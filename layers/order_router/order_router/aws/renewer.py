"""Asks the session function to see to a dead session: it alone may log in."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from order_router.adapter.decode import strict_json
from order_router.adapter.errors import NotSent, SessionExpired
from order_router.adapter.login import LoginFailed
from order_router.domain.account import Account
from order_router.ports import Clock, RenewalPending

logger = logging.getLogger(__name__)
MIN_WAIT_S = 1.0
"""In less time no login is done."""

MakeClient = Callable[[float], Any]
"""Make a Lambda client that waits this many seconds for an answer, and asks once."""


class RenewerUnavailable(NotSent):
    """The session function did not answer, or not with a result."""

    code = "SESSION_RENEWER_UNAVAILABLE"


ERRORS: dict[str, type[NotSent]] = {
    "expired": SessionExpired,
    "failed": LoginFailed,
    "pending": RenewalPending,
}


class LambdaSessionRenewer:
    """Implements `ports.SessionRenewer` by calling the session function."""

    def __init__(self, make_client: MakeClient, function: Callable[[], str], clock: Clock) -> None:
        self._make_client = make_client
        self._function = function
        self._clock = clock

    def renew(self, account: Account, *, refused: str | None, until: datetime) -> None:
        """Return once a session other than the refused one is stored; a NotSent says why there is none."""
        wait_s = (until - self._clock.now()).total_seconds()
        if wait_s < MIN_WAIT_S:
            raise RenewalPending(f"there is no time left to renew the session of {account.name}")
        call = {"renew": account.name, "refused": refused, "until": until.isoformat()}
        _require_renewed(account, self._invoke(self._make_client(wait_s), call, "RequestResponse"))

    def report(self, account: Account, *, refused: str | None) -> None:
        """Have a dead session seen to; what goes wrong with that is logged."""
        try:
            call = {"dead": account.name, "refused": refused}
            self._invoke(self._make_client(MIN_WAIT_S), call, "Event")
        except Exception as error:  # noqa: BLE001 - the order has its outcome: this must not hide it
            logger.warning(
                "dead session not reported", extra={"account": account.name, "error": type(error).__name__}
            )

    def _invoke(self, client: Any, call: Mapping[str, str | None], how: str) -> Mapping[str, Any]:  # noqa: ANN401 - botocore
        try:
            answer = client.invoke(
                FunctionName=self._function(), InvocationType=how, Payload=json.dumps(call).encode()
            )
            return {**answer, "Payload": answer["Payload"].read()}
        except ClientError as error:
            raise RenewerUnavailable(f"the session function: {error.response['Error']['Code']}") from None
        except (BotoCoreError, OSError) as error:
            raise RenewerUnavailable(f"the session function: {type(error).__name__}") from None


def _require_renewed(account: Account, answer: Mapping[str, Any]) -> None:
    try:
        result = strict_json(answer["Payload"])
    except (LookupError, ValueError):
        result = None
    if "FunctionError" in answer or not isinstance(result, dict) or "renewal" not in result:
        raise RenewerUnavailable(f"the session function failed to renew {account.name}")
    if result["renewal"] == "done":
        return
    kind = ERRORS.get(str(result["renewal"]), RenewerUnavailable)
    raise kind(str(result.get("message", "")), code=result.get("code"))
