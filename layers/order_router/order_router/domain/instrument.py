"""What is traded: an exchange and the exchange's own name for the instrument."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from order_router.domain.vocabulary import Exchange

TRADINGSYMBOL = re.compile(r"[A-Z0-9][A-Z0-9&._ -]{0,49}")


@dataclass(frozen=True, slots=True, order=True)
class Instrument:
    """One tradable thing, written `EXCHANGE:TRADINGSYMBOL`."""

    exchange: Exchange
    tradingsymbol: str

    def __str__(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"


def parse_instrument(text: object) -> Instrument:
    """Read `EXCHANGE:TRADINGSYMBOL`; ValueError says what was expected and received."""
    if isinstance(text, Instrument):
        return text
    exchange, colon, tradingsymbol = text.partition(":") if isinstance(text, str) else ("", "", "")
    if not colon or exchange not in Exchange.__members__ or not TRADINGSYMBOL.fullmatch(tradingsymbol):
        expected = f"EXCHANGE:TRADINGSYMBOL with an exchange of {', '.join(Exchange)}"
        raise ValueError(f"expected {expected}, such as NSE:RELIANCE, received {str(text)[:60]!r}")
    return Instrument(Exchange(exchange), tradingsymbol)


InstrumentField = Annotated[
    Instrument,
    BeforeValidator(parse_instrument),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["NSE:RELIANCE"], "pattern": "^[A-Z]+:[A-Z0-9&._ -]+$"}),
]
