"""One broker's account, put through everything that a trader does with it; each step fails by itself."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from infra import operate
from infra.local.stack import Stack
from infra.operate import Target
from order_router.adapter.login import LoginKind
from order_router.adapter.profile import Feature
from order_router.aws.sessions import Addresses, SecretCredentials
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from order_router.domain.instrument import parse_instrument
from order_router.domain.vocabulary import Exchange
from order_router.paper.market import Kind, PaperInstrument
from tests.brokers.browser import Browser
from tests.brokers.vendors import Side
from tests.system.client import Client, Order, Reply, eventually

NOT_THERE = "-"
"""What a step says where the broker has no such thing."""

PRACTICE = PaperInstrument(
    instrument=parse_instrument("NSE:PRACTICE"),
    last_price=Decimal(1500),
    lot_size=1,
    tick_size=Decimal("0.05"),
    max_fill_quantity=2,
    kind=Kind.EQUITY,
)


@dataclass
class Play:
    """One account of a run. `answers` keeps every answer, for whoever looks for secrets in them."""

    side: Side
    target: Target
    api: Client
    stack: Stack
    answers: list[Reply] = field(default_factory=list)

    @property
    def account(self) -> str:
        return f"my-{self.side.vendor.name}".replace("_", "-")

    @property
    def profile(self) -> Any:
        return load_broker(self.side.vendor.name).profile

    # ------------------------------------------------------------ setting up
    def credentials(self) -> str:
        """Add the account and store its credentials."""
        vendor = self.side.vendor
        operate.add_account(self.target, Account(name=self.account, broker=vendor.name))
        if not vendor.credentials:
            self.target.paper_exchange.seed_market([PRACTICE])
            return NOT_THERE
        store = SecretCredentials(lambda: self.target.secretsmanager, self._addresses)
        store.put(Account(name=self.account, broker=vendor.name), vendor.credentials)
        return f"{len(vendor.credentials)} fields"

    @property
    def _addresses(self) -> Addresses:
        prefix = f"{self.target.stack_name}/accounts"
        return Addresses(prefix, lambda name: load_broker(name).profile, lambda _: None)

    def login(self) -> str:
        """Log in: by itself, or as a person who taps the link."""
        if self.profile.login is LoginKind.NONE:
            return NOT_THERE
        begun = self._took(self.api.send("POST", f"/v1/sessions/{self.account}?force=true")).order(200)
        if self.profile.login is LoginKind.BROWSER:
            self._tap(begun["login_url"])
        assert self._session()["state"] == "valid", self._session()
        return str(self.profile.login)

    def _tap(self, url: str) -> None:
        callback = self.side.vendor.callback
        assert callback is not None
        self.side.tell(callback(url.partition("/login?")[0] + "/callback"))
        status, text = Browser().open(url)
        assert status == 200, text
        assert "is logged in" in text, text

    def _session(self) -> dict[str, Any]:
        (one,) = self._took(self.api.get("/v1/sessions", account=self.account)).order(200)["sessions"]
        return dict(one)

    def instruments(self) -> str:
        """Load the broker's list and find the instrument in it."""
        if not self.profile.has_master:
            return NOT_THERE
        name = self.side.vendor.name
        asked = self.api.send("POST", "/v1/instruments/refresh", {"broker": name})
        assert self._took(asked).status in {200, 202}, asked

        def loaded() -> dict[str, Any] | None:
            lists = self.api.get("/v1/instruments/refresh").order(200)["lists"]
            found = next((one for one in lists if one["broker"] == name), None)
            assert found is None or found["problem"] is None, found
            return found if found is not None and found["loaded_at"] else None

        state = eventually(loaded, f"the instruments of {name} are loaded", within_s=90)
        return f"{sum(state['rows'].values())} listed"

    # ------------------------------------------------------------ orders
    def place(self) -> str:
        """Place an order that rests, change it, and cancel it: three steps, one order."""
        return str(self._rest()["state"])

    def modify(self) -> str:
        """Change a resting order's price."""
        order, price = self._rest(), self.side.vendor.changed_price
        changed = self._took(self.api.modify(order["client_order_id"], limit_price=price)).order(200)
        assert changed["limit_price"] == price, changed
        self._cancel(order)
        return f"{order['limit_price']} to {price}"

    def cancel(self) -> str:
        """Cancel a resting order."""
        return str(self._cancel(self._rest())["state"])

    def partial_fill(self) -> str:
        """Let two of five fill, and hear of it."""
        order = self._rest()
        self._fill(order, 2)
        seen = self._heard(order, "partially_filled")
        assert (seen["filled_quantity"], seen["pending_quantity"]) == (2, 3), seen
        self._cancel(order)
        return "2 of 5"

    def reject(self) -> str:
        """Be refused by the broker, and say so."""
        if self.side.server is None:
            reply = self._took(self.api.place(self._order(limit_price="1400.01")))
        else:
            self.side.tell({"behave": "reject_at_door", "on": "place"})
            reply = self._took(self.api.place(self._order()))
        assert reply.status == 422, reply
        assert reply.content["order"]["state"] == "rejected", reply
        return reply.code

    def update(self) -> str:
        """Hear of a fill: from the broker itself where it tells, from its book where it does not."""
        order = self._rest()
        posts = Feature.POSTBACK in self.profile.features and self.side.vendor.postbacks is not None
        if posts:
            assert self.side.vendor.postbacks is not None
            path = f"/v1/postbacks/{self.side.vendor.name}/{self.account}"
            self.side.tell(self.side.vendor.postbacks(self.api.api_url + path))
        self._fill(order, None)
        if posts:
            self.api.settled(order["client_order_id"], "filled", within_s=20)
            return "postback"
        self._heard(order, "filled")
        return "poll"

    def combination(self) -> str:
        """Define legs by a name, order it, change it, let it fill part by part, and find its legs as positions."""
        wanted, legs = self.side.vendor.combination, self.side.vendor.legs
        name = wanted["instrument"].removeprefix("COMBO:")
        body = {"account": self.account, "name": name, "legs": [*legs]}
        if Exchange.COMBO not in self.profile.exchanges:
            assert self._took(self._define(body)).code == "UNSUPPORTED"
            return NOT_THERE
        defined = self._took(self._define(body)).order(201)
        assert (defined["instrument"], defined["legs"]) == (wanted["instrument"], body["legs"]), defined
        assert self._took(self._define({**body, "legs": legs[::-1]})).code == "COMBINATION_TAKEN"
        order = self._rest(**wanted)
        price = str(Decimal(wanted["limit_price"]) + 1)
        changed = self._took(self.api.modify(order["client_order_id"], limit_price=price)).order(200)
        assert changed["limit_price"] == price, changed
        for quantity, state in ((1, "partially_filled"), (None, "filled")):
            self._fill(order, quantity)
            seen = self._heard(order, state)
        assert (seen["instrument"], seen["filled_quantity"]) == (wanted["instrument"], wanted["quantity"]), (
            seen
        )
        self._require_legs()
        bound = self._took(self.api.send("POST", "/v1/margin", self._order(**wanted))).order(200)
        assert Decimal(bound["required"]) > 0, bound
        self._cancel(self._lost_and_found(**wanted))
        return f"{wanted['quantity']} of {len(legs)} legs"

    def _lost_and_found(self, **changes: Any) -> Order:
        """Place an order whose answer is lost, and have it found in the book by its tag: there is one of it."""
        before = len(self.side.orders())
        self.side.tell({"behave": "accept_then_drop", "on": "place", "times": 1})
        order = self._took(self.api.place(self._order(**changes))).order(202)
        assert order["state"] == "unknown", order
        found = self._heard(order, "open")
        assert len(self.side.orders()) == before + 1
        return found

    def _define(self, body: dict[str, Any]) -> Reply:
        return self.api.send("POST", "/v1/instruments/combinations", body)

    def _require_legs(self) -> None:
        """Each leg is a position by itself: what was bought of the combination times its signed ratio."""
        bought = self.side.vendor.combination["quantity"]
        found = {row["instrument"]: row["quantity"] for row in self._portfolio("positions")}
        for leg in self.side.vendor.legs:
            signed = leg["ratio"] if leg["side"] == "BUY" else -leg["ratio"]
            assert found.get(leg["instrument"]) == bought * signed, (leg, found)
        assert not [name for name in found if name.startswith("COMBO:")], found

    # ------------------------------------------------------------ sessions
    def renewal(self) -> str:
        """Lose the session: renewed by itself and the order placed, or refused until a person logs in."""
        if self.profile.login is LoginKind.NONE:
            return NOT_THERE
        self.side.tell(self.side.vendor.dead)
        reply = self._took(self.api.place(self._order()))
        if self.profile.login is LoginKind.UNATTENDED:
            self._cancel(reply.order(201))
            return "by itself"
        assert reply.code == "BROKER_SESSION_EXPIRED", reply
        eventually(lambda: self._session()["state"] != "valid" or None, "the dead session is noticed")
        self.login()
        self._cancel(self._rest())
        return "told, by a person"

    # ------------------------------------------------------------ reading
    def positions(self) -> str:
        """Read positions; the fills above must be among them, or among the holdings."""
        found = self._portfolio("positions") + self._portfolio("holdings")
        assert any(row["instrument"] == self._order()["instrument"] for row in found), found
        return f"{len(found)} rows"

    def funds(self) -> str:
        """Read the money."""
        rows = self._portfolio("funds")
        assert rows
        return str(rows[0]["available"])

    def quote(self) -> str:
        """Read a last price."""
        instrument = self._order()["instrument"]
        reply = self._took(self.api.get("/v1/quotes", account=self.account, instrument=instrument))
        (found,) = reply.order(200)["quotes"]
        assert found["instrument"] == instrument
        return str(found["last_price"])

    # ------------------------------------------------------------ helpers
    def _order(self, **changes: Any) -> Order:
        return {"account": self.account, **self.side.vendor.order, **changes}

    def _rest(self, **changes: Any) -> Order:
        placed = self._took(self.api.place(self._order(**changes))).order(201)
        assert placed["state"] == "open", placed
        return placed

    def _cancel(self, order: Order) -> Order:
        ended = self._took(self.api.cancel(order["client_order_id"])).order(200)
        assert ended["state"] == "cancelled", ended
        return ended

    def _fill(self, order: Order, quantity: int | None) -> None:
        if self.side.server is None:
            self._fill_on_paper(quantity)
            return
        fill = {"order_id": order["broker_order_id"]}
        self.side.tell({"fill": fill if quantity is None else {**fill, "quantity": quantity}})

    def _fill_on_paper(self, quantity: int | None) -> None:
        for price in ("1390", "1500") if quantity is not None else ("1390", "1391", "1390", "1500"):
            assert self._took(self.api.set_price(str(PRACTICE.instrument), price)).status == 200

    def _heard(self, order: Order, state: str) -> Order:
        """Look at the broker's book, as the schedule does, until the order shows it."""

        def look() -> Order | None:
            self.stack.client("lambda").invoke(
                FunctionName=self.stack.physical_ids["ReconcileFunction"],
                Payload=json.dumps({"source": "schedule"}).encode(),
            )
            found = self._took(self.api.read(order["client_order_id"])).order(200)
            return found if found["state"] == state else None

        return eventually(look, f"{order['client_order_id']} is {state}")

    def _portfolio(self, what: str) -> list[dict[str, Any]]:
        reply = self._took(self.api.get(f"/v1/{what}", account=self.account))
        (entry,) = reply.order(200)["accounts"]
        assert "error" not in entry, entry
        return list(entry[what])

    def _took(self, reply: Reply) -> Reply:
        self.answers.append(reply)
        return reply


Step = Callable[[Play], str]
STEPS: dict[str, Step] = {
    "credentials": Play.credentials,
    "login": Play.login,
    "instruments": Play.instruments,
    "quote": Play.quote,
    "place": Play.place,
    "modify": Play.modify,
    "cancel": Play.cancel,
    "partial fill": Play.partial_fill,
    "reject": Play.reject,
    "order update": Play.update,
    "combination": Play.combination,
    "session death": Play.renewal,
    "positions": Play.positions,
    "funds": Play.funds,
}
