"""Lost answers, conflicts and throttles between the orders table and us: nothing is written or counted twice."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from order_router.aws.gate import epoch_ms
from order_router.aws.order_record import RecordUnreadable
from order_router.aws.orders_table import CONFLICT_TRIES, OrdersTable
from order_router.domain.gate import SLOT_LIFE, Counter, Gate, Pace, SwitchOn
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Order, apply
from order_router.ports import OrderPage, StoreConflict, StoreUnavailable
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory, make_table
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.gate_switches import Switches
from tests.fakes.orders import a_submitting_order

ORDERS, GATES = "OrdersTable", "GateTable"
TRANSACT, PUT = "transact_write_items", "put_item"
SWITCHES = ("kill#all",)
COUNTER = Counter("paper#2026-11-23", 100, MONDAY_MORNING + timedelta(days=2))
GATE = Gate(switches=SWITCHES, counters=(COUNTER,), pace=Pace("paper#NSE", 9, MONDAY_MORNING))

Call = Callable[..., Any]


@pytest.fixture
def client() -> Iterator[Any]:
    with aws_in_memory():
        client = aws_client("dynamodb")
        make_table(client, ORDERS)
        make_table(client, GATES)
        yield client


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def store_over(client: Any, clock: FakeClock) -> OrdersTable:
    return OrdersTable(client, clock, orders=ORDERS, gates=GATES)


def opened(order: Order) -> Order:
    return apply(order, Event(kind=EventKind.OPENED, at=order.updated_at, broker_order_id="2611230001"))


def counted(client: Any) -> int:
    item = client.get_item(TableName=GATES, Key={"gate": {"S": f"count#{COUNTER.name}"}}).get("Item")
    return 0 if item is None else int(item["n"]["N"])


def repeating(call: Call) -> Call:
    """Perform the call twice and hand over the second answer, as botocore does when the first is lost."""

    def perform(**arguments: Any) -> Any:
        call(**arguments)
        return call(**arguments)

    return perform


def failing(call: Call, error: Exception, times: int) -> Call:
    """Raise the error this many times before the call is performed."""
    left = [error] * times

    def perform(**arguments: Any) -> Any:
        if left:
            raise left.pop()
        return call(**arguments)

    return perform


def client_error(code: str, **more: Any) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "canary-7741"}, **more}
    return ClientError(response, "Write")


def cancelled(*codes: str) -> ClientError:
    return client_error(
        "TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes]
    )


@pytest.mark.parametrize("gate", [None, GATE])
def test_a_write_that_botocore_repeated_recognises_itself(
    client: Any, clock: FakeClock, gate: Gate | None
) -> None:
    name = PUT if gate is None else TRANSACT
    store = store_over(Wrapped(client, **{name: repeating(getattr(client, name))}), clock)
    order = a_submitting_order()

    store.write(order, replacing=None, gate=gate)
    store.write(opened(order), replacing=order, gate=gate)

    assert store.get(order.client_order_id) == opened(order)
    assert counted(client) == (0 if gate is None else 2)


def lost(call: Call, times: int, error: Exception) -> Call:
    """Perform the call and lose its answer this many times."""
    left = [error] * times

    def perform(**arguments: Any) -> Any:
        answer = call(**arguments)
        if left:
            raise left.pop()
        return answer

    return perform


NO_ANSWERS = (
    ReadTimeoutError(endpoint_url="https://dynamodb.example"),
    ConnectionClosedError(endpoint_url="https://dynamodb.example"),
    client_error("InternalServerError", ResponseMetadata={"HTTPStatusCode": 500}),
    client_error("TransactionInProgressException", ResponseMetadata={"HTTPStatusCode": 400}),
)


@pytest.mark.parametrize("error", NO_ANSWERS, ids=lambda error: type(error).__name__)
def test_a_gated_write_whose_answer_is_lost_asks_once_more_and_finds_itself(
    client: Any, clock: FakeClock, error: Exception
) -> None:
    watched = Wrapped(client, **{TRANSACT: lost(client.transact_write_items, 1, error)})
    store, order = store_over(watched, clock), a_submitting_order()

    store.write(order, replacing=None, gate=GATE)

    assert store.get(order.client_order_id) == order
    assert counted(client) == 1
    assert watched.calls == [TRANSACT, TRANSACT, "get_item"]


def test_a_gated_write_whose_answer_is_lost_has_the_call_of_its_first_try(
    client: Any, clock: FakeClock
) -> None:
    lose = lost(client.transact_write_items, 1, NO_ANSWERS[0])

    def lose_slowly(**request: Any) -> Any:
        clock.advance(0.1)
        return lose(**request)

    store = store_over(Wrapped(client, **{TRANSACT: lose_slowly}), clock)

    good_until = store.write(a_submitting_order(), replacing=None, gate=GATE)

    assert clock.now() > MONDAY_MORNING
    assert good_until == MONDAY_MORNING + SLOT_LIFE


@pytest.mark.parametrize("error", NO_ANSWERS, ids=lambda error: type(error).__name__)
def test_a_gated_write_that_never_arrived_is_made_once(
    client: Any, clock: FakeClock, error: Exception
) -> None:
    flaky = Wrapped(client, **{TRANSACT: failing(client.transact_write_items, error, 1)})
    store, order = store_over(flaky, clock), a_submitting_order()

    store.write(order, replacing=None, gate=GATE)

    assert store.get(order.client_order_id) == order
    assert counted(client) == 1


def test_a_gated_write_is_not_asked_for_a_third_time(client: Any, clock: FakeClock) -> None:
    silent = Wrapped(client, **{TRANSACT: failing(client.transact_write_items, NO_ANSWERS[0], 99)})

    with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
        store_over(silent, clock).write(a_submitting_order(), replacing=None, gate=GATE)
    assert silent.calls == [TRANSACT, TRANSACT]


def test_a_lost_write_meets_the_gate_again_if_it_never_arrived(client: Any, clock: FakeClock) -> None:
    def stopped_meanwhile(**_: Any) -> Any:
        Switches(client, GATES, clock).set("kill#all", engaged=True)
        watched._replaced.clear()
        raise ReadTimeoutError(endpoint_url="https://dynamodb.example")

    watched = Wrapped(client, **{TRANSACT: stopped_meanwhile})
    store, order = store_over(watched, clock), a_submitting_order()

    with pytest.raises(SwitchOn):
        store.write(order, replacing=None, gate=GATE)
    assert store.get(order.client_order_id) is None


def test_a_lost_write_that_stands_is_not_sent_once_a_switch_has_come_on_behind_it(
    client: Any, clock: FakeClock
) -> None:
    def stopped_just_after(**arguments: Any) -> Any:
        client.transact_write_items(**arguments)
        Switches(client, GATES, clock).set("kill#all", engaged=True)
        watched._replaced.clear()
        raise ReadTimeoutError(endpoint_url="https://dynamodb.example")

    watched = Wrapped(client, **{TRANSACT: stopped_just_after})
    store, order = store_over(watched, clock), a_submitting_order()

    with pytest.raises(StoreUnavailable, match="kill#all"):
        store.write(order, replacing=None, gate=GATE)
    assert store.get(order.client_order_id) == order


@pytest.mark.parametrize("gate", [None, GATE])
def test_a_write_whose_answer_was_lost_for_good_can_be_written_again(
    client: Any, clock: FakeClock, gate: Gate | None
) -> None:
    name = PUT if gate is None else TRANSACT
    error = ReadTimeoutError(endpoint_url="https://dynamodb.example")
    lossy = Wrapped(client, **{name: lost_then_silent(getattr(client, name), error)})
    store, order = store_over(lossy, clock), a_submitting_order()

    with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
        store.write(order, replacing=None, gate=gate)
    lossy._replaced.clear()
    store.write(order, replacing=None, gate=gate)

    assert store.get(order.client_order_id) == order
    assert counted(client) == (0 if gate is None else 1)


def lost_then_silent(call: Call, error: Exception) -> Call:
    """Perform the call the first time, and never answer."""
    left = [call]

    def perform(**arguments: Any) -> Any:
        if left:
            left.pop()(**arguments)
        raise error

    return perform


def test_a_lost_write_that_another_worker_followed_is_a_conflict(client: Any, clock: FakeClock) -> None:
    lossy = Wrapped(client, **{TRANSACT: lost_then_silent(client.transact_write_items, NO_ANSWERS[0])})
    store, order = store_over(lossy, clock), a_submitting_order()
    with pytest.raises(StoreUnavailable):
        store.write(order, replacing=None, gate=GATE)
    store_over(client, clock).write(opened(order), replacing=order)
    lossy._replaced.clear()

    with pytest.raises(StoreConflict) as caught:
        store.write(order, replacing=None, gate=GATE)
    assert caught.value.current == opened(order)


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_passing_conflict_is_waited_out(client: Any, clock: FakeClock, code: str) -> None:
    error = cancelled("None", "None", code, "None")
    store = store_over(Wrapped(client, **{TRANSACT: failing(client.transact_write_items, error, 3)}), clock)

    store.write(a_submitting_order(), replacing=None, gate=GATE)

    assert counted(client) == 1
    assert len(clock.slept) == 3
    assert sum(clock.slept) < 0.2


def test_a_conflict_that_stays_ends_in_bounded_time(client: Any, clock: FakeClock) -> None:
    error = cancelled("TransactionConflict", "None", "None", "None")
    store = store_over(Wrapped(client, **{TRANSACT: failing(client.transact_write_items, error, 99)}), clock)

    with pytest.raises(StoreUnavailable):
        store.write(a_submitting_order(), replacing=None, gate=GATE)
    assert sum(clock.slept) < 1


def test_a_plain_write_waits_out_a_transaction_on_its_order(client: Any, clock: FakeClock) -> None:
    error = client_error("TransactionConflictException")
    busy = Wrapped(client, **{PUT: failing(client.put_item, error, CONFLICT_TRIES - 1)})

    store_over(busy, clock).write(a_submitting_order(), replacing=None)

    assert len(clock.slept) == CONFLICT_TRIES - 1


@pytest.mark.parametrize("gate", [None, GATE])
@pytest.mark.parametrize("code", ["InternalServerError", "ThrottlingException", "AccessDeniedException"])
def test_a_refusal_of_the_table_is_named_without_its_payload(
    client: Any, clock: FakeClock, code: str, gate: Gate | None
) -> None:
    error = client_error(code)
    broken = Wrapped(
        client,
        put_item=failing(client.put_item, error, 1),
        transact_write_items=failing(client.transact_write_items, error, 1),
    )

    with pytest.raises(StoreUnavailable) as caught:
        store_over(broken, clock).write(a_submitting_order(), replacing=None, gate=gate)
    assert code in caught.value.message
    assert "canary" not in caught.value.message
    assert caught.value.__cause__ is None


def test_an_order_passes_its_gate_in_one_call_and_is_recorded_in_one(client: Any, clock: FakeClock) -> None:
    watched = Wrapped(client)
    store, order = store_over(watched, clock), a_submitting_order()

    store.write(order, replacing=None, gate=GATE)
    store.write(opened(order), replacing=order)

    assert watched.calls == [TRANSACT, PUT]


def test_a_worker_does_not_try_the_slots_that_it_used(client: Any, clock: FakeClock) -> None:
    watched = Wrapped(client)
    store = store_over(watched, clock)

    for turn in range(9):
        store.write(a_submitting_order(f"k-{turn}"), replacing=None, gate=GATE)

    assert watched.calls == [TRANSACT] * 9


def test_a_retry_takes_its_slot_at_the_time_of_the_retry(client: Any, clock: FakeClock) -> None:
    error = cancelled("None", "None", "TransactionConflict", "None")
    store = store_over(Wrapped(client, **{TRANSACT: failing(client.transact_write_items, error, 5)}), clock)

    good_until = store.write(a_submitting_order(), replacing=None, gate=GATE)

    slots = [
        item
        for number in range(9)
        if (
            item := client.get_item(TableName=GATES, Key={"gate": {"S": f"pace#paper#NSE#{number}"}}).get(
                "Item"
            )
        )
    ]
    assert [int(slot["used_at"]["N"]) for slot in slots] == [epoch_ms(clock.now() + SLOT_LIFE)]
    assert good_until == clock.now() + SLOT_LIFE


def test_the_sparse_index_holds_only_what_has_not_ended(client: Any, clock: FakeClock) -> None:
    store, order = store_over(client, clock), a_submitting_order()
    store.write(order, replacing=None)
    rejected = apply(order, Event(kind=EventKind.REJECTED, at=order.updated_at))
    store.write(rejected, replacing=order)

    item = client.get_item(TableName=ORDERS, Key={"client_order_id": {"S": order.client_order_id}})["Item"]

    assert not [name for name in item if name.startswith("attention")]
    assert item["account_day"] == {"S": "paper#2026-11-23"}
    assert item["created_key"] == {"S": f"2026-11-23T04:30:00.000000Z#{order.client_order_id}"}


def one_at_a_time(call: Call) -> Call:
    """Answer queries with one item a page, as a page of a megabyte may."""
    return lambda **arguments: call(**arguments | {"Limit": 1})


def test_a_long_list_of_unsettled_orders_is_read_to_its_end(client: Any, clock: FakeClock) -> None:
    store = store_over(Wrapped(client, query=one_at_a_time(client.query)), clock)
    orders = tuple(
        a_submitting_order(f"k-{turn}", at=MONDAY_MORNING + timedelta(seconds=turn)) for turn in range(4)
    )
    for order in reversed(orders):
        store.write(order, replacing=None)

    assert store.list_unsettled("paper") == orders


def test_a_page_that_ends_early_says_where_to_go_on(client: Any, clock: FakeClock) -> None:
    store = store_over(Wrapped(client, query=one_at_a_time(client.query)), clock)
    orders = [
        a_submitting_order(f"k-{turn}", at=MONDAY_MORNING + timedelta(seconds=turn)) for turn in range(3)
    ]
    for order in orders:
        store.write(order, replacing=None)

    page = store.list_day("paper", MONDAY_MORNING.date(), limit=10)

    assert page.orders == (orders[-1],)
    assert page.next_cursor is not None


def test_orders_are_read_consistently(client: Any, clock: FakeClock) -> None:
    asked: list[dict[str, Any]] = []

    def watched(**arguments: Any) -> Any:
        asked.append(arguments)
        return client.get_item(**arguments)

    store_over(Wrapped(client, get_item=watched), clock).get("K-1")

    assert [arguments["ConsistentRead"] for arguments in asked] == [True]


def test_a_switch_that_was_set_without_a_word_on_exits_lets_none_through(
    client: Any, clock: FakeClock
) -> None:
    switches, leaving = Switches(client, GATES, clock), replace(GATE, is_exit=True)
    switches.set("kill#all", engaged=True)

    with pytest.raises(SwitchOn):
        store_over(client, clock).write(a_submitting_order(), replacing=None, gate=leaving)

    switches.set("kill#all", engaged=True, lets_exits=True)
    store_over(client, clock).write(a_submitting_order(), replacing=None, gate=leaving)


def test_a_full_table_of_reasons_that_nobody_knows_is_no_success(client: Any, clock: FakeClock) -> None:
    error = cancelled("None", "None", "ItemCollectionSizeLimitExceeded", "None")
    store = store_over(Wrapped(client, **{TRANSACT: failing(client.transact_write_items, error, 99)}), clock)

    with pytest.raises(StoreUnavailable, match="ItemCollectionSizeLimitExceeded"):
        store.write(a_submitting_order(), replacing=None, gate=GATE)


def test_a_record_of_another_release_in_the_way_is_named_and_left(client: Any, clock: FakeClock) -> None:
    store, order = store_over(client, clock), a_submitting_order()
    store.write(order, replacing=None)
    key = {"client_order_id": {"S": order.client_order_id}}
    client.update_item(
        TableName=ORDERS,
        Key=key,
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "schema"},
        ExpressionAttributeValues={":s": {"N": "99"}},
    )

    for gate in (None, GATE):
        with pytest.raises(RecordUnreadable, match=order.client_order_id):
            store.write(order, replacing=None, gate=gate)


def test_a_record_that_cannot_be_read_does_not_hide_the_others(client: Any, clock: FakeClock) -> None:
    store, good, bad = store_over(client, clock), a_submitting_order("good"), a_submitting_order("bad")
    for order in (good, bad):
        store.write(order, replacing=None)
    client.update_item(
        TableName=ORDERS,
        Key={"client_order_id": {"S": bad.client_order_id}},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "schema"},
        ExpressionAttributeValues={":s": {"N": "99"}},
    )

    assert store.list_unsettled("paper") == (good,)
    assert store.list_day("paper", good.received_at.date(), limit=10) == OrderPage((good,), unreadable=1)


@pytest.mark.parametrize("gate", [None, GATE])
def test_a_worker_s_earlier_write_is_not_taken_for_a_later_one(
    client: Any, clock: FakeClock, gate: Gate | None
) -> None:
    store, order = store_over(client, clock), a_submitting_order()
    store.write(order, replacing=None)

    with pytest.raises(StoreConflict) as caught:
        store.write(opened(order), replacing=None, gate=gate)

    assert caught.value.current == order
