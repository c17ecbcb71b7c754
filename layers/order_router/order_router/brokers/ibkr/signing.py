"""OAuth 1.0a as Interactive Brokers has it: what is signed, with what, and how it is written (sources: README.md)."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote_plus

from order_router.adapter.errors import SessionExpired
from order_router.adapter.session import BrokerSession, Surroundings

TEST_CONSUMER = "TESTCONS"
HEADER_TEXT = re.compile(r"[!#-\[\]-~]+")
"""What may stand in the header between two quotation marks."""


def base_string(method: str, url: str, parameters: Mapping[str, str], *, prepend: str = "") -> bytes:
    """Return the text that is signed; `url` without its query, which is not part of it."""
    pairs = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
    return f"{prepend}{method}&{quote_plus(url)}&{quote_plus(pairs)}".encode()


def oauth_parameters(
    consumer_key: str, access_token: str, method: str, around: Surroundings
) -> dict[str, str]:
    """Return what every signed request says of itself, the signature left out; `method` is the signature's."""
    return {
        "oauth_consumer_key": consumer_key,
        "oauth_nonce": around.nonce(),
        "oauth_signature_method": method,
        "oauth_timestamp": str(int(around.now().timestamp())),
        "oauth_token": access_token,
    }


def header(parameters: Mapping[str, str], signature: bytes) -> str:
    """Return the Authorization header; one consumer key alone, the vendor's test, has a realm of its own."""
    realm = "test_realm" if parameters["oauth_consumer_key"] == TEST_CONSUMER else "limited_poa"
    signed = {**parameters, "oauth_signature": quote_plus(base64.b64encode(signature))}
    fields = (f'{name}="{value}"' for name, value in sorted(signed.items()))
    return ", ".join((f'OAuth realm="{realm}"', *fields))


def authorization(session: BrokerSession, method: str, url: str) -> str:
    """Return the Authorization header of a session's request; SessionExpired if what is stored fits none."""
    key = _live_key(session)
    names = (_header_text(session, "consumer_key"), _header_text(session, "access_token"))
    parameters = oauth_parameters(*names, "HMAC-SHA256", session.around)
    signature = hmac.digest(key, base_string(method, url.partition("?")[0], parameters), hashlib.sha256)
    return header(parameters, signature)


def _live_key(session: BrokerSession) -> bytes:
    try:
        return base64.b64decode(session.secret("live_session_token"), validate=True)
    except (binascii.Error, ValueError):
        pass
    raise _unusable(session, "live_session_token")


def _header_text(session: BrokerSession, name: str) -> str:
    text = session.secret(name)
    if not HEADER_TEXT.fullmatch(text):
        raise _unusable(session, name)
    return text


def _unusable(session: BrokerSession, name: str) -> SessionExpired:
    return SessionExpired(f"account {session.account} has an unusable {name} stored: log in again")
