"""The Kite simulator's postbacks: an order's row with its checksum, sent to one URL in the order of what happened."""

import queue
import threading
import urllib.request
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from urllib.error import HTTPError, URLError

from tests.exact_json import dump_json
from tests.simulators.kite_book import ENDED
from tests.simulators.kite_login import API_SECRET

TIMEOUT_S = 5
Posted = tuple[str, bytes]


class KitePostbacks:
    """Sends postbacks once it is told a URL, one after the other, each once; `again` sends them all again, last first.

    `sent` lists each with the status that answered it, None where nothing did. `carrier` takes them in place of the
    socket, if there is one.
    """

    carrier: Callable[[bytes], None] | None = None

    def __init__(self) -> None:
        self.be_told(url=None)
        self.sent: list[dict[str, Any]] = []
        self._waiting: queue.SimpleQueue[Posted] = queue.SimpleQueue()
        self._posted: list[Posted] = []
        self._thread: threading.Thread | None = None

    def be_told(self, *, url: str | None, api_secret: str = API_SECRET) -> None:
        """Post to this URL from now on, None: to nobody; sign with this secret."""
        self.url, self.api_secret = url, api_secret

    def tell(self, row: Mapping[str, Any]) -> None:
        """Post what became of an order, if that is news that the vendor posts."""
        status = posted_status(row)
        if self.carrier is not None and status is not None:
            self.carrier(postback(row, status, self.api_secret))
        if self.url is not None and status is not None:
            self._put((self.url, postback(row, status, self.api_secret)))

    def again(self) -> None:
        """Send every postback once more, the last one first."""
        for posted in self._posted[::-1]:
            self._put(posted)

    def _put(self, posted: Posted) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._deliver, daemon=True)
            self._thread.start()
        self._waiting.put(posted)

    def _deliver(self) -> None:
        while True:
            url, body = self._waiting.get()
            self._posted.append((url, body))
            self.sent.append({"url": url, "body": body.decode(), "status": _post(url, body)})


def posted_status(row: Mapping[str, Any]) -> str | None:
    """Return the word under which the vendor posts an order that is so, None where it posts nothing."""
    if row["status"] in ENDED:
        return str(row["status"])
    is_update = row["status"] == "MODIFIED" or (row["status"] == "OPEN" and row["filled_quantity"] > 0)
    return "UPDATE" if is_update else None


def postback(row: Mapping[str, Any], status: str, api_secret: str) -> bytes:
    """Return the message for an order's row."""
    signed = f"{row['order_id']}{row['order_timestamp']}{api_secret}"
    more = {
        "status": status,
        "user_id": "AB1234",
        "app_id": 1234,
        "unfilled_quantity": row["pending_quantity"],
        "checksum": sha256(signed.encode()).hexdigest(),
    }
    return dump_json({**row, **more}).encode()


def _post(url: str, body: bytes) -> int | None:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - a URL that a test told
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except (URLError, OSError):
        return None
