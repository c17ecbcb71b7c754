"""Chaos in front of any simulator, on real sockets: each request may meet one of twenty faults, by seed.

    python -m tests.simulators.chaos --port 0 --print-port

serves the Kite simulator behind it, with that one's session, to a stack that was deployed with
ZerodhaEndpoint=http://127.0.0.1:PORT, or to anything that reads BROKER_ENDPOINT_ZERODHA. The simulator's pages
`/_control...` are passed on untouched; the chaos has three of its own:

    POST /_chaos            {"faults": {"reset_after_body": 3, "book_lag": 1}, "on": "both", "rate": 0.3, "seed": 7}
                            the fields of chaos_plan.Plan; {} ends all trouble, {"reset": true} forgets the ledger too
    GET  /_chaos/ledger     every order write that came and the fault it met, every order held, counts by tag,
                            how often each fault was played, how many writes still wait to be accepted late
    GET  /_chaos/faults     the table: what happens, what must hold

The simulator's book stays the truth. The same seed gives the n-th request the same fault, played the same way.
"""

import argparse
import http.client
import json
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Event, Thread
from urllib.parse import urlsplit

from order_router.adapter.http import HttpRequest, HttpResponse
from tests.simulators.chaos_broker import ChaosBroker, Held, Simulator
from tests.simulators.chaos_dialect import KITE, Dialect
from tests.simulators.chaos_faults import FAULTS, STRAY, Play, true
from tests.simulators.chaos_plan import SIDES, read_plan
from tests.simulators.chaos_talk import Head, Incoming, Talk, answer, read_head, true_answer
from tests.simulators.kite import running

TICK_S = 0.05


class ChaosServer:
    """Listens on 127.0.0.1; a thread for each connection. With TLS it is https, and TLS's own faults can be played."""

    def __init__(self, broker: ChaosBroker, port: int = 0, tls: "Tls | None" = None) -> None:
        self.broker = broker
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._stopping = Event()
        self._connections: set[socket.socket] = set()
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"

    def serve(self) -> None:
        """Accept until stopped."""
        while not self._stopping.is_set():
            with suppress(OSError):
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def stop(self) -> None:
        """End every connection."""
        self._stopping.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._listener.close()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _serve_one(self, raw: socket.socket) -> None:
        connection = raw
        with suppress(OSError):
            secured = self._secured(raw)
            if secured is not None:
                connection = secured
                self._connections.add(connection)
                self._converse(connection)
        self._connections.discard(connection)
        with suppress(OSError):
            connection.close()

    def _secured(self, raw: socket.socket) -> socket.socket | None:
        if self._tls is None:
            return raw
        dice = self.broker.plan.dice(f"connection {self.broker.next_number()}")
        if self.broker.plan.draw(dice, ["tls_handshake"]) is None:
            return self._tls.good.wrap_socket(raw, server_side=True)
        self.broker.played("tls_handshake")
        self._tls.fail(raw, dice)
        return None

    def _converse(self, connection: socket.socket) -> None:
        incoming = Incoming(connection)
        while not self._stopping.is_set():
            data = incoming.head()
            if data is None:
                return
            head = read_head(data)
            if head.path.startswith(("/_chaos", "/_control")):
                body = incoming.body(int(head.headers.get("content-length", 0)))
                connection.sendall(self._controlled(head, body))
            elif self._play(connection, incoming, head):
                return

    def _play(self, connection: socket.socket, incoming: Incoming, head: Head) -> bool:
        self.broker.on_request(self.broker.simulator.dialect.kind(head.method, head.path))
        self.broker.tick()
        plan, number = self.broker.plan, self.broker.next_number()
        talk = Talk(self.broker, connection, incoming, head, plan.dice(number))
        talk.stopping = self._stopping
        if head.target.endswith(STRAY):
            self.broker.ledger.strays.append(f"{head.method} {head.target}")
        play: Play = true
        name = None
        if talk.kind.is_write in SIDES[plan.on]:
            possible = [one for one in plan.faults if self._can_play(one, talk)]
            name = plan.draw(talk.dice, possible)
        talk.note(number)
        if name is not None:
            self.broker.played(name)
            play = FAULTS[name].play(talk.kind) or true
        ending = play(talk)
        if talk.write is not None:
            talk.write.fault, talk.write.verdict = name, ending.verdict
        ending.act()
        return talk.is_over

    def _can_play(self, name: str, talk: Talk) -> bool:
        fault = FAULTS[name]
        return fault.play(talk.kind) is not None and (self._tls is not None or not fault.needs_tls)

    def _controlled(self, head: Head, body: bytes) -> bytes:
        if head.path.startswith("/_control"):
            told = HttpRequest(method=head.method, url=head.target, body=body)
            return true_answer(self.broker.simulator.send(told))
        if head.method == "POST":
            return self._told(json.loads(body))
        if head.path == "/_chaos/faults":
            table = {name: {"what": fault.what, "holds": fault.holds} for name, fault in FAULTS.items()}
            return answer(200, json.dumps(table).encode())
        return answer(200, json.dumps(self.broker.report(), default=str).encode())

    def _told(self, told: dict[str, object]) -> bytes:
        if told.pop("reset", False):
            self.broker.reset()
        try:
            self.broker.plan = read_plan(told, FAULTS)
        except (ValueError, TypeError, IndexError) as error:
            return answer(400, json.dumps({"error": str(error)}).encode())
        return answer(200, json.dumps(asdict(self.broker.plan)).encode())


