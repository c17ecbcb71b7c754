"""The IBKR simulator's door: OAuth 1.0a signatures, the Diffie-Hellman key of a day, and the brokerage session.

It checks what the adapter signs with code of its own. Its user is the one of the adapter's samples, whose keys were
made for that alone.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import order_router.brokers
from tests.simulators.kite_book import KiteRefusal

_SAMPLE = Path(order_router.brokers.__path__[0]) / "ibkr" / "samples" / "_session.json"
CREDENTIALS: dict[str, str] = json.loads(_SAMPLE.read_text())["credentials"]
CONSUMER_KEY, ACCESS_TOKEN = CREDENTIALS["consumer_key"], CREDENTIALS["access_token"]
ACCOUNT_ID = CREDENTIALS["account_id"]
LIVE_TOKEN = base64.b64encode(b"the simulator's key!").decode()
SESSION = {
    "consumer_key": CONSUMER_KEY,
    "access_token": ACCESS_TOKEN,
    "live_session_token": LIVE_TOKEN,
    "account_id": ACCOUNT_ID,
}
"""The session that there is from the start."""

PAIR = re.compile(r'([a-z_]+)="([^"]*)"')
DAY = timedelta(hours=24)


def _private(name: str) -> Any:
    return load_pem_private_key(
        CREDENTIALS[name].encode(), password=None, unsafe_skip_rsa_key_validation=True
    )


@dataclass(frozen=True)
class Called:
    """One request as it came: the address that its client called, without the query; a host alone may be under TLS."""

    method: str
    address: str
    headers: Mapping[str, str]

    @property
    def urls(self) -> tuple[str, ...]:
        """Return what its client may have called it."""
        has_scheme = "://" in self.address
        return (
            (self.address,) if has_scheme else tuple(f"{one}://{self.address}" for one in ("http", "https"))
        )

    def oauth(self) -> dict[str, str]:
        """Return what its Authorization header says."""
        text = self.headers.get("authorization", "")
        found = dict(PAIR.findall(text)) if text.startswith("OAuth ") else {}
        if found.get("oauth_consumer_key") != CONSUMER_KEY or found.get("realm") != "limited_poa":
            raise refusal(401, "invalid consumer")
        if found.get("oauth_token") != ACCESS_TOKEN:
            raise refusal(401, "not authenticated")
        return found

    def signed(self, oauth: Mapping[str, str], prepend: str = "") -> list[bytes]:
        """Return what must have been signed, one of them."""
        kept = (f"{name}={oauth[name]}" for name in sorted(oauth) if name not in {"realm", "oauth_signature"})
        pairs = quote_plus("&".join(kept))
        return [f"{prepend}{self.method}&{quote_plus(url)}&{pairs}".encode() for url in self.urls]


@dataclass
class IbkrLogin:
    """Which key lives, and what the brokerage session is like. `skew_s` None: a request's time may be any."""

    now: Callable[[], datetime]
    skew_s: float | None = 60
    live_token: str | None = LIVE_TOKEN
    has_bridge: bool = True
    is_competing: bool = False
    has_asked_accounts: bool = True
    sessions: int = 1
    suppressed: list[str] = field(default_factory=list)
    _nonces: set[str] = field(default_factory=set)

    def exchange(self, called: Called) -> dict[str, Any]:
        """Agree on a key of the day; the one before is dead."""
        oauth = called.oauth()
        self._require_fresh(oauth)
        prepend = _private("encryption_key").decrypt(
            base64.b64decode(CREDENTIALS["access_token_secret"]), PKCS1v15()
        )
        if not any(_is_theirs(oauth, signed) for signed in called.signed(oauth, prepend.hex())):
            raise refusal(401, "invalid signature")
        return self._agreed(int(oauth["diffie_hellman_challenge"], 16), prepend)

    def require_signature(self, called: Called) -> None:
        """Refuse a request that the living key has not signed, or whose nonce was used."""
        oauth = called.oauth()
        if self.live_token is None:
            raise refusal(401, "not authenticated")
        if oauth.get("oauth_signature") not in [_mac(self.live_token, one) for one in called.signed(oauth)]:
            raise refusal(401, "not authenticated")
        self._require_fresh(oauth)

    def require_bridge(self) -> None:
        """Refuse a call of the order system while there is no brokerage session."""
        if not self.has_bridge:
            raise refusal(400, "Bad Request: no bridge")
        if not self.has_asked_accounts:
            raise refusal(400, "Please query /accounts first")

    def begin(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a brokerage session, and take it from whoever holds it if that is asked for."""
        if asked.get("publish") is not True:
            raise refusal(500, "unknown")
        if asked.get("compete") is True:
            self.is_competing = False
        if not self.is_competing:
            self.has_bridge, self.has_asked_accounts, self.sessions = True, False, self.sessions + 1
            self.suppressed.clear()
        return self.status() | {"established": self.has_bridge}

    def status(self) -> dict[str, Any]:
        """Return how the brokerage session is."""
        return {
            "authenticated": self.has_bridge,
            "connected": True,
            "competing": self.is_competing,
            "established": self.has_bridge,
            "message": "",
        }

    def be_told(self, told: Mapping[str, Any]) -> None:
        """Change what a test asks for."""
        for name, value in told.items():
            if name not in {"live_token", "has_bridge", "is_competing", "suppressed"}:
                raise KeyError(name)
            setattr(self, name, value)

    def _agreed(self, challenge: int, prepend: bytes) -> dict[str, Any]:
        prime, secret = int(CREDENTIALS["dh_prime"], 16), int.from_bytes(hashlib.sha256(prepend).digest())
        number = pow(challenge, secret, prime)
        width = len(f"{number:b}") // 8 + 1
        key = hmac.digest(number.to_bytes(width), prepend, hashlib.sha1)
        self.live_token = base64.b64encode(key).decode()
        proof = hmac.digest(key, CONSUMER_KEY.encode(), hashlib.sha1)
        return {
            "diffie_hellman_response": f"{pow(2, secret, prime):x}",
            "live_session_token_signature": proof.hex(),
            "live_session_token_expiration": int((self.now() + DAY).timestamp() * 1000),
        }

    def _require_fresh(self, oauth: Mapping[str, str]) -> None:
        nonce, late_s = oauth["oauth_nonce"], self.now().timestamp() - int(oauth["oauth_timestamp"])
        if nonce in self._nonces or (self.skew_s is not None and abs(late_s) > self.skew_s):
            raise refusal(401, "not authenticated")
        self._nonces.add(nonce)


def sign(method: str, address: str, nonce: str) -> dict[str, str]:
    """Return the headers of a request of the first session's."""
    oauth = {
        "oauth_consumer_key": CONSUMER_KEY,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": "0",
        "oauth_token": ACCESS_TOKEN,
    }
    (first, *_) = Called(method, address, {}).signed(oauth)
    pairs = ", ".join(
        f'{name}="{text}"' for name, text in {**oauth, "oauth_signature": _mac(LIVE_TOKEN, first)}.items()
    )
    return {"authorization": f'OAuth realm="limited_poa", {pairs}', "user-agent": "simulator"}


def _mac(live_token: str, signed: bytes) -> str:
    return quote_plus(base64.b64encode(hmac.digest(base64.b64decode(live_token), signed, hashlib.sha256)))


def _is_theirs(oauth: Mapping[str, str], signed: bytes) -> bool:
    try:
        signature = base64.b64decode(unquote_plus(oauth["oauth_signature"]))
        _private("signature_key").public_key().verify(signature, signed, PKCS1v15(), SHA256())
    except (InvalidSignature, KeyError, ValueError):
        return False
    return True


def refusal(status: int, message: str) -> KiteRefusal:
    """Return an error answer in IBKR's shape."""
    return KiteRefusal(status, str(status), message)
