"""The words that code, API and documents share."""

from enum import StrEnum


class Exchange(StrEnum):
    """Where an instrument trades; OPRA is where options on United States shares do, IDEALPRO currency pairs.

    COMBO is no place: it has the combinations of several legs that traders have defined at their brokers.
    """

    NSE = "NSE"
    BSE = "BSE"
    NFO = "NFO"
    BFO = "BFO"
    CDS = "CDS"
    BCD = "BCD"
    MCX = "MCX"
    NASDAQ = "NASDAQ"
    NYSE = "NYSE"
    ARCA = "ARCA"
    AMEX = "AMEX"
    OPRA = "OPRA"
    CME = "CME"
    CBOT = "CBOT"
    NYMEX = "NYMEX"
    COMEX = "COMEX"
    IDEALPRO = "IDEALPRO"
    COMBO = "COMBO"


INDIAN = frozenset(
    {Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO, Exchange.CDS, Exchange.BCD, Exchange.MCX}
)
"""The exchanges whose clock is Asia/Kolkata and whose money is the rupee."""


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "BUY"
    SELL = "SELL"


SIGNS = {Side.BUY: 1, Side.SELL: -1}
"""What a unit that is traded adds to what is held."""


class PositionEffect(StrEnum):
    """Whether an order opens or adds to a position, or closes it, wholly or in part (FIX tag 77)."""

    OPEN = "OPEN"
    CLOSE = "CLOSE"


class OrderType(StrEnum):
    """How an order is priced: SL is a stop-limit, SL_M a stop-market."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    SL = "SL"
    SL_M = "SL_M"


class Product(StrEnum):
    """How a position is carried: delivery, intraday, carry-forward, margin-funded."""

    CNC = "CNC"
    MIS = "MIS"
    NRML = "NRML"
    MTF = "MTF"


DELIVERY = frozenset({Product.CNC, Product.MTF})
"""The products whose units settle into holdings: nobody can be short in them, but for where positions are holdings."""


class Validity(StrEnum):
    """How long an order may rest."""

    DAY = "DAY"
    IOC = "IOC"


class Source(StrEnum):
    """Which way a request came in."""

    API = "api"
    ALERT = "alert"
