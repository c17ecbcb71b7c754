"""Sends an alert and an order through a fresh stack and prints both journeys."""

from typing import Any


def run(facts: dict[str, Any]) -> None:
    """Send both orders and follow them until they are filled."""
    print(f"   {facts['api_url']}")
