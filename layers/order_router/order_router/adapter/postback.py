"""A broker's own word that an order changed: read, and believed only as far as it proves itself."""

from collections.abc import Mapping
from typing import Protocol

from order_router.adapter.errors import BrokerError
from order_router.adapter.login import Credentials
from order_router.domain.reports import OrderReport


class PostbackRefused(BrokerError):
    """The message is not the broker's, or not readable: nothing may be concluded from it."""

    code = "POSTBACK_REFUSED"


class Postbacks(Protocol):
    """What the `postback` module of a broker offers whose profile has the feature POSTBACK."""

    def read_postback(
        self, credentials: Credentials, headers: Mapping[str, str], body: bytes, /
    ) -> OrderReport:
        """Check that the broker sent it and return what it says; PostbackRefused otherwise. Header names lower case."""
