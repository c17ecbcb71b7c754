"""The exchange's id of a registered algorithm goes with an order, if its account has one and the broker takes it."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from order_router.adapter.http import Send
from order_router.adapter.port import Acknowledged, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.brokers import paper
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from order_router.service.place import place_order
from tests.fakes.world import World


def sent_ids(account: Account, *, takes_algo_id: bool) -> list[str | None]:
    """The ids that an order of this account is placed with."""
    world, sent = World(), []

    def place(send: Send, session: BrokerSession, intent: PlaceIntent) -> Acknowledged:
        sent.append(intent.algo_id)
        return paper.place_order(send, session, intent)

    calls: dict[str, Any] = vars(load_broker("paper")) | {
        "place_order": place,
        "profile": replace(paper.profile, takes_algo_id=takes_algo_id),
    }
    broker = SimpleNamespace(**calls)
    world.settings.put_account(account)
    place_order(replace(world.desk, broker_of=lambda _: broker), world.command())
    return sent


@pytest.mark.parametrize(
    ("algo_id", "takes", "sent"),
    [("999900001234", True, "999900001234"), (None, True, None), ("999900001234", False, None)],
)
def test_an_order_carries_its_account_s_algo_id(algo_id: str | None, takes: bool, sent: str | None) -> None:
    account = Account(name="paper", broker="paper", algo_id=algo_id)

    assert sent_ids(account, takes_algo_id=takes) == [sent]
