"""Kite's postbacks: one order's row as JSON, with a checksum over its id and time (sources and dates: README.md).

The checksum covers neither the status nor the quantities, so a postback says where to look rather than what is so.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from order_router.adapter.decode import read_json, read_object, read_text
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.login import Credentials, CredentialsRefused
from order_router.adapter.postback import PostbackRefused
from order_router.brokers.zerodha import wire
from order_router.domain.reports import OrderReport


def read_postback(credentials: Credentials, _headers: Mapping[str, str], body: bytes) -> OrderReport:
    """Return what a postback says of its order, once its checksum is right."""
    try:
        row = read_object(read_json(body), "a postback")
        _require_checksum(credentials, row)
        return wire.read_row(row, wire.POSTBACK_STATES)
    except (OutcomeUnknown, CredentialsRefused) as error:
        raise PostbackRefused(error.message) from error


def _require_checksum(credentials: Credentials, row: dict[str, Any]) -> None:
    signed = read_text(row, "order_id") + read_text(row, "order_timestamp")
    expected = sha256((signed + credentials.secret("api_secret")).encode()).hexdigest()
    if not hmac.compare_digest(expected.encode(), read_text(row, "checksum").encode()):
        raise PostbackRefused("the checksum is not that of this order's id and time with our api_secret")
