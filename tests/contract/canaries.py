"""What the contract hands to an adapter: a session and credentials of canaries, a fixed present, a few instruments."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from order_router.adapter.decode import strict_json
from order_router.adapter.login import Credentials
from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import InstrumentType, Listing
from tests.contract.intents import read_leg
from tests.fakes.listings import MemoryListings

NOW = "2026-11-20T04:32:11+00:00"
NONCE = "0123456789abcdef0123456789abcdef"
OF_CREDENTIALS = frozenset({"log_in", "login_page", "redeem_login", "read_postback"})


@dataclass(frozen=True)
class Canaries:
    """A session and credentials none of whose texts may ever show."""

    session: BrokerSession
    credentials: Credentials

    @property
    def secrets(self) -> dict[str, str]:
        """Return the texts by name."""
        both = {**self.credentials.secrets, **self.session.secrets}
        return {name: secret.reveal() for name, secret in both.items()}

    def handed_to(self, call: str) -> tuple[str, ...]:
        """Return the texts that a call is handed, and so could send: no broker can repeat others."""
        holder = self.credentials if call in OF_CREDENTIALS else self.session
        return tuple(secret.reveal() for secret in holder.secrets.values())


def load_canaries(folder: Path, broker: Broker) -> Canaries:
    """Return secrets spelt `canary-<field>`, unless `_session.json` names others that have the vendor's shape."""
    return Canaries(_load_session(folder, broker), _load_credentials(folder, broker))


def read_listing(row: dict[str, Any]) -> Listing:
    """Read a listing as samples spell it: the fields of `Listing`, numbers and days as text."""
    unknown = row.keys() - {field.name for field in fields(Listing)}
    if unknown:
        raise ValueError(f"a listing has unknown keys: {', '.join(sorted(unknown))}")
    expiry, strike = row.get("expiry"), row.get("strike")
    return Listing(
        instrument=parse_instrument(row["instrument"]),
        instrument_type=InstrumentType(row["instrument_type"]),
        broker_symbol=row["broker_symbol"],
        broker_key=row["broker_key"],
        tick_size=Decimal(row["tick_size"]),
        lot_size=row.get("lot_size", 1),
        freeze_quantity=row.get("freeze_quantity"),
        underlying=row.get("underlying"),
        expiry=None if expiry is None else date.fromisoformat(expiry),
        strike=None if strike is None else Decimal(strike),
        legs=tuple(read_leg(*leg) for leg in row["legs"]) if "legs" in row else None,
    )


def _load_session(folder: Path, broker: Broker) -> BrokerSession:
    own = _own(folder)
    names = broker.profile.session_fields
    return BrokerSession(
        account="sample",
        endpoint=own.get("endpoint", broker.profile.endpoint),
        secrets=_canaries(names, own.get("secrets", {})),
        around=_surroundings(own),
    )


def _load_credentials(folder: Path, broker: Broker) -> Credentials:
    own, profile = _own(folder), broker.profile
    names = tuple(field.name for field in profile.credentials)
    return Credentials(
        account="sample",
        endpoint=own.get("login_endpoint", profile.login_endpoint or profile.endpoint),
        secrets=_canaries(names, own.get("credentials", {})),
        around=_surroundings(own),
    )


def _own(folder: Path) -> dict[str, Any]:
    path = folder / "_session.json"
    own: dict[str, Any] = strict_json(path.read_bytes()) if path.exists() else {}
    return own


def _canaries(names: tuple[str, ...], own: dict[str, str]) -> dict[str, Secret]:
    return {name: Secret(text) for name, text in ({name: f"canary-{name}" for name in names} | own).items()}


def _surroundings(own: dict[str, Any]) -> Surroundings:
    listings = MemoryListings([read_listing(row) for row in own.get("listings", [])])
    now = datetime.fromisoformat(own.get("now", NOW))
    return Surroundings(now=lambda: now, nonce=lambda: str(own.get("nonce", NONCE)), listings=listings)
