"""Combinations at the IBKR simulator: one order in its book, fills and positions leg by leg.

So public code reads them; no row of a live account was seen (unconfirmed).
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from tests.simulators.ibkr_market import BY_CONID, SPOKEN
from tests.simulators.kite_book import Row

SPREADS = {"28812380": "USD", "136000444@NSE": "INR"}
SIDES = {True: "B", False: "S"}


def name_of(conidex: str) -> str | None:
    """Return what the book calls a combination, None if the vendor knows no such spread or leg."""
    spread, _, legs = conidex.partition(";;;")
    known = [conid in BY_CONID for conid, _ in legs_of(conidex)] if legs else []
    return f"COMBO:{conidex}" if spread in SPREADS and len(known) > 1 and all(known) else None


def legs_of(conidex: str) -> list[tuple[str, int]]:
    """Return each leg's contract id and signed ratio."""
    pairs = (leg.split("/") for leg in conidex.partition(";;;")[2].split(","))
    return [(conid, int(ratio)) for conid, ratio in pairs]


def price_of(conidex: str, prices: Mapping[str, Decimal]) -> Decimal:
    """Return what buying one of the combination costs: each leg's price times its ratio."""
    return sum(
        (ratio * prices[str(BY_CONID[conid].instrument)] for conid, ratio in legs_of(conidex)), Decimal(0)
    )


def venues_of(name: str) -> set[str]:
    """Return where an instrument of the book trades: a combination where its legs do."""
    exchange, _, symbol = name.partition(":")
    if exchange != "COMBO":
        return {exchange}
    return {str(BY_CONID[conid].instrument.exchange) for conid, _ in legs_of(symbol)}


def leg_trades(trade: Row, prices: Mapping[str, Decimal]) -> Iterator[Row]:
    """Yield the fills of the legs, of which the vendor's trades consist."""
    for number, (conid, ratio) in enumerate(legs_of(trade["tradingsymbol"]), 1):
        listing = BY_CONID[conid]
        is_bought = (trade["transaction_type"] == "BUY") == (ratio > 0)
        yield {
            **trade,
            "trade_id": f"{trade['trade_id']}.{number}",
            "exchange": str(listing.instrument.exchange),
            "tradingsymbol": listing.instrument.tradingsymbol,
            "transaction_type": "BUY" if is_bought else "SELL",
            "quantity": trade["quantity"] * abs(ratio),
            "average_price": prices[str(listing.instrument)],
        }


def leg_positions(row: Row, prices: Mapping[str, Decimal]) -> Iterator[Row]:
    """Yield what a position in a combination is at the vendor's: one in each of its legs."""
    for conid, ratio in legs_of(row["tradingsymbol"]):
        listing = BY_CONID[conid]
        price = prices[str(listing.instrument)]
        yield {
            "conid": conid,
            "secType": SPOKEN[listing.instrument_type],
            "position": Decimal(row["quantity"] * ratio),
            "avgPrice": price,
            "marketPrice": price,
            "realizedPnl": Decimal(0),
            "unrealizedPnl": Decimal(0),
            "currency": "USD",
        }
