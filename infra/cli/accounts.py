"""`router account` and `router broker`: which accounts trade, and where."""

from typing import Annotated, Any

import typer

from infra.cli.command import Result, Table, command, new_app
from infra.cli.options import AccountName, BrokerOption, NewName
from infra.cli.refusal import Refusal
from infra.cli.work import Work

app = new_app("Accounts.")
broker_app = new_app("What brokers there are.")

OFF = "off"
Orders = Annotated[
    int | None, typer.Option(min=1, max=5000, help="Of accepted orders; more limits: router limits set.")
]
Band = Annotated[
    str | None,
    typer.Option(
        metavar="PERCENT|off",
        help="How far a MARKET order may go where the broker takes none: it becomes a limit there.",
    ),
]

AlgoId = Annotated[
    str | None,
    typer.Option(metavar="ID|off", help="The exchange's id of a registered algorithm, sent with each order."),
]


@command(app, "add")
def add_account(  # noqa: PLR0913 - each is one option
    work: Work,
    name: NewName,
    broker: BrokerOption,
    *,
    max_orders_per_day: Orders = None,
    market_band_percent: Band = None,
    algo_id: AlgoId = None,
) -> Result:
    """Add an account; of one that is there, change what is named and nothing else."""
    from infra import operate  # noqa: PLC0415 - a fast start
    from order_router.brokers.registry import load_broker  # noqa: PLC0415 - the same
    from order_router.domain.account import Account  # noqa: PLC0415 - the same
    from order_router.domain.limits import STARTING, Limits  # noqa: PLC0415 - the same

    load_broker(broker)
    changes = _changes(max_orders_per_day, market_band_percent)
    if algo_id is not None:
        changes["algo_id"] = None if algo_id == OFF else algo_id
    before = operate.find_account(work.target, name)
    if before is None:
        _require_free(name)
        # an order at a real broker begins with limits: whoever wants more sets his own
        limits = Limits() if broker == "paper" else STARTING
        account = Account.model_validate({"name": name, "broker": broker, "limits": limits, **changes})
        operate.add_account(work.target, account)
        return _told(account, f"account {name} at {broker} is there", next_step(account))
    if before.broker != broker:
        raise Refusal(f"account {name} is at {before.broker}: give the one at {broker} another name")
    after = operate.change_account(work.target, name, changes)
    return _told(after, f"account {name} was there already: {_difference(before, after)}")


def _require_free(name: str) -> None:
    """Raise Refusal for a name that notices of no single account have: who follows one account is told of those too."""
    from order_router.domain.notices import EVERYBODY  # noqa: PLC0415 - a fast start

    if name in EVERYBODY:
        raise Refusal(f"{name} is what notices call every account: give this one another name")


def _changes(max_orders_per_day: int | None, market_band_percent: str | None) -> dict[str, object]:
    changes: dict[str, object] = {}
    if max_orders_per_day is not None:
        changes["max_orders_per_day"] = max_orders_per_day
    if market_band_percent is not None:
        changes["market_band_percent"] = None if market_band_percent == OFF else market_band_percent
    return changes


def _difference(before: object, after: object) -> str:
    old, new = document_of(before), document_of(after)
    changed = [f"{name} {old[name]} is now {new[name]}" for name in new if old[name] != new[name]]
    return ", ".join(changed) or "nothing was changed"


def document_of(setting: object) -> dict[str, object]:
    """Return a setting as JSON values."""
    from pydantic import BaseModel  # noqa: PLC0415 - a fast start

    assert isinstance(setting, BaseModel)  # noqa: S101 - whatever the operator stores is a model
    return dict(setting.model_dump(mode="json"))


def next_step(account: object) -> str:
    """Return what is still to be done before an account can trade."""
    from order_router.brokers.registry import load_broker  # noqa: PLC0415 - a fast start

    fields = document_of(account)
    needs = load_broker(str(fields["broker"])).profile.credentials
    return f"next: router credentials set {fields['name']}" if needs else ""


def _told(account: object, words: str, note: str = "") -> Result:
    return Result(document=document_of(account), shown=words, note=note)


@command(app, "list")
def list_accounts(work: Work) -> Result:
    """List the accounts."""
    accounts: list[dict[str, Any]] = [document_of(account) for account in work.target.settings.accounts()]
    rows = tuple(
        (str(one["name"]), str(one["broker"]), _enabled(one), str(one["limits"]["max_orders_per_day"]))
        for one in accounts
    )
    return Result(
        document={"accounts": accounts}, shown=Table(("account", "broker", "", "orders a day"), rows)
    )


def _enabled(fields: dict[str, object]) -> str:
    return "enabled" if fields["is_enabled"] else "disabled"


@command(app, "show")
def show_account(work: Work, name: AccountName) -> Result:
    """Show an account, what its broker needs, and which strategies trade it."""
    from infra import operate  # noqa: PLC0415 - a fast start
    from order_router.brokers.registry import load_broker  # noqa: PLC0415 - the same

    account = operate.account_of(work.target, name)
    profile = load_broker(account.broker).profile
    strategies = [one.name for one in work.target.settings.strategies() if name in one.accounts]
    document = {
        **document_of(account),
        "broker_title": profile.title,
        "login": str(profile.login),
        "credentials": [field.name for field in profile.credentials],
        "strategies": strategies,
    }
    return Result(document=document, shown=facts(document))


def facts(document: dict[str, object]) -> Table:
    """Return what is known of one thing, a line each."""
    rows = ((name, _words(value)) for name, value in document.items())
    return Table(("", ""), tuple(rows))


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None or value == {} else str(value)


@command(app, "enable")
def enable_account(work: Work, name: AccountName) -> Result:
    """Let an account trade."""
    return _switch(work, name, is_enabled=True)


@command(app, "disable")
def disable_account(work: Work, name: AccountName) -> Result:
    """Let an account place no new order; what rests at its broker stays there."""
    return _switch(work, name, is_enabled=False)


def _switch(work: Work, name: str, *, is_enabled: bool) -> Result:
    from infra import operate  # noqa: PLC0415 - a fast start

    account = operate.change_account(work.target, name, {"is_enabled": is_enabled})
    word = "enabled" if is_enabled else "disabled"
    return _told(account, f"account {name} is {word} (workers may take {REMEMBERED_S} s to see it)")


REMEMBERED_S = 15
"""How long a worker remembers a setting."""


@command(broker_app, "list")
def list_brokers(_: Work) -> Result:
    """List the brokers, how each is logged in to, and what must be stored for it."""
    from order_router.brokers.registry import BROKERS, load_broker  # noqa: PLC0415 - a fast start

    profiles = [load_broker(name).profile for name in sorted(BROKERS)]
    document = [
        {
            "broker": profile.name,
            "title": profile.title,
            "login": str(profile.login),
            "credentials": [field.name for field in profile.credentials],
        }
        for profile in profiles
    ]
    rows = tuple(
        (p.name, p.title, str(p.login), ", ".join(field.name for field in p.credentials) or "none")
        for p in profiles
    )
    return Result(
        document={"brokers": document}, shown=Table(("broker", "title", "login", "credentials"), rows)
    )
