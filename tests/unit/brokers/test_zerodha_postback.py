"""What may come to the postback address: only what Kite signed with our secret is believed."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.adapter.login import Credentials
from order_router.adapter.postback import PostbackRefused
from order_router.adapter.session import Secret
from order_router.brokers.zerodha.postback import read_postback
from tests.contract.hostile import UNREADABLE, WRONG_VALUES, random_json
from tests.exact_json import dump_json

ROW: dict[str, Any] = {
    "order_id": "220303000308932",
    "order_timestamp": "2022-03-03 09:24:25",
    "status": "COMPLETE",
    "exchange": "NSE",
    "tradingsymbol": "SBIN",
    "order_type": "MARKET",
    "transaction_type": "BUY",
    "validity": "DAY",
    "product": "CNC",
    "quantity": 1,
    "filled_quantity": 1,
    "price": 0,
    "trigger_price": 0,
    "average_price": 470,
}
FIELDS = sorted(ROW)


def credentials(**stored: str) -> Credentials:
    secrets = {name: Secret(text) for name, text in stored.items()}
    return Credentials(account="main", endpoint="https://api.kite.trade", secrets=secrets)


OURS = credentials(api_key="k1abc", api_secret="s3cr3t")


def signed(row: dict[str, Any]) -> dict[str, Any]:
    text = f"{row.get('order_id')}{row.get('order_timestamp')}s3cr3t"
    return row | {"checksum": sha256(text.encode(errors="replace")).hexdigest()}


def test_what_kite_signed_is_believed() -> None:
    report = read_postback(OURS, {}, dump_json(signed(ROW)).encode())

    assert (report.broker_order_id, report.filled_quantity) == ("220303000308932", 1)


@pytest.mark.parametrize("field", ["order_id", "order_timestamp"])
def test_a_message_about_another_order_or_moment_needs_another_checksum(field: str) -> None:
    forged = signed(ROW) | {field: ROW[field].replace("2", "3")}

    with pytest.raises(PostbackRefused, match="checksum"):
        read_postback(OURS, {}, dump_json(forged).encode())


@pytest.mark.parametrize(
    "change", [str.upper, lambda text: text[:-1], lambda text: text + "0", lambda _: "0"]
)
def test_a_checksum_is_right_or_wrong(change: Any) -> None:
    row = signed(ROW)

    with pytest.raises(PostbackRefused, match="checksum"):
        read_postback(OURS, {}, dump_json(row | {"checksum": change(row["checksum"])}).encode())


def test_without_a_stored_secret_nothing_can_be_checked() -> None:
    with pytest.raises(PostbackRefused, match="no api_secret stored"):
        read_postback(credentials(api_key="k1abc"), {}, dump_json(signed(ROW)).encode())


@pytest.mark.parametrize("field", FIELDS)
def test_a_signed_message_with_a_field_that_no_page_has_is_refused_or_read(field: str) -> None:
    for wrong in WRONG_VALUES:
        row = signed(ROW | {field: wrong})
        try:
            report = read_postback(OURS, {}, dump_json(row).encode())
        except PostbackRefused:
            continue
        assert 0 <= report.filled_quantity <= report.quantity


@pytest.mark.parametrize("field", FIELDS)
def test_a_message_that_lacks_what_an_order_has_is_refused(field: str) -> None:
    row = signed({name: value for name, value in ROW.items() if name != field})

    with pytest.raises(PostbackRefused):
        read_postback(OURS, {}, dump_json(row).encode())


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_is_refused(what: str) -> None:
    with pytest.raises(PostbackRefused):
        read_postback(OURS, {}, UNREADABLE[what])


@given(body=st.binary(max_size=200) | random_json.map(lambda value: dump_json(value).encode()))
def test_no_message_that_is_not_signed_is_believed(body: bytes) -> None:
    with pytest.raises(PostbackRefused):
        read_postback(OURS, {}, body)


def test_a_refusal_shows_neither_the_secret_nor_the_checksum_that_would_be_right() -> None:
    row = signed(ROW)

    with pytest.raises(PostbackRefused) as raised:
        read_postback(OURS, {}, json.dumps(row | {"checksum": "0" * 64}).encode())

    assert "s3cr3t" not in repr(raised.value)
    assert row["checksum"] not in repr(raised.value)
