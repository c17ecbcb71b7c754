"""A notice as it is put to a person: its title, its words, and many of them as one."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from order_router.domain.errors import RouterError
from order_router.domain.exchange_time import IST
from order_router.domain.notices import EVERYBODY, KINDS, Notice, Urgency, kind_of

MAX_SUMMARY_LINES = 20
MAX_LINE = 140
LAST_OF = "(the last {}:)"
MAX_TEXT = 3000
"""Telegram takes 4096 characters with the title and the links; a summary's lines fit into it whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One notice on its way to one channel. `telling_id` is the same however often it is tried."""

    telling_id: str
    notice: Notice
    at: datetime
    stop_link: str | None = field(default=None, repr=False)
    """Where one tap turns the kill switch on; it belongs to the trader, never to a log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The command to tell one notice on one channel. `delivery_id` is the same however often it comes."""

    delivery_id: str
    channel: str
    notice: Notice
    at: datetime


@dataclass(frozen=True, slots=True)
class Flush:
    """The command to tell as one what waited for a channel, not before a time."""

    channel: str
    not_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A notice that waits for a channel's next summary; an urgent one finds room where others find none."""

    delivery_id: str
    channel: str
    kind: str
    line: str
    is_urgent: bool = False


class SummaryBusy(RouterError):
    """Another worker is telling what waited for this channel."""

    code = "BUSY"


def delivery_id(message_id: str, channel: str) -> str:
    """Return the id of one message's delivery to one channel: text without a full stop, as signatures want it."""
    return hashlib.sha256(f"{message_id}\x00{channel}".encode()).hexdigest()[:32]


def title_of(telling: Telling) -> str:
    """Return one line: what it is, and of which account."""
    notice = telling.notice
    kind = kind_of(notice)
    mark = "URGENT: " if kind.urgency is Urgency.URGENT else ""
    about = "" if notice.account in EVERYBODY else f" [{notice.account}]"
    return f"{mark}{kind.title}{about}"


def text_of(telling: Telling) -> str:
    """Return the words for a person who may use the links."""
    notice = telling.notice
    lines = [notice.message[:MAX_TEXT], _when(telling.at)]
    if notice.client_order_id is not None:
        lines.append(f"order {notice.client_order_id}")
    if notice.link is not None:
        lines.append(f"Log in: {notice.link}")
    if telling.stop_link is not None:
        lines.append(f"Stop new orders: {telling.stop_link}")
    return "\n".join(lines)


def line_of(notice: Notice, at: datetime) -> str:
    """Return the notice as one short line of a summary."""
    words = " ".join(notice.message.split())
    return f"{at.astimezone(IST):%H:%M:%S} {kind_of(notice).title}: {words}"[:MAX_LINE]


@dataclass(frozen=True, slots=True)
class Held:
    """What waited for a summary: each kind and line, and how many more there were."""

    lines: tuple[tuple[str, str], ...]
    more: int = 0


def summary_of(held: Held) -> Notice:
    """Return one notice that tells of all that waited: how many of each kind, and the last lines."""
    counts = Counter(kind for kind, _ in held.lines)
    heads = [f"{count} x {_title(kind)}" for kind, count in counts.most_common()]
    if held.more:
        heads.append(f"{held.more} that no room was left for")
    head, shown = ", ".join(heads), [line for _, line in held.lines[-MAX_SUMMARY_LINES:]]
    while shown and len("\n".join((head, LAST_OF, *shown))) > MAX_TEXT:
        # of many kinds at once: what would be cut off at the end is the newest
        del shown[0]
    left_out = len(held.lines) - len(shown)
    lines = [head, *([LAST_OF.format(len(shown))] if left_out else []), *shown]
    return Notice(kind="summary", account="all", message="\n".join(lines))


def _title(kind: str) -> str:
    known = KINDS.get(kind)
    return kind if known is None else known.title


def _when(at: datetime) -> str:
    return f"{at.astimezone(IST):%d %b %Y %H:%M:%S} IST"
