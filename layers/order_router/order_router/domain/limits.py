"""What an order may ask for, and what all of them together may: set by the trader, for an account or a strategy."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from order_router.domain.instrument import InstrumentField
from order_router.domain.request import Quantity, exact_number, plain, usual_size
from order_router.domain.vocabulary import Exchange, Product

Money = Annotated[
    Decimal,
    BeforeValidator(exact_number),
    Field(gt=0, max_digits=16, decimal_places=2, allow_inf_nan=False),
    AfterValidator(plain),
]
Percent = Annotated[
    Decimal,
    BeforeValidator(exact_number),
    Field(gt=0, le=50),
    AfterValidator(usual_size),
    AfterValidator(plain),
]
Count = Annotated[int, BeforeValidator(usual_size), Field(gt=0, le=5000)]

USUAL_ORDERS_PER_DAY = 1000


class MarginCheck(StrEnum):
    """Whether the broker is asked for the margin before an order leaves: not, its funds, or its calculator."""

    OFF = "off"
    FUNDS = "funds"
    CALCULATOR = "calculator"


class OrderLimits(BaseModel):
    """Limits of a strategy; absent means none. Money in the instrument's currency, quantities in units.

    An order's value is its quantity times the highest price that a unit can trade at: a buy's limit, the trigger of a
    stop that sells, else the last price or what the order names, if that is more; a sale's limit where a band holds it.
    `price_band_percent`: a limit at most so far beyond the last price, or a stop's limit beyond its trigger. What
    closes a position is held to quantity and band, and to nothing else. `denied_instruments` are denied as legs of a
    combination too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_quantity: Quantity | None = None
    max_order_value: Money | None = None
    price_band_percent: Percent | None = None
    instruments: tuple[InstrumentField, ...] = ()
    denied_instruments: tuple[InstrumentField, ...] = ()
    exchanges: frozenset[Exchange] = frozenset()
    products: frozenset[Product] = frozenset()
    max_orders_per_day: Count | None = None
    max_open_orders: Count | None = None
    max_gross_exposure: Money | None = None

    @property
    def need_price(self) -> bool:
        """Return whether an order is judged by what it is worth: by the last price where its own words do not say."""
        return self.max_order_value is not None or self.counts_money

    @property
    def counts_money(self) -> bool:
        """Return whether what stands at risk is limited."""
        return self.max_gross_exposure is not None


class Limits(OrderLimits):
    """Limits of an account. Exposure is what its positions are worth and what its resting orders would add.

    `max_daily_loss`, realised and not, of the Indian day, stops whatever opens a position. `margin`: what the broker is
    asked first.
    """

    max_orders_per_day: Count = USUAL_ORDERS_PER_DAY
    max_net_exposure: Money | None = None
    max_instrument_gross_exposure: Money | None = None
    max_instrument_net_exposure: Money | None = None
    max_daily_loss: Money | None = None
    margin: MarginCheck = MarginCheck.OFF

    @property
    def counts_money(self) -> bool:
        """Return whether what stands at risk is limited."""
        return any(
            limit is not None
            for limit in (
                self.max_gross_exposure,
                self.max_net_exposure,
                self.max_instrument_gross_exposure,
                self.max_instrument_net_exposure,
            )
        )

    @property
    def need_positions(self) -> bool:
        """Return whether the broker's positions must be known, and how old they may be matters."""
        return self.counts_money or self.max_daily_loss is not None

    @property
    def set_in_money(self) -> tuple[str, ...]:
        """Return the names of the limits that are set and hold an amount of money."""
        return tuple(name for name in IN_MONEY if getattr(self, name) is not None)


IN_MONEY = (
    "max_order_value",
    "max_gross_exposure",
    "max_net_exposure",
    "max_instrument_gross_exposure",
    "max_instrument_net_exposure",
    "max_daily_loss",
)

STARTING = Limits(
    max_quantity=5000,
    max_order_value=Decimal(200000),
    price_band_percent=Decimal(5),
    max_orders_per_day=200,
    max_open_orders=20,
    max_gross_exposure=Decimal(1000000),
    max_instrument_gross_exposure=Decimal(500000),
    max_daily_loss=Decimal(20000),
)
"""What an account at a real broker begins with: low enough that a trader sets his own."""
