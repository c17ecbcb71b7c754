"""How a request to the paper broker is read: who asks, for which page, with what."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import ValidationError

from order_router.adapter.decode import strict_json
from order_router.adapter.http import HttpRequest
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.request import OrderRequest, dump_request, parse_request
from order_router.paper.book import PaperOrder
from order_router.paper.engine import Ticket
from order_router.paper.errors import PaperRefusal, RefusalCode

SCHEME = "paper"
MAX_TAG_LENGTH = 32
IDENTITY_FIELDS = ("account", "instrument", "side", "product", "strategy")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read: the method, the page, the order it names, who asks, its body, and the names in its query."""

    method: str
    page: str
    broker_order_id: str | None
    account: str
    body: bytes
    asked: tuple[tuple[str, str], ...] = field(default=())


def read_call(request: HttpRequest) -> Call:
    """Read who asks for what; PaperRefusal if nobody is logged in or the address is none."""
    address = urlsplit(request.url)
    page, _, broker_order_id = address.path.strip("/").partition("/")
    asked = tuple(parse_qsl(address.query))
    return Call(request.method, page, broker_order_id or None, _account(request), request.body, asked)


def read_names(call: Call) -> tuple[Instrument, ...]:
    """Read the instruments that a query names; PaperRefusal if a name is none."""
    try:
        return tuple(parse_instrument(value) for name, value in call.asked if name == "instrument")
    except ValueError as error:
        raise PaperRefusal(RefusalCode.BAD_INPUT, str(error)) from error


def read_ticket(call: Call) -> Ticket:
    """Read the order that a body describes; PaperRefusal names each bad field."""
    fields = _fields(call)
    client_tag = fields.pop("client_tag", None)
    if client_tag is not None and not (isinstance(client_tag, str) and 0 < len(client_tag) <= MAX_TAG_LENGTH):
        raise PaperRefusal(
            RefusalCode.BAD_INPUT, f"client_tag must be text of at most {MAX_TAG_LENGTH} characters"
        )
    return Ticket(_request({**fields, "account": call.account}), client_tag)


def read_terms(call: Call, order: PaperOrder) -> OrderRequest:
    """Read the new terms of an order: all of them stand in the body, what the order is stays."""
    fields = _fields(call)
    fixed = sorted(fields.keys() & set(IDENTITY_FIELDS))
    if fixed:
        raise PaperRefusal(RefusalCode.BAD_INPUT, f"{', '.join(fixed)} of an order cannot change")
    before = dump_request(order.request)
    return _request({name: before[name] for name in IDENTITY_FIELDS if name in before} | fields)


def _account(request: HttpRequest) -> str:
    headers = {name.lower(): value for name, value in request.headers.items()}
    scheme, _, account = headers.get("authorization", "").partition(" ")
    if scheme != SCHEME or not account:
        raise PaperRefusal(RefusalCode.NOT_LOGGED_IN, "expected the header Authorization: paper <account>")
    return account


def _fields(call: Call) -> dict[str, Any]:
    try:
        fields = strict_json(call.body)
    except ValueError as error:
        raise PaperRefusal(RefusalCode.BAD_INPUT, "the body is not readable JSON") from error
    if not isinstance(fields, dict):
        raise PaperRefusal(RefusalCode.BAD_INPUT, "expected the body as a JSON object")
    return fields


def _request(fields: dict[str, Any]) -> OrderRequest:
    try:
        return parse_request(fields)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise PaperRefusal(RefusalCode.BAD_INPUT, faults) from error
