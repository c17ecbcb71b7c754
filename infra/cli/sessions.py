"""`router session` and `router login`: whether each account is logged in, and how to log in."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import typer

from infra.cli.asking import path_of
from infra.cli.command import Result, Table, command, new_app
from infra.cli.options import AccountName, AccountOption
from infra.cli.refusal import Misuse, Refusal
from infra.cli.times import at_exchange, read_time
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
def list_sessions(work: Work, account: AccountOption = None) -> Result:
    """List every account's session: its state, when it ends, what went wrong last."""
    answer = work.api.call("GET", "/v1/sessions", query={"account": account})
    rows = tuple(
        (
            one["account"],
            one["broker"],
            one["login"],
            one["state"],
            at_exchange(read_time(one["expires_at"])),
            at_exchange(read_time(one["last_login_at"])),
            "" if one["last_error"] is None else one["last_error"]["message"],
        )
        for one in answer["sessions"]
    )
    columns = ("account", "broker", "login", "session", "until", "last login", "last error")
    return Result(document=answer, shown=Table(columns, rows))


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
    return _renewed(work, found, force=force)


def _no_login(account: "Account", profile: "Profile") -> str:
    if not profile.session_fields:
        return f"account {account.name} is at {profile.title}, which needs no login"
    return f"{profile.title} has no login here: router session set {account.name} stores a session"


def _renewed(work: Work, account: "Account", *, force: bool) -> Result:
    from infra.cli.advice import advised  # noqa: PLC0415 - a fast start

    with advised(account.name):
        return _logged_in(begin_session(work, account.name, force=force))


def begin_session(work: Work, account: str, *, force: bool) -> dict[str, Any]:
    """Have the stack log in, from the address that its orders come from, and return the session as the API tells it."""
    query = {"force": "true"} if force else None
    return work.api.call("POST", path_of("sessions", account), query=query)


def _logged_in(session: dict[str, Any]) -> Result:
    until = at_exchange(read_time(session["expires_at"]))
    words = f"{session['account']} is logged in at {session['broker']}{until and f' until {until}'}"
    return Result(document=session, shown=words)


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
    from order_router.api.sessions import session_json  # noqa: PLC0415 - the same
    from order_router.service.logins import finish_login  # noqa: PLC0415 - the same

    address = work.terminal.ask_hidden("the address that the browser shows after the login (not shown here)")
    answer = dict(parse_qsl(urlsplit(address).query))
    if not answer:
        raise Refusal("this address holds no answer of a login: paste all of it, from https:// to its end")
    if answer.get("state", token) != token:
        raise Refusal("this address is of another login: log in by the link that stands above")
    with advised(account.name):
        begun = finish_login(desk, account.name, token, answer)
    return _logged_in(session_json(begun))
