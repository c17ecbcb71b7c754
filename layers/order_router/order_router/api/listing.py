"""Pages of orders over the accounts that a caller may see."""

import base64
import json
from dataclasses import dataclass, replace
from datetime import date

from order_router.api.answers import order_json
from order_router.api.http import Answer, ApiRequest
from order_router.domain.account import Account, Caller, Scope
from order_router.domain.errors import CursorInvalid, RouterError
from order_router.domain.exchange_time import exchange_day
from order_router.domain.lifecycle import State
from order_router.domain.order import Order
from order_router.ports import OrderStore, Settings
from order_router.service.desk import AccountUnknown

PAGE = 50
MAX_PAGE = 200
MAX_READS = 10
"""How many pages of the store one answer may cost, however few orders are in the states that were asked for."""

TRUTHS = {"true": True, "false": False}


class QueryInvalid(RouterError):
    """A query parameter has a value that it may not have."""

    code = "INVALID_REQUEST"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a listing goes on: the day, the account, and the store's own cursor in it."""

    day: date
    account: str
    cursor: str | None


def visible_accounts(request: ApiRequest, settings: Settings) -> tuple[Account, ...]:
    """Return the account that the query names, or all that the caller may see."""
    caller = request.require(Scope.READ)
    name = request.query.get("account")
    if name is None:
        return _accounts_of(caller, settings)
    request.require_account(Scope.READ, name)
    account = settings.account(name)
    if account is None:
        raise AccountUnknown(f"there is no account {name[:40]!r}")
    return (account,)


def _accounts_of(caller: Caller, settings: Settings) -> tuple[Account, ...]:
    if not caller.accounts:
        return settings.accounts()
    # by their names: the list of all is remembered for a while, and lacks an account that was added since
    own = (settings.account(name) for name in sorted(caller.accounts))
    return tuple(account for account in own if account is not None)


@dataclass(frozen=True, slots=True)
class OrdersFound:
    """A page of a day's orders, and the token of the next one (None: there is none).

    A page that is not the last may have fewer orders than were asked for, and none at all. `unreadable`: how many more
    there are whose records cannot be read.
    """

    orders: tuple[Order, ...]
    next_cursor: str | None
    unreadable: int = 0


def list_orders(request: ApiRequest, store: OrderStore, settings: Settings) -> Answer:
    """Answer a page of a day's orders, newest first in each account."""
    page = page_of_orders(request, store, settings)
    orders = [order_json(order, with_history=False) for order in page.orders]
    return Answer(content={"orders": orders, "next_cursor": page.next_cursor})


def page_of_orders(request: ApiRequest, store: OrderStore, settings: Settings) -> OrdersFound:
    """Return the page that the query asks for, of the accounts that the caller may see."""
    accounts = [account.name for account in visible_accounts(request, settings)]
    place, limit, states = _place(request, accounts), page_limit(request), _states(request)
    found, unreadable = list[Order](), 0
    for _ in range(MAX_READS):
        room = limit - len(found)
        if place is None or not room:
            break
        page = store.list_day(
            place.account, place.day, limit=MAX_PAGE if states else room, cursor=place.cursor
        )
        wanted = [order for order in page.orders if not states or order.state in states]
        found += wanted[:room]
        unreadable += page.unreadable
        is_cut = len(wanted) > room
        place = (
            replace(place, cursor=store.cursor_after(found[-1]))
            if is_cut
            else _next(place, page.next_cursor, accounts)
        )
    return OrdersFound(tuple(found), None if place is None else _token(place), unreadable)


def cursor_behind(order: Order, store: OrderStore) -> str:
    """Return the token of the page that begins behind an order of an earlier one."""
    return _token(_Place(exchange_day(order.received_at), order.request.account, store.cursor_after(order)))


def _next(place: _Place, cursor: str | None, accounts: list[str]) -> _Place | None:
    if cursor is not None:
        return replace(place, cursor=cursor)
    following = accounts.index(place.account) + 1
    return _Place(place.day, accounts[following], None) if following < len(accounts) else None


def asked_day(request: ApiRequest) -> date:
    """Return the day that the query names, else today's at the Indian exchanges; QueryInvalid if it is no date."""
    text = request.query.get("day")
    if text is None:
        return exchange_day(request.received_at)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise QueryInvalid(f"day must be a date such as 2026-11-20, received {text[:20]!r}") from error


def asked_truth(request: ApiRequest, name: str) -> bool:
    """Return what the query says to this, false if nothing; QueryInvalid if neither true nor false."""
    word = request.query.get(name, "false")
    if word not in TRUTHS:
        raise QueryInvalid(f"{name} must be true or false, received {word[:20]!r}")
    return TRUTHS[word]


def page_limit(request: ApiRequest) -> int:
    """Return how many rows a page shall have; QueryInvalid if that is not 1 to MAX_PAGE."""
    text = request.query.get("limit", str(PAGE))
    is_short_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PAGE))
    if not is_short_number or not 1 <= int(text) <= MAX_PAGE:
        raise QueryInvalid(f"limit must be 1 to {MAX_PAGE}, received {text[:20]!r}")
    return int(text)


def _states(request: ApiRequest) -> frozenset[State]:
    words = [word for word in request.query.get("state", "").split(",") if word]
    unknown = [word for word in words if word not in set(State)]
    if unknown:
        raise QueryInvalid(f"state must be of {', '.join(State)}, received {unknown[0][:20]!r}")
    return frozenset(State(word) for word in words)


def _place(request: ApiRequest, accounts: list[str]) -> _Place | None:
    day, token = asked_day(request), request.query.get("cursor")
    if token is None:
        return _Place(day, accounts[0], None) if accounts else None
    place = _read_token(token)
    # the day of the first page is every page's, though none was named and it is over by now
    is_of_day = "day" not in request.query or day == place.day
    if not is_of_day or place.account not in accounts:
        raise CursorInvalid
    return place


def _read_token(token: str) -> _Place:
    try:
        day, account, cursor = json.loads(base64.urlsafe_b64decode(token.encode()))
        place = _Place(date.fromisoformat(day), account, cursor)
    except (ValueError, TypeError, RecursionError) as error:
        raise CursorInvalid from error
    if not isinstance(account, str) or not isinstance(cursor, str | None):
        raise CursorInvalid
    return place


def _token(place: _Place) -> str:
    parts = [place.day.isoformat(), place.account, place.cursor]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()
