"""The contract is OpenAPI, as a validator of others judges it."""

import json

from openapi_spec_validator import validate

from order_router.api.openapi import openapi_document


def test_the_document_is_valid_openapi() -> None:
    validate(json.loads(json.dumps(openapi_document())))
