"""Every error answer that a broker documents, over a real socket: the class that its page gives it, always."""

from collections.abc import Callable

import pytest

from order_router.adapter import errors
from order_router.adapter.http import Send
from order_router.adapter.port import Broker, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers.registry import load_broker
from order_router.domain.reports import OrderBook
from order_router.domain.request import OrderRequest
from order_router.transport.http_transport import HttpTransport
from tests.fakes.clock import FakeClock
from tests.fakes.listings import MemoryListings
from tests.fakes.orders import a_request
from tests.faults.chaos_floors import LISTINGS, SECRETS
from tests.faults.floor import usual_product
from tests.faults.scripted_server import answering, ok, scripted
from tests.simulators.chaos_dialect import Refusal, Verdict
from tests.simulators.dialects import DIALECTS

TAG, ORDER_ID = "ORD7K2M4QX5ZB3TDLW6A", "261123000001"


def request_at(broker: Broker) -> OrderRequest:
    return a_request(account="main", product=usual_product(broker.profile.name))


def target_at(broker: Broker) -> OrderTarget:
    return OrderTarget(broker_order_id=ORDER_ID, request=request_at(broker))


def place(broker: Broker, send: Send, session: BrokerSession) -> object:
    intent = PlaceIntent(client_order_id=TAG, client_tag=TAG, request=request_at(broker))
    return broker.place_order(send, session, intent)


def modify(broker: Broker, send: Send, session: BrokerSession) -> None:
    request = request_at(broker)
    intent = ModifyIntent(broker_order_id=ORDER_ID, before=request, request=request)
    broker.modify_order(send, session, intent)


CALLS: dict[str, Callable[[Broker, Send, BrokerSession], object]] = {
    "place_order": place,
    "modify_order": modify,
    "cancel_order": lambda broker, send, session: broker.cancel_order(send, session, target_at(broker)),
    "read_order": lambda broker, send, session: broker.read_order(send, session, target_at(broker)),
    "read_orders": lambda broker, send, session: broker.read_orders(send, session),
}
NAME_NO_ORDER = {"place_order", "read_orders"}
MOST_READS = 4
"""Breeze's book is read exchange by exchange."""
DOCUMENTED = [(broker, refusal) for broker, dialect in DIALECTS.items() for refusal in dialect.refusals]


def came_of(broker: str, call: str, answer: bytes) -> object:
    """Return what a call returns or raises when the broker's socket answers so, however often it is asked."""
    adapter = load_broker(broker)
    transport = HttpTransport(FakeClock())
    texts = dict.fromkeys(adapter.profile.session_fields, "k") | dict(SECRETS.get(broker, {}))
    secrets = {name: Secret(text) for name, text in texts.items()}
    around = Surroundings(now=FakeClock().now, listings=MemoryListings(LISTINGS.get(broker, ())))
    with scripted(answering(*[answer] * MOST_READS)) as server:
        send = transport.sender(server.url, not_after=None)
        try:
            return CALLS[call](adapter, send, BrokerSession("main", server.url, secrets, around))
        except errors.BrokerError as error:
            return type(error)
        finally:
            transport.close()


def rendered(broker: str, status: int, code: str, message: str) -> bytes:
    body = DIALECTS[broker].render(code, message).encode()
    return ok(body, "Content-Type: application/json", status=f"{status} Error")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("broker", "refusal"), DOCUMENTED, ids=[f"{broker}-{one.status}-{one.code}" for broker, one in DOCUMENTED]
)
def test_every_documented_error_is_classified_as_documented(broker: str, refusal: Refusal, call: str) -> None:
    came = came_of(broker, call, rendered(broker, refusal.status, refusal.code, refusal.message))

    if call == "read_orders" and refusal.is_empty_list:
        assert came == OrderBook(reports=(), is_complete=True)
        return
    is_elsewhere = refusal.names_an_order and call in NAME_NO_ORDER and refusal.elsewhere
    assert came == getattr(errors, refusal.elsewhere if is_elsewhere else refusal.means)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("broker", DIALECTS)
def test_no_server_error_is_ever_a_definite_answer(broker: str, call: str) -> None:
    for status, code, message in DIALECTS[broker].failures:
        assert came_of(broker, call, rendered(broker, status, code, message)) is errors.OutcomeUnknown


@pytest.mark.parametrize("broker", DIALECTS)
def test_every_class_of_definite_answer_is_documented_somewhere(broker: str) -> None:
    means = {refusal.means for refusal in DIALECTS[broker].refusals}
    definite = {"InvalidOrder", "InvalidSymbol", "InsufficientFunds", "PermissionDenied", "OrderNotFound"}

    assert means >= definite | {"Rejected", "SessionExpired", "RateLimited", "OutcomeUnknown"}
    assert {refusal.verdict for refusal in DIALECTS[broker].refusals} == {
        Verdict.REFUSED,
        Verdict.RESEND,
        Verdict.LOST,
    }
