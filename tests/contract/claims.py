"""What a profile claims, held against the samples that show it and the refusals of all that it does not claim."""

import inspect
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from order_router.adapter import errors
from order_router.adapter.login import CredentialsRefused, LoginKind
from order_router.adapter.port import Broker, ChainQuery, PlaceIntent
from order_router.adapter.profile import Feature, Profile
from order_router.domain.instrument import parse_instrument
from order_router.domain.request import OrderRequest, dump_request, parse_request
from order_router.domain.vocabulary import Exchange, OrderType, Product, Side, Validity
from tests.contract.intents import Intent
from tests.contract.samples import Case

CALLS = tuple(name for name, _ in inspect.getmembers(Broker, inspect.isfunction) if not name.startswith("_"))
PRICES = {
    OrderType.MARKET: {},
    OrderType.LIMIT: {"limit_price": "100"},
    OrderType.SL: {"limit_price": "100", "trigger_price": "99"},
    OrderType.SL_M: {"trigger_price": "99"},
}


AFTER_MARKET_CALLS = ("place_order", "modify_order", "cancel_order")
FEATURE_CALLS = {
    Feature.QUOTES: "read_quotes",
    Feature.OPTION_CHAIN: "read_option_chain",
    Feature.ORDER_MARGIN: "read_order_margin",
}
LOGINS = {"log_in", "redeem_login"}
CLAIMS: dict[str, Callable[[Profile], bool]] = {
    "log_in": lambda profile: profile.login is LoginKind.UNATTENDED,
    "keep_alive": lambda profile: profile.keep_alive_s is not None,
    "login_page": lambda profile: profile.login is LoginKind.BROWSER,
    "redeem_login": lambda profile: profile.login is LoginKind.BROWSER,
    "read_instruments": lambda profile: profile.has_master,
    "find_listing": lambda profile: profile.finds_listings,
    "combine": lambda profile: Exchange.COMBO in profile.exchanges,
    "read_postback": lambda profile: Feature.POSTBACK in profile.features,
}


def wrong_port(broker: Broker) -> list[str]:
    """Name each port function that is missing or takes other arguments, each wrong entry of the profile."""
    return [fault for name in CALLS for fault in _wrong_function(broker, name)] + _wrong_profile(broker)


def missing_samples(broker: Broker, cases: tuple[Case, ...]) -> list[str]:
    """Name everything that the profile claims and no sample shows."""
    profile = broker.profile
    placed = [case.intent.request for case in cases if isinstance(case.intent, PlaceIntent) and case.succeeds]
    claims: dict[str, frozenset[Any]] = {
        "exchange": profile.exchanges,
        "order_type": profile.order_types,
        "product": profile.products,
        "validity": profile.validities,
        "side": frozenset(Side),
    }
    shown = {word for request in placed for word in _words(request)}
    faults = [
        f"no place_order sample with {name} {value}"
        for name, values in claims.items()
        for value in sorted(values)
        if (name, str(value)) not in shown
    ]
    if profile.takes_disclosed_quantity and not any(request.disclosed_quantity for request in placed):
        faults.append("no place_order sample with a disclosed_quantity")
    if profile.takes_algo_id and not any(
        isinstance(case.intent, PlaceIntent) and case.intent.algo_id for case in cases if case.succeeds
    ):
        faults.append("no place_order sample with an algo_id")
    if profile.takes_after_market:
        waiting = {case.call for case in cases if case.succeeds and _is_after_market(case)}
        faults += [
            f"no {call} sample for after the market" for call in AFTER_MARKET_CALLS if call not in waiting
        ]
    if profile.asks_back and not any(
        isinstance(case.intent, PlaceIntent) and case.questions for case in cases
    ):
        faults.append("no place_order sample with a question")
    return faults + _missing_calls(profile, cases) + _missing_errors(profile, cases)


def unclaimed_intents(broker: Broker, cases: tuple[Case, ...]) -> Iterator[tuple[str, PlaceIntent]]:
    """Yield an intent for each value of our vocabulary that the profile does not claim."""
    base = next(case.intent for case in cases if isinstance(case.intent, PlaceIntent) and case.succeeds)
    profile = broker.profile
    fields = {
        name: value for name, value in dump_request(base.request).items() if name != "disclosed_quantity"
    }
    unpriced = {name: value for name, value in fields.items() if name not in {"limit_price", "trigger_price"}}
    symbol = base.request.instrument.tradingsymbol
    changes: list[tuple[str, dict[str, Any]]] = [
        *(
            (f"exchange {one}", fields | {"instrument": f"{one}:{symbol}"})
            for one in Exchange
            if one not in profile.exchanges
        ),
        *(
            (f"order_type {one}", unpriced | {"order_type": one} | PRICES[one])
            for one in OrderType
            if one not in profile.order_types
        ),
        *((f"product {one}", fields | {"product": one}) for one in Product if one not in profile.products),
        *(
            (f"validity {one}", fields | {"validity": one})
            for one in Validity
            if one not in profile.validities
        ),
    ]
    if not profile.takes_disclosed_quantity:
        changes.append(("disclosed_quantity", fields | {"disclosed_quantity": 1}))
    if not profile.takes_after_market:
        changes.append(("after_market", fields | {"validity": Validity.DAY, "after_market": True}))
    for what, changed in changes:
        request = parse_request(changed)
        yield (
            what,
            PlaceIntent(client_order_id=base.client_order_id, client_tag=base.client_tag, request=request),
        )


