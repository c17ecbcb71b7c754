"""What a person is told: each kind with its title, how urgent it is and how long a repeat of it is no news."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from order_router.domain.errors import RouterError

EVERYBODY = frozenset({"", "*", "all", "unknown"})
"""What stands in a notice's account where it is about no single one."""


class NoticeNotQueued(RouterError):
    """What the trader is to be told could not be queued: all else is done, and whoever asked for it asks again."""

    code = "NOTICE_NOT_QUEUED"


class Urgency(StrEnum):
    """Whether a person is woken for it."""

    URGENT = "urgent"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeKind:
    """What all notices of a kind have in common.

    `window`: two notices of one kind, account, order and subject within it are one. `is_streamed`: the orders table's
    stream tells it, so that the order path does not. `offers_stop`: a link to the kill switch goes with it.
    """

    title: str
    urgency: Urgency = Urgency.NORMAL
    window: timedelta = timedelta(hours=24)
    is_streamed: bool = False
    offers_stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that a person should know.

    `subject` is what it is about beyond account and order (a switch, a queue, a limit and its day): repeats are known
    by it, or without one by the message. `at` None: it is news as it is told.
    """

    kind: str
    account: str
    message: str
    client_order_id: str | None = None
    subject: str | None = None
    at: datetime | None = None
    link: str | None = field(default=None, repr=False)
    """Where one tap mends it. It opens a login: it belongs to the trader, never to a log."""


def _urgent(
    title: str, *, minutes: int = 15, is_streamed: bool = False, offers_stop: bool = False
) -> NoticeKind:
    return NoticeKind(
        title=title,
        urgency=Urgency.URGENT,
        window=timedelta(minutes=minutes),
        is_streamed=is_streamed,
        offers_stop=offers_stop,
    )


def _of_order(title: str) -> NoticeKind:
    return NoticeKind(title=title, is_streamed=True)


DAY = 24 * 60

KINDS: dict[str, NoticeKind] = {
    # ---- an order's own life, told by the stream of the orders table
    "fill": _of_order("Order filled"),
    "partial": _of_order("Order partly filled"),
    "cancelled": _of_order("Order cancelled"),
    "expired": _of_order("Order expired"),
    "rejected": _of_order("Order rejected by the broker"),
    "refused": _of_order("Order refused by a rule"),
    "stale": _of_order("Order too old, not sent"),
    "held": _of_order("Order waits for an unknown one"),
    "late_fill": _urgent("Fill after the end of an order", minutes=DAY, is_streamed=True),
    "unknown": _urgent("Outcome of an order unknown", minutes=DAY, is_streamed=True, offers_stop=True),
    "closed": _of_order("Order closed without the broker's word"),
    "not_done": _urgent("Cancel or change of an order not made", minutes=DAY, is_streamed=True),
    # ---- what services find out about orders
    "duplicate": _urgent("Two orders at the broker for one", minutes=DAY, offers_stop=True),
    "stray": _urgent("An order that is none of ours", minutes=DAY),
    "unreadable": _urgent("A message that is no order", minutes=DAY),
    "alert_refused": _urgent("Alert refused, no order made"),
    # ---- sessions and instruments
    "login_needed": _urgent("Log in needed", minutes=30),
    "login_failed": _urgent("Login failed", minutes=30),
    "instruments_not_refreshed": NoticeKind(title="Instruments not refreshed"),
    # ---- the gate and the watch
    "breaker_open": _urgent("Broker circuit open", minutes=5, offers_stop=True),
    "breaker_closed": _urgent("Broker circuit closed", minutes=5),
    "kill_on": _urgent("Kill switch on", minutes=1),
    "kill_off": _urgent("Kill switch off", minutes=1),
    "kill_outcome": _urgent("Kill switch: what became of an order", minutes=DAY),
    "limit_near": NoticeKind(title="Near a limit"),
    "limit_reached": _urgent("Limit of the day's loss reached", minutes=DAY),
    "calendar_unknown": NoticeKind(title="No trading calendar for this year"),
    "alarm": _urgent("Alarm"),
    # ---- the notifier itself
    "test": _urgent("Test"),
    "summary": NoticeKind(title="Meanwhile"),
}

RETIRED = frozenset({"price_unknown", "backlog", "dead_letter", "egress_changed"})
"""Kinds of earlier releases that nothing tells: a channel that was stored then may still mute them."""

UNLISTED = _urgent("Notice")


def kind_of(notice: Notice) -> NoticeKind:
    """Return what is known of the notice's kind; one that the table lacks is told as urgent, never dropped."""
    return KINDS.get(notice.kind, UNLISTED)


def notice_key(notice: Notice) -> str:
    """Return by what a repeat of the notice is known: a digest, for a subject may be long or anything."""
    about = notice.message if notice.subject is None else notice.subject
    parts = (notice.kind, notice.account, notice.client_order_id or "", about)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]
