"""Tell the trader: one notice becomes one delivery a channel, each tried by itself until it is told.

A repeat within its kind's window is dropped; what comes in quiet hours, or faster than a person reads, waits and is
told as one summary. Nothing here stands in an order's way: it runs behind a queue, and only reads what orders wrote.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol

from order_router.domain.channel import (
    Channel,
    may_disturb,
    may_wait,
    per_minute,
    quiet_until,
    wants,
)
from order_router.domain.errors import RouterError
from order_router.domain.kill_switch import EVERYTHING, KillSwitch, StopScope
from order_router.domain.notices import EVERYBODY, Notice, kind_of, notice_key
from order_router.domain.telling import (
    Delivery,
    Flush,
    Held,
    Telling,
    Waiting,
    delivery_id,
    line_of,
    summary_of,
)
from order_router.ports import Clock

logger = logging.getLogger(__name__)


class TellingQueue(Protocol):
    """The durable queue of what is to be told."""

    def deliver(self, delivery: Delivery) -> None:
        """Store a delivery; may StoreUnavailable."""

    def flush(self, flush: Flush, *, now: datetime) -> None:
        """Store the command; it comes no later than fifteen minutes from now, due or not. May StoreUnavailable."""


class Memory(Protocol):
    """What is remembered of notices; each call may StoreUnavailable."""

    def is_news(self, key: str, owner: str, at: datetime, window: timedelta) -> bool:
        """Return whether nobody but this owner told it within the window, and remember that it is being told."""

    def was_told(self, delivery_id: str) -> bool:
        """Return whether this delivery was told."""

    def note_told(self, delivery_id: str, at: datetime) -> None:
        """Remember that this delivery was told."""

    def take_turn(self, channel: str, urgency: str, at: datetime, limit: int) -> bool:
        """Count one telling in this minute; False if there were `limit` already."""

    def hold(self, waiting: Waiting) -> None:
        """Keep a notice for the next summary, once."""

    def take_held(self, channel: str, at: datetime) -> Held | None:
        """Take what waits, None if nothing does; SummaryBusy while somebody else has it."""

    def drop_held(self, channel: str) -> None:
        """Forget what was taken: it is told."""

    def give_back(self, channel: str) -> None:
        """Let the next worker have what was taken: it could not be told."""


class Channels(Protocol):
    """The channels that were set up, and how something is said on one."""

    def all(self) -> tuple[Channel, ...]:
        """Return all channels."""

    def named(self, name: str) -> Channel | None:
        """Return the channel of this name."""

    def say(self, channel: Channel, telling: Telling) -> None:
        """Say it on the channel; ChannelDown if the channel did not take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingDesk:
    """What telling works with.

    `stop_link` makes a one-tap link that turns a kill switch on, None while nobody knows the API's address.
    """

    queue: TellingQueue
    memory: Memory
    channels: Channels
    clock: Clock
    stop_link: Callable[[KillSwitch], str | None]


def spread(desk: TellingDesk, notice: Notice, message_id: str) -> int:
    """Queue one delivery for each channel that wants the notice and return how many; a repeat is dropped.

    A message that comes again (same `message_id`) spreads again: the same deliveries, which are told once.
    """
    now = desk.clock.now()
    if not desk.memory.is_news(notice_key(notice), message_id, now, kind_of(notice).window):
        logger.info("a repeat is no news", extra={"kind": notice.kind, "account": notice.account})
        return 0
    wanting = [channel for channel in desk.channels.all() if wants(channel, notice)]
    for channel in wanting:
        delivery = Delivery(
            delivery_id=delivery_id(message_id, channel.name),
            channel=channel.name,
            notice=notice,
            at=now if notice.at is None else notice.at,
        )
        desk.queue.deliver(delivery)
    return len(wanting)


