"""`router session` and `router login`: whether each account is logged in, and how to log in."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import typer

from infra.cli.command import Result, Table, command, new_app
from infra.cli.options import AccountName
from infra.cli.refusal import Misuse, Refusal
from infra.cli.times import at_exchange
from infra.cli.work import Work

if TYPE_CHECKING:
    from order_router.adapter.profile import Profile
    from order_router.domain.account import Account
    from order_router.service.session_desk import SessionDesk
    from order_router.service.sessions import SessionStatus

app = new_app("Broker sessions.")


def session_document(status: "SessionStatus") -> dict[str, Any]:
    """Return a session's status as JSON values; state None: the broker has no sessions."""
    from order_router.adapter.login import LoginKind  # noqa: PLC0415 - a fast start

    error = status.last_error
    needs_none = status.login is LoginKind.NONE and status.expires_at is None and status.last_login_at is None
    return {
        "login": str(status.login),
        "state": None if needs_none and not _has_fields(status.broker) else str(status.state),
        "expires_at": status.expires_at,
        "last_login_at": status.last_login_at,
        "last_error": None if error is None else {"code": error.code, "message": error.message},
    }


def _has_fields(broker: str) -> bool:
    from infra.cli.desk import profile_of  # noqa: PLC0415 - a fast start

    return bool(profile_of(broker).session_fields)


@command(app, "list")
def list_sessions(work: Work) -> Result:
    """List every account's session: its state, when it ends, what went wrong last."""
    from order_router.service.sessions import statuses  # noqa: PLC0415 - a fast start

    found = statuses(work.desk, work.target.settings.accounts())
    document = [{"account": one.account, "broker": one.broker, **session_document(one)} for one in found]
    rows = tuple(
        (
            one["account"],
            one["broker"],
            one["login"],
            one["state"] or "none needed",
            at_exchange(one["expires_at"]),
            at_exchange(one["last_login_at"]),
            "" if one["last_error"] is None else one["last_error"]["message"],
        )
        for one in document
    )
    columns = ("account", "broker", "login", "session", "until", "last login", "last error")
    return Result(document={"sessions": document}, shown=Table(columns, rows))


FromFile = Annotated[
    Path | None,
    typer.Option(help="The fields as a JSON object of texts, - for standard input; only you may read it."),
]


@command(app, "set")
def set_session(work: Work, account: AccountName, from_file: FromFile = None) -> Result:
    """Store a session that was begun elsewhere; asks for its fields without showing them."""
    from infra import operate  # noqa: PLC0415 - a fast start

    names = operate.session_fields(work.target, account)
    if from_file is not None:
        fields = _texts(from_file)
    else:
        work.terminal.require()
        fields = {name: work.terminal.ask_hidden(name) for name in names}
    operate.set_session(work.target, account, fields)
    return Result(
        document={"account": account, "stored": sorted(names)}, shown=f"the session of {account} is stored"
    )


def _texts(path: Path) -> dict[str, str]:
    from infra.cli.files import read_private  # noqa: PLC0415 - a fast start

    text = read_private(path)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    # raised out here: the parser's error holds the whole text
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise Misuse('expected a JSON object of texts, such as {"access_token": "..."}')
    return value


Force = Annotated[bool, typer.Option("--force", help="Log in anew even where the session is good.")]
Open = Annotated[bool, typer.Option("--open", help="Open the link in a browser here.")]
Paste = Annotated[
    bool,
    typer.Option("--paste", help="Take the address that the broker's page led to: no callback is needed."),
]


def mount(root: typer.Typer) -> None:
    """Put `login` into the root."""
    command(root, "login")(log_in)


def log_in(
    work: Work, account: AccountName, *, force: Force = False, browser: Open = False, paste: Paste = False
) -> Result:
    """Log an account in: by itself where its broker allows that, else by a link to the broker's page."""
    from infra.operate import account_of  # noqa: PLC0415 - a fast start
    from order_router.adapter.login import LoginKind  # noqa: PLC0415 - the same

    found, desk = account_of(work.target, account), work.desk
    profile = desk.profile(found)
    if profile.login is LoginKind.BROWSER:
        return _log_in_on_page(work, desk, found, paste=paste, browser=browser)
    if browser or paste:
        raise Misuse(f"--open and --paste are for a login on a page, which {profile.title} has not")
    if profile.login is LoginKind.NONE:
        raise Refusal(_no_login(found, profile))
    return _renewed(desk, found, force=force)


def _no_login(account: "Account", profile: "Profile") -> str:
    if not profile.session_fields:
        return f"account {account.name} is at {profile.title}, which needs no login"
    return f"{profile.title} has no login here: router session set {account.name} stores a session"


def _renewed(desk: "SessionDesk", account: "Account", *, force: bool) -> Result:
    from infra.cli.advice import advised  # noqa: PLC0415 - a fast start
    from order_router.service.sessions import Wanted, renew  # noqa: PLC0415 - the same

    with advised(account.name):
        status = renew(desk, account.name, Wanted(is_asked=True, is_forced=force))
    return _logged_in(status)


def _logged_in(status: "SessionStatus") -> Result:
    until = "" if status.expires_at is None else f" until {at_exchange(status.expires_at)}"
    document = {"account": status.account, "broker": status.broker, **session_document(status)}
    return Result(document=document, shown=f"{status.account} is logged in at {status.broker}{until}")


def _log_in_on_page(
    work: Work, desk: "SessionDesk", account: "Account", *, paste: bool, browser: bool
) -> Result:
    from infra.cli.advice import advised  # noqa: PLC0415 - a fast start
    from order_router.service.logins import login_link  # noqa: PLC0415 - the same

    with advised(account.name):
        # a link to a page that would refuse is of no use: what is stored is looked at first
        desk.credentials.credentials(account)
    link = login_link(desk, account.name, work.api.url)
    if browser:
        _open(link.url)
    if paste:
        work.terminal.require()
        work.terminal.tell(f"log in here: {link.url}")
        return _pasted(work, desk, account, parse_qs(urlsplit(link.url).query)["token"][0])
    document = {
        "account": account.name,
        "broker": account.broker,
        "link": link.url,
        "expires_at": link.expires_at,
    }
    return Result(
        document=document,
        shown=link.url,
        note=f"open it and log in: it works once, until {at_exchange(link.expires_at)}",
    )


def _open(url: str) -> None:
    import webbrowser  # noqa: PLC0415 - only who opens one pays for it

    webbrowser.open(url)


def _pasted(work: Work, desk: "SessionDesk", account: "Account", token: str) -> Result:
    from infra.cli.advice import advised  # noqa: PLC0415 - a fast start
    from order_router.service.logins import finish_login  # noqa: PLC0415 - the same

    address = work.terminal.ask_hidden("the address that the browser shows after the login (not shown here)")
    answer = dict(parse_qsl(urlsplit(address).query))
    if not answer:
        raise Refusal("this address holds no answer of a login: paste all of it, from https:// to its end")
    if answer.get("state", token) != token:
        raise Refusal("this address is of another login: log in by the link that stands above")
    with advised(account.name):
        return _logged_in(finish_login(desk, account.name, token, answer))
