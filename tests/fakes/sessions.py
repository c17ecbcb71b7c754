"""Secrets, records and tickets of sessions in memory; they keep the contracts that the tables keep."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from order_router.adapter.errors import SessionExpired
from order_router.adapter.login import Credentials, CredentialsRefused, NewSession
from order_router.adapter.session import BrokerSession, Secret
from order_router.domain.account import Account
from order_router.domain.broker_session import SessionRecord
from order_router.ports import LoginTicket, RecordConflict, StoreUnavailable, StrayPostback


class MemorySecrets:
    """Implements `ports.Sessions`, `ports.SessionVault` and `ports.CredentialStore`: every read sees the last write."""

    def __init__(self, endpoint: str, session_endpoint: str | None = None) -> None:
        self._endpoint = endpoint
        self._session_endpoint = session_endpoint or endpoint
        self._sessions: dict[str, BrokerSession] = {}
        self._credentials: dict[str, Mapping[str, str]] = {}
        self.kept: list[NewSession] = []
        self.is_down = False

    def put_credentials(self, account: str, texts: Mapping[str, str]) -> None:
        self._credentials[account] = dict(texts)

    def put_session(self, account: str, token: str, expires_at: datetime | None = None) -> BrokerSession:
        wrapped = {"token": Secret(token)}
        session = BrokerSession(account, self._session_endpoint, wrapped, expires_at=expires_at)
        self._sessions[account] = session
        return session

    def session(self, account: Account) -> BrokerSession:
        if account.name not in self._sessions:
            raise SessionExpired(f"account {account.name} has no session stored: log in first")
        return self._sessions[account.name]

    def forget(self, account: Account) -> None:
        """Nothing is remembered."""

    def keep(self, account: Account, session: NewSession) -> None:
        if self.is_down:
            raise StoreUnavailable("storing a secret: Throttled")
        self.kept.append(session)
        stored = BrokerSession(
            account.name, self._session_endpoint, session.secrets, expires_at=session.expires_at
        )
        self._sessions[account.name] = stored

    def credentials(self, account: Account) -> Credentials:
        if account.name not in self._credentials:
            message = f"account {account.name} has no credentials stored"
            raise CredentialsRefused(message, code="CREDENTIALS_MISSING")
        wrapped = {name: Secret(text) for name, text in self._credentials[account.name].items()}
        return Credentials(account=account.name, endpoint=self._endpoint, secrets=wrapped)


class MemorySessionRecords:
    """Implements `ports.SessionRecords`."""

    def __init__(self) -> None:
        self._records: dict[str, SessionRecord] = {}
        self.writes = 0

    def get(self, account: str) -> SessionRecord:
        return self._records.get(account, SessionRecord(account=account))

    def write(self, record: SessionRecord, *, replacing: SessionRecord) -> SessionRecord:
        stands = self.get(record.account)
        if stands.version != replacing.version:
            raise RecordConflict(stands)
        self.writes += 1
        self._records[record.account] = replace(record, version=replacing.version + 1)
        return self._records[record.account]


class MemoryTickets:
    """Implements `ports.LoginTickets`."""

    def __init__(self) -> None:
        self._tickets: dict[str, LoginTicket] = {}
        self._used: set[str] = set()
        self._address: str | None = None

    def issue(self, ticket: LoginTicket) -> None:
        self._tickets[ticket.digest] = ticket

    def find(self, digest: str, now: datetime) -> LoginTicket | None:
        ticket = self._tickets.get(digest)
        is_good = ticket is not None and digest not in self._used and now < ticket.expires_at
        return ticket if is_good else None

    def use(self, ticket: LoginTicket, now: datetime) -> bool:
        stored = self._tickets.get(ticket.digest)
        is_good = stored == ticket and ticket.digest not in self._used and now < ticket.expires_at
        if is_good:
            self._used.add(ticket.digest)
        return is_good

    def address(self) -> str | None:
        return self._address

    def remember_address(self, url: str) -> None:
        self._address = url


class MemoryStrays:
    """Implements `ports.StrayPostbacks`."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], StrayPostback] = {}

    def keep(self, stray: StrayPostback, at: datetime) -> bool:
        key = (stray.account, stray.report.broker_order_id)
        is_first = key not in self.kept
        self.kept[key] = stray
        return is_first
