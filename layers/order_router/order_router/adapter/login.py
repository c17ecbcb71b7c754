"""How a session with a broker begins: what a trader stores once, and what a login makes of it each day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from order_router.adapter.errors import NotSent
from order_router.adapter.http import Send
from order_router.adapter.session import BrokerSession, Secret, Surroundings


class LoginKind(StrEnum):
    """Who begins a session: nobody (there are none), the stack by itself, or a person on the broker's page."""

    NONE = "none"
    UNATTENDED = "unattended"
    BROWSER = "browser"


class LoginFailed(NotSent):
    """No session came of a login. The code says what to do about it."""

    code = "LOGIN_FAILED"


class CredentialsRefused(LoginFailed):
    """The broker does not take what is stored: a person must store it anew."""

    code = "CREDENTIALS_REFUSED"


class CodeRefused(LoginFailed):
    """The broker does not take the time-based code: the stored secret is wrong, or a clock is off."""

    code = "TOTP_REFUSED"


class AddressRefused(LoginFailed):
    """The broker does not take logins from this address: it must be registered there."""

    code = "ADDRESS_NOT_REGISTERED"


class LoginUnclear(LoginFailed):
    """The broker did not answer, or not as documented: the next try may succeed."""

    code = "LOGIN_UNCLEAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """One thing that a trader stores for an account.

    `pattern` is a regular expression that the whole text must match, `expected` says so in words. `is_secret` False:
    it may be shown (a user id). `is_multiline`: a key file.
    """

    name: str
    title: str
    pattern: str
    expected: str
    is_secret: bool = True
    is_multiline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What an account has stored to log in with, and where. `endpoint` has no trailing slash."""

    account: str
    endpoint: str
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    around: Surroundings = field(default_factory=Surroundings, repr=False, compare=False)

    def secret(self, name: str) -> str:
        """Return the named secret; CredentialsRefused if the account has none stored."""
        found = self.secrets.get(name)
        if found is None:
            raise CredentialsRefused(
                f"account {self.account} has no {name} stored", code="CREDENTIALS_MISSING"
            )
        return found.reveal()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """What a login gave: the session's secrets, when they die, and where to send orders if the broker says so."""

    secrets: Mapping[str, Secret]
    expires_at: datetime
    endpoint: str | None = None


class UnattendedLogin(Protocol):
    """What the `login` module of a broker offers whose profile says UNATTENDED."""

    def log_in(self, send: Send, credentials: Credentials, /) -> NewSession:
        """Begin a session. Raises LoginFailed or one of its children, and no other."""

    def keep_alive(self, send: Send, session: BrokerSession, /) -> None:
        """Tell the broker that the session is in use (profile: `keep_alive_s`); SessionExpired if it is dead."""


class BrowserLogin(Protocol):
    """What the `login` module of a broker offers whose profile says BROWSER."""

    def login_page(self, credentials: Credentials, state: str, /) -> str:
        """Return the address of the broker's page; it sends the browser back to us with `state` where it can."""

    def redeem_login(self, send: Send, credentials: Credentials, answer: Mapping[str, str], /) -> NewSession:
        """Exchange what the broker's page sent us for a session. Raises LoginFailed or one of its children."""
