"""What a kill switch was asked to do beside stopping: cancel an account's open orders, close its positions.

The work is one record an account (and one more for each strategy in it), done in passes. Each pass can be the last of
its worker: what a pass finds, it writes down, and the exits are written down before the first of them leaves.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from order_router.domain.breaker import LONGEST_PAUSE, PROBE_LEASE
from order_router.domain.errors import RouterError
from order_router.domain.identity import client_order_id
from order_router.domain.instrument import InstrumentField
from order_router.domain.order import Order
from order_router.domain.reports import Position
from order_router.domain.request import MAX_QUANTITY, Name, OrderRequest, Quantity, parse_request
from order_router.domain.vocabulary import OrderType, PositionEffect, Product, Side

SETTLE = timedelta(seconds=3)
"""How long after the stop orders may still come to light that were on their way, and a book or an index lag behind."""

GIVE_UP = timedelta(seconds=90)
"""How long open orders are cancelled, and exits followed, before what is left is told."""

CIRCUIT_WAIT = LONGEST_PAUSE + PROBE_LEASE + GIVE_UP
"""How long exits wait for an open circuit: it may rest for its longest pause, and be probed, before it closes."""

MAX_HALVINGS = 3
"""How often an exit is halved: each time costs rejections, and not each is for its size."""

HALF = "/"
"""Stands in an exit's key before the number of a half, and in nothing else there."""

REST = timedelta(seconds=60)
"""How long after positions were closed no other work closes them: a broker's positions may lag behind its fills."""

FORGOTTEN = timedelta(minutes=2)
"""After how long without a pass the next one is asked for anew: a dead worker's message is back before that."""

ASKED_ANEW = timedelta(hours=1)
"""How long that goes on: what fails for longer is among the dead letters many times over, and a person was told."""

SKEW = timedelta(seconds=1)
"""How far clocks may be apart: an order received this much after the stop may have been accepted before it."""


class WorkConflict(RouterError):
    """Another worker wrote this work first."""

    code = "CONFLICT"


class Phase(StrEnum):
    """How far the work is. STOPPED: the switch was turned off meanwhile."""

    CANCELLING = "cancelling"
    CLOSING = "closing"
    DONE = "done"
    STOPPED = "stopped"


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cancel(_Line):
    """What became of one open order: the state it is in, or why it was not cancelled."""

    client_order_id: str
    outcome: str
    code: str | None = None
    message: str | None = None


class Exit(_Line):
    """One order that closes a position or a part of it. `state` None: it was not written down as an order (yet)."""

    instrument: InstrumentField
    product: Product
    side: Side
    quantity: Quantity
    key: str
    client_order_id: str
    state: str | None = None
    is_final: bool = False
    code: str | None = None
    message: str | None = None

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.instrument} {self.product}"

    def request(self, account: str) -> OrderRequest:
        """Return the order: at the market, and as one that closes."""
        return parse_request(
            {
                "account": account,
                "instrument": self.instrument,
                "side": self.side,
                "quantity": self.quantity,
                "order_type": OrderType.MARKET,
                "product": self.product,
                "position_effect": PositionEffect.CLOSE,
            }
        )

    def halves(self, account: str, left: int, lot: int) -> tuple["Exit", ...]:
        """Return two exits for the units that are left, in whole lots; none below two lots, or after the last halving.

        They are the same ones however often they are asked for.
        """
        first = left // lot // 2 * lot
        if not first or self.key.count(HALF) >= MAX_HALVINGS:
            return ()
        return tuple(
            self._part(account, quantity, f"{self.key}{HALF}{number}")
            for number, quantity in enumerate((left - first, first))
        )

    def _part(self, account: str, quantity: int, key: str) -> "Exit":
        return Exit(
            instrument=self.instrument,
            product=self.product,
            side=self.side,
            quantity=quantity,
            key=key,
            client_order_id=client_order_id(account, key),
        )


