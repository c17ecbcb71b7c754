"""A broker's list of instruments through the deployed stack: asked for, loaded, found, and orders held against it."""

from typing import Any

import pytest

from infra.operate import Target
from tests.simulators.kite_market import HEADER
from tests.system.client import Client, Order, eventually
from tests.system.kite import KiteProcess, KiteTrader
from tests.system.trader import new_key, unique

INFY = "1,1,INFY,INFOSYS,0,,0,0.05,1,EQ,NSE,NSE"
EXPIRY = "2031-01-28"
LOAD_S = 90


@pytest.fixture
def trader(target: Target, admin: Client, kite: KiteProcess) -> KiteTrader:
    return KiteTrader(target=target, api=admin, kite=kite)


@pytest.fixture
def word() -> str:
    return f"T{unique().upper()}"


def dump(*rows: str) -> str:
    return "\n".join([HEADER, INFY, *rows]) + "\n"


def share(name: str, tick: str = "0.05", lot: int = 1) -> str:
    return f"1,1,{name},{name},0,,0,{tick},{lot},EQ,NSE,NSE"


def option(underlying: str, strike: int, kind: str) -> str:
    return f"1,1,{underlying}31JAN{strike}{kind},{underlying},0,{EXPIRY},{strike},0.05,65,{kind},NFO-OPT,NFO"


def list_state(api: Client) -> dict[str, Any]:
    (state,) = [
        one for one in api.get("/v1/instruments/refresh").order(200)["lists"] if one["broker"] == "zerodha"
    ]
    return dict(state)


def refreshed(api: Client) -> dict[str, Any]:
    """Ask for a refresh of Zerodha's list and wait until it is over."""
    before = list_state(api)["tried_at"]

    def state_after() -> dict[str, Any] | None:
        state = list_state(api)
        return state if state["tried_at"] != before and not state["is_under_way"] else None

    asked = api.send("POST", "/v1/instruments/refresh", {"broker": "zerodha"})
    assert asked.order(202) == {"brokers": ["zerodha"]}
    return eventually(state_after, "the list is refreshed", within_s=LOAD_S)


def found(trader: KiteTrader, **query: str) -> list[str]:
    page = trader.api.get("/v1/instruments", account=trader.account, **query).order(200)
    return [row["instrument"] for row in page["instruments"]]


def refusal(trader: KiteTrader, **changes: Any) -> tuple[int, str]:
    reply = trader.api.place(trader.order(order_type="LIMIT", limit_price="100", **changes))
    return reply.status, reply.code


def test_a_list_is_loaded_when_asked_for_and_orders_are_held_against_it(
    trader: KiteTrader, word: str
) -> None:
    trader.kite.tell(instruments=dump(share(word, tick="0.1", lot=5)))

    state = refreshed(trader.api)

    assert (state["problem"], state["rows"]["NSE"]) == (None, 2)
    assert found(trader, query=word[:9].lower()) == [f"NSE:{word}"]
    row: Order = trader.api.get(f"/v1/instruments/NSE:{word}", account=trader.account).order(200)
    assert (row["tick_size"], row["lot_size"], row["broker_symbol"]) == ("0.1", 5, word)
    instrument = f"NSE:{word}"
    assert refusal(trader, instrument=instrument, quantity=7) == (422, "WRONG_LOT_SIZE")
    reply = trader.api.place(trader.order(instrument=instrument, order_type="LIMIT", limit_price="100.05"))
    assert (reply.status, reply.code) == (422, "WRONG_TICK_SIZE")
    assert refusal(trader, instrument=f"{instrument}X") == (422, "INSTRUMENT_UNKNOWN")
    assert trader.kite.orders() == []


def test_contracts_are_found_by_their_parts(trader: KiteTrader, word: str) -> None:
    rows = [option(word, strike, kind) for strike in (900, 9500, 26500) for kind in ("CE", "PE")]
    trader.kite.tell(instruments=dump(*rows))

    assert refreshed(trader.api)["problem"] is None

    calls = found(trader, underlying=word, expiry=EXPIRY, right="CE")
    assert calls == [f"NFO:{word}31JAN{strike}CE" for strike in (900, 9500, 26500)]
    assert found(trader, underlying=word, expiry=EXPIRY, strike="9500") == [
        f"NFO:{word}31JAN9500CE",
        f"NFO:{word}31JAN9500PE",
    ]


def test_a_list_that_is_not_readable_leaves_what_is_loaded(trader: KiteTrader, word: str) -> None:
    trader.kite.tell(instruments=dump(share(word)))
    loaded = refreshed(trader.api)
    trader.kite.tell(instruments=dump("1,1,HALF"))

    kept = refreshed(trader.api)

    assert (kept["loaded_at"], kept["rows"]) == (loaded["loaded_at"], loaded["rows"])
    assert kept["problem"]["code"] == "MASTER_UNAVAILABLE"
    assert found(trader, query=word) == [f"NSE:{word}"]
    trader.kite.tell(instruments=dump(share(word)))
    assert refreshed(trader.api)["problem"] is None


def test_who_may_only_read_asks_for_nothing(trader: KiteTrader) -> None:
    reader = Client(trader.api.api_url, new_key(trader.target, "read", trader.account))

    reply = reader.send("POST", "/v1/instruments/refresh", {})

    assert (reply.status, reply.code) == (403, "SCOPE_MISSING")
    assert reader.get("/v1/instruments/refresh").order(200)["lists"][0]["broker"] == "zerodha"
