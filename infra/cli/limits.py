"""`router limits`: what an account or a strategy may have, and what is counted of it today."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.accounts import REMEMBERED_S
from infra.cli.command import Result, Table, command, new_app
from infra.cli.options import complete_accounts, complete_strategies
from infra.cli.refusal import Misuse
from infra.cli.work import ACCOUNT_VARIABLE, Work

if TYPE_CHECKING:
    from order_router.domain.limits import OrderLimits
    from order_router.domain.meter import Counted
    from order_router.service.limit_settings import LimitsDesk, LimitsFound

app = new_app("What an order may ask for, and all of them together.")
NONE = "none"

OneAccount = Annotated[
    str | None,
    typer.Argument(
        metavar="[ACCOUNT]", envvar=ACCOUNT_VARIABLE, autocompletion=complete_accounts, help="The account."
    ),
]
OneStrategy = Annotated[
    str | None, typer.Option("--strategy", autocompletion=complete_strategies, help="Of this strategy.")
]
Limit = Annotated[str | None, typer.Option(metavar="LIMIT|none")]
Words = Annotated[str | None, typer.Option(metavar="NAME,...|none")]
Margin = Annotated[
    str | None, typer.Option(metavar="off|funds|calculator", help="What the broker is asked before.")
]


@command(app, "show")
def show(work: Work, account: OneAccount = None, *, strategy: OneStrategy = None) -> Result:
    """Show the limits of an account or a strategy, and what is counted today."""
    from order_router.service.limit_settings import show_limits  # noqa: PLC0415 - a fast start

    return _told(show_limits(_desk(work), _counted(account, strategy)))


@command(app, "set")
def set_limits(  # noqa: PLR0913 - each is one option
    work: Work,
    account: OneAccount = None,
    *,
    strategy: OneStrategy = None,
    max_quantity: Limit = None,
    max_order_value: Limit = None,
    price_band_percent: Limit = None,
    instruments: Words = None,
    denied_instruments: Words = None,
    exchanges: Words = None,
    products: Words = None,
    max_orders_per_day: Limit = None,
    max_open_orders: Limit = None,
    max_gross_exposure: Limit = None,
    max_net_exposure: Limit = None,
    max_instrument_gross_exposure: Limit = None,
    max_instrument_net_exposure: Limit = None,
    max_daily_loss: Limit = None,
    margin: Margin = None,
) -> Result:
    """Set the limits that are named and leave the others; none takes one away, lists go by commas."""
    asked = dict(locals())
    words = {name: asked[name] for name in _rules() if asked[name] is not None}
    if not words:
        raise Misuse("name a limit, such as --max-order-value 200000")
    from infra.operate import OPERATOR  # noqa: PLC0415 - a fast start
    from order_router.service.limit_settings import change_limits  # noqa: PLC0415 - the same

    found = change_limits(
        _desk(work), _counted(account, strategy), lambda limits: changed_limits(limits, words), by=OPERATOR
    )
    return _told(found, note=f"workers may take {REMEMBERED_S} s to see it")


def changed_limits(limits: "OrderLimits", words: Mapping[str, str]) -> "OrderLimits":
    """Return the limits with these said anew in words; a ValidationError names what does not fit."""
    fields: dict[str, Any] = limits.model_dump(mode="json")
    for name, word in words.items():
        if word.strip().lower() == NONE:
            fields.pop(name, None)
        else:
            fields[name] = [one.strip() for one in word.split(",")] if name in LISTS else word
    return type(limits).model_validate(fields)


LISTS = {"instruments", "denied_instruments", "exchanges", "products"}


def _rules() -> Iterator[str]:
    from order_router.domain.limits import Limits  # noqa: PLC0415 - a fast start

    return iter(Limits.model_fields)


def _counted(account: str | None, strategy: str | None) -> "Counted":
    from order_router.domain.meter import Counted  # noqa: PLC0415 - a fast start

    if strategy is not None:
        # ROUTER_ACCOUNT may name an account for all commands: a strategy that is named goes before it
        return Counted("strategy", strategy)
    if account is None:
        raise Misuse("name an account, or --strategy NAME")
    return Counted("account", account)


def _desk(work: Work) -> "LimitsDesk":
    from infra.cli.desk import profile_of  # noqa: PLC0415 - a fast start
    from order_router.aws.meters import MetersTable  # noqa: PLC0415 - the same
    from order_router.service.limit_settings import LimitsDesk  # noqa: PLC0415 - the same

    target = work.target
    meters = MetersTable(target.dynamodb, target.outputs["GateTableName"])
    return LimitsDesk(settings=target.settings, meters=meters, clock=work.clock, profile_of=profile_of)


def _told(found: "LimitsFound", note: str = "") -> Result:
    from order_router.api.limits import limits_json  # noqa: PLC0415 - a fast start

    document = limits_json(found)
    counted = document["counted"]
    rows = tuple(
        (name, _words(limit), " to ".join(str(counted[one]) for one in COUNTED_AS.get(name, ())))
        for name, limit in document["limits"].items()
    )
    columns = (str(found.counted), "limit", f"on {counted['day']}")
    notes = (*found.warnings, note) if note else found.warnings
    return Result(document=document, shown=Table(columns, rows), note="\n".join(notes))


def _words(limit: object) -> str:
    if isinstance(limit, list):
        return ", ".join(map(str, limit)) or NONE
    return NONE if limit is None else str(limit)


COUNTED_AS = {
    "max_orders_per_day": ("orders",),
    "max_open_orders": ("open",),
    "max_gross_exposure": ("gross",),
    "max_net_exposure": ("net_if_sold", "net_if_bought"),
    "max_daily_loss": ("loss",),
}
"""What of today is shown beside a limit: net, as far as resting orders may bring it either way."""
