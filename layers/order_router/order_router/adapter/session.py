"""A logged-in session with a broker, its secrets wrapped so that they cannot be printed by accident."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from order_router.adapter.errors import SessionExpired, Unsupported
from order_router.adapter.listings import Listings, NoListings
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing


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


def _present() -> datetime:
    return datetime.now(UTC)


def _new_nonce() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an adapter may ask for beside its broker: the present, a value never used before, the instruments."""

    now: Callable[[], datetime] = _present
    nonce: Callable[[], str] = _new_nonce
    listings: Listings = field(default_factory=NoListings)


@dataclass(frozen=True, slots=True)
class BrokerSession:
    """Where a broker is and what proves who we are there. `endpoint` has no trailing slash."""

    account: str
    endpoint: str
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    around: Surroundings = field(default_factory=Surroundings, repr=False, compare=False)
    expires_at: datetime | None = None

    @property
    def fingerprint(self) -> str:
        """Return what tells this session from another one of its account, and nothing of its secrets."""
        return self._digest_of(self.secrets)

    def user(self, fields: Iterable[str]) -> str | None:
        """Return what tells the user whom these secrets name from any other, and nothing of them; None if none do."""
        named = {name: Secret(self.secret(name)) for name in fields}
        return self._digest_of(named) if named else None

    @staticmethod
    def _digest_of(named: Mapping[str, Secret]) -> str:
        texts = sorted((name, secret.reveal()) for name, secret in named.items())
        return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:32]

    def secret(self, name: str) -> str:
        """Return the named secret; SessionExpired if the account has none stored."""
        found = self.secrets.get(name)
        if found is None:
            raise SessionExpired(f"account {self.account} has no {name} stored: log in first")
        return found.reveal()

    def listing(self, instrument: Instrument) -> Listing:
        """Return the instrument as this broker lists it; Unsupported if it does not."""
        found = self.around.listings.of(instrument)
        if found is None:
            raise Unsupported(f"the broker lists no {instrument}", code="INSTRUMENT_UNKNOWN")
        return found
