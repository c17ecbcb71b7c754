"""`router credentials`: what an account needs to log in, stored, looked over and tried; never shown."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.command import Result, Table, command, new_app
from infra.cli.options import AccountName
from infra.cli.refusal import Misuse, Refusal
from infra.cli.times import at_exchange
from infra.cli.work import Work

if TYPE_CHECKING:
    from order_router.adapter.login import CredentialField
    from order_router.adapter.profile import Profile
    from order_router.domain.account import Account

app = new_app("What accounts need to log in: stored in Secrets Manager, never shown.")
TRIES = 3

FromFile = Annotated[
    Path | None,
    typer.Option(help="The fields as a JSON object of texts, - for standard input; only you may read it."),
]
FieldFiles = Annotated[
    list[str] | None,
    typer.Option("--field-file", metavar="FIELD=FILE", help="One field from a file of its own: a key."),
]


@command(app, "set")
def set_credentials(
    work: Work, account: AccountName, from_file: FromFile = None, field_file: FieldFiles = None
) -> Result:
    """Store what an account needs to log in; asks for it without showing it. What is not given stays."""
    from infra.cli.desk import credential_store, profile_of  # noqa: PLC0415 - a fast start
    from infra.cli.fields import judged, require_all  # noqa: PLC0415 - the same
    from infra.operate import account_of  # noqa: PLC0415 - the same

    found = account_of(work.target, account)
    profile = profile_of(found.broker)
    if not profile.credentials:
        raise Refusal(f"account {account} is at {profile.title}, which needs no credentials")
    stored = _stored(work, found) or {}
    given = judged(profile, _from_files(from_file, field_file or []))
    if from_file is None:
        asked = [field for field in profile.credentials if field.name not in given]
        given |= _asked(work, asked, stored)
    kept = {field.name: stored[field.name] for field in profile.credentials if field.name in stored}
    texts = kept | given
    require_all(profile, texts)
    credential_store(work.target).put(found, texts)
    return _told(found, profile, given)


def _stored(work: Work, account: "Account") -> Mapping[str, str] | None:
    """Return what is stored; what is damaged counts as nothing, for it is about to be replaced."""
    from infra.cli.desk import credential_store  # noqa: PLC0415 - a fast start
    from order_router.adapter.login import CredentialsRefused  # noqa: PLC0415 - the same

    try:
        return credential_store(work.target).stored(account)
    except CredentialsRefused:
        return None


def _told(account: "Account", profile: "Profile", given: Mapping[str, str]) -> Result:
    document = {
        "account": account.name,
        "broker": account.broker,
        "stored": sorted(given),
        "fields": [field.name for field in profile.credentials],
    }
    what = ", ".join(name for name in document["fields"] if name in given) or "nothing new"
    return Result(
        document=document,
        shown=f"stored for {account.name} at {profile.title}: {what}",
        note=f"next: router credentials test {account.name}",
    )


def _from_files(path: Path | None, named: list[str]) -> dict[str, object]:
    from infra.cli.files import read_private  # noqa: PLC0415 - a fast start

    fields = {} if path is None else _object(read_private(path))
    for pair in named:
        name, equals, file = pair.partition("=")
        if not equals:
            raise Misuse("--field-file: expected FIELD=FILE")
        fields[name] = read_private(Path(file))
    return fields


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    # raised out here: the parser's error holds the whole text
    if not isinstance(value, dict):
        raise Misuse('expected a JSON object of texts, such as {"api_key": "..."}')
    return value


def _asked(work: Work, fields: "list[CredentialField]", stored: Mapping[str, str]) -> dict[str, str]:
    if fields:
        work.terminal.require()
    answers = {field.name: _ask(work, field, is_stored=bool(stored.get(field.name))) for field in fields}
    return {name: text for name, text in answers.items() if text is not None}


def _ask(work: Work, field: "CredentialField", *, is_stored: bool) -> str | None:
    """Return what was typed, None to keep what is stored."""
    from infra.cli.fields import fits, wrong  # noqa: PLC0415 - a fast start

    for _ in range(TRIES):
        text = _typed(work, field, is_stored=is_stored)
        if not text and is_stored:
            return None
        if fits(field, text):
            return text
        work.terminal.tell(wrong(field))
    raise Refusal(f"{field.name}: not as expected {TRIES} times; nothing was stored")


def _typed(work: Work, field: "CredentialField", *, is_stored: bool) -> str:
    from infra.cli.files import read_private  # noqa: PLC0415 - a fast start

    label = f"{field.title} ({field.name})" + (", Enter keeps it" if is_stored else "")
    if field.is_multiline:
        path = work.terminal.ask(f"file with the {label}")
        return read_private(Path(path).expanduser()).strip() if path else ""
    return work.terminal.ask_hidden(label) if field.is_secret else work.terminal.ask(label)


@command(app, "status")
def show_status(work: Work) -> Result:
    """Show for every account which fields are set, since when, and its session; never a value."""
    rows = [_status_of(work, account) for account in work.target.settings.accounts()]
    return Result(document={"accounts": rows}, shown=Table(STATUS, tuple(_status_row(row) for row in rows)))


STATUS = ("account", "broker", "credentials", "changed", "session", "until")


def _status_of(work: Work, account: "Account") -> dict[str, Any]:
    from infra.cli.changed import changed_at  # noqa: PLC0415 - a fast start
    from infra.cli.desk import credential_store  # noqa: PLC0415 - the same
    from infra.cli.fields import standing  # noqa: PLC0415 - the same
    from infra.cli.sessions import session_document  # noqa: PLC0415 - the same
    from order_router.adapter.login import CredentialsRefused  # noqa: PLC0415 - the same
    from order_router.service.sessions import status  # noqa: PLC0415 - the same

    fields = work.desk.profile(account).credentials
    try:
        found = standing(fields, credential_store(work.target).stored(account))
    except CredentialsRefused:
        found = {field.name: "damaged" for field in fields}
    is_any = any(state != "missing" for state in found.values())
    return {
        "account": account.name,
        "broker": account.broker,
        "is_enabled": account.is_enabled,
        "credentials": found,
        "changed_at": changed_at(work, account) if is_any else None,
        "session": session_document(status(work.desk, account)),
    }


def _status_row(row: dict[str, Any]) -> tuple[str, ...]:
    fields = ", ".join(f"{name} {state}" for name, state in row["credentials"].items())
    session = row["session"]
    return (
        row["account"],
        row["broker"],
        fields or "none needed",
        at_exchange(row["changed_at"]),
        session["state"] or "none needed",
        at_exchange(session["expires_at"]),
    )


@command(app, "test")
def test_credentials(work: Work, account: AccountName) -> Result:
    """Log in (or use the stored session), read the funds, and say in words what is wrong and what to do."""
    from infra.cli.trial import try_account  # noqa: PLC0415 - a fast start

    return try_account(work, account)
