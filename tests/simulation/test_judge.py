"""The judge sees each order as it is stored, and nothing that was not stored."""

from random import Random
from typing import Any

from order_router.aws.order_record import order_item
from tests.fakes.orders import a_submitting_order, an_order
from tests.simulation.stack import Stack


def a_put(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"Put": {"TableName": "OrdersTable", "Item": item}}]


def test_a_write_that_its_token_answers_is_not_a_write_of_old_news() -> None:
    stack = Stack(Random(1))  # noqa: S311 - nothing is secret here
    first, later = order_item(an_order(), "w-1"), order_item(a_submitting_order(), "w-2")
    stack.dynamodb.transact_write_items(TransactItems=a_put(first), ClientRequestToken="token-1")
    stack.dynamodb.transact_write_items(TransactItems=a_put(later), ClientRequestToken="token-2")

    stack.dynamodb.transact_write_items(TransactItems=a_put(first), ClientRequestToken="token-1")

    assert stack.judge.broken == []


def test_old_news_that_is_stored_is_seen() -> None:
    stack = Stack(Random(1))  # noqa: S311 - nothing is secret here
    first, later = order_item(an_order(), "w-1"), order_item(a_submitting_order(), "w-2")
    stack.dynamodb.transact_write_items(TransactItems=a_put(first))
    stack.dynamodb.transact_write_items(TransactItems=a_put(later))

    stack.dynamodb.transact_write_items(TransactItems=a_put(first))

    assert any("lost a version" in rule for rule in stack.judge.broken)
