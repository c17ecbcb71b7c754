"""Broker sessions from Secrets Manager, one secret an account, read through a short cache."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from order_router.adapter.decode import strict_json
from order_router.adapter.errors import NotSent, SessionExpired
from order_router.adapter.profile import Profile
from order_router.adapter.session import BrokerSession, Secret
from order_router.domain.account import Account
from order_router.ports import Clock

CACHE_LIFE = timedelta(seconds=60)
ABSENT = {"ResourceNotFoundException", "InvalidRequestException"}


class SecretUnavailable(NotSent):
    """The secret could not be read for the moment: nothing was sent."""

    code = "SECRET_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class _Cached:
    session: BrokerSession
    good_until: datetime


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where secrets and brokers are: a name prefix, each broker's profile, endpoints set by the deployer."""

    prefix: str
    profile_of: Callable[[str], Profile]
    endpoint_of: Callable[[str], str | None]


class SecretSessions:
    """Implements `ports.Sessions` over a Secrets Manager client, made when a broker first needs a secret."""

    def __init__(self, make_client: Callable[[], Any], addresses: Addresses, clock: Clock) -> None:
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
        endpoint = self._addresses.endpoint_of(account.broker) or profile.endpoint
        secrets = self._secrets(account) if profile.session_fields else {}
        return BrokerSession(account.name, endpoint, secrets)

    def _secrets(self, account: Account) -> dict[str, Secret]:
        try:
            answer = self._client().get_secret_value(
                SecretId=secret_name(self._addresses.prefix, account.name)
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ABSENT:
                raise SessionExpired(f"account {account.name} has no session stored: log in first") from None
            raise SecretUnavailable(f"the session of {account.name}: {code}") from None
        except BotoCoreError as error:
            raise SecretUnavailable(f"the session of {account.name}: {type(error).__name__}") from None
        return _parse(account, answer.get("SecretString", ""))


def secret_name(prefix: str, account: str) -> str:
    """Return the name of an account's session secret."""
    return f"{prefix}/{account}/session"


def _parse(account: Account, text: str) -> dict[str, Secret]:
    try:
        fields = strict_json(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
        raise SessionExpired(
            f"the session stored for {account.name} is not a JSON object of texts: store it again"
        )
    return {name: Secret(value) for name, value in fields.items()}
