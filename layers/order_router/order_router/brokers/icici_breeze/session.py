"""One call of Breeze: signed, sent once, its envelope read (sources and dates: README.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from order_router.adapter.decode import read_json, read_list, read_object, read_text
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import HttpResponse, Send
from order_router.adapter.session import BrokerSession
from order_router.brokers.icici_breeze.refusals import OK, Refusal, is_nothing_found, read_refusal
from order_router.brokers.icici_breeze.signing import sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked. `names_an_order`: a "No Data Found" then means that order.

    `words_for_none`: what this call's list is answered with as a success when it is empty, without case and full stop.
    """

    method: str
    path: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    is_write: bool = False
    names_an_order: bool = False
    words_for_none: str | None = None


def ask(send: Send, session: BrokerSession, call: Call) -> HttpResponse:
    """Send a call once and return the raw answer."""
    return send(sign(session, call.method, call.path, call.fields, is_write=call.is_write))


def read_success(response: HttpResponse, session: BrokerSession, call: Call) -> Any:  # noqa: ANN401
    """Return what an answer holds as `Success`; raise what a refusal means."""
    success, refusal = read_envelope(response, session)
    if refusal is not None:
        raise read_refusal(refusal, names_an_order=call.names_an_order)
    return success


def perform(send: Send, session: BrokerSession, call: Call) -> Any:  # noqa: ANN401
    """Make a call and return its `Success`."""
    return read_success(ask(send, session, call), session, call)


def rows_of(response: HttpResponse, session: BrokerSession, call: Call) -> list[Any]:
    """Return the rows of a list; where Breeze has found no data it is empty."""
    if call.words_for_none is not None and _says(response, call.words_for_none):
        return []
    success, refusal = read_envelope(response, session)
    if refusal is None:
        return read_list(success, "a list of Breeze's")
    if is_nothing_found(refusal):
        return []
    raise read_refusal(refusal, names_an_order=call.names_an_order)


def read_rows(send: Send, session: BrokerSession, call: Call) -> list[Any]:
    """Make a call for a list and return its rows."""
    return rows_of(ask(send, session, call), session, call)


def read_envelope(response: HttpResponse, session: BrokerSession) -> tuple[Any, Refusal | None]:
    """Return `Success`, or the refusal without our secrets; OutcomeUnknown if it is neither."""
    secrets = [secret.reveal() for secret in session.secrets.values()]
    return read_answer(response, secrets)


def read_answer(response: HttpResponse, secrets: list[str]) -> tuple[Any, Refusal | None]:
    """Return an answer's `Success` or its refusal, in whose words none of these secrets stands."""
    answer = read_object(read_json(response.body), "Breeze's answer")
    status, words = answer.get("Status"), answer.get("Error")
    if not isinstance(status, int) or isinstance(status, bool):
        raise OutcomeUnknown(f"Breeze answered HTTP {response.status} without a readable Status")
    if response.status == OK and status == OK and words in (None, "") and answer.get("Success") is not None:
        return answer["Success"], None
    if status == OK or words in (None, "") or answer.get("Success"):
        raise OutcomeUnknown(f"Breeze answered HTTP {response.status}, neither a success nor a refusal")
    told = shown = read_text(answer, "Error")
    for secret in secrets:
        shown = shown.replace(secret, "***")
    return None, Refusal(response.status, status, told, shown)


def _says(response: HttpResponse, words: str) -> bool:
    """Return whether an answer is a success that holds nothing but these words."""
    answer = read_object(read_json(response.body), "Breeze's answer")
    told, status = answer.get("Error"), answer.get("Status")
    is_success = response.status == OK and status == OK and not isinstance(status, bool)
    is_empty = "Success" in answer and answer["Success"] is None
    return (
        is_success
        and is_empty
        and isinstance(told, str)
        and told.strip().casefold().removesuffix(".") == words
    )
