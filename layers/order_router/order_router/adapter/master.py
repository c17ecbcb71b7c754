"""A broker's list of instruments: how it is fetched and read, row by row."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from order_router.adapter.errors import BrokerError
from order_router.adapter.http import HttpRequest
from order_router.adapter.session import BrokerSession
from order_router.domain.listing import Listing

Download = Callable[[HttpRequest], AbstractContextManager[BinaryIO]]
"""Fetch one file, decompressed where the answer says so, as a stream. Raises MasterUnavailable unless it is a 200."""


class MasterUnavailable(BrokerError):
    """The broker's list could not be fetched, or is not as documented: what was loaded before stays."""

    code = "MASTER_UNAVAILABLE"


class Master(Protocol):
    """What the `instruments` module of a broker offers whose profile says `has_master`."""

    def read_instruments(self, download: Download, session: BrokerSession, /) -> Iterator[Listing]:
        """Yield every instrument that can be traded or quoted, from the broker's files, in any order.

        Rows of instruments that our vocabulary lacks are left out; a row or a file that is not as documented raises
        MasterUnavailable, naming file and line: half a list is none.
        """
