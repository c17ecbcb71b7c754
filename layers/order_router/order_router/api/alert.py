"""A TradingView alert as it comes in: any content type, numbers as text, unknown keys ignored."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from order_router.domain.alert import Alert

MAX_HINT = 64


def _text(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return value
    text = str(value).strip()
    return text or None


Text = Annotated[str, BeforeValidator(_text), Field(max_length=64)]


def _hint(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    text = str(value).strip()
    # the first part of a long number is another number
    return text if len(text) <= MAX_HINT else None


Hint = Annotated[str | None, BeforeValidator(_hint)]
"""What helps to judge an alert and never makes it unreadable."""


def _flag(value: object) -> object:
    return False if value is None or value == "" else value


Flag = Annotated[bool, BeforeValidator(_flag)]
Number = Annotated[str, BeforeValidator(_text), Field(pattern=r"^[0-9]+(\.[0-9]+)?$", max_length=24)]


def _moment(value: object) -> object:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError("expected a time as text, such as 2026-11-23T04:30:00Z")  # noqa: TRY004 - pydantic's way
    return datetime.fromisoformat(value)


class TradingViewAlert(BaseModel):
    """The keys that we read of an alert (placeholders: TradingView support page 43000531021)."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_max_length=256)

    strategy: str | None = None
    token: str | None = Field(default=None, repr=False)
    ticker: Text
    exchange: Text | None = None
    action: Text
    contracts: Number | None = None
    price: Number | None = None
    position_size: Hint = None
    market_position: Hint = None
    after_market: Flag = False
    time: Annotated[AwareDatetime | None, BeforeValidator(_moment)] = None

    def to_alert(self) -> Alert:
        """Return what the alert says, without its token."""
        return Alert(
            ticker=self.ticker,
            exchange=self.exchange,
            action=self.action,
            contracts=self.contracts,
            price=self.price,
            position_size=self.position_size,
            market_position=self.market_position,
            after_market=self.after_market,
            time=self.time,
        )


def parse_alert(fields: dict[str, Any]) -> TradingViewAlert:
    """Read the fields of an alert; a ValidationError names each bad one."""
    return TradingViewAlert.model_validate(fields)
