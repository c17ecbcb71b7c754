"""Where notices go: each channel as the operator set it up, and what it wants of which notice, and when."""

from datetime import datetime, time, timedelta
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from order_router.domain.errors import RouterError
from order_router.domain.exchange_time import IST
from order_router.domain.notices import EVERYBODY, KINDS, RETIRED, Notice, Urgency, kind_of
from order_router.domain.request import Name

EXPECTED_URL = "expected an address such as https://host/path, without a name or a fragment in it"
URGENT_PER_MINUTE = 60
"""More than any person reads: what is over it comes as one summary."""


class ChannelDown(RouterError):
    """A channel did not take what it was told; it is tried again. `retry_after_s` is when, if it said so."""

    code = "CHANNEL_UNAVAILABLE"

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ChannelRefused(ChannelDown):
    """A channel will not take it as it is set up: somebody has to mend a setting."""

    code = "CHANNEL_REFUSED"


def _kind(word: str) -> str:
    if word not in KINDS and word not in RETIRED:
        raise ValueError(f"expected a kind of notice: {', '.join(sorted(KINDS))}")
    return word


def _public_url(url: str) -> str:
    parts = _parts(url)
    host = parts.hostname or ""
    if parts.scheme not in {"https", "http"} or not host or "@" in parts.netloc or parts.fragment:
        raise ValueError(EXPECTED_URL)
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("expected https: plain http is for tests on one machine")
    if not _is_loopback(host) and not _may_be_public(host):
        raise ValueError("expected an address on the internet, not one of a private network")
    return url


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # its words repeat a part of the address
        raise ValueError(EXPECTED_URL) from None
    return parts


def is_local(url: str) -> bool:
    """Return whether the address is on the machine that calls it."""
    return _is_loopback(urlsplit(url).hostname or "")


def _may_be_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return True


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _on_the_minute(at: time) -> time:
    if at.tzinfo is not None or at.second or at.microsecond:
        raise ValueError("expected a time in Asia/Kolkata such as 22:30, without seconds and without a zone")
    return at


QuietTime = Annotated[time, AfterValidator(_on_the_minute)]


class _Channel(BaseModel):
    """What every channel has.

    `accounts` empty: those of all. `mutes`: kinds that are not told here. `quiet_from` to `quiet_to`, in Asia/Kolkata:
    what is not urgent waits, and comes as one summary. `per_minute`: what is over it comes as one summary.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    is_enabled: bool = True
    accounts: tuple[Name, ...] = ()
    urgent_only: bool = False
    mutes: tuple[Annotated[str, AfterValidator(_kind)], ...] = ()
    quiet_from: QuietTime | None = None
    quiet_to: QuietTime | None = None
    per_minute: Annotated[int, Field(gt=0, le=600)] = 10

    @model_validator(mode="after")
    def _whole_quiet_hours(self) -> "_Channel":
        if (self.quiet_from is None) != (self.quiet_to is None):
            raise ValueError("quiet hours have a beginning and an end")
        return self


class EmailChannel(_Channel):
    """E-mail through the stack's SNS topic: its address subscribes with a filter on the channel's name."""

    kind: Literal["email"] = "email"
    address: Annotated[str, Field(pattern=r"^[^@\s]{1,64}@[^@\s]{1,255}$")]


class TelegramChannel(_Channel):
    """A Telegram chat; the bot's token is a secret."""

    kind: Literal["telegram"] = "telegram"
    chat_id: Annotated[str, Field(pattern=r"^(-?[0-9]{1,20}|@[A-Za-z0-9_]{5,32})$")]


class WebhookChannel(_Channel):
    """A signed POST to an address; what it is signed with is a secret. Links are for people: none goes there."""

    kind: Literal["webhook"] = "webhook"
    per_minute: Annotated[int, Field(gt=0, le=600)] = 300
    # an address that others give out, such as a chat's, may be a secret by itself
    url: Annotated[str, Field(max_length=2000, pattern=r"^[!-~]+$", repr=False), AfterValidator(_public_url)]


Channel = EmailChannel | TelegramChannel | WebhookChannel
CHANNEL: TypeAdapter[Channel] = TypeAdapter(Annotated[Channel, Field(discriminator="kind")])


def shown(channel: Channel) -> dict[str, Any]:
    """Return a channel as anybody is shown it: of a webhook's address scheme and host, for the rest may be a secret."""
    document = channel.model_dump(mode="json")
    if isinstance(channel, WebhookChannel):
        parts = urlsplit(channel.url)
        document["url"] = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/..."
    return document


def wants(channel: Channel, notice: Notice) -> bool:
    """Return whether the notice is told on the channel."""
    if not channel.is_enabled or notice.kind in channel.mutes:
        return False
    if channel.urgent_only and kind_of(notice).urgency is not Urgency.URGENT:
        return False
    about = frozenset(notice.account.split(", "))
    return not channel.accounts or bool(about & EVERYBODY) or not about.isdisjoint(channel.accounts)


def quiet_until(channel: Channel, at: datetime) -> datetime | None:
    """Return the end of the channel's quiet hours if it is in them."""
    if channel.quiet_from is None or channel.quiet_to is None or channel.quiet_from == channel.quiet_to:
        return None
    local = at.astimezone(IST)
    end = local.replace(hour=channel.quiet_to.hour, minute=channel.quiet_to.minute, second=0, microsecond=0)
    if not _is_between(local.time(), channel.quiet_from, channel.quiet_to):
        return None
    return end if end > local else end + timedelta(days=1)


def _is_between(moment: time, start: time, end: time) -> bool:
    if start < end:
        return start <= moment < end
    return moment >= start or moment < end


def may_disturb(notice: Notice) -> bool:
    """Return whether the notice is told in quiet hours."""
    return kind_of(notice).urgency is Urgency.URGENT


def may_wait(notice: Notice) -> bool:
    """Return whether the notice may stand in a summary: one with a link is of use only now, and by itself."""
    return notice.link is None


def per_minute(channel: Channel, notice: Notice) -> int:
    """Return how many notices of this urgency the channel takes in a minute: urgent ones have room of their own."""
    return max(URGENT_PER_MINUTE, channel.per_minute) if may_disturb(notice) else channel.per_minute


WAITS_S = (5, 15, 45, 135, 405, 600)
"""Half an hour in all, before a message is given up on."""


def wait_s(failures: int, asked_for_s: int | None) -> int:
    """Return how long a delivery waits after so many failures in a row, or longer if the channel asked for it.

    Never over SQS's 12 hours of invisibility.
    """
    usual = WAITS_S[min(max(failures, 1), len(WAITS_S)) - 1]
    return min(max(usual, asked_for_s or 0), 43_000)
