"""Every error answer that a broker documents, over a real socket: the class that its page gives it, always."""

from collections.abc import Callable

import pytest

from order_router.adapter import errors
from order_router.adapter.http import Send
from order_router.adapter.port import Broker, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession, Secret
from order_router.brokers.registry import load_broker
from order_router.transport.http_transport import HttpTransport
from tests.fakes.clock import FakeClock
from tests.fakes.orders import a_request
from tests.faults.scripted_server import answering, ok, scripted
from tests.simulators.chaos_dialect import DIALECTS, Refusal, Verdict

REQUEST = a_request(account="main")
TARGET = OrderTarget(broker_order_id="261123000001", request=REQUEST)
PLACING = PlaceIntent(
    client_order_id="ORD7K2M4QX5ZB3TDLW6A", client_tag="ORD7K2M4QX5ZB3TDLW6A", request=REQUEST
)
MODIFYING = ModifyIntent(broker_order_id="261123000001", before=REQUEST, request=REQUEST)
CALLS: dict[str, Callable[[Broker, Send, BrokerSession], object]] = {
    "place_order": lambda broker, send, session: broker.place_order(send, session, PLACING),
    "modify_order": lambda broker, send, session: broker.modify_order(send, session, MODIFYING),
    "cancel_order": lambda broker, send, session: broker.cancel_order(send, session, TARGET),
    "read_order": lambda broker, send, session: broker.read_order(send, session, TARGET),
    "read_orders": lambda broker, send, session: broker.read_orders(send, session),
}
DOCUMENTED = [(broker, refusal) for broker, dialect in DIALECTS.items() for refusal in dialect.refusals]


def answered(broker: str, call: str, answer: bytes) -> type[BaseException]:
    """Return what a call becomes when the broker's socket answers so."""
    adapter = load_broker(broker)
    transport = HttpTransport(FakeClock())
    secrets = {name: Secret("k") for name in adapter.profile.session_fields}
    with scripted(answering(answer)) as server:
        send = transport.sender(server.url, not_after=None)
        with pytest.raises(errors.BrokerError) as caught:
            CALLS[call](adapter, send, BrokerSession("main", server.url, secrets))
    transport.close()
    return caught.type


def rendered(broker: str, status: int, code: str, message: str) -> bytes:
    body = DIALECTS[broker].render(code, message).encode()
    return ok(body, "Content-Type: application/json", status=f"{status} Error")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("broker", "refusal"), DOCUMENTED, ids=[f"{broker}-{one.status}-{one.code}" for broker, one in DOCUMENTED]
)
def test_every_documented_error_is_classified_as_documented(broker: str, refusal: Refusal, call: str) -> None:
    caught = answered(broker, call, rendered(broker, refusal.status, refusal.code, refusal.message))

    names_none = broker == "zerodha" and refusal.names_an_order and call in {"place_order", "read_orders"}
    assert caught.__name__ == ("OutcomeUnknown" if names_none else refusal.means)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("broker", DIALECTS)
def test_no_server_error_is_ever_a_definite_answer(broker: str, call: str) -> None:
    for status, code, message in DIALECTS[broker].failures:
        assert answered(broker, call, rendered(broker, status, code, message)) is errors.OutcomeUnknown


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
