"""The queue of what is to be told: notices, their deliveries to channels, and summaries that are due."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from order_router.adapter.decode import strict_json
from order_router.aws.failures import named_failures
from order_router.domain.notices import KINDS, Notice
from order_router.domain.telling import Delivery, Flush
from order_router.ports import Clock, StoreUnavailable

logger = logging.getLogger(__name__)
SCHEMA = 1
LONGEST_DELAY_S = 900
"""SQS delays a message by no more."""

MakeClient = Callable[[], Any]


class QueueNotifier:
    """Implements `ports.Notifier` by queueing: the client asks once and gives up soon, for an order may wait behind it.

    What the stream of the orders table tells is not queued here as well.
    """

    def __init__(self, make_client: MakeClient, url: str, clock: Clock) -> None:
        self._queue = SqsNoticeQueue(make_client, url)
        self._clock = clock

    def tell(self, notice: Notice) -> bool:
        """Queue the notice and return whether it is; what goes wrong is logged, and the log has the notice itself."""
        if notice.kind in KINDS and KINDS[notice.kind].is_streamed:
            return True
        try:
            self._queue.put(notice, self._clock.now())
        except Exception as error:  # noqa: BLE001 - whoever tells has an order to see to: nothing may hurt it
            logger.warning("could not queue a notice", extra={"kind": notice.kind, "error": _name(error)})
            return False
        return True


class SqsNoticeQueue:
    """Implements `service.telling.TellingQueue` over a standard queue; the client is made when first needed."""

    def __init__(self, make_client: MakeClient, url: str) -> None:
        self._client = make_client
        self._url = url

    def put(self, notice: Notice, at: datetime) -> None:
        """Store a notice that is to be spread."""
        self._send({"notice": _notice_fields(notice, at)})

    def deliver(self, delivery: Delivery) -> None:
        """Store a delivery."""
        told = {"id": delivery.delivery_id, "channel": delivery.channel}
        self._send({"notice": _notice_fields(delivery.notice, delivery.at), "delivery": told})

    def flush(self, flush: Flush, *, now: datetime) -> None:
        """Store the command to tell a summary, delayed until it is due or as long as SQS can."""
        left_s = (flush.not_before - now).total_seconds()
        told = {"channel": flush.channel, "not_before": flush.not_before.isoformat()}
        self._send({"flush": told}, delay_s=min(LONGEST_DELAY_S, max(0, int(left_s) + 1)))

    def release(self, receipt_handle: str, delay_s: int) -> None:
        """Let a message come again after this many seconds."""
        with named_failures("releasing a notice"):
            self._client().change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=delay_s
            )

    def _send(self, fields: Mapping[str, object], delay_s: int = 0) -> None:
        body = json.dumps({"schema": SCHEMA, **fields}, separators=(",", ":"))
        with named_failures("queueing a notice"):
            self._client().send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_s)


def read_telling(body: str) -> Notice | Delivery | Flush | None:
    """Return what a message asks for; None, and a line in the log, for one that asks for nothing.

    It would be as unreadable the next time; its words stay out of the log, for there may be a link in them.
    """
    try:
        return _read(strict_json(body))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        logger.error("a message is nothing to tell", extra={"error": _name(error)})  # noqa: TRY400
        return None


def _read(fields: Mapping[str, Any]) -> Notice | Delivery | Flush:
    if fields["schema"] != SCHEMA:
        raise ValueError("another schema")
    if "flush" in fields:
        return Flush(_text(fields["flush"]["channel"]), _time(fields["flush"]["not_before"]))
    notice = _notice(fields["notice"])
    if "delivery" not in fields:
        return notice
    told = fields["delivery"]
    return Delivery(
        delivery_id=_text(told["id"]),
        channel=_text(told["channel"]),
        notice=notice,
        at=_time(fields["notice"]["at"]),
    )


def _notice_fields(notice: Notice, at: datetime) -> dict[str, object]:
    fields = {
        "kind": notice.kind,
        "account": notice.account,
        # half of a character, as JSON may hold one, has no bytes: nobody could be told of it
        "message": notice.message.encode(errors="replace").decode(),
        "client_order_id": notice.client_order_id,
        "subject": notice.subject,
        "at": (at if notice.at is None else notice.at).astimezone(UTC).isoformat(),
        "link": notice.link,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _notice(fields: Mapping[str, Any]) -> Notice:
    return Notice(
        kind=_text(fields["kind"]),
        account=_text(fields["account"], may_be_empty=True),
        message=_text(fields["message"], may_be_empty=True),
        client_order_id=_optional(fields.get("client_order_id")),
        subject=_optional(fields.get("subject")),
        at=_time(fields["at"]),
        link=_optional(fields.get("link")),
    )


def _optional(value: object) -> str | None:
    return None if value is None else _text(value, may_be_empty=True)


def _text(value: object, *, may_be_empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or may_be_empty):
        raise TypeError("expected a text")
    return value


def _time(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("a time must name its zone")
    return moment.astimezone(UTC)


def _name(error: Exception) -> str:
    return error.code if isinstance(error, StoreUnavailable) else type(error).__name__
