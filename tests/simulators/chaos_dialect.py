"""What the chaos layer must know of a broker's pages to spoil them: one value for each broker."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

from order_router.adapter.http import HttpRequest
from tests.simulators.kite_behaviours import TIMED_OUT
from tests.simulators.kite_book import NO_PROTECTION

Row = dict[str, Any]


class Kind(StrEnum):
    """What a request asks for."""

    PLACE = "place"
    MODIFY = "modify"
    CANCEL = "cancel"
    BOOK = "book"
    ONE_ORDER = "one_order"
    OTHER_READ = "other_read"

    @property
    def is_write(self) -> bool:
        """Return whether the request changes an order."""
        return self in {Kind.PLACE, Kind.MODIFY, Kind.CANCEL}


class Verdict(StrEnum):
    """What a client may conclude from the way that its request ended."""

    ANSWERED = "answered"
    """The true answer came, whole."""
    REFUSED = "refused"
    """A definite no: nothing was done, and it is final."""
    RESEND = "resend"
    """Refused before the order system: nothing was done, and it may be sent again."""
    LOST = "lost"
    """Nobody can tell whether it was done."""


VERDICTS = {
    "SessionExpired": Verdict.RESEND,
    "RateLimited": Verdict.RESEND,
    "OutcomeUnknown": Verdict.LOST,
}


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One documented error answer. `means` names the class of `adapter.errors` that it must become.

    `names_an_order`: only a call that names an order is answered so; `elsewhere` is what it means to a placement
    (empty: the same), and `is_empty_list` whether it means a book without orders.
    """

    status: int
    code: str
    message: str
    means: str
    names_an_order: bool = False
    elsewhere: str = ""
    is_empty_list: bool = False

    @property
    def verdict(self) -> Verdict:
        """Return what the answer tells about the request."""
        return VERDICTS.get(self.means, Verdict.REFUSED)


def _get_book_page(dialect: "Dialect", request: HttpRequest) -> HttpRequest:
    headers = {name: text for name, text in request.headers.items() if not name.startswith("content-")}
    return HttpRequest(method="GET", url=dialect.book_page, headers=headers)


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One broker's pages, fields and error answers.

    `pages` maps "METHOD path" to kinds, first fit first; `render` writes an error's body from code and message;
    `read_tag` reads the tag of a placement's body; `rows` finds the order rows in an answer, to be changed in place.
    `named_order` reads which order a path and a body name. `whole_book` makes, of any request, one for all orders, and
    `is_asked` tells whether a row of that book belongs into the answer of a request.
    """

    pages: tuple[tuple[str, Kind], ...]
    book_page: str
    refusals: tuple[Refusal, ...]
    failures: tuple[tuple[int, str, str], ...]
    render: Callable[[str, str], str]
    read_tag: Callable[[bytes], str | None]
    read_order_id: Callable[[Any], str | None]
    rows: Callable[[Any], list[Row]]
    row_id: str
    set_tag: Callable[[Row, str | None], None]
    shown_tag: Callable[[Row], str | None] = lambda row: row.get("tag") or row.get("client_tag")
    named_order: Callable[[str, bytes], str | None] = lambda path, _: path.rpartition("/")[2]
    whole_book: Callable[["Dialect", HttpRequest], HttpRequest] = _get_book_page
    is_asked: Callable[[HttpRequest, Row], bool] = lambda _, __: True

    def kind(self, method: str, path: str) -> Kind:
        """Return what a request asks for."""
        asked = f"{method} {path}"
        fitting = (kind for pattern, kind in self.pages if re.fullmatch(pattern, asked))
        return next(fitting, Kind.OTHER_READ)

    def refusals_of(self, kind: Kind) -> list[Refusal]:
        """Return the error answers that such a request may get."""
        names_an_order = kind in {Kind.MODIFY, Kind.CANCEL, Kind.ONE_ORDER}
        return [one for one in self.refusals if names_an_order or not one.names_an_order]


def parse(body: bytes) -> Any:
    """Parse a simulator's answer with exact numbers."""
    return json.loads(body, parse_float=Decimal)


def _kite_error(code: str, message: str) -> str:
    return json.dumps({"status": "error", "message": message, "error_type": code, "data": None})


def _kite_set_tag(row: Row, tag: str | None) -> None:
    row["tag"], row["tags"] = tag, [] if tag is None else [tag]


def _paper_error(code: str, message: str) -> str:
    return json.dumps({"error": {"code": code, "message": message}})


def _paper_rows(content: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = content["orders"] if "orders" in content else [content["order"]]
    return rows


def _refusals(*rows: tuple[int, str, str, str]) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(status=status, code=code, message=words, means=means) for status, code, words, means in rows
    )


UNLISTED = "The instrument you are placing an order for has either expired or does not exist."

