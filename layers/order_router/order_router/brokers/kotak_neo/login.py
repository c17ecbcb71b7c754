"""Kotak's login: a time-based code, then the MPIN, both from what is stored (sources and dates: README.md)."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pyotp

from order_router.adapter import errors
from order_router.adapter.decode import read_integer, read_json, read_object, read_text, strict_json
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.login import (
    AddressRefused,
    CodeRefused,
    Credentials,
    CredentialsRefused,
    LoginFailed,
    LoginUnclear,
    NewSession,
)
from order_router.adapter.session import Secret
from order_router.brokers.kotak_neo.profile import profile
from order_router.brokers.kotak_neo.refusals import OK, UNAUTHORISED, Refusal, find_refusal
from order_router.brokers.kotak_neo.session import HEADER_TEXT, JSON, SERVER_FAULT
from order_router.domain.exchange_time import IST

FIN_KEY = "neotradeapi"
KOTAKS_HOSTS = ".kotaksecurities.com"
HOST_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,100}")
LAST_TIME_S = 4_102_444_800
CLOCK_MAY_BE_OFF = timedelta(seconds=30)
TOO_MANY = 429
ADDRESS_CODES = ("100008", "1037")
OF_THE_CODE = re.compile(r"\btotp\b")
OF_WHAT_IS_STORED = re.compile(r"\b(mpin|ucc|missing required field|locked)\b")
"""Whole words: "unsuccessful" and "blocked" are none of them."""
STORE_ANEW = "store the credentials anew"


class _Totp(pyotp.TOTP):
    """The code of RFC 6238; how long the secret is, is Kotak's choice, and pyotp refuses one below 112 bits."""

    def byte_secret(self) -> bytes:
        """Return the secret's bytes."""
        unpadded = self.secret.rstrip("=")
        return base64.b32decode(unpadded + "=" * (-len(unpadded) % 8))


def log_in(send: Send, credentials: Credentials) -> NewSession:
    """Begin a session with a code computed for the present, and the MPIN; no step is tried twice."""
    _require_shapes(credentials)
    first = _first_step(send, credentials)
    data = _second_step(send, credentials, first)
    trade_token = _header_text(data, "token")
    return NewSession(
        secrets={
            "access_token": Secret(credentials.secret("access_token")),
            "trade_token": Secret(trade_token),
            "sid": Secret(_header_text(data, "sid")),
        },
        expires_at=_expiry(trade_token, credentials.around.now()),
        endpoint=_endpoint(data, credentials.endpoint),
    )


def _require_shapes(credentials: Credentials) -> None:
    for field in profile.credentials:
        if not re.fullmatch(field.pattern, credentials.secret(field.name)):
            raise CredentialsRefused(
                f"the stored {field.name} has the wrong shape: expected {field.expected}; {STORE_ANEW}"
            )


def _first_step(send: Send, credentials: Credentials) -> dict[str, Any]:
    body = {
        "mobileNumber": credentials.secret("mobile_number"),
        "ucc": credentials.secret("ucc"),
        "totp": _code(credentials),
    }
    return _step(send, credentials, "/login/1.0/tradeApiLogin", {}, body)


def _second_step(send: Send, credentials: Credentials, first: dict[str, Any]) -> dict[str, Any]:
    proof = {"sid": _header_text(first, "sid"), "auth": _header_text(first, "token")}
    return _step(
        send, credentials, "/login/1.0/tradeApiValidate", proof, {"mpin": credentials.secret("mpin")}
    )


def _code(credentials: Credentials) -> str:
    secret = credentials.secret("totp_secret").replace(" ", "").upper()
    try:
        return _Totp(secret).at(credentials.around.now())
    except (binascii.Error, ValueError):
        pass
    # raised out here: the decoder's error may quote the secret
    raise CredentialsRefused(f"the stored totp_secret is no base32 text: {STORE_ANEW}")


def _step(
    send: Send, credentials: Credentials, path: str, proof: Mapping[str, str], body: Mapping[str, str]
) -> dict[str, Any]:
    headers = {
        "authorization": credentials.secret("access_token"),
        "neo-fin-key": FIN_KEY,
        **proof,
        "content-type": JSON,
        "accept": JSON,
    }
    url = credentials.endpoint + path
    answer = send(HttpRequest(method="POST", url=url, headers=headers, body=json.dumps(body).encode()))
    secrets = [*body.values(), *proof.values(), *(one.reveal() for one in credentials.secrets.values())]
    return _data(answer, secrets, credentials.around.now())


