"""JSON with every number as it was spelt."""

import json
from decimal import Decimal
from json.encoder import encode_basestring_ascii as quoted


def dump_json(value: object) -> str:
    """Write JSON with every number as the sample spells it."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "{" + ",".join([f"{_name(key)}:{dump_json(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, Decimal) or type(value) is int:
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ",".join([dump_json(item) for item in value]) + "]"
    return json.dumps(value)


def _name(key: object) -> str:
    return quoted(key) if isinstance(key, str) else json.dumps(key)
