"""A cursor comes back as the key it was, or is refused: it can name no other account's page."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.aws.cursor import read_cursor, write_cursor
from order_router.domain.errors import RouterError

NAMES = frozenset({"account_day", "created_key"})
KEY = {"account_day": {"S": "paper#2026-11-23"}, "created_key": {"S": "2026-11-23T04:30:00.000000Z#K-1"}}


def cursor_of(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_key_comes_back(day: str, created: str) -> None:
    key = {"account_day": {"S": day}, "created_key": {"S": created}}

    assert read_cursor(write_cursor(key), NAMES, account_day=day) == key


def test_a_cursor_fits_an_address() -> None:
    assert set(write_cursor(KEY)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")


PLAIN = {"account_day": "paper#2026-11-23", "created_key": "x"}


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "text",
        [],
        {},
        {"account_day": "paper#2026-11-23"},
        PLAIN | {"more": "x"},
        PLAIN | {"account_day": "other#2026-11-23"},
        PLAIN | {"created_key": 7},
        PLAIN | {"created_key": ""},
        PLAIN | {"created_key": {"S": "x"}},
        PLAIN | {"account_day": ["paper#2026-11-23"]},
    ],
)
def test_what_is_no_key_of_this_page_is_refused(value: object) -> None:
    with pytest.raises(RouterError) as caught:
        read_cursor(cursor_of(value), NAMES, account_day="paper#2026-11-23")

    assert caught.value.code == "INVALID_CURSOR"


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_random_text_is_refused_in_our_words(text: str) -> None:
    with pytest.raises(RouterError) as caught:
        read_cursor(text, NAMES)

    assert caught.value.code == "INVALID_CURSOR"


def test_deep_nesting_is_refused_in_our_words() -> None:
    with pytest.raises(RouterError):
        read_cursor(base64.urlsafe_b64encode(b"[" * 100_000).decode(), NAMES)
