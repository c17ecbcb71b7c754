"""A server on 127.0.0.1 that does exactly what a script says, one script a connection."""

import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

GIVE_UP_S = 10

Script = Callable[[socket.socket, "ScriptedServer"], None]


class ScriptedServer:
    """Plays its scripts in order, one for each connection; `requests` holds what came, as bytes."""

    def __init__(self, scripts: tuple[Script, ...], tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(GIVE_UP_S)
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections = 0
        self.is_over = Event()
        self._connection: socket.socket | None = None
        self._thread = Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        """Return the address to call."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def stop(self) -> None:
        """End the scripts and wait for the thread; a client may keep its connection for the next request."""
        self.is_over.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        with suppress(OSError):
            if self._connection is not None:
                self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(GIVE_UP_S)
        self._listener.close()

    def _serve(self) -> None:
        for script in self._scripts:
            with suppress(OSError), self._accept() as connection:
                self._connection = connection
                if self.is_over.is_set():
                    return
                self.connections += 1
                script(connection, self)

    def _accept(self) -> socket.socket:
        connection, _ = self._listener.accept()
        connection.settimeout(GIVE_UP_S)
        return connection if self._tls is None else self._tls.wrap_socket(connection, server_side=True)


@contextmanager
def scripted(*scripts: Script, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Run a server with these scripts."""
    server = ScriptedServer(scripts, tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def answering(*answers: bytes) -> Script:
    """Answer one request with each of these, then close."""

    def play(connection: socket.socket, server: ScriptedServer) -> None:
        for answer in answers:
            if not read_request(connection, server):
                return
            connection.sendall(answer)

    return play


def answering_then_resetting(answer: bytes) -> Script:
    """Answer one request, then reset the connection."""

    def play(connection: socket.socket, server: ScriptedServer) -> None:
        read_request(connection, server)
        connection.sendall(answer)
        _reset(connection)

    return play


def resetting_at_the_first_byte(connection: socket.socket, _: ScriptedServer) -> None:
    """Reset the connection at the first byte of the request."""
    connection.recv(1)
    _reset(connection)


def resetting_after_request(connection: socket.socket, server: ScriptedServer) -> None:
    """Read the whole request, then reset the connection."""
    read_request(connection, server)
    _reset(connection)


def answering_then_dying_on_the_next(answer: bytes) -> Script:
    """Answer one request; take in the next one and close without a byte."""

    def play(connection: socket.socket, server: ScriptedServer) -> None:
        read_request(connection, server)
        connection.sendall(answer)
        read_request(connection, server)

    return play


def never_answering(connection: socket.socket, server: ScriptedServer) -> None:
    """Read the request and hold the connection open in silence."""
    read_request(connection, server)
    server.is_over.wait(GIVE_UP_S)


def never_reading(_: socket.socket, server: ScriptedServer) -> None:
    """Hold the connection open and take nothing in."""
    server.is_over.wait(GIVE_UP_S)


def flooding(head: bytes, piece: bytes) -> Script:
    """Answer with a head and then the same piece for as long as the client listens."""

    def play(connection: socket.socket, server: ScriptedServer) -> None:
        read_request(connection, server)
        connection.sendall(head)
        while not server.is_over.is_set():
            connection.sendall(piece)

    return play


def ok(body: bytes = b"{}", *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def read_request(connection: socket.socket, server: ScriptedServer) -> bytes:
    """Read one whole request and note it; empty when the client closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    server.requests.append(head + b"\r\n\r\n" + body)
    return server.requests[-1]


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
