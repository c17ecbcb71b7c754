"""Opening a connection and putting bytes on it, each within a time limit that covers the whole of it."""

import select
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress

from order_router.transport.wire import Origin

Monotonic = Callable[[], float]
MakeTls = Callable[[], ssl.SSLContext]
Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[object, ...]]


class Deadline:
    """A span of time that starts now."""

    def __init__(self, monotonic: Monotonic, limit_s: float) -> None:
        self._monotonic = monotonic
        self._ends_at = monotonic() + limit_s

    def remaining_s(self) -> float:
        """Return the seconds that are left; TimeoutError when there are none."""
        remaining_s = self._ends_at - self._monotonic()
        if remaining_s <= 0:
            raise TimeoutError("the time is over")
        return remaining_s


def default_tls() -> ssl.SSLContext:
    """Return a context that verifies certificate and host name against the system's authorities."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def open_connection(origin: Origin, deadline: Deadline, tls: MakeTls) -> socket.socket:
    """Look up the name, connect, and shake hands; OSError or ValueError when one of these fails.

    The name lookup keeps to the resolver's own time limits, which cannot be set from here.
    """
    addresses = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    connection = _connect_to_first(addresses, deadline)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if origin.scheme == "http":
            return connection
        connection.settimeout(deadline.remaining_s())
        # an end without TLS's own goodbye may be a cut: an error, never the end of an answer
        context = tls()
        return context.wrap_socket(connection, server_hostname=origin.host, suppress_ragged_eofs=False)
    except BaseException:
        close(connection)
        raise


def send_all(connection: socket.socket, message: bytes, deadline: Deadline) -> None:
    """Hand every byte to the network before the deadline; OSError otherwise, with some of them gone."""
    unsent = memoryview(message)
    while unsent:
        connection.settimeout(deadline.remaining_s())
        unsent = unsent[connection.send(unsent) :]


def is_dropped(connection: socket.socket) -> bool:
    """Return whether an idle connection was closed or has bytes that nobody asked for."""
    if isinstance(connection, ssl.SSLSocket) and connection.pending():
        return True
    poll = select.poll()
    poll.register(connection, select.POLLIN | select.POLLERR | select.POLLHUP)
    return bool(poll.poll(0))


def close(connection: socket.socket) -> None:
    """Close the connection, whatever state it is in."""
    with suppress(OSError):
        connection.close()


def _connect_to_first(addresses: Sequence[Address], deadline: Deadline) -> socket.socket:
    failure: OSError = OSError("the name has no address")
    shares = range(len(addresses), 0, -1)
    for left, (family, kind, protocol, _, address) in zip(shares, addresses, strict=True):
        connection = socket.socket(family, kind, protocol)
        try:
            # an address that never answers leaves its share of the time to the next one
            connection.settimeout(deadline.remaining_s() / left)
            connection.connect(address)
        except OSError as error:
            close(connection)
            failure = error
        else:
            return connection
    raise failure
