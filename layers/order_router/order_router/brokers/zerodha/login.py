"""The login on Kite's page, and the exchange of its request token for a session (sources and dates: README.md)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from order_router.adapter.decode import read_object, read_text
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import Send
from order_router.adapter.login import (
    Credentials,
    CredentialsRefused,
    LoginFailed,
    LoginUnclear,
    NewSession,
)
from order_router.adapter.session import Secret
from order_router.brokers.zerodha.profile import SESSION_ENDS_AT, profile
from order_router.brokers.zerodha.refusals import CLIENT_ERRORS, Refusal
from order_router.brokers.zerodha.session import HEADER_TEXT, KiteTransport, ask, make_client
from order_router.domain.exchange_time import IST

LOGIN_PAGE = "https://kite.zerodha.com"
# Kite's words for what a trader stored; its page documents none, users report these (README.md)
BAD_CREDENTIALS = ("invalid `checksum`", "invalid `api_key`")


def login_page(credentials: Credentials, state: str) -> str:
    """Return the address of Kite's login page, which hands `state` on to the registered redirect URL.

    Kite wants the api_key in this address: whoever sees the link sees the key, which opens nothing by itself.
    """
    query = {
        "v": "3",
        "api_key": credentials.secret("api_key"),
        "redirect_params": urlencode({"state": state}),
    }
    return f"{_page_host(credentials.endpoint)}/connect/login?{urlencode(query)}"


def redeem_login(send: Send, credentials: Credentials, answer: Mapping[str, str]) -> NewSession:
    """Exchange the request token, which works once and for minutes, for an access token."""
    request_token = _request_token(answer)
    found = _exchange(send, credentials, request_token)
    if isinstance(found, Refusal):
        raise _refused(found, (*_stored(credentials), request_token))
    return _session(credentials, found)


def _page_host(endpoint: str) -> str:
    """Return where the login page is: the sandbox and a simulator serve it beside their API."""
    if endpoint == profile.endpoint:
        return LOGIN_PAGE
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def _request_token(answer: Mapping[str, str]) -> str:
    if answer.get("status") != "success" or answer.get("action", "login") != "login":
        raise LoginFailed("the login on Kite's page was not finished: open the login link again")
    request_token = answer.get("request_token", "")
    if not HEADER_TEXT.fullmatch(request_token):
        raise LoginFailed("Kite's page sent no request_token back: open the login link again")
    return request_token


def _exchange(send: Send, credentials: Credentials, request_token: str) -> Any | Refusal:  # noqa: ANN401
    api_key, api_secret = _stored(credentials)
    transport = KiteTransport(send, only_asks=True)
    client = make_client(transport, credentials.endpoint, api_key=api_key)
    try:
        return ask(transport, lambda: client.generate_session(request_token, api_secret))
    except OutcomeUnknown as error:
        if transport.answer is None:  # the transport's own words
            raise
        raise LoginUnclear(f"{error.message}: open the login link again") from error


def _stored(credentials: Credentials) -> tuple[str, str]:
    api_key, api_secret = (credentials.secret(name) for name in ("api_key", "api_secret"))
    for name, text in (("api_key", api_key), ("api_secret", api_secret)):
        if not HEADER_TEXT.fullmatch(text):
            raise CredentialsRefused(f"account {credentials.account} has an unusable {name} stored")
    return api_key, api_secret


def _refused(refusal: Refusal, secrets: tuple[str, ...]) -> LoginFailed:
    """Return what a refusal says about what is stored, the request token, or nothing."""
    for secret in secrets:
        refusal = refusal.without(secret)
    kind: type[LoginFailed] = LoginUnclear
    if refusal.status in CLIENT_ERRORS and any(words in refusal.message.lower() for words in BAD_CREDENTIALS):
        kind = CredentialsRefused
    elif refusal.status == 403 and refusal.error_type == "TokenException":  # noqa: PLR2004
        kind = LoginFailed
    return kind(refusal.message, broker_code=refusal.error_type)


def _session(credentials: Credentials, found: object) -> NewSession:
    try:
        access_token = read_text(read_object(found, "a session"), "access_token")
    except OutcomeUnknown as error:
        raise LoginUnclear(f"{error.message}: open the login link again") from error
    if not HEADER_TEXT.fullmatch(access_token):
        raise LoginUnclear("Kite gave an access_token that fits no header: open the login link again")
    secrets = {"api_key": Secret(credentials.secret("api_key")), "access_token": Secret(access_token)}
    return NewSession(secrets=secrets, expires_at=_next_end(credentials.around.now()))


def _next_end(now: datetime) -> datetime:
    local = now.astimezone(IST)
    end = datetime.combine(local.date(), SESSION_ENDS_AT, IST)
    return (end if end > local else end + timedelta(days=1)).astimezone(UTC)
