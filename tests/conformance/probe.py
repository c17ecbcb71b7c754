"""Probes: each asks an implementation for one thing that AWS documents, in its docstring, with the page's name."""

from collections.abc import Callable

from tests.conformance.aws import Aws

Probe = Callable[[Aws], None]
PROBES: list[Probe] = []


def probe(function: Probe) -> Probe:
    """Let every implementation be asked this."""
    PROBES.append(function)
    return function
