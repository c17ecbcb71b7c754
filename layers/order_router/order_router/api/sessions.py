"""What callers, and people on their brokers' pages, ask about sessions, and what they get back."""

from collections.abc import Callable
from typing import Any

from order_router.adapter.login import LoginKind
from order_router.api.answers import time_text
from order_router.api.http import Answer, ApiRequest
from order_router.api.listing import asked_truth, visible_accounts
from order_router.api.pages import or_page, page, sent_form
from order_router.domain.account import Account, Scope
from order_router.service.login_links import ASKED_LINK_LIFE
from order_router.service.logins import broker_page, finish_login, login_link
from order_router.service.session_desk import SessionDesk
from order_router.service.sessions import SessionStatus, Wanted, renew, status, statuses

MAX_FIELDS = 50


def session_json(one: SessionStatus) -> dict[str, Any]:
    """Return a session's status as callers see it."""
    times = {"expires_at": one.expires_at, "last_login_at": one.last_login_at}
    error = one.last_error
    failed_at = None if one.failed_at is None else time_text(one.failed_at)
    return {
        "account": one.account,
        "broker": one.broker,
        "login": str(one.login),
        "state": str(one.state),
        **{name: None if moment is None else time_text(moment) for name, moment in times.items()},
        "last_error": None
        if error is None
        else {"code": error.code, "message": error.message, "at": failed_at},
    }


def list_sessions(desk: SessionDesk, request: ApiRequest) -> Answer:
    """Answer `GET /v1/sessions`."""
    found = statuses(desk, visible_accounts(request, desk.settings))
    return Answer(content={"sessions": [session_json(one) for one in found]})


def begin_session(desk: SessionDesk, request: ApiRequest) -> Answer:
    """Answer `POST /v1/sessions/{account}`: a login where nobody is needed, else a link to the broker's page.

    A good session is left alone unless `force=true`: another login may end the first.
    """
    name = request.path.get("account", "")
    request.require_account(Scope.TRADE, name)
    account = desk.account(name)
    if desk.profile(account).login is LoginKind.BROWSER:
        return _link_answer(desk, request, account)
    wanted = Wanted(is_asked=True, is_quiet=True, is_forced=asked_truth(request, "force"))
    return Answer(content=session_json(renew(desk, account.name, wanted)))


def _link_answer(desk: SessionDesk, request: ApiRequest, account: Account) -> Answer:
    link = login_link(desk, account.name, desk.tickets.address() or request.address)
    now = session_json(status(desk, account))
    return Answer(content={**now, "login_url": link.url, "login_url_expires_at": time_text(link.expires_at)})


def open_login(desk: SessionDesk, request: ApiRequest) -> Answer:
    """Answer `GET /v1/sessions/{account}/login`: lead the browser to the broker's page.

    The token goes along as `state`, and stays with the browser as a cookie: not every page brings a state back.
    """

    def lead() -> Answer:
        token = request.query.get("token", "")
        address = broker_page(desk, _account_name(request), token)
        cookie = (
            f"{_cookie_name(request)}={token}; Max-Age={int(ASKED_LINK_LIFE.total_seconds())};"
            " Path=/; Secure; HttpOnly; SameSite=None"
        )
        headers = {"location": address, "set-cookie": cookie, "referrer-policy": "no-referrer"}
        return Answer(status=302, text="", headers=headers, content_type="text/plain")

    return _or_page(lead)


def close_login(desk: SessionDesk, request: ApiRequest) -> Answer:
    """Answer `GET` and `POST /v1/sessions/{account}/callback`: make a session of what the broker's page sent back."""

    def close() -> Answer:
        sent = {**request.query, **sent_form(request, max_fields=MAX_FIELDS)}
        token = sent.pop("state", None) or request.cookies.get(_cookie_name(request), "")
        begun = finish_login(desk, _account_name(request), token, sent)
        until = "" if begun.expires_at is None else f" until {begun.expires_at:%d %B, %H:%M} UTC"
        return page(200, "Done", f"Account {begun.account} is logged in{until}. You may close this page.")

    return _or_page(close)


def _or_page(answer: Callable[[], Answer]) -> Answer:
    title = "Not logged in"
    unexpected = (title, "Something went wrong on our side.")
    return or_page(answer, failed="no login", refused=title, unexpected=unexpected)


def _account_name(request: ApiRequest) -> str:
    return request.path.get("account", "")


def _cookie_name(request: ApiRequest) -> str:
    return f"__Host-login-{_account_name(request)}"
