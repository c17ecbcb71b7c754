"""The broker adapters, one folder each, and the registry that finds them by name."""
