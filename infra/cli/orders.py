"""`router order`: orders through the stack's HTTP API, as any caller places them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal

import typer

from infra.cli.asking import AnswerLost, ApiRefused, path_of
from infra.cli.command import Result, Table, command, new_app
from infra.cli.options import AccountOption
from infra.cli.order_words import shown_order
from infra.cli.refusal import Misuse, Refusal
from infra.cli.work import ACCOUNT_VARIABLE, Work

app = new_app("Orders, through the API.")
REMOVED = "none"

OrderId = Annotated[str, typer.Argument(metavar="CLIENT_ORDER_ID", help="As order list shows it.")]
Quantity = Annotated[int, typer.Argument(help="In units, never in lots.")]
Instrument = Annotated[str, typer.Argument(help="Such as NSE:RELIANCE or NFO:NIFTY26DEC26000CE.")]
OrderType = Literal["MARKET", "LIMIT", "SL", "SL_M"]
TypeOption = Annotated[
    OrderType, typer.Option("--type", metavar="MARKET|LIMIT|SL|SL_M", case_sensitive=False)
]
ProductOption = Annotated[
    Literal["CNC", "MIS", "NRML", "MTF"],
    typer.Option(
        metavar="CNC|MIS|NRML|MTF",
        case_sensitive=False,
        help="Delivery, intraday, carry-forward, margin-funded.",
    ),
]
ValidityOption = Annotated[
    Literal["DAY", "IOC"] | None,
    typer.Option(metavar="DAY|IOC", case_sensitive=False, help="Of a new order DAY unless set."),
]
PriceOption = Annotated[str | None, typer.Option(metavar="PRICE", help="Exact, such as 1500.05.")]
KeyOption = Annotated[
    str | None,
    typer.Option(help="Yours to choose: sent again with the same key, it is the same order."),
]
AfterMarketOption = Annotated[
    bool, typer.Option("--after-market", help="For the next session, sent while there is none.")
]
EffectOption = Annotated[
    Literal["OPEN", "CLOSE"] | None, typer.Option(metavar="OPEN|CLOSE", case_sensitive=False)
]


@command(app, "place")
def place_order(  # noqa: PLR0913 - an order has that many words
    work: Work,
    side: Annotated[Literal["BUY", "SELL"], typer.Argument(metavar="BUY|SELL", case_sensitive=False)],
    quantity: Quantity,
    instrument: Instrument,
    *,
    order_type: TypeOption,
    product: ProductOption,
    account: AccountOption = None,
    limit_price: PriceOption = None,
    trigger_price: PriceOption = None,
    validity: ValidityOption = None,
    disclosed_quantity: Annotated[int | None, typer.Option()] = None,
    position_effect: EffectOption = None,
    after_market: AfterMarketOption = False,
    idempotency_key: KeyOption = None,
) -> Result:
    """Place one order; sent again with the same idempotency key, it is the same order."""
    fields = {
        "account": account or _no_account(),
        "side": side,
        "quantity": quantity,
        "instrument": instrument,
        "order_type": order_type,
        "product": product,
        "limit_price": limit_price,
        "trigger_price": trigger_price,
        "validity": validity,
        "disclosed_quantity": disclosed_quantity,
        "position_effect": position_effect,
        "after_market": after_market or None,
    }
    return shown_order(_place(work, _judged(fields), idempotency_key or _new_key()))


def _judged(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the request as it goes over the wire, judged by the same model that judges it there."""
    from order_router.domain.request import dump_request, parse_request  # noqa: PLC0415 - a fast start

    return dump_request(parse_request(fields))


def _new_key() -> str:
    import secrets  # noqa: PLC0415 - a fast start

    return secrets.token_urlsafe(18)


