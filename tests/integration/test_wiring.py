"""What a worker makes, and when."""

import pytest

from order_router.aws.environment import Environment
from order_router.wiring import World

VARIABLES = {
    "ORDERS_TABLE": "orders",
    "SETTINGS_TABLE": "settings",
    "GATE_TABLE": "gate",
    "RECONCILE_QUEUE_URL": "http://127.0.0.1/queue",
    "SECRETS_PREFIX": "stack/accounts",
}


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")


def made(world: World) -> set[str]:
    return {name for name in vars(world) if not name.startswith("_")}


def test_a_part_is_made_when_it_is_first_asked_for_and_kept() -> None:
    world = World(Environment(VARIABLES))
    assert made(world) == set()

    desk = world.desk

    assert world.desk is desk
    assert "secretsmanager" not in made(world)
    assert "sqs" not in made(world)


def test_a_snapshot_holds_what_the_first_order_would_have_made() -> None:
    world = World(Environment(VARIABLES))

    world.warm_up()

    assert "secretsmanager" in made(world)


def test_a_function_that_talks_to_no_broker_has_nothing_to_warm() -> None:
    world = World(Environment({"SETTINGS_TABLE": "settings"}))

    world.warm_up()

    assert made(world) == set()
