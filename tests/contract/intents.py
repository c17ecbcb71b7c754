"""Read what a sample asks of a broker into the values that the port takes, and hand them to the right function."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any, BinaryIO

from order_router.adapter.http import HttpRequest, Send
from order_router.adapter.login import Credentials
from order_router.adapter.master import MasterUnavailable
from order_router.adapter.port import ChainQuery, ModifyIntent, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.brokers.registry import (
    load_broker,
    load_combiner,
    load_finder,
    load_login,
    load_master,
    load_postbacks,
)
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.listing import Leg
from order_router.domain.request import OrderRequest, parse_request
from order_router.domain.vocabulary import Side

OK = 200


@dataclass(frozen=True)
class LoginAnswer:
    """What a broker's page sent to our callback."""

    answer: Mapping[str, str]


@dataclass(frozen=True)
class Postback:
    """One message of a broker to our postback address."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Legs:
    """What a combination shall be made of."""

    name: Instrument
    legs: tuple[Leg, ...]


def read_leg(instrument: str, side: str, ratio: int) -> Leg:
    """Read a leg as samples spell it."""
    return Leg(instrument=parse_instrument(instrument), side=Side(side), ratio=ratio)


Intent = (
    PlaceIntent
    | ModifyIntent
    | OrderTarget
    | ChainQuery
    | OrderRequest
    | Instrument
    | tuple[Instrument, ...]
    | LoginAnswer
    | Postback
    | Legs
    | str
)
Fields = dict[str, Any]


def _place(fields: Fields) -> PlaceIntent:
    request = parse_request(fields["request"])
    return PlaceIntent(
        client_order_id=fields["client_order_id"],
        client_tag=fields["client_tag"],
        request=request,
        algo_id=fields.get("algo_id"),
    )


def _modify(fields: Fields) -> ModifyIntent:
    before, request = parse_request(fields["before"]), parse_request(fields["request"])
    return ModifyIntent(broker_order_id=fields["broker_order_id"], before=before, request=request)


def _target(fields: Fields) -> OrderTarget:
    return OrderTarget(broker_order_id=fields["broker_order_id"], request=parse_request(fields["request"]))


READERS: dict[str, Callable[[Fields], Intent]] = {
    "place_order": _place,
    "modify_order": _modify,
    "cancel_order": _target,
    "read_order": _target,
    "read_quotes": lambda fields: tuple(parse_instrument(name) for name in fields["instruments"]),
    "read_option_chain": lambda fields: ChainQuery(
        underlying=parse_instrument(fields["underlying"]),
        expiry=date.fromisoformat(fields["expiry"]),
        strikes=fields.get("strikes"),
    ),
    "read_order_margin": lambda fields: parse_request(fields["request"]),
    "find_listing": lambda fields: parse_instrument(fields["instrument"]),
    "combine": lambda fields: Legs(
        parse_instrument(fields["name"]), tuple(read_leg(*leg) for leg in fields["legs"])
    ),
    "login_page": lambda fields: str(fields["state"]),
    "redeem_login": lambda fields: LoginAnswer(fields["answer"]),
    "read_postback": lambda fields: Postback(fields.get("headers", {}), str(fields["body"]).encode()),
}


def read_intent(call: str, fields: Fields | None) -> Intent | None:
    """Return what the call takes beside `send` and session, None where that is nothing."""
    return None if fields is None else READERS[call](fields)


@dataclass(frozen=True)
class Stage:
    """A broker's name, and what its functions are handed: a scripted send, canaries for session and credentials."""

    broker_name: str
    send: Send
    session: BrokerSession
    credentials: Credentials


def perform_call(stage: Stage, call: str, intent: Intent | None) -> object:
    """Make one call of the port or of the broker's login, instruments or postback module."""
    if call in PARTS:
        return PARTS[call](stage, intent)
    arguments = (stage.send, stage.session) if intent is None else (stage.send, stage.session, intent)
    return getattr(load_broker(stage.broker_name), call)(*arguments)


def _log_in(stage: Stage, _: Any) -> object:
    return load_login(stage.broker_name).log_in(stage.send, stage.credentials)  # type: ignore[union-attr]


def _keep_alive(stage: Stage, _: Any) -> object:
    return load_login(stage.broker_name).keep_alive(stage.send, stage.session)  # type: ignore[union-attr]


def _login_page(stage: Stage, state: Any) -> object:
    return load_login(stage.broker_name).login_page(stage.credentials, state)  # type: ignore[union-attr]


def _redeem_login(stage: Stage, intent: Any) -> object:
    login = load_login(stage.broker_name)
    return login.redeem_login(stage.send, stage.credentials, intent.answer)  # type: ignore[union-attr]


def _read_instruments(stage: Stage, _: Any) -> object:
    return tuple(load_master(stage.broker_name).read_instruments(_download(stage.send), stage.session))


def _find_listing(stage: Stage, instrument: Any) -> object:
    return load_finder(stage.broker_name).find_listing(stage.send, stage.session, instrument)


def _combine(stage: Stage, intent: Any) -> object:
    combiner = load_combiner(stage.broker_name)
    return combiner.combine(stage.send, stage.session, intent.name, intent.legs)


def _read_postback(stage: Stage, intent: Any) -> object:
    reader = load_postbacks(stage.broker_name)
    return reader.read_postback(stage.credentials, intent.headers, intent.body)


def _download(send: Send) -> Callable[[HttpRequest], Any]:
    @contextmanager
    def download(request: HttpRequest) -> Iterator[BinaryIO]:
        answer = send(request)
        if answer.status != OK:
            raise MasterUnavailable(f"HTTP {answer.status}")
        yield BytesIO(answer.body)

    return download


PARTS: dict[str, Callable[[Stage, Any], object]] = {
    "log_in": _log_in,
    "keep_alive": _keep_alive,
    "login_page": _login_page,
    "redeem_login": _redeem_login,
    "read_instruments": _read_instruments,
    "find_listing": _find_listing,
    "combine": _combine,
    "read_postback": _read_postback,
}
