"""A state machine over the API and the webhook: any calls in any order, with named troubles between them."""

import sys
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, multiple, precondition, rule

from order_router.domain.kill_switch import KillSwitch
from order_router.domain.meter import Counted
from tests.simulation import machine_flaws as flaws
from tests.simulation import machine_inputs as inputs
from tests.simulation.day import INSTRUMENTS, PRICES
from tests.simulation.machine_changes import LIES, Placed, Sent
from tests.simulation.machine_driver import (
    ACCESS_TOKEN,
    LIMITS_KNOWN_AFTER,
    PAPER_ONLY,
    READER,
    SECOND,
    STRANGER,
)
from tests.simulation.machine_flaws import Flaw
from tests.simulation.machine_gates import OWNERS, SWITCHES
from tests.simulation.machine_inputs import Terms
from tests.simulation.machine_operator import LIMITS, RARELY, Operating
from tests.simulation.machine_trouble import Named, failures, failures_of
from tests.simulation.stack import KEY, MINUTE

LONGEST = 5 * 60 * MINUTE
TIMES = (100_000, SECOND, 5 * SECOND, 12 * SECOND, 31 * SECOND, MINUTE, 3 * MINUTE, 15 * MINUTE)
NOBODIES = ("", STRANGER)
OTHERS = st.sampled_from((*NOBODIES, READER, PAPER_ONLY))
ACCOUNTS = st.sampled_from(("paper", "kite"))
QUEUES = st.sampled_from(("OrderQueue", "OrderDeadLetters"))