def deliver(desk: TellingDesk, delivery: Delivery) -> None:
    """Tell a notice on its channel, or keep it for the channel's next summary; ChannelDown if it must come again."""
    channel = desk.channels.named(delivery.channel)
    if channel is None or not wants(channel, delivery.notice):
        logger.info("nobody wants it any more", extra={"channel": delivery.channel})
        return
    if desk.memory.was_told(delivery.delivery_id):
        return
    now = desk.clock.now()
    due = _waits_until(desk, channel, delivery.notice, now)
    if due is None:
        desk.channels.say(channel, _telling(desk, delivery))
    else:
        _hold(desk, delivery, due, now)
    desk.memory.note_told(delivery.delivery_id, now)


def _waits_until(desk: TellingDesk, channel: Channel, notice: Notice, now: datetime) -> datetime | None:
    """Return when a summary may tell it, None if it is told now."""
    if not may_wait(notice):
        return None
    quiet = None if may_disturb(notice) else quiet_until(channel, now)
    if quiet is not None:
        return quiet
    limit = per_minute(channel, notice)
    if desk.memory.take_turn(channel.name, kind_of(notice).urgency, now, limit):
        return None
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _telling(desk: TellingDesk, delivery: Delivery) -> Telling:
    notice = delivery.notice
    stop_link = _stop_link(desk, notice) if kind_of(notice).offers_stop else None
    return Telling(telling_id=delivery.delivery_id, notice=notice, at=delivery.at, stop_link=stop_link)


def _stop_link(desk: TellingDesk, notice: Notice) -> str | None:
    """Return a link that stops what the notice is about, None if none can be made: the notice is told all the same."""
    is_of_one = notice.account not in EVERYBODY and ", " not in notice.account
    try:
        return desk.stop_link(KillSwitch(StopScope.ACCOUNT, notice.account) if is_of_one else EVERYTHING)
    except RouterError as error:
        logger.warning("no link to the kill switch", extra={"code": error.code})
        return None


def _hold(desk: TellingDesk, delivery: Delivery, due: datetime, now: datetime) -> None:
    """Keep it for the summary; each that is kept asks for one, so that none is forgotten, and the first tells all."""
    notice = delivery.notice
    waiting = Waiting(
        delivery_id=delivery.delivery_id,
        channel=delivery.channel,
        kind=notice.kind,
        line=line_of(notice, delivery.at),
        is_urgent=may_disturb(notice),
    )
    desk.memory.hold(waiting)
    desk.queue.flush(Flush(delivery.channel, due), now=now)


def flush(desk: TellingDesk, command: Flush) -> None:
    """Tell as one what waited for a channel; before its time the command goes back into the queue."""
    now = desk.clock.now()
    if now < command.not_before:
        return desk.queue.flush(command, now=now)
    channel = desk.channels.named(command.channel)
    if channel is None or not channel.is_enabled:
        return None
    # what a worker took before it died comes first, and what has waited since then next
    for turn in count():
        held = desk.memory.take_held(channel.name, now)
        if held is None:
            break
        # two in one breath are no repeat of each other
        _tell_held(desk, channel, held, delivery_id(f"{turn} {now.isoformat()}", channel.name))
    return None


def _tell_held(desk: TellingDesk, channel: Channel, held: Held, telling_id: str) -> None:
    summary, now = summary_of(held), desk.clock.now()
    try:
        desk.channels.say(channel, Telling(telling_id=telling_id, notice=summary, at=now))
    except RouterError:
        desk.memory.give_back(channel.name)
        raise
    desk.memory.drop_held(channel.name)


def try_channel(desk: TellingDesk, channel: Channel, message_id: str) -> None:
    """Say on a channel, now, that it works; ChannelDown tells why it does not."""
    now = desk.clock.now()
    notice = Notice(
        kind="test", account="all", message="This channel works: notices of the order router come here."
    )
    telling = Telling(telling_id=delivery_id(message_id, channel.name), notice=notice, at=now)
    desk.channels.say(channel, telling)
