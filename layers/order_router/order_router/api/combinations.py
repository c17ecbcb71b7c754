"""How callers define a combination of several legs."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from order_router.api.http import Answer, ApiRequest
from order_router.api.instruments import listing_json
from order_router.domain.account import Scope
from order_router.domain.instrument import InstrumentField
from order_router.domain.listing import Leg
from order_router.domain.request import Name
from order_router.domain.vocabulary import Side
from order_router.ports import Settings
from order_router.service.combinations import CombinationDesk, define_combination
from order_router.service.desk import known_account


def _whole(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected a whole number, received {str(value)[:20]!r}")  # noqa: TRY004 - pydantic's way
    return value


class CombinationLeg(BaseModel):
    """One leg: buying one of the combination buys or sells `ratio` of the instrument."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instrument: InstrumentField
    side: Side
    ratio: Annotated[int, BeforeValidator(_whole)]


class DefineCombination(BaseModel):
    """A combination, by a name that it keeps, at the broker of an account.

    Which legs are bought is to be chosen so that buying the combination costs money: a credit spread is then sold, and
    its price stays above zero.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Name
    name: str
    legs: tuple[CombinationLeg, ...] = Field(max_length=100)


def answer_combination(request: ApiRequest, settings: Settings, desk: CombinationDesk) -> Answer:
    """Answer `POST /v1/instruments/combinations`: 201, for the same again too."""
    request.require(Scope.ADMIN)
    wanted = DefineCombination.model_validate(request.json_object())
    request.require_account(Scope.READ, wanted.account)
    account = known_account(settings, wanted.account)
    legs = [Leg(instrument=leg.instrument, side=leg.side, ratio=leg.ratio) for leg in wanted.legs]
    return Answer(
        status=201, content=listing_json(account.broker, define_combination(desk, account, wanted.name, legs))
    )
