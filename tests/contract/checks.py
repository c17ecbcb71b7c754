"""The checks that every adapter passes, as plain functions over a broker and its cases."""

import inspect
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from order_router.adapter import errors
from order_router.adapter.http import HttpRequest
from order_router.adapter.port import Acknowledged, Broker, PlaceIntent
from order_router.adapter.profile import Profile
from order_router.adapter.session import BrokerSession
from order_router.domain.reports import OrderBook
from order_router.domain.request import OrderRequest, dump_request, parse_request
from order_router.domain.vocabulary import Exchange, OrderType, Product, Side, Validity
from tests.contract.samples import Case, Script
from tests.contract.values import plain, wrong_types

CALLS = tuple(name for name, _ in inspect.getmembers(Broker, inspect.isfunction) if not name.startswith("_"))
PRICES = {
    OrderType.MARKET: {},
    OrderType.LIMIT: {"limit_price": "100"},
    OrderType.SL: {"limit_price": "100", "trigger_price": "99"},
    OrderType.SL_M: {"trigger_price": "99"},
}


@dataclass(frozen=True)
class Outcome:
    """What came of one call: a value or the error that was raised, and what was sent."""

    value: Any
    error: Exception | None
    sent: tuple[HttpRequest, ...]


def perform(broker: Broker, session: BrokerSession, case: Case) -> Outcome:
    """Make the case's call with its answers; anything raised that is not an Exception goes through."""
    script = Script(case.answers)
    arguments = (script, session) if case.intent is None else (script, session, case.intent)
    try:
        value = getattr(broker, case.call)(*arguments)
    except Exception as error:  # noqa: BLE001 - what an adapter may raise is what is being checked
        return Outcome(None, error, tuple(script.sent))
    return Outcome(value, None, tuple(script.sent))


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
    return faults + _missing_calls(cases) + _missing_errors(profile, cases)


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
    for what, changed in changes:
        request = parse_request(changed)
        yield (
            what,
            PlaceIntent(client_order_id=base.client_order_id, client_tag=base.client_tag, request=request),
        )


def wrong_requests(broker: Broker, case: Case, sent: tuple[HttpRequest, ...]) -> list[str]:
    """Name every difference between what was sent and what the sample holds, to the byte."""
    faults = (
        []
        if len(sent) == len(case.requests)
        else [f"sent {len(sent)} requests, the sample has {len(case.requests)}"]
    )
    for request, expected in zip(sent, case.requests, strict=False):
        faults += _request_differences(request, expected)
    writes = [request for request in sent if request.is_write]
    if len(writes) != (1 if case.is_write and sent else 0):
        faults.append(f"{case.call} sent {len(writes)} requests marked is_write")
    if isinstance(case.intent, PlaceIntent) and writes and broker.profile.tag.max_length:
        wire = writes[-1].url.encode() + writes[-1].body
        if case.intent.client_tag.encode() not in wire:
            faults.append(f"the tag {case.intent.client_tag} is not in the request")
    return faults


def wrong_outcome(case: Case, outcome: Outcome) -> list[str]:
    """Name every difference between what came of the call and what the sample expects."""
    if case.error is not None:
        return _wrong_error(case.error, outcome)
    if outcome.error is not None:
        return [f"raised {outcome.error!r}"]
    expected, actual = case.report, plain(outcome.value)
    return wrong_types(outcome.value) + (
        [] if expected == actual else [f"expected {expected}\nactual   {actual}"]
    )


def wrong_under_attack(case: Case, outcome: Outcome, *, is_unreadable: bool) -> list[str]:
    """Name what an adapter did wrong with an answer that no vendor documents.

    `is_unreadable`: nothing can be known from the answer, so a write must end as OutcomeUnknown.
    """
    if outcome.error is None:
        return _wrong_belief(case, outcome.value, is_unreadable=is_unreadable)
    if not isinstance(outcome.error, errors.BrokerError):
        return [f"raised {outcome.error!r}, which is none of ours"]
    is_refusal = isinstance(outcome.error, errors.Rejected | errors.NotSent)
    if any(request.is_write for request in outcome.sent) and is_unreadable and is_refusal:
        return [f"raised {type(outcome.error).__name__} although the order may be at the broker"]
    return []


