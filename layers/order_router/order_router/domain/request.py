"""What a caller may ask for: one model per order type, so that a wrong order cannot be written."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)

from order_router.domain.instrument import InstrumentField
from order_router.domain.vocabulary import PositionEffect, Product, Side, Validity

MAX_QUANTITY = 10_000_000
MAX_EXPONENT = 18
"""A number with more digits before its point, or zeros behind it, than 64 bits hold is no price, amount or quantity."""


def usual_size(value: object) -> object:
    """Return the value unless it is a Decimal of a size whose digits alone would cost seconds to write out."""
    if isinstance(value, Decimal) and abs(value.adjusted()) > MAX_EXPONENT:
        raise ValueError("expected a number of usual size")
    return value


def exact_number(value: object) -> object:
    """Return the value unless it is a float, a bool or digits of another script: money is exact."""
    if isinstance(value, bool | float):
        raise ValueError(f"expected a number as text or an exact decimal, received {value!r}")  # noqa: TRY004
    if isinstance(value, str) and not value.isascii():
        raise ValueError("expected ASCII digits")
    return usual_size(value)


def plain(value: Decimal) -> Decimal:
    """Return the number without an exponent or trailing zeros."""
    return Decimal(format(value.normalize(), "f"))


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"),
]
"""Why a person does something, in one line."""
Quantity = Annotated[int, BeforeValidator(exact_number), Field(gt=0, le=MAX_QUANTITY)]
Price = Annotated[
    Decimal,
    BeforeValidator(exact_number),
    Field(gt=0, max_digits=14, decimal_places=4, allow_inf_nan=False),
    AfterValidator(plain),
    WithJsonSchema({"type": ["string", "number"], "exclusiveMinimum": 0, "examples": ["1500.05"]}),
]


class _Request(BaseModel):
    """What every order has, whatever its type. Quantity in units, never lots.

    `position_effect` absent counts as OPEN: only an order that says that it closes is let through a hold on entries.
    `after_market`: an order for the next session, sent while there is none and kept by the broker until then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Name
    instrument: InstrumentField
    side: Side
    quantity: Quantity
    product: Product
    validity: Validity = Validity.DAY
    disclosed_quantity: Quantity | None = None
    strategy: Name | None = None
    position_effect: PositionEffect | None = None
    after_market: Literal[True] | None = None

    @model_validator(mode="after")
    def _disclosed_within_quantity(self) -> "_Request":
        if self.disclosed_quantity is not None and self.disclosed_quantity > self.quantity:
            raise ValueError(
                f"disclosed_quantity must be at most quantity {self.quantity}, received {self.disclosed_quantity}"
            )
        return self

    @model_validator(mode="after")
    def _can_wait_for_the_market(self) -> "_Request":
        if self.after_market and self.validity is Validity.IOC:
            raise ValueError(
                "after_market must not have validity IOC: what fills at once or ends cannot wait"
            )
        return self


class MarketOrder(_Request):
    """An order at whatever price the market gives."""

    order_type: Literal["MARKET"]

    @property
    def limit_price(self) -> None:
        """Return None: a market order names no price."""

    @property
    def trigger_price(self) -> None:
        """Return None: a market order waits for nothing."""


class LimitOrder(_Request):
    """An order at a price or better."""

    order_type: Literal["LIMIT"]
    limit_price: Price

    @property
    def trigger_price(self) -> None:
        """Return None: a limit order waits for nothing."""


class StopLimitOrder(_Request):
    """A limit order that wakes when the market reaches its trigger."""

    order_type: Literal["SL"]
    limit_price: Price
    trigger_price: Price


class StopMarketOrder(_Request):
    """A market order that wakes when the market reaches its trigger."""

    order_type: Literal["SL_M"]
    trigger_price: Price

    @property
    def limit_price(self) -> None:
        """Return None: a stop-market order names no limit."""


OrderRequest = Annotated[
    MarketOrder | LimitOrder | StopLimitOrder | StopMarketOrder, Field(discriminator="order_type")
]
ORDER_REQUEST: TypeAdapter[OrderRequest] = TypeAdapter(OrderRequest)


def parse_request(fields: dict[str, Any]) -> OrderRequest:
    """Build the request of these fields, nulls as absent; pydantic's ValidationError names each bad field."""
    return ORDER_REQUEST.validate_python({name: value for name, value in fields.items() if value is not None})


def dump_request(request: OrderRequest) -> dict[str, Any]:
    """Return the request as JSON values, prices as text, absent fields left out."""
    return ORDER_REQUEST.dump_python(request, mode="json", exclude_none=True)  # type: ignore[no-any-return]
