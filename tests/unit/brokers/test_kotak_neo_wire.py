"""Kotak's words where the contract cannot see what they mean: mangled tags, words for nothing, spellings."""

from typing import Any

import pytest

from order_router.adapter.errors import OutcomeUnknown
from order_router.brokers.kotak_neo import wire
from order_router.domain.reports import ReportedState
from order_router.domain.vocabulary import Exchange

TAG = "ORD7K2M4QX5ZB3TDLW6A"


def a_row(**changes: Any) -> dict[str, Any]:
    usual = {
        "nOrdNo": "261120000123456",
        "ordSt": "open",
        "exSeg": "nse_cm",
        "trdSym": "INFY-EQ",
        "qty": 5,
        "fldQty": 0,
        "prc": "1500.05",
        "trgPrc": "0.00",
        "avgPrc": "0.00",
        "prcTp": "L",
        "prod": "MIS",
        "trnsTp": "B",
        "vldt": "DAY",
        "GuiOrdId": TAG,
    }
    return usual | changes


@pytest.mark.parametrize(
    ("shown", "tag"),
    [
        (TAG, TAG),
        (f"{TAG}-1764835123", TAG),
        (f"{TAG}-1764835123-1764835190", TAG),
        (f"{TAG}-ADMINAPI", TAG),
        ("1764835124-266187-AB1CD-ADMINAPI", None),
        ("", None),
        ("--", None),
        ("NA", None),
        ("Nezuko", "Nezuko"),
        ("Nezuko-1764835123", "Nezuko-1764835123"),
        # of nobody that we know: longer, shorter, in another case
        (f"{TAG}A", f"{TAG}A"),
        (TAG[:19], TAG[:19]),
        (TAG.lower(), TAG.lower()),
    ],
)
def test_a_tag_is_ours_whole_or_with_what_kotak_appends_and_else_as_it_stands(
    shown: str, tag: str | None
) -> None:
    assert wire.read_tag({"GuiOrdId": shown}) == tag


def test_a_row_without_a_tag_field_has_no_tag() -> None:
    assert wire.read_tag({}) is None


@pytest.mark.parametrize("word", ["OPEN", "Open", "open"])
def test_states_are_read_in_any_case_and_reported_as_they_stand(word: str) -> None:
    report = wire.read_row(a_row(ordSt=word))

    assert (report.state, report.status) == (ReportedState.OPEN, word)


@pytest.mark.parametrize("nothing", ["", "-", "--", "NA", "- "])
def test_kotaks_words_for_nothing_are_nothing(nothing: str) -> None:
    report = wire.read_row(
        a_row(exOrdId=nothing, rejRsn=nothing, ordEntTm=nothing, trgPrc=nothing, avgPrc=nothing)
    )

    found = (report.exchange_order_id, report.message, report.placed_at, report.trigger_price)
    assert (*found, report.average_price) == (None,) * 5


@pytest.mark.parametrize("name", ["ordSt", "prcTp", "prod", "trnsTp", "vldt", "exSeg", "qty", "nOrdNo"])
def test_a_word_for_nothing_is_no_state_no_terms_and_no_id(name: str) -> None:
    with pytest.raises(OutcomeUnknown):
        wire.read_row(a_row(**{name: "--"}))


def test_a_time_is_when_the_order_came_not_when_it_last_changed() -> None:
    report = wire.read_row(a_row(ordEntTm="14-Aug-2026 14:27:12", ordDtTm="14-Aug-2026 14:44:40"))

    assert str(report.placed_at) == "2026-08-14 08:57:12+00:00"


@pytest.mark.parametrize(
    ("exchange", "symbol", "name"),
    [
        (Exchange.NSE, "BAJAJ-AUTO-EQ", "NSE:BAJAJ-AUTO"),
        (Exchange.NSE, "YESBANK-BL", "NSE:YESBANK-BL"),
        (Exchange.BSE, "INFY", "BSE:INFY"),
        (Exchange.BSE, "XYZ-EQ", "BSE:XYZ-EQ"),
        (Exchange.NFO, "NIFTY2671423700PE", "NFO:NIFTY2671423700PE"),
        (Exchange.NFO, "M&M26NOVFUT", "NFO:M&M26NOVFUT"),
    ],
)
def test_an_instrument_is_named_as_kotak_names_it_but_for_nses_eq(
    exchange: Exchange, symbol: str, name: str
) -> None:
    assert str(wire.instrument_of(exchange, symbol)) == name
