"""The whole stack, from an HTTP call to the broker."""
