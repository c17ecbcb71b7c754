"""What callers ask about instruments, and what they get back."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import TypedDict
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict

from order_router.adapter.profile import Profile
from order_router.api.answers import ReasonJson, time_text
from order_router.api.http import Answer, ApiRequest
from order_router.api.listing import QueryInvalid, page_limit, visible_accounts
from order_router.domain.account import Scope
from order_router.domain.errors import RouterError
from order_router.domain.instrument import TRADINGSYMBOL, parse_instrument
from order_router.domain.instrument_list import FUTURES_AND_OPTIONS, InstrumentQuery, ListState
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.request import Name
from order_router.domain.vocabulary import Exchange, Side
from order_router.service.instruments import BrokerUnused, SearchDesk, brokers_in_use

STRIKE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?")


class NoInstrumentList(RouterError):
    """None of the accounts is at a broker that lists its instruments."""

    code = "NO_INSTRUMENT_LIST"


class NoSuchInstrument(RouterError):
    """The broker lists no instrument of this name."""

    code = "NO_SUCH_INSTRUMENT"


class RefreshInstruments(BaseModel):
    """Whose list is to be loaded anew, by default that of every broker in use.

    `takes_any_count`: however many rows it has against those that are loaded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    broker: Name | None = None
    takes_any_count: bool = False


class LegJson(TypedDict):
    """One leg of a combination."""

    instrument: str
    side: Side
    ratio: int


class ListingJson(TypedDict):
    """An instrument as a broker lists it; quantities in units, prices decimal text. Only a combination has legs."""

    instrument: str
    instrument_type: InstrumentType
    underlying: str | None
    expiry: str | None
    strike: str | None
    lot_size: int
    tick_size: str
    freeze_quantity: int | None
    broker: str
    broker_symbol: str
    broker_key: str
    legs: list[LegJson]


class ListStateJson(TypedDict):
    """How a broker's list stands. `problem`: why the last try, at `tried_at`, did not replace it."""

    broker: str
    loaded_at: str | None
    rows: dict[str, int]
    expired: int
    put: int
    deleted: int
    unchanged: int
    write_units: str
    read_s: str
    write_s: str
    tried_at: str | None
    is_under_way: bool
    problem: ReasonJson | None


def list_instruments(request: ApiRequest, desk: SearchDesk) -> Answer:
    """Answer `GET /v1/instruments`."""
    profile = _profile(request, desk)
    query, limit = _query(request, profile), page_limit(request)
    page = desk.search.search(profile.name, query, limit=limit, cursor=request.query.get("cursor"))
    found = [listing_json(profile.name, listing) for listing in page.listings]
    return Answer(content={"instruments": found, "next_cursor": page.next_cursor})


def read_instrument(request: ApiRequest, desk: SearchDesk) -> Answer:
    """Answer `GET /v1/instruments/{instrument}`."""
    profile = _profile(request, desk)
    try:
        instrument = parse_instrument(unquote(request.path.get("instrument", "")))
    except ValueError as error:
        raise QueryInvalid(str(error)) from error
    found = desk.listings(profile.name).of(instrument)
    if found is None:
        raise NoSuchInstrument(f"{profile.title} lists no {instrument} among its instruments as last loaded")
    return Answer(content=listing_json(profile.name, found))


def read_lists(request: ApiRequest, desk: SearchDesk) -> Answer:
    """Answer `GET /v1/instruments/refresh`."""
    profiles = _profiles(request, desk)
    states = [(name, desk.search.state(name)) for name in profiles if profiles[name].has_master]
    lists = [state_json(name, state, request.received_at) for name, state in states]
    return Answer(content={"lists": lists})


def ask_for_refresh(request: ApiRequest, desk: SearchDesk) -> Answer:
    """Answer `POST /v1/instruments/refresh`: it is asked for, and `GET` there tells what became of it."""
    request.require(Scope.ADMIN)
    asked = RefreshInstruments.model_validate(request.json_object() if request.body else {})
    in_use = brokers_in_use(desk.settings, desk.broker_of)
    wanted = [name for name in in_use if asked.broker in {None, name}]
    if not wanted:
        raise BrokerUnused("no enabled account is at such a broker that has a list of its instruments")
    for name in wanted:
        desk.queue.put(name, takes_any_count=asked.takes_any_count)
    return Answer(status=202, content={"brokers": wanted})


