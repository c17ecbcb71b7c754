"""A send that makes the call that was taken of its second while it is good, so that calls cannot bunch up later."""

from dataclasses import dataclass
from datetime import datetime

from order_router.adapter.errors import DeadlinePassed, NotSent, SlotLapsed
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.ports import Clock, Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """When a write leaves at the latest: by its call's end, and whatever calls there are, not after this."""

    send_by: datetime
    not_after: datetime


@dataclass(slots=True, kw_only=True)
class _SlottedSend:
    """A send whose first write is the call; an answer to what the broker asks back takes none."""

    clock: Clock
    not_after: datetime
    in_slot: Send
    in_time: Send
    has_left: bool = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.has_left or not request.is_write:
            return self.in_time(request)
        self.has_left = True
        try:
            return self.in_slot(request)
        except NotSent as error:
            self.has_left = False
            if isinstance(error, DeadlinePassed) and self.clock.now() <= self.not_after:
                raise SlotLapsed("the call was not made while it was good: it takes another") from error
            raise


def slotted_send(transport: Transport, clock: Clock, endpoint: str, bounds: Bounds) -> Send:
    """Return a Send whose first write leaves by `send_by` or raises SlotLapsed, and none leaves past `not_after`."""
    return _SlottedSend(
        clock=clock,
        not_after=bounds.not_after,
        in_slot=transport.sender(endpoint, not_after=min(bounds.send_by, bounds.not_after)),
        in_time=transport.sender(endpoint, not_after=bounds.not_after),
    )
