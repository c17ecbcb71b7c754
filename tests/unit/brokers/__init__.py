"""Brokers: what the contract cannot know about one of them."""
