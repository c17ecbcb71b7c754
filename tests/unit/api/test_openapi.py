"""The contract: every route of the template, made from the models that judge."""

from order_router.api.openapi import openapi_document
from order_router.api.operations import OPERATIONS
from order_router.domain.request import LimitOrder


def test_every_schema_forbids_what_the_model_forbids() -> None:
    schemas = openapi_document()["components"]["schemas"]

    assert schemas["LimitOrder"]["additionalProperties"] is False
    assert set(schemas["LimitOrder"]["required"]) == {
        name for name, field in LimitOrder.model_fields.items() if field.is_required()
    }


def test_every_operation_that_needs_a_key_says_so() -> None:
    paths = openapi_document()["paths"]

    for route, operation in OPERATIONS.items():
        method, _, path = route.partition(" ")
        assert bool(paths[path][method.lower()]["security"]) == (operation.scope is not None)
