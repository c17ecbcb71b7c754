"""Measurements in memory."""

from collections.abc import Mapping


class MemoryMetrics:
    """Implements `ports.Metrics`; `taken` lists what was measured."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, int], dict[str, str]]] = []

    def put(self, values: Mapping[str, int], about: Mapping[str, str] | None = None) -> None:
        """Keep them."""
        self.taken.append((dict(values), dict(about or {})))

    def of(self, name: str) -> list[int]:
        """Return every value of a name, oldest first."""
        return [values[name] for values, _ in self.taken if name in values]