def _data(response: HttpResponse, secrets: list[str], now: datetime) -> dict[str, Any]:
    """Return the `data` of a step that succeeded; raise what its refusal means."""
    if response.status >= SERVER_FAULT:
        raise LoginUnclear(f"Kotak answered HTTP {response.status} to a login")
    try:
        answer = read_json(response.body)
        refusal = find_refusal(response.status, answer)
        if refusal is None and response.status == OK:
            return read_object(read_object(answer, "an answer").get("data"), "the data of a login")
    except errors.OutcomeUnknown as error:
        failure: LoginFailed = LoginUnclear(
            f"Kotak's answer to a login is not as documented: {error.message}"
        )
    else:
        failure = _failure(refusal, response, secrets, now)
    raise failure


def _failure(
    refusal: Refusal | None, response: HttpResponse, secrets: list[str], now: datetime
) -> LoginFailed:
    if refusal is None:
        return LoginUnclear(f"Kotak answered HTTP {response.status} to a login in an undocumented shape")
    for secret in secrets:
        refusal = refusal.without(secret)
    words, lowered = f"Kotak says: {refusal.message}", refusal.message.lower()
    kind: type[LoginFailed] = LoginUnclear
    if refusal.code in ADDRESS_CODES:
        kind, words = AddressRefused, f"{words}; register the address that the logins come from at Kotak"
    elif OF_THE_CODE.search(lowered):
        kind, words = CodeRefused, f"{words}; {_about_codes(response, now)}"
    elif OF_WHAT_IS_STORED.search(lowered):
        kind, words = CredentialsRefused, f"{words}; {STORE_ANEW}"
    elif refusal.status in UNAUTHORISED or refusal.code in {str(code) for code in UNAUTHORISED}:
        kind, words = CredentialsRefused, f"{words}; is access_token the present one? {STORE_ANEW}"
    return kind(words, broker_code=refusal.code)


def _about_codes(response: HttpResponse, now: datetime) -> str:
    """Say what may be wrong with a code: above all the clock, if Kotak's says so."""
    try:
        theirs = parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
        off = now - theirs
    except (KeyError, ValueError, OverflowError):
        off = timedelta(0)
    if abs(off) > CLOCK_MAY_BE_OFF:
        side = "ahead of" if off > timedelta(0) else "behind"
        return f"our clock is {abs(int(off.total_seconds()))} s {side} Kotak's: set it"
    return "the stored totp_secret, mobile_number, ucc or access_token is another than Kotak's, or our clock is off"


def _header_text(data: dict[str, Any], name: str) -> str:
    text = data.get(name)
    if not isinstance(text, str) or not HEADER_TEXT.fullmatch(text):
        raise LoginUnclear(f"Kotak's answer to a login has no usable {name}")
    return text


def _expiry(token: str, now: datetime) -> datetime:
    """Return when the session ends: as its token says, at the latest with the day at the exchange."""
    local = now.astimezone(IST)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(0), IST).astimezone(UTC)
    named = _named_expiry(token)
    if named is None:
        return midnight
    if named <= now:
        raise LoginUnclear("Kotak gave a session that has ended already: is our clock off?")
    return min(named, midnight)


def _named_expiry(token: str) -> datetime | None:
    """Return what a JSON Web Token says of its end; None where it says nothing readable."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - head, claims, signature
        return None
    try:
        claims = strict_json(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        seconds = read_integer(read_object(claims, "claims"), "exp")
    except (ValueError, errors.OutcomeUnknown):
        return None
    return datetime.fromtimestamp(seconds, UTC) if 0 <= seconds <= LAST_TIME_S else None


def _endpoint(data: dict[str, Any], configured: str) -> str:
    """Return where the session's orders go: an https host of Kotak's, or the address that the deployer configured."""
    try:
        named = read_text(data, "baseUrl").rstrip("/")
        parts = urlsplit(named)
        is_kotaks = (
            parts.netloc.endswith(KOTAKS_HOSTS)
            and HOST_NAME.fullmatch(parts.netloc) is not None
            and named == f"https://{parts.netloc}"
        )
    except (ValueError, errors.OutcomeUnknown):
        raise LoginUnclear("Kotak's answer to a login names no address for orders") from None
    if not is_kotaks and named != configured:
        raise LoginUnclear(f"Kotak's answer to a login names an address that is not under {KOTAKS_HOSTS[1:]}")
    return named
