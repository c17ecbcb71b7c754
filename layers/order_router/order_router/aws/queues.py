"""The order queue and the reconcile queue on SQS."""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from order_router.adapter.decode import strict_json
from order_router.aws.failures import named_failures
from order_router.domain.errors import RouterError
from order_router.domain.identity import client_order_id
from order_router.domain.order import Order
from order_router.domain.request import OrderRequest, dump_request, parse_request
from order_router.domain.vocabulary import Source
from order_router.ports import PlaceOrder, ResumeOrder

SCHEMA = 1


class MessageUnreadable(RouterError):
    """A queue message is not one that this release can read."""

    code = "MESSAGE_UNREADABLE"


class SqsOrderQueue:
    """Implements `ports.OrderQueue` over a FIFO queue; client and address are asked for when first needed."""

    def __init__(self, client: Callable[[], Any], url: Callable[[], str]) -> None:
        self._client = client
        self._url = url

    def put(self, orders: Sequence[PlaceOrder]) -> None:
        """Store all of them durably; StoreUnavailable if one may not be (a repeat of the others is dropped)."""
        for order in orders:
            with named_failures("queueing an order"):
                self._client().send_message(
                    QueueUrl=self._url(),
                    MessageBody=write_message(order),
                    MessageGroupId=group_of(order.request),
                    MessageDeduplicationId=client_order_id(order.request.account, order.idempotency_key),
                )

    def resume(self, order: Order) -> None:
        """Queue a ResumeOrder behind those of the order's group; of one version of it, once in five minutes."""
        with named_failures("queueing a held order"):
            self._client().send_message(
                QueueUrl=self._url(),
                MessageBody=json.dumps({"schema": SCHEMA, "resume": order.client_order_id}),
                MessageGroupId=group_of(order.request),
                MessageDeduplicationId=f"{order.client_order_id}-{order.version}",
            )

    def release(self, receipt_handle: str, delay_s: int) -> None:
        """Let a message come again after this many seconds."""
        with named_failures("releasing a message"):
            self._client().change_message_visibility(
                QueueUrl=self._url(), ReceiptHandle=receipt_handle, VisibilityTimeout=delay_s
            )


class SqsReconcileQueue:
    """Implements `ports.ReconcileQueue` over a standard queue; the SQS client is made when first needed."""

    def __init__(self, client: Callable[[], Any], url: str) -> None:
        self._client = client
        self._url = url

    def put(self, account: str, *, delay_s: int, look: str | None = None) -> None:
        """Ask for a look at the account after a delay; `look` names it, if others are to stand back for it."""
        body = json.dumps({"account": account} if look is None else {"account": account, "look": look})
        with named_failures("asking for a look"):
            self._client().send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_s)


def group_of(request: OrderRequest) -> str:
    """Return the group of an order: those of one account and instrument leave in the order they came."""
    name = f"{request.account}#{request.instrument}"
    return hashlib.sha256(name.encode()).hexdigest()


def write_message(order: PlaceOrder) -> str:
    """Return the message of an order."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "request": dump_request(order.request),
            "idempotency_key": order.idempotency_key,
            "source": order.source,
            "received_at": order.received_at.isoformat(),
            "deadline": order.deadline.isoformat(),
        },
        separators=(",", ":"),
    )


def read_message(body: str) -> PlaceOrder | ResumeOrder:
    """Return the command of a message; MessageUnreadable if it is none."""
    try:
        fields = strict_json(body)
        if fields["schema"] != SCHEMA:
            raise MessageUnreadable(f"expected schema {SCHEMA}, received {str(fields['schema'])[:20]!r}")
        if "resume" in fields:
            return ResumeOrder(_text(fields["resume"]))
        return PlaceOrder(
            request=parse_request(fields["request"]),
            idempotency_key=_text(fields["idempotency_key"]),
            source=Source(fields["source"]),
            received_at=_time(fields["received_at"]),
            deadline=_time(fields["deadline"]),
        )
    # a body that does not fit breaks wherever its reader first trips over it
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise MessageUnreadable(f"the message is not an order: {type(error).__name__}") from error


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected text that is not empty")
    return value


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time must name its zone")
    return moment.astimezone(UTC)
