"""The Kite simulator with a hand on each call: it shows a call before and after it is done, and waits meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl

from tests.simulators.kite import Handler, KiteServer
from tests.simulators.serving import serving

REFUSED_FROM = 400
BEFORE, AFTER = "before the broker has done it", "done and not yet answered"
CALLS = {"POST": "place", "PUT": "modify", "DELETE": "cancel"}


@dataclass(frozen=True, kw_only=True)
class Held:
    """A call that waits at the broker. `tag` names its order where that is known; `port` is the caller's."""

    call: str
    tag: str | None
    port: int
    moment: str


@dataclass(frozen=True)
class Verdict:
    """What the broker does with a call that it held: do it after `late_s`, or lose it."""

    late_s: float = 0
    is_lost: bool = False


Decide = Callable[[Held], Verdict]


class HoldingHandler(Handler):
    """Answers as the simulator does, with a pause on either side of the deed."""

    def handle_request(self) -> None:
        """Answer one request."""
        if self.path.startswith("/_control"):
            super().handle_request()
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        with cast("HoldingKite", self.server).at_work(self.command) as server:
            self._handle(server, body)

    def _handle(self, server: "HoldingKite", body: bytes) -> None:
        if not self._passes(server, BEFORE, body):
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = server.kite.take(self.command, self.path, body, headers)
        if self.command == "POST" and reply.answer is not None and reply.answer.status >= REFUSED_FROM:
            server.note_refused(body)
        if self._passes(server, AFTER, body):
            self._answer(reply)
        else:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = handle_request  # noqa: N815 - the names of http.server

    def _passes(self, server: "HoldingKite", moment: str, body: bytes) -> bool:
        path = self.path.strip("/").split("/")
        call = CALLS.get(self.command, "look" if len(path) > 1 else "book")
        held = Held(call=call, tag=server.tag_of(path, body), port=int(self.client_address[1]), moment=moment)
        verdict = server.decide(held)
        time.sleep(verdict.late_s)
        return not verdict.is_lost


class HoldingKite(KiteServer):
    """The simulator on a port of this machine; `decide` is asked twice for each call."""

    def __init__(self, port: int, decide: Decide) -> None:
        super().__init__(port)
        self.RequestHandlerClass = HoldingHandler
        self.decide = decide
        self._counting = threading.Lock()
        self._writes = 0
        self._refused: set[str] = set()

    @contextmanager
    def at_work(self, command: str) -> Iterator["HoldingKite"]:
        """Count an order call until it is done or lost."""
        is_write = command in CALLS
        with self._counting:
            self._writes += is_write
        try:
            yield self
        finally:
            with self._counting:
                self._writes -= is_write

    def waiting(self) -> int:
        """How many order calls it has still to do."""
        with self._counting:
            return self._writes

    def rows(self) -> list[dict[str, Any]]:
        """Every order that it has taken in, as it stands."""
        with self.kite.lock:
            return [dict(row) for row in self.kite.book.orders.values()]

    def refused(self) -> frozenset[str]:
        """The tags of the placements that it gave a definite no to."""
        with self._counting:
            return frozenset(self._refused)

    def note_refused(self, body: bytes) -> None:
        """Remember that this placement got a no."""
        with self._counting:
            self._refused.add(dict(parse_qsl(body.decode())).get("tag", ""))

    def calm(self) -> None:
        """It makes no trouble by itself: the nemesis decides."""

    def tag_of(self, path: list[str], body: bytes) -> str | None:
        """The tag of the order that a request is about."""
        form = dict(parse_qsl(body.decode()))
        if "tag" in form:
            return form["tag"]
        with self.kite.lock:
            row = self.kite.book.orders.get(path[-1])
            return None if row is None else str(row["tag"])


def holding(port: int, decide: Decide) -> AbstractContextManager[HoldingKite]:
    """Run it in a thread for as long as the context lasts."""
    return serving(HoldingKite(port, decide))
