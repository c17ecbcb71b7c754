"""A small market and short names for what a trader does in it."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from order_router.adapter.decode import strict_json
from order_router.adapter.http import HttpRequest
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.paper.exchange import PaperExchange
from order_router.paper.market import Kind, PaperInstrument
from tests.fakes.clock import FakeClock
from tests.fakes.paper_store import MemoryPaperStore

INFY = parse_instrument("NSE:INFY")
TCS = parse_instrument("NSE:TCS")
FUTURE = parse_instrument("NFO:NIFTY26DECFUT")
CALL = parse_instrument("NFO:NIFTY26DEC26500CE")
TICK = Decimal("0.05")

LISTED = (
    PaperInstrument(
        instrument=INFY,
        last_price=Decimal(1500),
        lot_size=1,
        tick_size=TICK,
        max_fill_quantity=100,
        kind=Kind.EQUITY,
    ),
    PaperInstrument(
        instrument=TCS,
        last_price=Decimal(3000),
        lot_size=1,
        tick_size=TICK,
        max_fill_quantity=100,
        kind=Kind.EQUITY,
    ),
    PaperInstrument(
        instrument=FUTURE,
        last_price=Decimal(26000),
        lot_size=75,
        tick_size=TICK,
        max_fill_quantity=150,
        kind=Kind.FUTURE,
    ),
    PaperInstrument(
        instrument=CALL,
        last_price=Decimal(100),
        lot_size=75,
        tick_size=TICK,
        max_fill_quantity=150,
        kind=Kind.OPTION,
        strike=Decimal(26500),
    ),
)


class Desk:
    """One trader at the exchange, over a store in memory."""

    def __init__(self, account: str = "paper", store: Any = None) -> None:
        self.account = account
        self.store: Any = MemoryPaperStore() if store is None else store
        self.clock = FakeClock()
        self.exchange = PaperExchange(self.store, self.clock)
        self.exchange.open_account(account)
        self.exchange.seed_market(LISTED)

    def ask(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Send one request; return the status and the content."""
        body = b"" if fields is None else json.dumps(fields).encode()
        headers = {"Authorization": f"paper {self.account}"}
        request = HttpRequest(method=method, url=f"paper://exchange{path}", headers=headers, body=body)
        answer = self.exchange.handle(request)
        return answer.status, strict_json(answer.body)

    def place(self, instrument: Instrument, side: str, quantity: int, **fields: Any) -> str:
        """Place an order that is taken in; return its id."""
        status, content = self.try_place(instrument, side, quantity, **fields)
        assert status == 201, content
        return str(content["broker_order_id"])

    def try_place(self, instrument: Instrument, side: str, quantity: int, **fields: Any) -> tuple[int, Any]:
        """Place an order; return the status and the content."""
        order = {
            "order_type": "MARKET",
            "product": "CNC" if instrument.exchange == "NSE" else "NRML",
        } | fields
        return self.ask(
            "POST", "/orders", {"instrument": str(instrument), "side": side, "quantity": quantity, **order}
        )

    def refused(self, instrument: Instrument, side: str, quantity: int, **fields: Any) -> str:
        """Place an order that is refused; return the code."""
        status, content = self.try_place(instrument, side, quantity, **fields)
        assert 400 <= status < 500, content
        return str(content["error"]["code"])

    def modify(self, broker_order_id: str, **fields: Any) -> tuple[int, Any]:
        """Give an order new terms."""
        return self.ask("PUT", f"/orders/{broker_order_id}", fields)

    def cancel(self, broker_order_id: str) -> tuple[int, Any]:
        """Cancel an order."""
        return self.ask("DELETE", f"/orders/{broker_order_id}")

    def order(self, broker_order_id: str) -> Any:
        """Return one order."""
        status, content = self.ask("GET", f"/orders/{broker_order_id}")
        assert status == 200, content
        return content["order"]

    def rows(self, page: str) -> list[Any]:
        """Return the rows of a page: orders, trades, positions, holdings."""
        status, content = self.ask("GET", f"/{page}")
        assert status == 200, content
        return list(content[page])

    def funds(self) -> dict[str, Decimal]:
        """Return the money."""
        return {name: Decimal(amount) for name, amount in self.rows("funds")[0].items() if name != "segment"}

    def position(self, instrument: Instrument) -> Any:
        """Return the position in an instrument."""
        return next(row for row in self.rows("positions") if row["instrument"] == str(instrument))

    def price(self, instrument: Instrument, last_price: str | int) -> tuple[str, ...]:
        """Set a last price."""
        return self.exchange.set_price(instrument, Decimal(last_price))

    def sleep_until_tomorrow(self) -> None:
        """Let a day pass."""
        self.clock.advance(24 * 3600)
