"""`router notify`: where notices go, and whether they arrive."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.command import Result, Table, command, new_app
from infra.cli.options import AccountsOption, NewName
from infra.cli.refusal import Misuse
from infra.cli.work import Work

if TYPE_CHECKING:
    from order_router.domain.channel import Channel

app = new_app("Where notices go: e-mail, Telegram, webhooks.")
TRIES = 3
CONFIRM = "SNS has sent a mail there: nothing arrives until its link is followed"
COPY_NOW = "what its posts are signed with (Standard Webhooks): it is not shown again, copy it now"

ChannelName = Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel.")]
Email = Annotated[str | None, typer.Option(help="Mail to this address, through SNS.")]
Telegram = Annotated[
    str | None, typer.Option(metavar="CHAT_ID", help="Messages to this chat, from a bot of yours.")
]
Webhook = Annotated[str | None, typer.Option(metavar="URL", help="Signed posts to this https address.")]
TokenFile = Annotated[
    Path | None, typer.Option(help="The bot's token: a file that only you may read, - for standard input.")
]
UrgentOnly = Annotated[bool, typer.Option("--urgent-only", help="Only what a person is woken for.")]
Mute = Annotated[list[str] | None, typer.Option(help="A kind that is not told here; repeat for more.")]
Quiet = Annotated[
    str | None, typer.Option(metavar="HH:MM-HH:MM", help="In Asia/Kolkata: what is not urgent waits.")
]
PerMinute = Annotated[int | None, typer.Option(help="More than that in a minute come as one summary.")]


@command(app, "add")
def add_channel(  # noqa: PLR0913 - each is one option
    work: Work,
    name: NewName,
    *,
    email: Email = None,
    telegram: Telegram = None,
    webhook: Webhook = None,
    from_file: TokenFile = None,
    account: AccountsOption = None,
    urgent_only: UrgentOnly = False,
    mute: Mute = None,
    quiet: Quiet = None,
    per_minute: PerMinute = None,
) -> Result:
    """Add a channel, or set one that is there up anew; of a bot that is there the token may stay."""
    from infra import notify, operate  # noqa: PLC0415 - a fast start
    from order_router.domain.channel import CHANNEL  # noqa: PLC0415 - the same

    for one in account or ():
        operate.account_of(work.target, one)
    fields = {
        "name": name,
        **_where(email, telegram, webhook),
        "accounts": list(account or ()),
        "urgent_only": urgent_only,
        "mutes": mute or [],
        **_hours(quiet),
        **({} if per_minute is None else {"per_minute": per_minute}),
    }
    channel = CHANNEL.validate_json(_json(fields))
    before = notify.channels(work.target).named(name)
    result = _set_up(work, channel, from_file)
    if before is not None:
        # what there was goes once the new is there: should this end between the two, adding it again goes on
        notify.end_former(work.target, before, channel)
    notify.channels(work.target).put(channel)
    return result


def _where(email: str | None, telegram: str | None, webhook: str | None) -> dict[str, str]:
    named = {
        "email": ("address", email),
        "telegram": ("chat_id", telegram),
        "webhook": ("url", webhook),
    }
    given = [(kind, field, text) for kind, (field, text) in named.items() if text is not None]
    if len(given) != 1:
        raise Misuse("name one of --email ADDRESS, --telegram CHAT_ID, --webhook URL")
    [(kind, field, text)] = given
    return {"kind": kind, field: text}


def _hours(quiet: str | None) -> dict[str, str]:
    if quiet is None:
        return {}
    start, dash, end = quiet.partition("-")
    if not dash:
        raise Misuse("--quiet: expected two times such as 22:00-07:00")
    return {"quiet_from": start, "quiet_to": end}


def _json(fields: dict[str, Any]) -> str:
    import json  # noqa: PLC0415 - only who adds

    return json.dumps(fields)


def _set_up(work: Work, channel: "Channel", token_file: Path | None) -> Result:
    """Store what the channel is told with, and say what there is to do."""
    from infra import notify  # noqa: PLC0415 - a fast start
    from order_router.domain.channel import shown  # noqa: PLC0415 - the same

    document = shown(channel)
    done = f"channel {channel.name} is set up"
    if channel.kind == "telegram":
        token = _token(work, channel.name, token_file)
        if token is not None:
            notify.keep_token(work.target, channel.name, token)
        return Result(document=document, shown=done, note=f"try it: router notify test {channel.name}")
    if channel.kind == "email":
        notify.subscribe(work.target, channel)
        return Result(document=document, shown=done, note=CONFIRM)
    secret = notify.new_signing_secret(work.target, channel.name)
    return Result(document={**document, "signing_secret": secret}, shown=secret, note=COPY_NOW)


def _token(work: Work, name: str, token_file: Path | None) -> str | None:
    """Return a bot's token from a file or the terminal, None to keep what is stored."""
    from infra import notify  # noqa: PLC0415 - a fast start
    from infra.cli.files import read_private  # noqa: PLC0415 - the same

    if token_file is not None:
        return _judged(read_private(token_file).strip())
    there = notify.channels(work.target).named(name)
    is_stored = there is not None and there.kind == "telegram"
    work.terminal.require()
    text = work.terminal.ask_hidden("the bot's token" + (", Enter keeps it" if is_stored else ""))
    return None if is_stored and not text else _judged(text)


