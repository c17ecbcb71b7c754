"""Puts the first account, strategy, API keys and prices into a fresh stack."""

from typing import Any

from infra.local.stack import Stack


def seed(stack: Stack) -> dict[str, Any]:
    """Seed what is missing; give the keys that go into the stack's facts."""
    _ = stack
    return {"api_key": "", "api_keys": {}, "webhook_token": ""}
