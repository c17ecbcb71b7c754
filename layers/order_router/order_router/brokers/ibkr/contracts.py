"""A contract's name in our words: shares, options in OSI spelling, futures, currency pairs (sources: README.md)."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from order_router.adapter.decode import read_decimal, read_list, read_object, read_text, read_word
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import Send
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr import wire
from order_router.brokers.ibkr.session import Ask, call
from order_router.domain.instrument import Instrument
from order_router.domain.listing import InstrumentType
from order_router.domain.vocabulary import Exchange

OSI = re.compile(r"([A-Z0-9.]{1,6})([0-9]{6})([CP])([0-9]{8})")
"""A United States option: root, day (yymmdd), call or put, strike in thousandths (the OCC's symbology, unpadded)."""

FUTURE = re.compile(r"([A-Z0-9]{1,6}?)([FGHJKMNQUVXZ])([0-9])")
MONTHS = "FGHJKMNQUVXZ"
PAIR = re.compile(r"[A-Z]{3}\.[A-Z]{3}")
RIGHTS = {"C": InstrumentType.CE, "P": InstrumentType.PE}
STRIKES = Decimal(1000)
LEAST_UNSPELLABLE = Decimal(10**8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option's parts."""

    root: str
    expiry: date
    right: str
    strike: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Future:
    """A future's parts; `month` is the contract's (yyyymm), which need not be the one it ends in."""

    root: str
    month: str


def parse_option(tradingsymbol: str) -> Option | None:
    """Return an option's parts, None if the symbol is not in OSI spelling."""
    found = OSI.fullmatch(tradingsymbol)
    if found is None:
        return None
    try:
        expiry = datetime.strptime(found[2], "%y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
    return Option(root=found[1], expiry=expiry, right=found[3], strike=Decimal(found[4]) / STRIKES)


def parse_future(tradingsymbol: str, today: date) -> Future | None:
    """Return a future's parts; its year is the next one that ends in the symbol's digit."""
    found = FUTURE.fullmatch(tradingsymbol)
    if found is None:
        return None
    year = next(one for one in range(today.year, today.year + 10) if one % 10 == int(found[3]))
    return Future(root=found[1], month=f"{year}{MONTHS.index(found[2]) + 1:02}")


def is_spellable(strike: Decimal) -> bool:
    """Return whether a strike fits into an option's symbol: above zero, in thousandths, below a hundred thousand."""
    return 0 < strike * STRIKES < LEAST_UNSPELLABLE and not strike * STRIKES % 1


def option_symbol(option: Option) -> str:
    """Return an option's symbol."""
    return f"{option.root}{option.expiry:%y%m%d}{option.right}{int(option.strike * STRIKES):08}"


Name = Instrument | OutcomeUnknown
"""What a contract is called, or why nobody can say."""


def name_contracts(send: Send, session: BrokerSession, conids: Collection[str]) -> Mapping[str, Name]:
    """Return what the contracts are called, each of them or why it cannot be named."""
    path = f"/trsrv/secdef?{urlencode({'conids': ','.join(sorted(conids))})}"
    answered = read_object(call(send, session, Ask(method="GET", path=path)), "the definitions")
    rows = [read_object(row, "a definition") for row in read_list(answered.get("secdef"), "secdef")]
    found = {wire.read_conid(row): _name(row) for row in rows}
    return {conid: found.get(conid, _undefined(conid)) for conid in conids}


def known_name(names: Mapping[str, Name], conid: str) -> Instrument:
    """Return what the contract is called; OutcomeUnknown says why that is not known."""
    name = names.get(conid, _undefined(conid))
    if isinstance(name, OutcomeUnknown):
        raise name
    return name


def _undefined(conid: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"Interactive Brokers does not define contract {conid}")


def _name(row: dict[str, Any]) -> Name:
    try:
        return _instrument(row)
    except OutcomeUnknown as error:
        return error


def _instrument(row: dict[str, Any]) -> Instrument:
    kind = read_text(row, "assetClass")
    if kind == "STK":
        venue = read_text(row, "listingExchange").partition(".")[0]
        exchange = read_word(wire.STOCK_VENUES, {"listingExchange": venue}, "listingExchange")
        return wire.stock(exchange, read_text(row, "ticker"))
    if kind == "OPT":
        return wire.named(Exchange.OPRA, option_symbol(_option(row)))
    # a future's row does not say its contract month: it is known once it was looked up by name
    raise OutcomeUnknown(f"contract {wire.read_conid(row)} ({kind[:20]}) is not among the known instruments")


def _option(row: dict[str, Any]) -> Option:
    text = read_text(row, "expiry")
    try:
        expiry = datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise OutcomeUnknown("expected a day in expiry") from error
    right, strike = read_text(row, "putOrCall"), read_decimal(row, "strike")
    if right not in RIGHTS or not is_spellable(strike):
        raise OutcomeUnknown("expected an option's right and strike")
    return Option(root=read_text(row, "ticker"), expiry=expiry, right=right, strike=strike)
