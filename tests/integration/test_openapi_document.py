"""The contract is OpenAPI, as a validator of others judges it."""

import json

from openapi_spec_validator import validate

from order_router.api.openapi import openapi_document


def test_the_document_is_valid_openapi() -> None:
    validate(json.loads(json.dumps(openapi_document())))


def test_orders_and_alerts_can_be_for_after_the_market() -> None:
    schemas = openapi_document()["components"]["schemas"]

    for name in ("MarketOrder", "LimitOrder", "StopLimitOrder", "StopMarketOrder", "TradingViewAlert"):
        assert "after_market" in schemas[name]["properties"], name
        assert "after_market" not in schemas[name]["required"], name
    assert "after_market" in schemas["OrderJson"]["required"]