def _judged(token: str) -> str:
    import re  # noqa: PLC0415 - a fast start

    from order_router.transport.channels.telegram import TOKEN  # noqa: PLC0415 - the same

    if not re.fullmatch(TOKEN, token):
        raise Misuse("expected a bot's token as @BotFather gives it: digits, a colon, letters and digits")
    return token


@command(app, "list")
def list_channels(work: Work) -> Result:
    """List the channels; what they are told with is not shown, nor what follows the host in a webhook's address."""
    from infra import notify  # noqa: PLC0415 - a fast start
    from order_router.domain.channel import shown  # noqa: PLC0415 - the same

    rows, documents = [], []
    for channel in notify.channels(work.target).all():
        document = shown(channel)
        if channel.kind == "email":
            document["is_confirmed"] = notify.is_confirmed(work.target, channel)
        documents.append(document)
        rows.append(_row(document))
    columns = ("channel", "kind", "to", "accounts", "tells", "quiet")
    return Result(document={"channels": documents}, shown=Table(columns, tuple(rows)))


def _row(document: dict[str, Any]) -> tuple[str, ...]:
    to = str(document.get("address") or document.get("chat_id") or document.get("url"))
    if document.get("is_confirmed") is False:
        to += " (not confirmed)"
    tells = "urgent" if document["urgent_only"] else "all"
    if document["mutes"]:
        tells += f" but {', '.join(document['mutes'])}"
    quiet = "" if document["quiet_from"] is None else f"{document['quiet_from']}-{document['quiet_to']}"
    accounts = ", ".join(document["accounts"]) or "all"
    return (document["name"], document["kind"], to, accounts, tells, quiet)


@command(app, "test")
def tell_test(work: Work, channel: ChannelName) -> Result:
    """Say on a channel, now, that it works; what it answers is shown."""
    from urllib.parse import quote  # noqa: PLC0415 - a fast start

    answer = work.api.call("POST", f"/v1/notifications/{quote(channel, safe='')}/test")
    return Result(document=answer, shown=f"channel {channel} took it: look there")


@command(app, "remove")
def remove_channel(work: Work, channel: ChannelName) -> Result:
    """Delete a channel, what it was told with, and its subscription."""
    from infra import notify  # noqa: PLC0415 - a fast start

    found = notify.channel_of(work.target, channel)
    notify.remove(work.target, found)
    words = f"channel {channel} is removed"
    return Result(document={"channel": channel, "removed": True}, shown=words)