def listing_json(broker: str, listing: Listing) -> ListingJson:
    """Return an instrument as callers see it."""
    return {
        "instrument": str(listing.instrument),
        "instrument_type": listing.instrument_type,
        "underlying": listing.underlying,
        "expiry": None if listing.expiry is None else listing.expiry.isoformat(),
        "strike": None if listing.strike is None else format(listing.strike, "f"),
        "lot_size": listing.lot_size,
        "tick_size": format(listing.tick_size, "f"),
        "freeze_quantity": listing.freeze_quantity,
        "broker": broker,
        "broker_symbol": listing.broker_symbol,
        "broker_key": listing.broker_key,
        "legs": [
            {"instrument": str(leg.instrument), "side": leg.side, "ratio": leg.ratio}
            for leg in listing.legs or ()
        ],
    }


def state_json(broker: str, state: ListState, at: datetime) -> ListStateJson:
    """Return how a list stands as callers see it."""
    problem, changes = state.problem, state.changes
    return {
        "broker": broker,
        "loaded_at": None if state.loaded_at is None else time_text(state.loaded_at),
        "rows": {str(exchange): count for exchange, count in state.rows.items()},
        "expired": state.expired,
        "put": changes.put,
        "deleted": changes.deleted,
        "unchanged": changes.unchanged,
        "write_units": format(changes.write_units, "f"),
        "read_s": format(state.read_s, "f"),
        "write_s": format(state.write_s, "f"),
        "tried_at": None if state.tried_at is None else time_text(state.tried_at),
        "is_under_way": state.busy_until is not None and at < state.busy_until,
        "problem": None if problem is None else {"code": problem.code, "message": problem.message},
    }


def _profiles(request: ApiRequest, desk: SearchDesk) -> dict[str, Profile]:
    """Return the profiles of the brokers where the caller's accounts are and instruments are kept, by name."""
    names = sorted({account.broker for account in visible_accounts(request, desk.settings)})
    profiles = {name: desk.broker_of(name).profile for name in names}
    return {name: one for name, one in profiles.items() if one.has_master or one.finds_listings}


def _profile(request: ApiRequest, desk: SearchDesk) -> Profile:
    profiles = _profiles(request, desk)
    if not profiles:
        raise NoInstrumentList("none of these accounts is at a broker whose instruments are kept")
    if len(profiles) > 1:
        raise QueryInvalid(f"name an account: there are accounts at {', '.join(profiles)}")
    return next(iter(profiles.values()))


def _query(request: ApiRequest, profile: Profile) -> InstrumentQuery:
    before, colon, after = request.query.get("query", "").upper().partition(":")
    exchange, prefix = (before, after) if colon else (request.query.get("exchange", ""), before)
    underlying = request.query.get("underlying")
    parts = [name for name in ("expiry", "strike", "right") if name in request.query]
    if parts and underlying is None:
        raise QueryInvalid(f"{', '.join(parts)} goes with underlying")
    return InstrumentQuery(
        exchanges=_exchanges(exchange, profile),
        prefix=_name("query", prefix) if prefix else "",
        underlying=None if underlying is None else _name("underlying", underlying.upper()),
        expiry=_expiry(request),
        strike=_strike(request),
        contract_type=_right(request),
    )


def _exchanges(text: str, profile: Profile) -> tuple[Exchange, ...]:
    if not text:
        return tuple(sorted(profile.exchanges))
    if text not in Exchange.__members__:
        raise QueryInvalid(f"exchange must be of {', '.join(Exchange)}, received {text[:20]!r}")
    return (Exchange(text),)


def _name(what: str, text: str) -> str:
    if not TRADINGSYMBOL.fullmatch(text):
        raise QueryInvalid(f"{what} must be letters and digits such as NIFTY26, received {text[:60]!r}")
    return text


def _expiry(request: ApiRequest) -> date | None:
    text = request.query.get("expiry")
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise QueryInvalid(f"expiry must be a date such as 2026-11-24, received {text[:20]!r}") from error


def _strike(request: ApiRequest) -> Decimal | None:
    text = request.query.get("strike")
    if text is not None and not STRIKE.fullmatch(text):
        raise QueryInvalid(f"strike must be a number such as 26500, received {text[:20]!r}")
    return None if text is None else Decimal(text)


def _right(request: ApiRequest) -> InstrumentType | None:
    text = request.query.get("right")
    if text is None:
        return None
    if text not in set(FUTURES_AND_OPTIONS):
        raise QueryInvalid(f"right must be of CE, PE, FUT, received {text[:20]!r}")
    return InstrumentType(text)
