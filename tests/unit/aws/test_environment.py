"""What the template tells a function: a missing name names itself."""

from datetime import date

import pytest

from order_router.aws.environment import Environment, EnvironmentIncomplete
from order_router.domain.trading_calendar import parse_hours


@pytest.mark.parametrize("variables", [{}, {"ORDERS_TABLE": ""}])
def test_a_missing_name_names_itself(variables: dict[str, str]) -> None:
    with pytest.raises(EnvironmentIncomplete, match="ORDERS_TABLE"):
        Environment(variables).require("ORDERS_TABLE")


def test_names_are_read_when_asked_for() -> None:
    variables: dict[str, str] = {}
    environment = Environment(variables)
    variables["ORDERS_TABLE"] = "orders"

    assert environment.require("ORDERS_TABLE") == "orders"
    assert environment.optional("GATE_TABLE") == ""


@pytest.mark.parametrize(
    ("text", "addresses"),
    [("", set()), (" , ", set()), ("52.89.214.238, 34.212.75.30", {"52.89.214.238", "34.212.75.30"})],
)
def test_no_addresses_means_any(text: str, addresses: set[str]) -> None:
    assert Environment({"TRADINGVIEW_ADDRESSES": text}).tradingview_addresses() == addresses


def test_an_endpoint_is_the_deployers_or_none() -> None:
    environment = Environment({"BROKER_ENDPOINT_ZERODHA": "http://127.0.0.1:9/", "BROKER_ENDPOINT_PAPER": ""})

    assert environment.broker_endpoint("zerodha") == "http://127.0.0.1:9"
    assert environment.broker_endpoint("paper") is None
    assert environment.broker_endpoint("other") is None


def test_the_days_without_trading_are_dates() -> None:
    named = Environment({"TRADING_HOLIDAYS": " 2026-11-24, 2026-12-25,"}).trading_holidays()

    assert named == {date(2026, 11, 24), date(2026, 12, 25)}
    assert (
        Environment({"TRADING_HOLIDAYS": ""}).trading_holidays()
        == Environment({}).trading_holidays()
        == set()
    )


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "24-11-2026", "2026-11-24;2026-11-25"])
def test_a_day_that_is_no_date_is_named(text: str) -> None:
    with pytest.raises(EnvironmentIncomplete, match="TRADING_HOLIDAYS"):
        Environment({"TRADING_HOLIDAYS": text}).trading_holidays()


def test_the_deployer_s_holidays_and_sessions_are_days_of_the_calendar() -> None:
    environment = Environment(
        {
            "TRADING_HOLIDAYS": "2027-01-26",
            "TRADING_SESSIONS": "2026-11-08=17:45-19:10, 2027-01-30=09:00-16:00",
        }
    )

    assert environment.trading_days() == {
        date(2027, 1, 26): (),
        date(2026, 11, 8): (parse_hours("17:45-19:10"),),
        date(2027, 1, 30): (parse_hours("09:00-16:00"),),
    }
    assert Environment({}).trading_days() == {}


@pytest.mark.parametrize(
    ("named", "hours"),
    [
        ("2027-03-06=09:15-10:00,2027-03-06=11:30-12:30", ["09:15-10:00", "11:30-12:30"]),
        ("2027-03-06=11:30-12:30,2027-03-06=09:15-10:00", ["09:15-10:00", "11:30-12:30"]),
        ("2027-03-06=09:15-10:00,2027-03-06=10:00-11:00", ["09:15-10:00", "10:00-11:00"]),
        ("2027-03-06=09:15-12:30,2027-03-06=10:00-11:00", ["09:15-12:30"]),
        ("2027-03-06=10:00-12:30,2027-03-06=09:15-11:00,2027-03-06=12:00-13:00", ["09:15-13:00"]),
        ("2027-03-06=09:15-10:00,2027-03-06=09:15-10:00", ["09:15-10:00"]),
    ],
)
def test_a_day_has_every_session_that_is_named_for_it(named: str, hours: list[str]) -> None:
    for holidays in ("", "2027-03-06"):
        environment = Environment({"TRADING_SESSIONS": named, "TRADING_HOLIDAYS": holidays})

        assert environment.trading_days() == {date(2027, 3, 6): tuple(parse_hours(text) for text in hours)}


@pytest.mark.parametrize("text", ["2026-11-08", "2026-11-08=", "8 Nov=17:45-19:10", "2026-11-08=19:10-17:45"])
def test_a_session_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(EnvironmentIncomplete, match="TRADING_SESSIONS"):
        Environment({"TRADING_SESSIONS": text}).trading_days()


def test_market_hours_are_kept_unless_the_deployer_says_otherwise() -> None:
    assert Environment({}).keeps_market_hours()
    assert Environment({"MARKET_HOURS": ""}).keeps_market_hours()
    assert Environment({"MARKET_HOURS": "kept"}).keeps_market_hours()
    assert not Environment({"MARKET_HOURS": "ignored"}).keeps_market_hours()
    with pytest.raises(EnvironmentIncomplete, match="MARKET_HOURS"):
        Environment({"MARKET_HOURS": "maybe"}).keeps_market_hours()
