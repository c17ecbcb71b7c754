"""What an account's broker says of prices and margins: quotes, an option chain, what an order would bind."""

from datetime import date

from order_router.adapter.port import ChainQuery
from order_router.api.answers import row_json
from order_router.api.http import Answer, ApiRequest
from order_router.api.listing import QueryInvalid, visible_accounts
from order_router.domain.account import Account, Scope
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.request import parse_request
from order_router.ports import Settings
from order_router.service.asking import ask
from order_router.service.desk import ReadingDesk, known_account

MAX_INSTRUMENTS = 50
MAX_STRIKES = 100


def answer_quotes(request: ApiRequest, settings: Settings, desk: ReadingDesk) -> Answer:
    """Answer `GET /v1/quotes`: one entry an instrument that the account's broker quotes."""
    account = _account(request, settings)
    names = _required(request, "instrument").split(",")
    if len(names) > MAX_INSTRUMENTS:
        raise QueryInvalid(f"at most {MAX_INSTRUMENTS} instruments, received {len(names)}")
    wanted = tuple(_instrument(name) for name in names)
    quotes = ask(desk, account, lambda broker, send, session: broker.read_quotes(send, session, wanted))
    return Answer(content={"account": account.name, "quotes": [row_json(quote) for quote in quotes]})


def answer_option_chain(request: ApiRequest, settings: Settings, desk: ReadingDesk) -> Answer:
    """Answer `GET /v1/option-chain`: the calls and puts of one expiry by strike, or only `strikes` around the money."""
    account = _account(request, settings)
    underlying = _instrument(_required(request, "underlying"))
    query = ChainQuery(underlying=underlying, expiry=_expiry(request), strikes=_strikes(request))
    rows = ask(desk, account, lambda broker, send, session: broker.read_option_chain(send, session, query))
    options = [
        {"strike": format(row.strike, "f"), "right": row.right.value, **row_json(row.quote)} for row in rows
    ]
    return Answer(content={"account": account.name, "options": options})


def answer_margin(request: ApiRequest, settings: Settings, desk: ReadingDesk) -> Answer:
    """Answer `POST /v1/margin`: what an order like this would bind. Nothing is placed."""
    request.require(Scope.READ)
    order = parse_request(request.json_object())
    request.require_account(Scope.READ, order.account)
    account = known_account(settings, order.account)
    margin = ask(desk, account, lambda broker, send, session: broker.read_order_margin(send, session, order))
    return Answer(content={"account": account.name, **row_json(margin)})


def _account(request: ApiRequest, settings: Settings) -> Account:
    request.require(Scope.READ)
    _required(request, "account")
    return visible_accounts(request, settings)[0]


def _required(request: ApiRequest, name: str) -> str:
    value = request.query.get(name)
    if not value:
        raise QueryInvalid(f"the query must name {name}")
    return value


def _instrument(name: str) -> Instrument:
    try:
        return parse_instrument(name)
    except ValueError as error:
        raise QueryInvalid(str(error)) from error


def _expiry(request: ApiRequest) -> date:
    text = _required(request, "expiry")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise QueryInvalid(f"expiry must be a day such as 2026-11-24, received {text[:20]!r}") from error


def _strikes(request: ApiRequest) -> int | None:
    text = request.query.get("strikes")
    if text is None:
        return None
    is_short_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_STRIKES))
    if not is_short_number or not 1 <= int(text) <= MAX_STRIKES:
        raise QueryInvalid(f"strikes must be 1 to {MAX_STRIKES}, received {text[:20]!r}")
    return int(text)
