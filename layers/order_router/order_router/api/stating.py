"""What a person says over the API of an order that is unknown."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from order_router.api.http import ApiRequest
from order_router.domain.account import Scope
from order_router.domain.request import MAX_QUANTITY, Price, Reason, exact_number
from order_router.service.stating import Ending, Statement


class SettleOrder(BaseModel):
    """What became of an unknown order, as the broker's own app shows it, and why that is known.

    `not_placed`: the broker has no such order. `placed`: it is the broker's order `broker_order_id`, which today's book
    must show. `ended`: it was that order, its day is over, and so much of it filled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Literal["not_placed", "placed", "ended"]
    reason: Reason
    broker_order_id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")] | None = None
    filled_quantity: Annotated[int, BeforeValidator(exact_number), Field(ge=0, le=MAX_QUANTITY)] | None = None
    average_price: Price | None = None

    @model_validator(mode="after")
    def _fits_outcome(self) -> Self:
        if (self.broker_order_id is None) != (self.outcome == "not_placed"):
            raise ValueError("name broker_order_id, but for outcome not_placed")
        if (self.filled_quantity is None) != (self.outcome != "ended"):
            raise ValueError("name filled_quantity for outcome ended, and for no other")
        if (self.average_price is None) != (not self.filled_quantity):
            raise ValueError("name average_price where something filled, and only there")
        return self


def statement_of(request: ApiRequest) -> Statement:
    """Read what a person says of an order: only who may administer it."""
    caller = request.require(Scope.ADMIN)
    said = SettleOrder.model_validate(request.json_object())
    ending = None if said.filled_quantity is None else Ending(said.filled_quantity, said.average_price)
    return Statement(
        by=f"key {caller.key_id}", why=said.reason, broker_order_id=said.broker_order_id, ending=ending
    )
