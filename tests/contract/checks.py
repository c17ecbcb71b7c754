"""The checks that every adapter passes, as plain functions over a broker and its cases."""

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from order_router.adapter import errors
from order_router.adapter.http import HttpRequest
from order_router.adapter.port import Acknowledged, Broker, PlaceIntent
from order_router.domain.reports import OrderBook, PositionBook
from tests.contract.canaries import Canaries
from tests.contract.intents import Stage, perform_call
from tests.contract.samples import Case, Script
from tests.contract.values import plain, wrong_types


@dataclass(frozen=True)
class Outcome:
    """What came of one call: a value or the error that was raised, and what was sent."""

    value: Any
    error: Exception | None
    sent: tuple[HttpRequest, ...]


def perform(broker: Broker, canaries: Canaries, case: Case) -> Outcome:
    """Make the case's call with its answers; anything raised that is not an Exception goes through."""
    script = Script(case.answers)
    stage = Stage(broker.profile.name, script, canaries.session, canaries.credentials)
    try:
        value = perform_call(stage, case.call, case.intent)
    except Exception as error:  # noqa: BLE001 - what an adapter may raise is what is being checked
        return Outcome(None, error, tuple(script.sent))
    return Outcome(value, None, tuple(script.sent))


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
    faults += _wrong_writes(broker, case, sent)
    if isinstance(case.intent, PlaceIntent) and writes and broker.profile.tag.max_length:
        wire = writes[0].url.encode() + writes[0].body
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
    if isinstance(outcome.value, PositionBook):
        return _wrong_positions(case, outcome.value, word)
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


def _wrong_positions(case: Case, book: PositionBook, word: str) -> list[str]:
    rows = len(case.report["positions"]) + len(case.report["unreadable"])
    faults = []
    if book.positions or len(book.unreadable) != rows:
        faults.append(
            f"{len(book.positions)} rows were believed, {len(book.unreadable)} of {rows} kept apart"
        )
    if not any(word in row.why for row in book.unreadable):
        faults.append("no unreadable row names the word")
    return faults


def secrets_shown(canaries: Canaries, outcome: Outcome, log: str) -> list[str]:
    """Name every secret of session and credentials that a repr, an error, its causes or the log shows."""
    secrets = canaries.secrets
    shown = [repr(canaries), *(repr(request) for request in outcome.sent), log, *_told(outcome.error)]
    return [
        f"{name} shows in {text[:200]!r}"
        for name, secret in secrets.items()
        for text in shown
        if secret in text
    ]


def _wrong_writes(broker: Broker, case: Case, sent: tuple[HttpRequest, ...]) -> list[str]:
    """Name a write that is missing or too many: one in a write, none in a read.

    Where a broker asks back, the write that follows at once on a question to a write belongs to it.
    """
    marked = [place for place, request in enumerate(sent) if request.is_write]
    asked = case.questions if broker.profile.asks_back else frozenset()
    first = [place for place in marked if not (place - 1 in asked and place - 1 in marked)]
    if len(first) == (1 if case.is_write and sent else 0):
        return []
    return [f"{case.call} sent {len(marked)} requests marked is_write"]


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
