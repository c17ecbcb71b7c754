"""A logged-in session with a broker, its secrets wrapped so that they cannot be printed by accident."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from order_router.adapter.errors import SessionExpired


class Secret:
    """A text that shows itself only when asked by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret text: only for a header, a body or a signature."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True)
class BrokerSession:
    """Where a broker is and what proves who we are there. `endpoint` has no trailing slash."""

    account: str
    endpoint: str
    secrets: Mapping[str, Secret] = field(default_factory=dict)

    def secret(self, name: str) -> str:
        """Return the named secret; SessionExpired if the account has none stored."""
        found = self.secrets.get(name)
        if found is None:
            raise SessionExpired(f"account {self.account} has no {name} stored: log in first")
        return found.reveal()
