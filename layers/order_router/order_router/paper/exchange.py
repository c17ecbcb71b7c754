"""The simulated exchange as its callers meet it: requests in, answers out, and a last price to set."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.domain.exchange_time import exchange_day
from order_router.domain.instrument import Instrument
from order_router.paper import engine, face, render
from order_router.paper.book import Book, Change, PaperOrder, open_book
from order_router.paper.day import roll_day
from order_router.paper.errors import PaperConflict, PaperRefusal, PaperStoreUnavailable, RefusalCode
from order_router.paper.face import Call
from order_router.paper.market import Market, PaperInstrument, find, with_last_price
from order_router.paper.store import Clock, PaperStore, StoredBook

OPENING_CASH = Decimal(1000000)
ATTEMPTS = 100
ORDERS_PER_STEP = 40
"""An order of a step can end and trade: two items beside the book in a transaction of at most 100."""


@dataclass(frozen=True, slots=True)
class _Desk:
    """An account with nothing left to do, and the prices it needs. `is_changed`: work was found and done."""

    stored: StoredBook
    market: Market
    is_changed: bool

    @property
    def book(self) -> Book:
        """Return the account's book."""
        return self.stored.book

    def has_moved_on_from(self, earlier: "_Desk") -> bool:
        """Return whether work was done in the account, by whomever, up to the earlier look or since."""
        return earlier.is_changed or self.stored.version != earlier.stored.version