def unclaimed_calls(broker: Broker) -> Iterator[tuple[str, Intent]]:
    """Yield a call of each feature that the profile does not claim."""
    exchange = min(broker.profile.exchanges)
    instrument = parse_instrument(f"{exchange}:ANYTHING")
    fields = {"account": "main", "instrument": instrument, "side": "BUY", "quantity": 1, "product": "CNC"}
    asked: dict[Feature, Intent] = {
        Feature.QUOTES: (instrument,),
        Feature.OPTION_CHAIN: ChainQuery(underlying=instrument, expiry=date(2026, 11, 24)),
        Feature.ORDER_MARGIN: parse_request(fields | {"order_type": "MARKET"}),
    }
    for feature, intent in asked.items():
        if feature not in broker.profile.features:
            yield FEATURE_CALLS[feature], intent


def claimed_calls(profile: Profile) -> tuple[str, ...]:
    """Return the functions that a broker must show: the port's but for the features it lacks, and its login's."""
    lacking = {call for feature, call in FEATURE_CALLS.items() if feature not in profile.features}
    more = [call for call, is_claimed in CLAIMS.items() if is_claimed(profile)]
    return (*(call for call in CALLS if call not in lacking), *more)


def _is_after_market(case: Case) -> bool:
    request = getattr(case.intent, "request", None)
    return bool(getattr(request, "after_market", None))


def _words(request: OrderRequest) -> Iterator[tuple[str, str]]:
    yield "exchange", str(request.instrument.exchange)
    for name in ("order_type", "product", "validity", "side"):
        yield name, str(getattr(request, name))


def _wrong_function(broker: Broker, name: str) -> list[str]:
    function = getattr(broker, name, None)
    if not callable(function):
        return [f"{name} is missing"]
    wanted = len(inspect.signature(getattr(Broker, name)).parameters) - 1
    parameters = inspect.signature(function).parameters.values()
    required = [one for one in parameters if one.default is one.empty and one.kind is not one.VAR_POSITIONAL]
    is_callable_so = len(required) == wanted and all(one.kind is not one.KEYWORD_ONLY for one in required)
    return [] if is_callable_so else [f"{name} must take {wanted} positional arguments"]


def _wrong_profile(broker: Broker) -> list[str]:
    profile = getattr(broker, "profile", None)
    if not isinstance(profile, Profile):
        return ["profile is missing"]
    claims = {
        "a title": profile.title,
        "an endpoint with a scheme and no slash at its end": "://" in profile.endpoint
        and not profile.endpoint.endswith("/"),
        "an exchange": profile.exchanges,
        "an order type": profile.order_types,
        "a product": profile.products,
        "a validity": profile.validities,
        "a rate of order calls": profile.order_calls_per_second > 0,
        "a tag of some length or none": profile.tag.max_length >= 0,
        "credentials for its login, and a login for its credentials": bool(profile.credentials)
        == (profile.login is not LoginKind.NONE),
        "a session for its login": bool(profile.session_fields) or profile.login is LoginKind.NONE,
        "a tag that is echoed only if it is sent": profile.tag.max_length > 0 or not profile.tag.is_echoed,
    }
    return [f"the profile needs {claim}" for claim, holds in claims.items() if not holds]


def _missing_calls(profile: Profile, cases: tuple[Case, ...]) -> list[str]:
    shown = {case.call for case in cases if case.succeeds}
    marked = {case.call for case in cases if case.succeeds and case.word_fields}
    return [f"no sample of {call}" for call in claimed_calls(profile) if call not in shown] + [
        f"no sample of {call} names its word_fields"
        for call in ("read_order", "read_orders")
        if call not in marked
    ]


def _missing_errors(profile: Profile, cases: tuple[Case, ...]) -> list[str]:
    placed = [case for case in cases if case.call == "place_order" and case.error is not None]
    failed = {case.error["class"] for case in cases if case.call in LOGINS and case.error is not None}
    shown = {_class_of(case.error["class"]) for case in placed if case.error is not None}
    wanted = {errors.Rejected, *({errors.SessionExpired} if profile.session_fields else ())}
    faults = [
        f"no place_order sample ends in {one.__name__}"
        for one in sorted(wanted, key=lambda one: one.__name__)
        if not any(issubclass(found, one) for found in shown)
    ]
    if profile.login is not LoginKind.NONE and CredentialsRefused.__name__ not in failed:
        faults.append("no login sample ends in CredentialsRefused")
    return faults


def _class_of(name: str) -> type[errors.BrokerError]:
    kinds = [errors.BrokerError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return next(kind for kind in kinds if kind.__name__ == name)