def _place(work: Work, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Place the order; wherever it may stand without an answer that says so, say how it is sent again as the same."""
    again = f"send it again with --idempotency-key {key}: it is one order"
    try:
        return work.api.call("POST", "/v1/orders", body=body, headers={"Idempotency-Key": key})
    except AnswerLost as error:
        raise AnswerLost(f"{error.message}; {again}") from None
    except ApiRefused as error:
        if not _may_stand(error.problem):
            raise
        raise ApiRefused(f"{error.message}; {again}", code=error.code, problem=error.problem) from None
    except KeyboardInterrupt:
        work.terminal.tell(f"no answer was waited for: it may have been done; {again}")
        raise


def _may_stand(problem: Mapping[str, Any]) -> bool:
    """Return whether a refusal leaves open what became of the order: an error on the stack's side that shows none."""
    status = problem.get("status")
    return isinstance(status, int) and status >= HTTPStatus.INTERNAL_SERVER_ERROR and "order" not in problem


def _no_account() -> str:
    raise Misuse(f"name the account: --account, or set {ACCOUNT_VARIABLE}")


ChangedPrice = Annotated[
    str | None, typer.Option(metavar=f"PRICE|{REMOVED}", help=f"Exact; {REMOVED} takes it away.")
]


@command(app, "modify")
def modify_order(  # noqa: PLR0913 - an order has that many words
    work: Work,
    client_order_id: OrderId,
    *,
    quantity: Annotated[int | None, typer.Option()] = None,
    order_type: Annotated[
        OrderType | None, typer.Option("--type", metavar="MARKET|LIMIT|SL|SL_M", case_sensitive=False)
    ] = None,
    limit_price: ChangedPrice = None,
    trigger_price: ChangedPrice = None,
    validity: ValidityOption = None,
    disclosed_quantity: Annotated[int | None, typer.Option()] = None,
) -> Result:
    """Change an order that rests at its broker; what is not named stays as it is."""
    given = {
        "quantity": quantity,
        "order_type": order_type,
        "limit_price": limit_price,
        "trigger_price": trigger_price,
        "validity": validity,
        "disclosed_quantity": disclosed_quantity,
    }
    changes = {
        name: None if value == REMOVED else value for name, value in given.items() if value is not None
    }
    if not changes:
        raise Misuse("name what is to change: --quantity, --limit-price, --trigger-price, --type, --validity")
    _judge_changes(changes)
    return shown_order(work.api.call("PATCH", path_of("orders", client_order_id), body=changes))


def _judge_changes(changes: dict[str, Any]) -> None:
    from order_router.api.orders import ChangeOrder  # noqa: PLC0415 - a fast start

    ChangeOrder.model_validate(changes)


@command(app, "settle")
def settle_order(  # noqa: PLR0913 - an order has that many words
    work: Work,
    client_order_id: OrderId,
    *,
    reason: Annotated[str, typer.Option(help="How you know, in one line; kept with the order.")],
    not_placed: Annotated[
        bool, typer.Option("--not-placed", help="The broker's own app has no such order.")
    ] = False,
    broker_order_id: Annotated[
        str | None, typer.Option(help="It is this order there: today's book must show it.")
    ] = None,
    filled_quantity: Annotated[
        int | None, typer.Option(help="Of an earlier day's order: how much of it filled, 0 for nothing.")
    ] = None,
    average_price: PriceOption = None,
) -> Result:
    """Settle an order that is unknown, by what the broker's own app shows."""
    if not_placed == (broker_order_id is not None):
        raise Misuse("say --not-placed, or name the broker's order with --broker-order-id")
    placed = "placed" if filled_quantity is None else "ended"
    said = {
        "outcome": "not_placed" if not_placed else placed,
        "reason": reason,
        "broker_order_id": broker_order_id,
        "filled_quantity": filled_quantity,
        "average_price": average_price,
    }
    body = {name: value for name, value in said.items() if value is not None}
    _judge_statement(body)
    return shown_order(work.api.call("POST", path_of("orders", client_order_id, "settle"), body=body))


def _judge_statement(said: dict[str, Any]) -> None:
    from order_router.api.stating import SettleOrder  # noqa: PLC0415 - a fast start

    SettleOrder.model_validate(said)


@command(app, "cancel")
def cancel_order(
    work: Work,
    client_order_id: Annotated[str | None, typer.Argument(metavar="CLIENT_ORDER_ID")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All open orders of --account.")] = False,
    account: AccountOption = None,
) -> Result:
    """Cancel one order, or with --all every open order of an account."""
    if every == (client_order_id is not None):
        raise Misuse("name one order, or give --all and --account")
    if client_order_id is not None:
        return shown_order(work.api.call("DELETE", path_of("orders", client_order_id)))
    return _cancelled(_cancel_all(work, account or _no_account()))


def _cancel_all(work: Work, account: str) -> dict[str, Any]:
    """Ask until every order was tried, or a later call fails: one call has time for so many."""
    answer: dict[str, Any] = {}
    results: dict[str, Any] = {}
    while True:
        try:
            answer = work.api.call("POST", "/v1/orders/cancel-all", body={"account": account})
        except Refusal as error:
            if not results:
                raise
            broken_off = {"code": error.code, "message": error.message}
            return {**answer, "results": list(results.values()), "error": broken_off}
        results |= {one["client_order_id"]: one for one in answer["results"]}
        untried = [one for one in answer["results"] if one["outcome"] == "not_tried"]
        if not untried or len(untried) == len(answer["results"]):
            return {**answer, "results": list(results.values())}


def _cancelled(answer: dict[str, Any]) -> Result:
    rows = tuple(
        (
            one["client_order_id"],
            one["outcome"],
            one["order"]["state"],
            one.get("error", {}).get("detail", ""),
        )
        for one in answer["results"]
    )
    unresolved = sum(one["outcome"] == "unresolved" for one in answer["results"])
    notes = [f"not all were asked for: {answer['error']['message']}"] if "error" in answer else []
    if unresolved:
        notes.append(
            f"whether {unresolved} of them were cancelled is not known yet: router order watch tells"
        )
    failed = bool(notes) or any("error" in one for one in answer["results"])
    return Result(
        document=answer,
        shown=Table(("order", "outcome", "state", ""), rows),
        note="\n".join(notes),
        exit_code=1 if failed else 0,
    )
