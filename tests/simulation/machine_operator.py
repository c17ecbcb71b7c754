"""What the operator does between the orders, as rules: stops, links, breakers, limits, and everything that is asked."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from order_router.domain.kill_switch import KillSwitch
from order_router.domain.meter import Counted
from tests.simulation.machine_asks import FORBIDDEN, RIGHT, WRONG, Asking
from tests.simulation.machine_driver import PAPER_ADMIN
from tests.simulation.machine_gates import OWNERS, SWITCHES
from tests.simulation.machine_trouble import Named, failures_of
from tests.simulation.stack import KEY

RARELY = st.sampled_from((False, False, False, True))
LIMITS = st.sampled_from(
    (
        {},
        {},
        {"max_quantity": 3},
        {"max_orders_per_day": 2},
        {"max_open_orders": 1, "products": ["CNC"]},
        {"denied_instruments": ["NSE:INFY"]},
    )
)
LOOKS = st.sampled_from(("switches", "switches before", "breakers", "limits", "audit", "audit of paper"))
PARTS = 8


class Operating(Asking):
    """The operator's rules."""

    links = Bundle("links")

    @rule(
        switch=st.sampled_from(SWITCHES),
        is_on=RARELY,
        lets_exits=st.sampled_from((None, None, True, False)),
        trouble=failures_of("kill_switch"),
    )
    def turn_kill_switch(
        self, switch: KillSwitch, is_on: bool, lets_exits: bool | None, trouble: Named | None
    ) -> None:
        self.arm(trouble)
        if is_on:
            self.engage(switch, lets_exits)
        else:
            self.release(switch)

    @rule(target=links, switch=st.sampled_from(SWITCHES))
    def be_told_with_a_link(self, switch: KillSwitch) -> tuple[str, KillSwitch]:
        return self.issue_link(switch), switch

    @rule(link=links, is_pressed=st.booleans(), trouble=failures_of("kill_switch"))
    def follow_link(self, link: tuple[str, KillSwitch], is_pressed: bool, trouble: Named | None) -> None:
        token, switch = link
        self.arm(trouble)
        self.open_link(token)
        if is_pressed:
            self.press_link(token, switch)
            self.open_link(token)

    @rule(token=st.sampled_from(("", "x", "é", "kill#global", "x" * 5000)))
    def guess_link(self, token: str) -> None:
        self.open_link(token)
        self.press_link(token, None)

    @rule(account=st.sampled_from(("paper", "kite")), trouble=failures_of("alarm"))
    def close_breaker_by_hand(self, account: str, trouble: Named | None) -> None:
        self.arm(trouble)
        self.close_breaker(account)

    @rule(owner=st.sampled_from(OWNERS), limits=LIMITS, is_stale=RARELY, trouble=failures_of("limits"))
    def set_limits(
        self, owner: Counted, limits: dict[str, Any], is_stale: bool, trouble: Named | None
    ) -> None:
        self.arm(trouble)
        self.put_limits(owner, limits, is_stale=is_stale)

    @rule(what=LOOKS, owner=st.sampled_from(OWNERS))
    def look(self, what: str, owner: Counted) -> None:
        if what.startswith("switches"):
            self.show_switches(KEY, with_history=what != "switches")
            self.show_switches(PAPER_ADMIN, with_history=False)
        elif what == "breakers":
            self.show_breakers()
        elif what == "limits":
            self.show_limits(owner)
        else:
            self.read_audit(KEY if what == "audit" else PAPER_ADMIN, "1" if what == "audit" else "200")

    @rule(part=st.integers(0, PARTS - 1))
    def ask_for_more(self, part: int) -> None:
        for right in RIGHT[part::PARTS]:
            self.ask_for(right)
        for wrong in WRONG[part::PARTS]:
            self.ask_for(wrong)
        for forbidden in FORBIDDEN[part::PARTS]:
            self.ask_without_right(*forbidden)
