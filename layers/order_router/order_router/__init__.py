"""order-router: one order request in, one order at the right broker, exactly once."""

__version__ = "0.1.0"
