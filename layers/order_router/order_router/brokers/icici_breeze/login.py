"""Breeze's daily login: a person on the vendor's page, then one exchange for the session (sources: README.md)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from order_router.adapter.decode import read_object, read_text
from order_router.adapter.errors import BrokerError, OutcomeUnknown
from order_router.adapter.http import HttpRequest, Send
from order_router.adapter.login import Credentials, CredentialsRefused, LoginFailed, LoginUnclear, NewSession
from order_router.adapter.session import BrokerSession, Secret
from order_router.brokers.icici_breeze.refusals import READABLE, Refusal
from order_router.brokers.icici_breeze.session import read_answer
from order_router.brokers.icici_breeze.signing import HEADER_TEXT, ROOT, USER_AGENT, body_of, sign
from order_router.domain.exchange_time import IST

LOGIN_PAGE = "/apiuser/login"
# as the vendor's pages spell it, and as it has been seen in redirects
ANSWER_NAMES = frozenset({"api_session", "apisession"})
API_SESSION = re.compile(r"[A-Za-z0-9]{1,64}")

# what the exchange says, first fit first; anything else may pass by itself
FAILURES: tuple[tuple[str, type[LoginFailed]], ...] = (
    ("invalid checksum", CredentialsRefused),
    ("public key does not exist", CredentialsRefused),
    ("invalid session", LoginFailed),
    ("resource not available", LoginFailed),
)


def login_page(credentials: Credentials, _state: str) -> str:
    """Return the vendor's login page for this API key.

    It takes the key alone and sends the browser to the address that is registered with the app: nothing of ours
    comes back with it, so that address itself must say whose login it is. The key stands in the page's address
    because the vendor demands it there.
    """
    api_key = quote(_usable(credentials, "api_key"), safe="")
    return f"{credentials.endpoint}{LOGIN_PAGE}?api_key={api_key}"


def redeem_login(send: Send, credentials: Credentials, answer: Mapping[str, str]) -> NewSession:
    """Exchange the page's API_Session for a session, and prove the secret key with one signed read.

    The exchange is not signed: a wrong secret key would show with the day's first order only.
    """
    api_key, secret_key = _usable(credentials, "api_key"), _usable(credentials, "secret_key")
    api_session = _api_session(answer)
    body = body_of({"SessionToken": api_session, "AppKey": api_key})
    details = HttpRequest(
        method="GET",
        url=f"{credentials.endpoint}{ROOT}customerdetails",
        headers={"Content-Type": "application/json", "User-Agent": USER_AGENT},
        body=body,
    )
    told = [api_key, secret_key, api_session]
    session_token = _session_token(_answered(send, details, told))
    secrets = {"api_key": api_key, "secret_key": secret_key, "session_token": session_token}
    wrapped = {name: Secret(text) for name, text in secrets.items()}
    session = BrokerSession(credentials.account, credentials.endpoint, wrapped, credentials.around)
    _answered(send, sign(session, "GET", "funds", {}), [*told, session_token])
    return NewSession(secrets=wrapped, expires_at=next_midnight(credentials.around.now()))


def next_midnight(at: datetime) -> datetime:
    """Return when a session that begins now dies: at midnight in India, well before its 24 hours are over."""
    local = at.astimezone(IST)
    day = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return day.astimezone(UTC)


def _api_session(answer: Mapping[str, str]) -> str:
    found = [text for name, text in answer.items() if name.lower() in ANSWER_NAMES]
    if len(found) != 1 or not API_SESSION.fullmatch(found[0]):
        raise LoginFailed("ICICI Direct's page sent no readable API_Session: open the login link again")
    return found[0]


def _session_token(success: object) -> str:
    try:
        session_token = read_text(read_object(success, "the customer's details"), "session_token")
    except OutcomeUnknown as error:
        raise LoginUnclear(error.message) from error
    if not HEADER_TEXT.fullmatch(session_token):
        raise LoginUnclear("Breeze gave a session_token that cannot stand in a header")
    return session_token


def _answered(send: Send, request: HttpRequest, secrets: list[str]) -> object:
    response = send(request)
    try:
        success, refusal = read_answer(response, secrets)
    except OutcomeUnknown as error:
        raise LoginUnclear(error.message) from error
    if refusal is not None:
        raise _failure(refusal)
    return success


def _failure(refusal: Refusal) -> BrokerError:
    words = refusal.words.lower()
    fitting = (kind for text, kind in FAILURES if text in words and refusal.http_status in READABLE)
    kind = next(fitting, LoginUnclear)
    return kind(refusal.shown, broker_code=str(refusal.status))


def _usable(credentials: Credentials, name: str) -> str:
    text = credentials.secret(name)
    if not HEADER_TEXT.fullmatch(text):
        raise CredentialsRefused(f"account {credentials.account} has an unusable {name} stored")
    return text
