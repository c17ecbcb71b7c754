"""What callers send to the paper market."""

from decimal import Decimal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict

from order_router.api.http import ApiRequest
from order_router.domain.errors import RouterError
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.request import Price


class PaperPrice(BaseModel):
    """A last price."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    last_price: Price


def price_of(request: ApiRequest) -> tuple[Instrument, Decimal]:
    """Read which instrument's last price becomes what."""
    try:
        instrument = parse_instrument(unquote(request.path.get("instrument", "")))
    except ValueError as error:
        raise RouterError(str(error), code="INVALID_REQUEST") from error
    return instrument, PaperPrice.model_validate(request.json_object()).last_price
