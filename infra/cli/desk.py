"""The services of broker sessions over a stack that an operator reaches: the same rules as in its functions."""

import os
import secrets
from collections.abc import Callable

from infra.operate import Target
from order_router.adapter.profile import Profile
from order_router.aws.session_table import LoginTicketsTable, SessionRecordsTable
from order_router.aws.sessions import (
    Addresses,
    SecretCredentials,
    SecretSessions,
    SecretVault,
)
from order_router.brokers.registry import load_broker, load_login
from order_router.ports import Clock, Notice
from order_router.service.session_desk import SessionDesk
from order_router.transport.http_transport import HttpTransport
from order_router.transport.local import RoutingTransport


class _Shown:
    """Tells nobody: the person sees what the command prints."""

    def tell(self, notice: Notice) -> bool:
        """Do nothing: the person knows."""
        _ = notice
        return True


def profile_of(broker: str) -> Profile:
    """Return a broker's profile."""
    return load_broker(broker).profile


def endpoint_of(target: Target) -> Callable[[str], str | None]:
    """Return where a broker is that the deployer moved: told by the environment here, or by the stack's parameters."""

    def find(broker: str) -> str | None:
        told = os.environ.get(f"BROKER_ENDPOINT_{broker.upper()}", "")
        if not told:
            wanted = f"{broker.replace('_', '')}endpoint"
            parameters = target.read_parameters()
            told = next((value for name, value in parameters.items() if name.lower() == wanted), "")
        return told.rstrip("/") or None

    return find


def addresses_of(target: Target) -> Addresses:
    """Return where the stack's secrets and brokers are."""
    return Addresses(f"{target.stack_name}/accounts", profile_of, endpoint_of(target))


def session_desk(target: Target, clock: Clock) -> SessionDesk:
    """Return what the services of sessions work with on this stack."""
    addresses, gate = addresses_of(target), target.outputs["GateTableName"]
    over_http = HttpTransport(clock)
    return SessionDesk(
        settings=target.settings,
        sessions=SecretSessions(lambda: target.secretsmanager, addresses, clock),
        credentials=credential_store(target),
        vault=SecretVault(lambda: target.secretsmanager, addresses.prefix),
        records=SessionRecordsTable(target.dynamodb, gate),
        tickets=LoginTicketsTable(target.dynamodb, gate),
        broker_of=load_broker,
        login_of=load_login,
        transport=RoutingTransport({"https": over_http, "http": over_http}),
        clock=clock,
        notifier=_Shown(),
        nonce=lambda: secrets.token_urlsafe(32),
    )


def credential_store(target: Target) -> SecretCredentials:
    """Return the accounts' credentials."""
    return SecretCredentials(lambda: target.secretsmanager, addresses_of(target))