class KillWork(_Line):
    """The work of one account. `since`: when the switch came on that asked for it: for another time it is not done.

    `strategy`: only that strategy's orders are cancelled. `problems`: what could not be done, in words. `is_told`: its
    end, once it is over, is on its way to the trader.
    """

    work_id: str
    account: Name
    switch: str
    since: AwareDatetime
    requested_at: AwareDatetime
    by: str
    closes_positions: bool = False
    strategy: Name | None = None
    phase: Phase = Phase.CANCELLING
    cancels: tuple[Cancel, ...] = ()
    exits: tuple[Exit, ...] = ()
    problems: tuple[str, ...] = ()
    updated_at: AwareDatetime
    is_told: bool = True
    version: int = 0

    @property
    def name(self) -> str:
        """Return what tells this work from that of other accounts and strategies."""
        return self.account if self.strategy is None else f"{self.account}#{self.strategy}"

    @property
    def is_over(self) -> bool:
        """Return whether nothing is left to do."""
        return self.phase in {Phase.DONE, Phase.STOPPED}

    def is_forgotten(self, now: datetime) -> bool:
        """Return whether something is left to do or to tell, and no pass was made for so long that none may come."""
        is_left = not self.is_over or not self.is_told
        return is_left and FORGOTTEN <= now - self.updated_at < ASKED_ANEW

    def concerns(self, order: Order) -> bool:
        """Return whether the order is one to cancel: it was accepted before the stop, and has not ended."""
        is_own = self.strategy is None or order.request.strategy == self.strategy
        return is_own and not order.state.is_final and order.received_at <= self.requested_at + SKEW

    def after(self, at: datetime, **changes: object) -> "KillWork":
        """Return the work with these changes made then."""
        return self.model_copy(update={**changes, "updated_at": at})

    def with_cancels(self, cancels: Iterable[Cancel]) -> tuple[Cancel, ...]:
        """Return every order's latest outcome, those that were tried longest ago first."""
        latest: dict[str, Cancel] = {}
        for one in (*self.cancels, *cancels):
            latest.pop(one.client_order_id, None)
            latest[one.client_order_id] = one
        return tuple(latest.values())

    def in_turn(self, orders: Iterable[Order]) -> list[Order]:
        """Return the orders as their cancels are to be tried: first those that never were, then those longest ago."""
        tried = {one.client_order_id: place for place, one in enumerate(self.cancels)}
        return sorted(orders, key=lambda order: tried.get(order.client_order_id, -1))

    def ended(self, at: datetime, phase: Phase, *problems: str) -> "KillWork":
        """Return the work at its end, with what could not be done."""
        return self.after(at, phase=phase, problems=(*self.problems, *problems), is_told=False)


class Verdict(StrEnum):
    """What becomes of wanted work beside the work that stands: never are positions closed twice, or left unseen."""

    BEGIN = "begin"
    GO_ON = "go on"
    """The work that stands serves: it is the answer."""
    WAIT = "wait"
    """Positions were closed too lately, by a stop that was let go."""


def judged(standing: KillWork | None, wanted: KillWork, *, stands: bool) -> Verdict:
    """Return what becomes of wanted work; `stands`: the stop that asked for the standing work is still on.

    Work that closes goes on under a stop that only cancels, whoever asked: nobody who stops means to keep positions
    that somebody is closing. Work that closed has a rest behind it before other work may close.
    """
    if standing is None:
        return Verdict.BEGIN
    is_same = (standing.switch, standing.since) == (wanted.switch, wanted.since)
    if not standing.is_over and stands and _serves(standing, wanted, is_same=is_same):
        return Verdict.GO_ON
    if wanted.closes_positions and standing.exits and wanted.requested_at < standing.updated_at + REST:
        return Verdict.GO_ON if stands else Verdict.WAIT
    return Verdict.BEGIN


def _serves(standing: KillWork, wanted: KillWork, *, is_same: bool) -> bool:
    if standing.closes_positions:
        return is_same or bool(standing.exits) or not wanted.closes_positions
    return is_same and not wanted.closes_positions


def parts_of(position: Position, most: int | None) -> list[tuple[Side, int]]:
    """Return the orders that close a position: more than one where one order may not ask for all of it."""
    side = Side.SELL if position.quantity > 0 else Side.BUY
    left, most = abs(position.quantity), min(MAX_QUANTITY, most or MAX_QUANTITY)
    whole, rest = divmod(left, most)
    return [(side, most)] * whole + ([(side, rest)] if rest else [])