class PaperExchange:
    """A broker for practice. Every change is one conditional write; whoever loses a race starts over."""

    def __init__(self, store: PaperStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def open_account(self, account: str, cash: Decimal = OPENING_CASH) -> bool:
        """Open an account with this much money; False if it is open already, then nothing changes."""
        return self._store.open_account(open_book(account, cash=cash, at=self._clock.now()))

    def seed_market(self, instruments: Iterable[PaperInstrument]) -> None:
        """List the instruments that are not listed yet; the others keep their last price."""
        for listed in instruments:
            self._store.list_instrument(listed)

    def set_price(self, instrument: Instrument, last_price: Decimal) -> tuple[str, ...]:
        """Set the last price, let every account's orders meet it, and return the accounts that changed.

        PaperRefusal if the instrument is not listed or the price is off its grid.
        """
        with_last_price(find(self._store.market([instrument]), instrument), last_price)
        accounts = self._store.accounts()
        # yesterday's positions are squared off at yesterday's price: the day begins before its first price
        before = {name: self._settled(name, ()) for name in accounts}
        if self._store.set_last_price(instrument, last_price) is None:
            raise PaperStoreUnavailable(f"{instrument} went missing")
        after = {name: self._settled(name, ()) for name in accounts}
        return tuple(name for name in accounts if after[name].has_moved_on_from(before[name]))

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; every failure is an answer too."""
        try:
            call = face.read_call(request)
            return self._answer(call)
        except PaperRefusal as refusal:
            return render.render_refusal(refusal)
        except PaperStoreUnavailable as error:
            return render.render_error(503, error.code, error.message)

    def _answer(self, call: Call) -> HttpResponse:
        routes: dict[tuple[str, str, bool], Callable[[Call], HttpResponse]] = {
            ("POST", "orders", False): self._place,
            ("PUT", "orders", True): self._modify,
            ("DELETE", "orders", True): self._cancel,
            ("GET", "orders", True): self._order,
            ("GET", "orders", False): self._orders,
            ("GET", "trades", False): self._trades,
            ("GET", "positions", False): self._positions,
            ("GET", "holdings", False): self._holdings,
            ("GET", "funds", False): self._funds,
            ("GET", "quotes", False): self._quotes,
        }
        route = routes.get((call.method, call.page, call.broker_order_id is not None))
        if route is None:
            raise PaperRefusal(RefusalCode.NO_SUCH_PAGE, f"there is no {call.method} {call.page} here")
        return route(call)

    def _place(self, call: Call) -> HttpResponse:
        ticket = face.read_ticket(call)
        for _ in range(ATTEMPTS):
            desk = self._settled(call.account, (ticket.request.instrument,))
            placed = engine.place(desk.book, desk.market, ticket, self._clock.now())
            if self._saved(placed.change, desk):
                return render.render_answer(201, {"broker_order_id": placed.broker_order_id})
        raise _busy()

    def _modify(self, call: Call) -> HttpResponse:
        return self._changed(call, self._modified)

    def _cancel(self, call: Call) -> HttpResponse:
        return self._changed(call, self._cancelled)

    def _changed(self, call: Call, step: Callable[[Call, _Desk, PaperOrder], Change]) -> HttpResponse:
        for _ in range(ATTEMPTS):
            desk = self._settled(call.account, ())
            order = self._resting(call, desk)
            if self._saved(step(call, desk, order), desk):
                return render.render_answer(200, {"broker_order_id": order.broker_order_id})
        raise _busy()

    def _modified(self, call: Call, desk: _Desk, order: PaperOrder) -> Change:
        request = face.read_terms(call, order)
        at = self._clock.now()
        return engine.modify(desk.book, desk.market, request, broker_order_id=order.broker_order_id, at=at)

    def _cancelled(self, _: Call, desk: _Desk, order: PaperOrder) -> Change:
        return engine.cancel(desk.book, broker_order_id=order.broker_order_id, at=self._clock.now())

    def _order(self, call: Call) -> HttpResponse:
        return render.render_answer(
            200, {"order": render.render_order(self._named(call, self._settled(call.account, ())))}
        )

    def _orders(self, call: Call) -> HttpResponse:
        # the book first: an order that ends between the two reads is then in both, never in neither
        book = self._settled(call.account, ()).book
        found = {order.broker_order_id: order for order in book.resting}
        found |= {order.broker_order_id: order for order in self._store.ended_orders(call.account, book.day)}
        return render.render_answer(
            200, {"orders": [render.render_order(found[key]) for key in sorted(found)]}
        )

    def _trades(self, call: Call) -> HttpResponse:
        trades = self._store.trades(call.account, self._settled(call.account, ()).book.day)
        return render.render_answer(200, {"trades": [render.render_trade(trade) for trade in trades]})

    def _positions(self, call: Call) -> HttpResponse:
        desk = self._settled(call.account, ())
        rows = [render.render_position(one, desk.market) for one in desk.book.positions]
        return render.render_answer(200, {"positions": rows})

    def _holdings(self, call: Call) -> HttpResponse:
        desk = self._settled(call.account, ())
        rows = [render.render_holding(one, desk.market) for one in desk.book.holdings]
        return render.render_answer(200, {"holdings": rows})

    def _funds(self, call: Call) -> HttpResponse:
        desk = self._settled(call.account, ())
        return render.render_answer(200, {"funds": [render.render_funds(desk.book, desk.market)]})

    def _quotes(self, call: Call) -> HttpResponse:
        self._settled(call.account, ())
        names = face.read_names(call)
        market = self._store.market(set(names)) if names else {}
        rows = [render.render_quote(market[name]) for name in names if name in market]
        return render.render_answer(200, {"quotes": rows})

    def _settled(self, account: str, instruments: tuple[Instrument, ...]) -> _Desk:
        is_changed = False
        for _ in range(ATTEMPTS):
            desk = self._desk(account, instruments, is_changed=is_changed)
            change = self._due(desk)
            if change is None:
                return desk
            is_changed = True
            self._saved(change, desk)
        raise _busy()

    def _desk(self, account: str, instruments: tuple[Instrument, ...], *, is_changed: bool) -> _Desk:
        stored = self._store.load(account)
        if stored is None:
            raise PaperRefusal(RefusalCode.NO_SUCH_ACCOUNT, f"there is no paper account {account[:40]!r}")
        needed = stored.book.instruments() | set(instruments)
        return _Desk(stored, self._store.market(needed) if needed else {}, is_changed)

    def _due(self, desk: _Desk) -> Change | None:
        at = self._clock.now()
        today = exchange_day(at)
        if today > desk.book.day:
            return roll_day(desk.book, desk.market, today, limit=ORDERS_PER_STEP)
        return engine.match(desk.book, desk.market, at, limit=ORDERS_PER_STEP)

    def _saved(self, change: Change, desk: _Desk) -> bool:
        try:
            self._store.save(change, desk.stored)
        except PaperConflict:
            return False
        return True

    def _resting(self, call: Call, desk: _Desk) -> PaperOrder:
        order = self._named(call, desk)
        if not order.status.is_resting:
            raise PaperRefusal(
                RefusalCode.ORDER_HAS_ENDED,
                f"order {order.broker_order_id} is {order.status} and cannot change",
            )
        return order

    def _named(self, call: Call, desk: _Desk) -> PaperOrder:
        broker_order_id = call.broker_order_id or ""
        order = desk.book.resting_order(broker_order_id) or self._store.ended_order(
            call.account, broker_order_id
        )
        if order is None:
            raise PaperRefusal(RefusalCode.NO_SUCH_ORDER, f"there is no order {broker_order_id[:40]!r}")
        return order


def _busy() -> PaperRefusal:
    return PaperRefusal(RefusalCode.BUSY, "the account is busy; nothing was done, try again")
