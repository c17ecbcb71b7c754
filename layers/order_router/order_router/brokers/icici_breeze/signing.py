"""Breeze's signature: compact JSON on every method, and a checksum over time, body and secret (sources: README.md)."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from order_router.adapter.errors import SessionExpired
from order_router.adapter.http import HttpRequest
from order_router.adapter.session import BrokerSession
from order_router.brokers.icici_breeze.profile import profile

ROOT = "/breezeapi/api/v1/"
HEADER_TEXT = re.compile(r"[\x21-\x7e]+")
# the vendor's client poses as a browser; this one says who it is in the same form
USER_AGENT = "Mozilla/5.0 (compatible; order-router)"


def body_of(fields: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed and sent: JSON without blanks, other than ASCII escaped."""
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def timestamp_of(at: datetime) -> str:
    """Return a time as the signature spells it: UTC, its milliseconds always zero."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def checksum(timestamp: str, body: bytes, secret_key: str) -> str:
    """Return the hexadecimal SHA-256 of time, body and secret, one after the other."""
    return sha256(timestamp.encode() + body + secret_key.encode()).hexdigest()


def sign(
    session: BrokerSession, method: str, path: str, fields: Mapping[str, Any], *, is_write: bool = False
) -> HttpRequest:
    """Build a signed request; SessionExpired if what the session holds cannot stand in a header."""
    secrets = {name: _usable(session, name) for name in profile.session_fields}
    body, timestamp = body_of(fields), timestamp_of(session.around.now())
    return HttpRequest(
        method=method,
        url=f"{session.endpoint}{ROOT}{path}",
        headers={
            "Content-Type": "application/json",
            "X-Checksum": f"token {checksum(timestamp, body, secrets['secret_key'])}",
            "X-Timestamp": timestamp,
            "X-AppKey": secrets["api_key"],
            "X-SessionToken": secrets["session_token"],
            "User-Agent": USER_AGENT,
        },
        body=body,
        is_write=is_write,
    )


def _usable(session: BrokerSession, name: str) -> str:
    text = session.secret(name)
    if not HEADER_TEXT.fullmatch(text):
        raise SessionExpired(f"account {session.account} has an unusable {name} stored: log in again")
    return text