# kite.trade/docs/connect/v3/exceptions and the forum threads of the broker's README, read 2026-11-20
KITE = Dialect(
    pages=(
        (r"POST /orders/[a-z]+", Kind.PLACE),
        (r"PUT /orders/[a-z]+/\w+", Kind.MODIFY),
        (r"DELETE /orders/[a-z]+/\w+", Kind.CANCEL),
        (r"GET /orders", Kind.BOOK),
        (r"GET /orders/\w+", Kind.ONE_ORDER),
    ),
    book_page="/orders",
    refusals=(
        *_refusals(
            (400, "InputException", "Invalid `price`.", "InvalidOrder"),
            (400, "InputException", NO_PROTECTION, "InvalidOrder"),
            (400, "InputException", UNLISTED, "InvalidSymbol"),
            (400, "OrderException", UNLISTED, "InvalidSymbol"),
            (400, "MarginException", "Insufficient funds. Required margin is 95417.84.", "InsufficientFunds"),
            (400, "HoldingException", "Insufficient stock holding in DP.", "InsufficientFunds"),
            (400, "OrderException", "Markets are closed right now.", "Rejected"),
            (429, "NetworkException", "Maximum allowed order requests exceeded.", "Rejected"),
            (403, "PermissionException", "Insufficient permission for that call.", "PermissionDenied"),
            (403, "UserException", "User account is blocked.", "PermissionDenied"),
            (403, "TokenException", "Incorrect `api_key` or `access_token`.", "SessionExpired"),
            (429, "NetworkException", "Too many requests", "RateLimited"),
            (400, "OrderException", TIMED_OUT, "OutcomeUnknown"),
            (400, "NetworkException", "Request failed (kitetrade-oms)", "OutcomeUnknown"),
            (400, "GeneralException", "Something unexpected went wrong.", "OutcomeUnknown"),
            (408, "OrderException", "Request timeout.", "OutcomeUnknown"),
        ),
        Refusal(
            status=400,
            code="GeneralException",
            message="Couldn't find that `order_id`.",
            means="OrderNotFound",
            names_an_order=True,
            elsewhere="OutcomeUnknown",
        ),
    ),
    failures=(
        (500, "GeneralException", "Something unexpected went wrong."),
        (500, "OrderException", "Insufficient funds."),
        (502, "DataException", "Unable to parse the OMS's answer."),
        (503, "NetworkException", "Request failed (kitetrade-oms)"),
        (503, "TokenException", "Unable to check the session."),
        (504, "NetworkException", "Gateway timed out."),
    ),
    render=_kite_error,
    read_tag=lambda body: dict(parse_qsl(body.decode())).get("tag"),
    read_order_id=lambda content: content["data"]["order_id"] if content.get("data") else None,
    rows=lambda content: content.get("data") or [],
    row_id="order_id",
    set_tag=_kite_set_tag,
)

# the paper broker's own codes (layers/order_router/order_router/paper/errors.py)
PAPER = Dialect(
    pages=(
        (r"POST /orders", Kind.PLACE),
        (r"PUT /orders/\w+", Kind.MODIFY),
        (r"DELETE /orders/\w+", Kind.CANCEL),
        (r"GET /orders", Kind.BOOK),
        (r"GET /orders/\w+", Kind.ONE_ORDER),
    ),
    book_page="/orders",
    refusals=(
        *_refusals(
            (400, "BAD_INPUT", "quantity: must be at least 1", "InvalidOrder"),
            (401, "NOT_LOGGED_IN", "expected the header Authorization", "SessionExpired"),
            (403, "NO_SUCH_ACCOUNT", "there is no paper account", "PermissionDenied"),
            (404, "NO_SUCH_PAGE", "there is no such page", "Rejected"),
            (422, "NO_SUCH_INSTRUMENT", "it is not listed", "InvalidSymbol"),
            (422, "WRONG_PRODUCT", "product does not fit", "InvalidOrder"),
            (422, "WRONG_LOT", "quantity must be a multiple of lot_size", "InvalidOrder"),
            (422, "WRONG_TICK", "limit_price must be on the grid", "InvalidOrder"),
            (422, "WRONG_TRIGGER", "trigger_price is on the wrong side", "InvalidOrder"),
            (422, "WRONG_QUANTITY", "quantity is below what has filled", "InvalidOrder"),
            (422, "TOO_MANY_ORDERS", "the account rests as many orders as it may", "Rejected"),
            (422, "SHORT_OF_FUNDS", "not enough money", "InsufficientFunds"),
            (422, "SHORT_OF_HOLDINGS", "not enough shares", "InsufficientFunds"),
            (409, "ORDER_HAS_ENDED", "it cannot change", "Rejected"),
            (429, "BUSY", "the account is busy; nothing was done", "RateLimited"),
            (400, "SOMETHING_NEW", "a word that no page has", "OutcomeUnknown"),
        ),
        Refusal(
            status=404,
            code="NO_SUCH_ORDER",
            message="there is no such order",
            means="OrderNotFound",
            names_an_order=True,
        ),
    ),
    failures=(
        (500, "SHORT_OF_FUNDS", "not enough money"),
        (502, "BAD_INPUT", "quantity: must be at least 1"),
        (503, "STORE_UNAVAILABLE", "the store did not answer"),
        (504, "BUSY", "the account is busy; nothing was done"),
    ),
    render=_paper_error,
    read_tag=lambda body: json.loads(body or b"{}").get("client_tag"),
    read_order_id=lambda content: content.get("broker_order_id"),
    rows=_paper_rows,
    row_id="broker_order_id",
    set_tag=lambda row, tag: row.update(client_tag=tag),
)
