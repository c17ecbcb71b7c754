"""The senders of a run know each order that an alert stands for before anybody answers."""

from dataclasses import dataclass, field

import pytest

from tests.system.process_faults_traffic import Answer, Call, Desk, Traffic

ACCOUNTS = {"zerodha-0": "zerodha", "paper-0": "paper"}


@dataclass(frozen=True)
class AnsweringDesk(Desk):
    """A stack that takes every alert, and names some of its orders."""

    named: int = 2
    traffic: list[Traffic] = field(default_factory=list)

    def send(self, call: Call) -> Answer:
        """Answer as the webhook does."""
        return Answer(202, {"client_order_ids": list(self.traffic[0].intents)[: self.named]})


def traffic_to(named: int) -> Traffic:
    strategies = {"both": tuple(ACCOUNTS)}
    desk = AnsweringDesk("http://127.0.0.1", "key", ACCOUNTS, strategies, {"both": "token"}, named)
    desk.traffic.append(Traffic(desk, 1))
    return desk.traffic[0]


def test_an_alert_for_two_accounts_is_two_orders_that_are_wanted() -> None:
    traffic = traffic_to(named=2)

    traffic.run_one(0)

    wanted = traffic.intents.values()
    assert {(intent.account, intent.is_accepted) for intent in wanted} == {(name, True) for name in ACCOUNTS}


@pytest.mark.parametrize("named", [0, 1])
def test_an_answer_that_leaves_out_an_account_is_noticed(named: int) -> None:
    traffic = traffic_to(named)

    with pytest.raises(AssertionError):
        traffic.run_one(0)
