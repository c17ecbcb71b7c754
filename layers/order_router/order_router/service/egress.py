"""Which address this function's calls come from, as whoever is asked sees it."""

from http import HTTPStatus
from ipaddress import ip_address

from order_router.adapter.http import HttpRequest
from order_router.domain.errors import RouterError
from order_router.ports import Transport

MAX_ADDRESS = 64


class AddressUnreadable(RouterError):
    """Whoever was asked for our address answered with none."""

    code = "EGRESS_ADDRESS_UNREADABLE"


def seen_address(transport: Transport, echo: str) -> str:
    """Return the address that our calls come from, as `echo` answers it in plain text.

    Raises AddressUnreadable for an answer that is no address, and what the transport raises.
    """
    send = transport.sender(echo, not_after=None)
    answer = send(HttpRequest(method="GET", url=f"{echo}/"))
    if answer.status != HTTPStatus.OK:
        raise AddressUnreadable(f"{echo} answered with HTTP {answer.status}")
    text = answer.body[:MAX_ADDRESS].decode("ascii", "replace").strip()
    try:
        return str(ip_address(text))
    except ValueError:
        raise AddressUnreadable(f"{echo} answered with what is no address") from None
