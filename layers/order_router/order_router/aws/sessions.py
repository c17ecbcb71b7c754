"""Broker sessions and credentials in Secrets Manager: two secrets an account, sessions read through a short cache."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from order_router.adapter.errors import SessionExpired
from order_router.adapter.login import Credentials, CredentialsRefused, NewSession
from order_router.adapter.profile import Feature, Profile
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.aws.secrets_manager import SecretDamaged, SecretUnavailable, read_texts, write_texts
from order_router.domain.account import Account
from order_router.ports import Clock

__all__ = ["Addresses", "SecretCredentials", "SecretSessions", "SecretUnavailable", "SecretVault"]

CACHE_LIFE = timedelta(seconds=60)
EXPIRES_AT, ENDPOINT = "expires_at", "endpoint"
"""What a session's secret may hold beside the broker's own fields."""

POSTBACK_TAG = "order-router:reads-postbacks"
"""Marks the credentials that prove a broker's postbacks: the function that takes those may read no others."""

MakeClient = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class _Cached:
    session: BrokerSession
    good_until: datetime


def _usual_surroundings(_: Account) -> Surroundings:
    return Surroundings()


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where secrets and brokers are: a name prefix, each broker's profile, endpoints set by the deployer.

    `around_of` gives what an account's adapter may ask for beside its broker.
    """

    prefix: str
    profile_of: Callable[[str], Profile]
    endpoint_of: Callable[[str], str | None]
    around_of: Callable[[Account], Surroundings] = field(default=_usual_surroundings)


class SecretSessions:
    """Implements `ports.Sessions` over a Secrets Manager client, made when a broker first needs a secret."""

    def __init__(self, make_client: MakeClient, addresses: Addresses, clock: Clock) -> None:
        self._client = make_client
        self._addresses = addresses
        self._clock = clock
        self._cached: dict[str, _Cached] = {}

    def session(self, account: Account) -> BrokerSession:
        """Return the account's session; SessionExpired if there is none, SecretUnavailable on a passing fault."""
        now = self._clock.now()
        cached = self._cached.get(account.name)
        if cached is None or now >= cached.good_until:
            cached = self._cached[account.name] = _Cached(self._load(account), now + CACHE_LIFE)
        return cached.session

    def forget(self, account: Account) -> None:
        """Drop the cached session: the broker refused it."""
        self._cached.pop(account.name, None)

    def _load(self, account: Account) -> BrokerSession:
        profile = self._addresses.profile_of(account.broker)
        texts = self._texts(account) if profile.session_fields else {}
        named = self._addresses.endpoint_of(account.broker) or texts.get(ENDPOINT) or profile.endpoint
        own = {name: Secret(text) for name, text in texts.items() if name not in {EXPIRES_AT, ENDPOINT}}
        return BrokerSession(
            account.name,
            named.rstrip("/"),
            own,
            around=self._addresses.around_of(account),
            expires_at=_expiry(account, texts.get(EXPIRES_AT)),
        )

    def _texts(self, account: Account) -> dict[str, str]:
        name = secret_name(self._addresses.prefix, account.name)
        try:
            texts = read_texts(self._client(), name, f"the session of {account.name}")
        except SecretDamaged:
            texts = {}
        if texts is None:
            raise SessionExpired(f"account {account.name} has no session stored: log in first")
        if not texts:
            raise _damaged(account)
        return texts


class SecretVault:
    """Implements `ports.SessionVault` over a Secrets Manager client."""

    def __init__(self, make_client: MakeClient, prefix: str) -> None:
        self._client = make_client
        self._prefix = prefix

    def keep(self, account: Account, session: NewSession) -> None:
        """Store the account's new session in place of the old one."""
        write_texts(self._client, secret_name(self._prefix, account.name), session_texts(session))


class SecretCredentials:
    """Implements `ports.CredentialStore` over a Secrets Manager client: what is stored now is what is used."""

    def __init__(self, make_client: MakeClient, addresses: Addresses) -> None:
        self._client = make_client
        self._addresses = addresses

    def credentials(self, account: Account) -> Credentials:
        """Return the account's credentials; CredentialsRefused if it has none, SecretUnavailable on a passing fault."""
        texts = self.stored(account)
        if texts is None:
            raise CredentialsRefused(
                f"account {account.name} has no credentials stored", code="CREDENTIALS_MISSING"
            )
        profile = self._addresses.profile_of(account.broker)
        endpoint = self._addresses.endpoint_of(account.broker) or profile.login_endpoint or profile.endpoint
        return Credentials(
            account=account.name,
            endpoint=endpoint.rstrip("/"),
            secrets={name: Secret(text) for name, text in texts.items()},
            around=self._addresses.around_of(account),
        )

    def stored(self, account: Account) -> dict[str, str] | None:
        """Return what is stored, None if nothing is; CredentialsRefused if it is damaged."""
        name = credentials_name(self._addresses.prefix, account.name)
        try:
            return read_texts(self._client(), name, f"the credentials of {account.name}")
        except SecretDamaged:
            pass
        # raised out here: nothing that was stored may be in the error's context
        raise CredentialsRefused(
            f"what is stored for {account.name} is not a JSON object of texts: store its credentials again"
        )

    def put(self, account: Account, texts: Mapping[str, str]) -> None:
        """Store the account's credentials in place of the old ones; StoreUnavailable if that fails."""
        profile = self._addresses.profile_of(account.broker)
        reads_postbacks = str(Feature.POSTBACK in profile.features).lower()
        tags = ({"Key": POSTBACK_TAG, "Value": reads_postbacks},)
        write_texts(self._client, credentials_name(self._addresses.prefix, account.name), texts, tags)


def secret_name(prefix: str, account: str) -> str:
    """Return the name of an account's session secret."""
    return f"{prefix}/{account}/session"


def credentials_name(prefix: str, account: str) -> str:
    """Return the name of an account's credentials secret."""
    return f"{prefix}/{account}/credentials"


def session_texts(session: NewSession) -> dict[str, str]:
    """Return the texts that a new session is stored as."""
    texts = {name: secret.reveal() for name, secret in session.secrets.items()}
    texts[EXPIRES_AT] = session.expires_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return texts if session.endpoint is None else {**texts, ENDPOINT: session.endpoint}


def _expiry(account: Account, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _damaged(account)
    return moment.astimezone(UTC)


def _damaged(account: Account) -> SessionExpired:
    return SessionExpired(
        f"the session stored for {account.name} is not a JSON object of texts: store it again"
    )