def wrong_unknown_word(case: Case, outcome: Outcome, word: str) -> list[str]:
    """Name what an adapter made of a word that it cannot know."""
    if not isinstance(outcome.value, OrderBook):
        return (
            []
            if isinstance(outcome.error, errors.OutcomeUnknown)
            else [f"expected OutcomeUnknown, got {outcome}"]
        )
    book = outcome.value
    faults = ["is_complete is True"] if book.is_complete else []
    if book.reports or len(book.unreadable) != len(case.report["reports"]) + len(
        case.report.get("unreadable", [])
    ):
        faults.append(f"{len(book.reports)} rows were believed, {len(book.unreadable)} kept apart")
    if not any(word in row.why for row in book.unreadable):
        faults.append("no unreadable row names the word")
    return faults


def secrets_shown(session: BrokerSession, outcome: Outcome, log: str) -> list[str]:
    """Name every secret of the session that a repr, an error, its causes or the log shows."""
    shown = [repr(session), *(repr(request) for request in outcome.sent), log, *_told(outcome.error)]
    secrets = {name: secret.reveal() for name, secret in session.secrets.items()}
    return [
        f"{name} shows in {text[:200]!r}"
        for name, secret in secrets.items()
        for text in shown
        if secret in text
    ]


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
        "a tag that is echoed only if it is sent": profile.tag.max_length > 0 or not profile.tag.is_echoed,
    }
    return [f"the profile needs {claim}" for claim, holds in claims.items() if not holds]


def _missing_calls(cases: tuple[Case, ...]) -> list[str]:
    shown = {case.call for case in cases if case.succeeds}
    marked = {case.call for case in cases if case.succeeds and case.word_fields}
    return [f"no sample of {call}" for call in CALLS if call not in shown] + [
        f"no sample of {call} names its word_fields"
        for call in ("read_order", "read_orders")
        if call not in marked
    ]


def _missing_errors(profile: Profile, cases: tuple[Case, ...]) -> list[str]:
    placed = [case for case in cases if case.call == "place_order" and case.error is not None]
    shown = {getattr(errors, case.error["class"]) for case in placed if case.error is not None}
    wanted = {errors.Rejected, *({errors.SessionExpired} if profile.session_fields else ())}
    return [
        f"no place_order sample ends in {one.__name__}"
        for one in sorted(wanted, key=lambda one: one.__name__)
        if not any(issubclass(found, one) for found in shown)
    ]


def _request_differences(request: HttpRequest, expected: Any) -> list[str]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    wanted = {name.lower(): value for name, value in expected.get("headers", {}).items()}
    pairs = [
        ("method", request.method, expected["method"]),
        ("url", request.url, expected["url"]),
        ("body", request.body, expected.get("body", "").encode()),
        ("header names", sorted(headers), sorted(wanted)),
        *((f"header {name}", headers.get(name), value) for name, value in wanted.items() if value != "*"),
    ]
    return [f"{what}: expected {want!r}, sent {sent!r}" for what, sent, want in pairs if sent != want]


def _wrong_error(expected: Any, outcome: Outcome) -> list[str]:
    error = outcome.error
    if type(error).__name__ != expected["class"]:
        return [f"expected {expected['class']}, got {outcome.value!r} or {error!r}"]
    assert isinstance(error, errors.BrokerError)
    pairs = [
        ("code", error.code, expected.get("code", error.code)),
        ("broker_code", error.broker_code, expected.get("broker_code", error.broker_code)),
        ("message", expected.get("message", "") in error.message, True),
    ]
    return [
        f"{what}: expected {want!r}, got {got!r} in {error!r}" for what, got, want in pairs if got != want
    ]


def _wrong_belief(case: Case, value: object, *, is_unreadable: bool) -> list[str]:
    if case.is_write and is_unreadable:
        return [f"believed {value!r}"]
    if isinstance(value, Acknowledged) and not value.broker_order_id.isprintable():
        return [f"believed the order id {value.broker_order_id!r}"]
    return wrong_types(value) + _unwritable(value)


def _unwritable(value: object) -> list[str]:
    try:
        repr(value).encode()
        str(plain(value)).encode()
    except UnicodeEncodeError:
        return ["the result holds text that is not Unicode and cannot be stored"]
    return []


def _told(error: BaseException | None) -> Iterator[str]:
    """Yield what a traceback of the error can say, but for our own lines of code, and what its parts hold."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield "".join(traceback.format_exception_only(one))
            yield f"{one!r} {one.args!r} {vars(one)!r}"
            waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
