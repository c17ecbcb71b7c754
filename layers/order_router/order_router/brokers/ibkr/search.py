"""The Web API's searches for contracts, as instruments and option chains share them (sources: README.md)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from order_router.adapter.decode import read_decimal, read_list, read_object, read_optional_text
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import Send
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr import wire
from order_router.brokers.ibkr.contracts import Option, is_spellable
from order_router.brokers.ibkr.session import Ask, call
from order_router.domain.instrument import Instrument

SIDES = {"C": "call", "P": "put"}


@dataclass(frozen=True, slots=True)
class Search:
    """A lookup on its way: how to ask, and for what."""

    send: Send
    session: BrokerSession
    instrument: Instrument

    def ask(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON is any value until it is read
        """Return the JSON that a path answers with."""
        encoded = f"?{urlencode(query)}" if query else ""
        return call(self.send, self.session, Ask(method="GET", path=path + encoded))


def rows_of(value: object) -> list[dict[str, Any]]:
    """Return a list of contracts; OutcomeUnknown if it is none."""
    return [read_object(row, "a contract") for row in read_list(value, "contracts")]


def only(conids: set[str]) -> str | None:
    """Return the one contract, None where there is none; OutcomeUnknown for more."""
    if len(conids) > 1:
        raise OutcomeUnknown(f"{len(conids)} contracts fit the instrument")
    return next(iter(conids), None)


def month_of(expiry: date) -> str:
    """Return the month of options as the vendor writes it: DEC26."""
    return f"{expiry:%b%y}".upper()


def option_months(row: dict[str, Any]) -> frozenset[str]:
    """Return the months in which a found contract has options."""
    sections = (one for one in rows_of(row.get("sections")) if one.get("secType") == "OPT")
    return frozenset(
        month for one in sections for month in (read_optional_text(one, "months") or "").split(";")
    )


def read_strikes(search: Search, underlying: str, month: str) -> dict[str, frozenset[Decimal]]:
    """Read the strikes of a month's options, by right: of all its expiries, as far as symbols can spell them."""
    answered = read_object(search.ask("/iserver/secdef/strikes", **_options_of(underlying, month)), "strikes")
    return {right: frozenset(_strikes(answered.get(side))) for right, side in SIDES.items()}


def find_option(search: Search, underlying: str, wanted: Option) -> str | None:
    """Return the contract id of an option of a known strike, None if none ends on its day."""
    parts = {"strike": format(wanted.strike.normalize(), "f"), "right": wanted.right}
    rows = rows_of(
        search.ask("/iserver/secdef/info", **_options_of(underlying, month_of(wanted.expiry)), **parts)
    )
    return only({wire.read_conid(row) for row in rows if _is_option(row, wanted)})


def _strikes(value: object) -> Iterator[Decimal]:
    for one in read_list(value, "strikes"):
        strike = read_decimal({"strike": one}, "strike")
        if is_spellable(strike):
            yield Decimal(format(strike.normalize(), "f"))


def _options_of(underlying: str, month: str) -> dict[str, str]:
    return {"conid": underlying, "sectype": "OPT", "month": month, "exchange": "SMART"}


def _is_option(row: dict[str, Any], wanted: Option) -> bool:
    return (
        (row.get("maturityDate"), row.get("right")) == (f"{wanted.expiry:%Y%m%d}", wanted.right)
        and row.get("tradingClass") == wanted.root
        and read_decimal(row, "strike") == wanted.strike
    )
