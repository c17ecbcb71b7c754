"""Which address brokers see a stack's calls come from, asked of the functions that make them."""

from dataclasses import dataclass
from ipaddress import ip_address

from infra.operate import Target
from order_router.adapter.profile import CheckedCall
from order_router.brokers.registry import load_broker

NONE = "none"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one function says of its address."""

    function: str
    address: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """An account whose broker takes these calls from registered addresses only."""

    account: str
    broker: str
    calls: tuple[CheckedCall, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """How a stack's calls leave. `address`: the one that all its functions have, where it is a fixed one."""

    setting: str
    seen: tuple[Seen, ...]
    registrations: tuple[Registration, ...]
    promised: str | None = None

    @property
    def address(self) -> str | None:
        """Return the address to register; None where there is none, or not one."""
        found = {one.address for one in self.seen} | ({self.promised} if self.promised else set())
        return found.pop() if self.setting != NONE and len(found) == 1 else None

    @property
    def is_fit(self) -> bool:
        """Return whether every account's orders and logins can come from an address that its broker knows."""
        return self.address is not None if self.setting != NONE else not self.registrations


def look_at_egress(target: Target) -> Egress:
    """Ask each function that calls brokers for its address, and say which accounts need it registered."""
    functions = dict(pair.split("=", 1) for pair in target.outputs["EgressFunctions"].split())
    return Egress(
        setting=target.read_parameters().get("StaticEgress", NONE),
        seen=tuple(_ask(target, name, arn) for name, arn in functions.items()),
        registrations=_registrations(target),
        promised=target.outputs.get("EgressAddress"),
    )


def _ask(target: Target, name: str, arn: str) -> Seen:
    answer = target.invoke(arn, {"source": "address"})
    if "address" in answer:
        return Seen(name, str(ip_address(answer["address"])))
    error = answer.get("error") or {"message": str(answer.get("errorMessage", "no answer"))}
    return Seen(name, None, error["message"])


def _registrations(target: Target) -> tuple[Registration, ...]:
    checked = (
        Registration(one.name, one.broker, tuple(sorted(load_broker(one.broker).profile.checks_address)))
        for one in target.settings.accounts()
    )
    return tuple(one for one in checked if one.calls)
