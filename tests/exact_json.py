"""JSON with every number as it was spelt."""

import json
from decimal import Decimal


def dump_json(value: object) -> str:
    """Write JSON with every number as the sample spells it."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{dump_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(dump_json(item) for item in value) + "]"
    return json.dumps(value)