class OrderRouterMachine(Operating):
    """What callers, the operator, the market and the weather do."""

    placements, keyless, alerts = Bundle("placements"), Bundle("keyless"), Bundle("alerts")
    known = st.one_of(placements, alerts, keyless)

    @initialize(seed=st.integers(0, 1000))
    def start(self, seed: int) -> None:
        self.begin(seed)

    # ------------------------------------------------------------ placing
    @rule(target=placements, terms=inputs.orders(), spelling=inputs.spellings, trouble=failures_of("place"))
    def place_new(self, terms: Terms, spelling: str, trouble: Named | None) -> Placed:
        return self.place_in(trouble, Placed(f"key-{self.number()}", terms), spelling)

    @rule(target=placements, terms=inputs.orders(), key=st.sampled_from(inputs.ODD_KEYS))
    def place_with_odd_key(self, terms: Terms, key: str) -> Placed:
        return self.place_in(None, Placed(key, terms))

    @rule(target=placements, terms=inputs.orders(), times=st.integers(2, 3), trouble=failures_of("place"))
    def place_at_once(self, terms: Terms, times: int, trouble: Named | None) -> Placed:
        return self.place_in(trouble, Placed(f"key-{self.number()}", terms), times=times)

    @rule(placed=placements, spelling=inputs.spellings, times=st.integers(1, 2), trouble=failures_of("place"))
    def repeat(self, placed: Placed, spelling: str, times: int, trouble: Named | None) -> None:
        self.place_in(trouble, placed, spelling, times=times)

    @rule(target=placements, placed=placements, terms=inputs.orders(), quantity=st.sampled_from((None, 2, 6)))
    def reuse_key(self, placed: Placed, terms: Terms, quantity: int | None) -> Placed:
        another = terms if quantity is None else {**placed.terms, "quantity": quantity}
        return self.place_in(None, Placed(placed.key, another))

    @rule(target=keyless, terms=inputs.orders(), trouble=failures_of("place"))
    def place_without_key(self, terms: Terms, trouble: Named | None) -> Any:
        self.arm(trouble)
        name = self.place(None, terms)
        return multiple() if name is None else name

    @rule(
        target=placements,
        terms=inputs.orders(),
        switch=st.sampled_from(SWITCHES),
        lets_exits=st.sampled_from((None, True)),
    )
    def place_while_stopped(self, terms: Terms, switch: KillSwitch, lets_exits: bool | None) -> Placed:
        self.engage(switch, lets_exits)
        placed = self.place_in(None, Placed(f"key-{self.number()}", terms))
        self.release(switch)
        return placed

    @rule(target=placements, owner=st.sampled_from(OWNERS), limits=LIMITS, terms=inputs.orders())
    def place_within_limits(self, owner: Counted, limits: dict[str, Any], terms: Terms) -> Placed:
        self.put_limits(owner, limits)
        self.stack.run_for(LIMITS_KNOWN_AFTER + SECOND)
        placed = self.place_in(None, Placed(f"key-{self.number()}", terms))
        self.put_limits(owner, {})
        return placed

    @rule(flaw=st.sampled_from(flaws.ORDER_FLAWS), who=st.sampled_from((KEY, PAPER_ONLY)))
    def place_badly(self, flaw: Flaw, who: str) -> None:
        self.place_with_flaw(flaw, key=who)

    @rule(who=OTHERS, key=st.sampled_from(flaws.BAD_KEYS))
    def place_without_right(self, who: str, key: str) -> None:
        self.place_as(who)
        self.place_with_bad_key(key)

    # ------------------------------------------------------------ alerts
    @rule(target=alerts, alert=inputs.alerts(), in_path=st.booleans(), trouble=failures_of("webhook"))
    def send_alert(self, alert: inputs.AlertBody, in_path: bool, trouble: Named | None) -> Sent:
        self.arm(trouble)
        return self.alert(alert, in_path=in_path)

    @rule(sent=alerts, trouble=failures_of("webhook"))
    def resend_alert(self, sent: Sent, trouble: Named | None) -> None:
        self.arm(trouble)
        self.alert_bytes(sent)

    @rule(flaw=st.sampled_from(flaws.ALERT_FLAWS), in_path=st.booleans())
    def send_bad_alert(self, flaw: Flaw, in_path: bool) -> None:
        self.alert_with_flaw(flaw, in_path=in_path)

    @rule(alert=inputs.alerts(), in_path=st.booleans(), how=st.sampled_from(("wrong", "none", "another's")))
    def send_alert_as_nobody(self, alert: inputs.AlertBody, in_path: bool, how: str) -> None:
        self.alert_as_nobody(alert, how, in_path=in_path)

    # ------------------------------------------------------------ changing and reading
    @rule(known=known, changes=inputs.CHANGES, trouble=failures_of("modify"))
    def modify_order(self, known: Any, changes: dict[str, Any], trouble: Named | None) -> None:
        for name in self.names_of(known):
            self.arm(trouble)
            self.modify(name, changes)

    @rule(known=known, trouble=failures_of("cancel"))
    def cancel_order(self, known: Any, trouble: Named | None) -> None:
        for name in self.names_of(known):
            self.arm(trouble)
            self.cancel(name)

    @rule(account=ACCOUNTS, trouble=failures_of("cancel"))
    def cancel_every_order(self, account: str, trouble: Named | None) -> None:
        self.arm(trouble)
        self.cancel_all(account)

    @rule(target=placements, account=ACCOUNTS, changes=inputs.CHANGES, switch=st.sampled_from(SWITCHES))
    def change_while_stopped(self, account: str, changes: dict[str, Any], switch: KillSwitch) -> Placed:
        resting = Placed(f"key-{self.number()}", {**inputs.LIMIT_ORDER, "account": account})
        self.place_in(None, resting)
        self.engage(switch, lets_exits=None)
        for name in self.names_of(resting):
            self.modify(name, changes)
            self.cancel(name)
        self.release(switch)
        return resting

    @rule(known=known, lie=st.sampled_from(LIES), trouble=failures_of("modify"))
    def misstate_order(self, known: Any, lie: dict[str, Any], trouble: Named | None) -> None:
        for name in self.names_of(known):
            self.arm(trouble)
            self.misstate(name, lie)

    @rule(known=known, flaw=st.sampled_from(flaws.CHANGE_FLAWS), who=st.sampled_from((*NOBODIES, READER)))
    def change_badly(self, known: Any, flaw: Flaw, who: str) -> None:
        for name in self.names_of(known):
            self.modify_with_flaw(name, flaw)
            self.meddle(name, who)

    @rule(known=known, who=st.sampled_from((KEY, READER, PAPER_ONLY)), trouble=failures_of("orders"))
    def read_order(self, known: Any, who: str, trouble: Named | None) -> None:
        self.arm(trouble)
        for name in self.names_of(known):
            self.read(name, who)

    @rule(
        account=st.none() | ACCOUNTS,
        limit=st.sampled_from((None, "1", "2", "200")),
        state=st.sampled_from((None, None, "open", "filled,rejected")),
        trouble=failures_of("orders"),
    )
    def list_orders(
        self, account: str | None, limit: str | None, state: str | None, trouble: Named | None
    ) -> None:
        self.arm(trouble)
        self.list_pages({"account": account, "limit": limit, "state": state})

    @rule(bad=flaws.bad_queries, name=st.sampled_from(flaws.NO_NAMES), who=st.sampled_from(NOBODIES))
    def read_badly(self, bad: flaws.BadQuery, name: str, who: str) -> None:
        self.list_with_bad_query(bad.code, dict(bad.query))
        self.ask_for_unknown(name)
        self.look_around(who)

    @rule(
        what=st.sampled_from(("positions", "holdings", "funds")),
        account=st.none() | ACCOUNTS,
        trouble=failures_of("positions"),
    )
    def read_portfolio(self, what: str, account: str | None, trouble: Named | None) -> None:
        self.arm(trouble)
        self.portfolio(what, account)

    # ------------------------------------------------------------ what else happens
    @rule(instrument=st.sampled_from(INSTRUMENTS), price=st.sampled_from(PRICES))
    def move_price(self, instrument: str, price: str) -> None:
        for venue in self.stack.venues.values():
            venue.set_price(instrument, price)

    @precondition(lambda self: self.stack.hub.elapsed < LONGEST)
    @rule(microseconds=st.sampled_from(TIMES))
    def let_time_pass(self, microseconds: int) -> None:
        self.stack.run_for(microseconds)

    @rule(is_lost=RARELY)
    def log_in_or_out(self, is_lost: bool) -> None:
        self.is_logged_in = not is_lost
        self.stack.log_in(ACCESS_TOKEN)
        if is_lost:
            self.stack.kite.kite.access_token = "another"

    @rule(account=ACCOUNTS, is_lost=RARELY)
    def lose_broker(self, account: str, is_lost: bool) -> None:
        venue = self.stack.paper if account == "paper" else self.stack.kite
        if is_lost or venue.endpoint in self.trouble.out_of_reach:
            self.trouble.lose(venue.endpoint, is_lost=is_lost)

    @rule(trouble=failures())
    def let_fail(self, trouble: Named) -> None:
        self.arm(trouble)

    @precondition(lambda self: self.stack.sent)
    @rule(which=st.integers(0, 9), queue=QUEUES)
    def deliver_again(self, which: int, queue: str) -> None:
        message = self.stack.sent[which % len(self.stack.sent)]
        self.put(queue, message["MessageBody"], message["MessageGroupId"])

    @rule(queue=QUEUES, body=st.sampled_from(('{"no": "order"}', "x")))
    def put_poison(self, queue: str, body: str) -> None:
        self.put(queue, body, "poison")

    @rule(what=st.sampled_from(("is deployed", "is asked for its health", "has an order by hand")))
    def the_stack(self, what: str) -> None:
        if what == "is deployed":
            self.stack.fleet.replace_all()
        elif what == "is asked for its health":
            self.check_health()
        else:
            self.stack.kite.place_by_hand("1450")

    # ------------------------------------------------------------ what always holds
    @invariant()
    def no_rule_is_broken(self) -> None:
        self.stack.judge.raise_broken()
        self.model.check()
        self.canaries.check_log()

    def teardown(self) -> None:
        with self._entered:
            # behind a failure the end would only hide it
            if hasattr(self, "stack") and sys.exception() is None:
                self.settle()
                self.judge_end()


__all__ = ["OrderRouterMachine"]
