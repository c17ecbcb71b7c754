"""Orders that were made elsewhere: what their own words show to be none of ours leaves a book complete."""

from typing import Any

import pytest

from order_router.adapter.decode import strict_json
from order_router.adapter.http import HttpResponse
from order_router.brokers.registry import load_broker
from order_router.domain.reports import OrderBook
from tests.contract.canaries import load_canaries
from tests.contract.checks import perform
from tests.contract.conftest import samples_folder
from tests.contract.samples import JSON_HEADERS, load_cases
from tests.exact_json import dump_json

OURS = "ORD7K2M4QX5ZB3TDLW6A"
BOOKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "zerodha": ("book-partly_filled", "data", {"tag": None, "tags": None}),
    "kotak_neo": ("book-as_the_page_prints_it", "data", {"GuiOrdId": "NA"}),
    "icici_breeze": ("book-book", "Success", {"user_remark": ""}),
}
TAGS = {"zerodha": "tag", "kotak_neo": "GuiOrdId", "icici_breeze": "user_remark"}
UNREADABLE = {"zerodha": "status", "kotak_neo": "ordSt", "icici_breeze": "status"}


def book_with(broker: str, **changes: object) -> OrderBook:
    """Read the sample's book with one row more: its first, untagged and with these changes."""
    name, rows, untagged = BOOKS[broker]
    canaries = load_canaries(samples_folder(broker), load_broker(broker))
    case = next(case for case in load_cases(samples_folder(broker)) if case.name == name)
    contents: list[Any] = [strict_json(one.body) for one in case.answers if isinstance(one, HttpResponse)]
    place = next(place for place, content in enumerate(contents) if content[rows])
    shown = contents[place][rows]
    content = {**contents[place], rows: [*shown, {**shown[0], **untagged, **changes}]}
    answer = HttpResponse(status=200, headers=JSON_HEADERS, body=dump_json(content).encode())
    book = perform(load_broker(broker), canaries, case.with_answer(place, answer)).value
    assert isinstance(book, OrderBook)
    return book


@pytest.mark.parametrize(
    ("broker", "field", "word"),
    [
        *(("zerodha", "exchange", word) for word in ("MCX", "NCO", "CDS", "BCD")),
        *(("zerodha", "product", word) for word in ("CO", "BO")),
        *(("kotak_neo", "exSeg", word) for word in ("mcx_fo", "cde_fo", "bse_cd")),
        *(("kotak_neo", "prod", word) for word in ("CO", "BO")),
        *(("icici_breeze", "product_type", word) for word in ("Margin", "BTST")),
    ],
)
def test_a_row_of_what_is_never_sent_is_told_and_leaves_the_book_complete(
    broker: str, field: str, word: str
) -> None:
    book = book_with(broker, **{field: word})

    assert [row.not_ours for row in book.unreadable] == [f"{field} {word}"]
    assert book.is_complete


@pytest.mark.parametrize("variety", ["co", "iceberg", "auction"])
def test_a_row_that_cannot_be_read_is_none_of_ours_by_its_variety(variety: str) -> None:
    assert book_with("zerodha", status="HELD", variety=variety).is_complete
    assert not book_with("zerodha", status="HELD", variety="amo").is_complete


@pytest.mark.parametrize("broker", BOOKS)
def test_a_row_whose_word_nobody_knows_may_be_ours(broker: str) -> None:
    book = book_with(broker, **{UNREADABLE[broker]: "HELD"})

    assert [row.not_ours for row in book.unreadable] == [None]
    assert not book.is_complete


@pytest.mark.parametrize(
    ("broker", "field", "word"),
    [
        ("zerodha", "exchange", "MCX"),
        ("kotak_neo", "exSeg", "mcx_fo"),
        ("icici_breeze", "product_type", "Margin"),
    ],
)
def test_a_row_with_a_tag_like_ours_may_be_ours_whatever_else_it_says(
    broker: str, field: str, word: str
) -> None:
    assert not book_with(broker, **{field: word, TAGS[broker]: OURS}).is_complete


@pytest.mark.parametrize(
    ("broker", "field", "word"), [("zerodha", "exchange", "XYZ"), ("kotak_neo", "exSeg", "xyz_fo")]
)
def test_a_word_that_the_vendor_does_not_document_proves_nothing(broker: str, field: str, word: str) -> None:
    assert not book_with(broker, **{field: word}).is_complete
