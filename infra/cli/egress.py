"""`router egress`: the address that brokers see."""

from typing import TYPE_CHECKING, Any

from infra.cli.command import Result, command, new_app
from infra.cli.work import Work

if TYPE_CHECKING:
    from infra.egress import Egress

app = new_app("The address that brokers see.")


@command(app, "check")
def check_egress(work: Work) -> Result:
    """Ask the functions that call brokers which address they have; exits with 1 if it will not do."""
    from infra.egress import look_at_egress  # noqa: PLC0415 - a fast start

    found = look_at_egress(work.target)
    return Result(
        document=_document(found),
        shown="\n".join([*_functions(found), *_accounts(found)]),
        note=_advice(found),
        exit_code=0 if found.is_fit else 1,
    )


def _document(found: "Egress") -> dict[str, Any]:
    return {
        "static_egress": found.setting,
        "address": found.address,
        "is_fit": found.is_fit,
        "functions": [
            {"function": one.function, "address": one.address, "error": one.error} for one in found.seen
        ],
        "accounts": [
            {"account": one.account, "broker": one.broker, "registered_for": list(map(str, one.calls))}
            for one in found.registrations
        ],
    }


def _functions(found: "Egress") -> list[str]:
    lines = [f"static egress: {found.setting}"]
    return lines + [f"  {one.function:<19}  {one.address or f'? {one.error}'}" for one in found.seen]


def _accounts(found: "Egress") -> list[str]:
    if not found.registrations:
        return ["no account's broker asks for a registered address"]
    lines = [f"to register: {found.address or 'no address yet'}"]
    return lines + [
        f"  {one.account:<20}  {one.broker:<12}  {', '.join(one.calls)}" for one in found.registrations
    ]


def _advice(found: "Egress") -> str:
    if found.is_fit:
        return ""
    if found.setting == "none":
        return (
            "these brokers refuse orders from an address that changes: deploy with StaticEgress=nat-gateway"
        )
    return "the functions do not leave from one address: register none, and look at the network"