class Tls:
    """The certificate that clients trust, and one that nobody does."""

    def __init__(self, good: ssl.SSLContext, bad: ssl.SSLContext) -> None:
        self.good = good
        self._bad = bad

    def fail(self, raw: socket.socket, dice: Random) -> None:
        """Let a handshake fail in one of the ways that it can."""
        how = dice.choice(["closed", "untrusted", "plain"])
        raw.settimeout(5)
        if how == "untrusted":
            self._bad.wrap_socket(raw, server_side=True).close()
            return
        raw.recv(65536)
        if how == "plain":
            raw.sendall(answer(400, b"plain HTTP was sent to an HTTPS port", "text/plain"))
        raw.close()


class SocketSimulator:
    """Any simulator with a socket; `held_page` lists its orders, `tag` names the field of their tags."""

    def __init__(self, url: str, dialect: Dialect, *, held_page: str, tag: str) -> None:
        self.dialect = dialect
        self._address = urlsplit(url).netloc
        self._held_page = held_page
        self._tag = tag

    def send(self, request: HttpRequest) -> HttpResponse:
        """Ask the simulator."""
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            headers = {name: text for name, text in request.headers.items() if name != "content-length"}
            connection.request(request.method, request.url, request.body, headers)
            reply = connection.getresponse()
            names = {name.lower(): text for name, text in reply.getheaders()}
            return HttpResponse(status=reply.status, headers=names, body=reply.read())
        finally:
            connection.close()

    def held(self) -> list[Held]:
        """Ask for the simulator's own book."""
        rows = json.loads(self.send(HttpRequest(method="GET", url=self._held_page)).body)
        return [{**row, "tag": row[self._tag], "broker_order_id": row[self.dialect.row_id]} for row in rows]


@contextmanager
def chaos(
    simulator: Simulator,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    port: int = 0,
    tls: Tls | None = None,
) -> Iterator[ChaosServer]:
    """Run the chaos layer in a thread for as long as the context lasts."""
    server = ChaosServer(ChaosBroker(simulator, now), port, tls)
    thread = Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(timeout=5)


def kite_simulator(url: str) -> SocketSimulator:
    """Return the Kite simulator at this address, to be put behind the chaos."""
    return SocketSimulator(url, KITE, held_page="/_control/orders", tag="tag")


def main() -> None:
    """Run it in front of the Kite simulator until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--print-port", action="store_true")
    parser.add_argument("--plan", type=Path, help="a JSON file with the first plan")
    arguments = parser.parse_args()
    with running() as kite, chaos(kite_simulator(kite.url), port=arguments.port) as server:
        if arguments.plan is not None:
            server.broker.plan = read_plan(json.loads(arguments.plan.read_text()), FAULTS)
        if arguments.print_port:
            sys.stdout.write(f"{server.port}\n")
            sys.stdout.flush()
        idle = Event()
        with suppress(KeyboardInterrupt):
            while not idle.wait(TICK_S):
                server.broker.tick()


if __name__ == "__main__":
    main()
