"""Who renews sessions, in memory."""

import json
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any

from order_router.api.renewal import answer_call
from order_router.domain.account import Account
from order_router.service.session_desk import SessionDesk


class MemoryRenewer:
    """Implements `ports.SessionRenewer`; `renewed` and `reported` list what was asked. `on_renew` does the work."""

    def __init__(self) -> None:
        self.renewed: list[tuple[str, str | None, datetime]] = []
        self.reported: list[tuple[str, str | None]] = []
        self.on_renew: Callable[[Account, str | None, datetime], None] = lambda *_: None

    def renew(self, account: Account, *, refused: str | None, until: datetime) -> None:
        self.renewed.append((account.name, refused, until))
        self.on_renew(account, refused, until)

    def report(self, account: Account, *, refused: str | None) -> None:
        self.reported.append((account.name, refused))


class FakeLambda:
    """A Lambda client before the session function's answers; `calls` lists how and with what it was invoked."""

    def __init__(self, desk: Callable[[], SessionDesk]) -> None:
        self._desk = desk
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.fails: Exception | None = None

    def invoke(self, **request: Any) -> dict[str, Any]:
        call = json.loads(request["Payload"])
        self.calls.append((request["InvocationType"], call))
        if self.fails is not None:
            raise self.fails
        answer = answer_call(self._desk(), call)
        if request["InvocationType"] == "Event":
            return {"StatusCode": 202, "Payload": BytesIO(b"")}
        return {"StatusCode": 200, "Payload": BytesIO(json.dumps(answer).encode())}
