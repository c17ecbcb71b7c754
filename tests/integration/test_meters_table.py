"""What is counted and what things cost, in the gate's table: what fits, how long it is kept, and what fails."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from order_router.aws.meters import MEMORY_SIZE, MetersTable, PricesTable
from order_router.aws.orders_table import OrdersTable
from order_router.domain.gate import Gate, KeptPrice, LimitReached
from order_router.domain.instrument import parse_instrument
from order_router.domain.meter import BASED_AT, GROSS, NET_IF_SOLD, Meter
from order_router.domain.trading_calendar import LONGEST_CLOSURE
from order_router.ports import StoreUnavailable
from order_router.service.pricing import PRICE_LIFE
from tests.fakes.aws import Wrapped
from tests.fakes.client_errors import client_error
from tests.fakes.clock import MONDAY_MORNING as NOW
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.orders import a_submitting_order

METER = "meter#account#paper#2026-11-23"
INFY = parse_instrument("NSE:INFY")
ONE = Decimal(1)
SECOND = timedelta(seconds=1)


def expiry(client: Any, name: str) -> datetime:
    """Return when the table may drop an item."""
    item = client.get_item(TableName="GateTable", Key={"gate": {"S": name}})["Item"]
    return datetime.fromtimestamp(int(item["expires_at"]["N"]), NOW.tzinfo)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"at_most": {GROSS: Decimal(0)}}, None),
        ({"at_least": {NET_IF_SOLD: Decimal(0)}}, None),
        ({"at_least": {NET_IF_SOLD: Decimal("-0.01")}}, None),
        (
            {"at_most": {GROSS: Decimal("-0.01")}},
            "max_gross_exposure of account paper is 4.99, found 0 before 5 more",
        ),
        (
            {"at_least": {NET_IF_SOLD: Decimal("0.01")}},
            "max_net_exposure of account paper is 4.99, found 0 before -5 more",
        ),
    ],
)
def test_the_first_order_of_a_day_finds_room_as_if_nothing_were_counted(
    client: Any, bounds: dict[str, dict[str, Decimal]], words: str | None
) -> None:
    store = OrdersTable(client, FakeClock(), orders="OrdersTable", gates="GateTable")
    adds = {GROSS: Decimal(5), NET_IF_SOLD: Decimal(-5)}
    gate = Gate(
        meters=(
            Meter(name=METER, whose="account paper", expires_at=NOW + timedelta(days=2), adds=adds, **bounds),
        )
    )

    if words is None:
        store.write(a_submitting_order(), replacing=None, gate=gate)
        assert MetersTable(client, "GateTable").read(METER)[GROSS] == 5
        return
    with pytest.raises(LimitReached) as caught:
        store.write(a_submitting_order(), replacing=None, gate=gate)
    assert caught.value.message == words


@pytest.mark.parametrize("instruments", [150, 1000])
def test_a_base_holds_as_many_instruments_as_an_account_may_have(instruments: int) -> None:
    # moto does not measure expressions, which AWS ends at 4 KB
    meters = MetersTable(FakeDynamoDB(template_tables()), "GateTable")
    names = [f"{name}@NSE:SHARE{number}" for number in range(instruments) for name in (GROSS, NET_IF_SOLD)]
    amounts = dict.fromkeys(names, Decimal("123456.05"))

    first = meters.rebase(METER, amounts, seen={}, at=NOW)
    second = meters.rebase(METER, amounts, seen=meters.read(METER), at=NOW + SECOND)

    assert [first, second] == [True, True]
    assert amounts.items() <= meters.read(METER).items()


def test_what_is_counted_stays_as_long_as_its_day_may_be_asked_for(client: Any) -> None:
    assert MetersTable(client, "GateTable").rebase(METER, {GROSS: ONE}, seen={}, at=NOW)

    assert NOW + LONGEST_CLOSURE + timedelta(days=2) <= expiry(client, METER) < NOW + timedelta(days=30)


def test_a_price_stays_for_longer_than_it_serves_and_not_for_good(client: Any) -> None:
    prices = PricesTable(client, "GateTable")
    prices.keep("paper", {INFY: ONE}, NOW)

    assert NOW + PRICE_LIFE < expiry(client, prices.name("paper", INFY)) < NOW + timedelta(days=30)


def test_positions_are_known_from_the_second_in_which_they_were_read(client: Any) -> None:
    meters = MetersTable(client, "GateTable")

    meters.rebase(METER, {GROSS: ONE}, seen={}, at=NOW + timedelta(milliseconds=999))

    assert {name: meters.read(METER)[name] for name in (GROSS, BASED_AT)} == {
        GROSS: 1,
        BASED_AT: int(NOW.timestamp()),
    }


def test_what_is_counted_is_read_as_last_written(client: Any) -> None:
    asked: list[dict[str, Any]] = []

    def get_item(**arguments: Any) -> Any:
        asked.append(arguments)
        return client.get_item(**arguments)

    MetersTable(Wrapped(client, get_item=get_item), "GateTable").read(METER)

    assert [arguments["ConsistentRead"] for arguments in asked] == [True]


def failing(code: str | None) -> Callable[..., Any]:
    """Return a call that fails with this code, without an answer if there is none."""

    def call(**_: Any) -> Any:
        if code is None:
            raise ReadTimeoutError(endpoint_url="https://dynamodb.example")
        raise client_error("Call", code, "canary")

    return call


@pytest.mark.parametrize("code", ["ConditionalCheckFailedException", "TransactionConflictException"])
def test_a_base_that_meets_an_order_on_its_way_is_not_set(client: Any, code: str) -> None:
    meters = MetersTable(Wrapped(client, put_item=failing(code)), "GateTable")

    assert not meters.rebase(METER, {GROSS: ONE}, seen={}, at=NOW)


@pytest.mark.parametrize(
    ("code", "kind"), [("ThrottlingException", "ThrottlingException"), (None, "ReadTimeoutError")]
)
def test_a_table_that_does_not_answer_is_named_with_what_was_tried(
    client: Any, code: str | None, kind: str
) -> None:
    call = failing(code)
    broken = Wrapped(client, get_item=call, put_item=call)
    meters, prices = MetersTable(broken, "GateTable"), PricesTable(broken, "GateTable")
    tries: dict[str, Callable[[], object]] = {
        "reading what is counted": lambda: meters.read(METER),
        "setting what is counted": lambda: meters.rebase(METER, {GROSS: ONE}, seen={}, at=NOW),
        "reading a price": lambda: prices.recent("paper", INFY, oldest=NOW),
        "keeping a price": lambda: prices.keep("paper", {INFY: ONE}, NOW),
    }

    for what, tried in tries.items():
        with pytest.raises(StoreUnavailable) as caught:
            tried()
        assert caught.value.message == f"{what}: {kind}"


def test_a_worker_that_knows_a_price_reads_none_until_it_is_old(client: Any) -> None:
    watched = Wrapped(client)
    own, other = PricesTable(watched, "GateTable"), PricesTable(client, "GateTable")
    own.keep("paper", {INFY: ONE}, NOW)
    other.keep("paper", {INFY: Decimal(2)}, NOW + SECOND)
    watched.calls.clear()

    assert own.recent("paper", INFY, oldest=NOW) == KeptPrice(ONE, NOW)
    assert watched.calls == []

    newer = KeptPrice(Decimal(2), NOW + SECOND)
    assert own.recent("paper", INFY, oldest=NOW + SECOND) == newer
    assert own.recent("paper", INFY, oldest=NOW + SECOND) == newer
    assert watched.calls == ["get_item"]


def test_a_price_that_only_another_worker_kept_is_read_once(client: Any) -> None:
    PricesTable(client, "GateTable").keep("paper", {INFY: ONE}, NOW)
    watched = Wrapped(client)
    prices = PricesTable(watched, "GateTable")

    found = [prices.recent("paper", INFY, oldest=NOW) for _ in range(2)]

    assert found == [KeptPrice(ONE, NOW)] * 2
    assert watched.calls == ["get_item"]


def test_a_worker_remembers_no_more_prices_than_fit_and_goes_on(client: Any) -> None:
    watched = Wrapped(client, put_item=lambda **_: None)
    prices = PricesTable(watched, "GateTable")
    many = {parse_instrument(f"NSE:S{number}"): ONE for number in range(MEMORY_SIZE)}
    first = next(iter(many))
    prices.keep("paper", many, NOW)
    assert prices.recent("paper", first, oldest=NOW) is not None

    prices.keep("paper", {INFY: ONE}, NOW)

    assert prices.recent("paper", INFY, oldest=NOW) is not None
    assert prices.recent("paper", first, oldest=NOW) is None, "forgotten, and never really kept"
