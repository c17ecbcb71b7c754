"""Read a broker's samples: dialogues with the vendor, each with what we expect of it (format: README.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from order_router.adapter import errors
from order_router.adapter.decode import strict_json
from order_router.adapter.http import HttpRequest, HttpResponse
from tests.contract.intents import Intent, read_intent
from tests.exact_json import dump_json

WRITES = frozenset({"place_order", "modify_order", "cancel_order"})
CASE_KEYS = frozenset(
    {
        "call",
        "like",
        "intent",
        "requests",
        "responses",
        "report",
        "error",
        "word_fields",
        "source",
        "unconfirmed",
    }
)
JSON_HEADERS = {"content-type": "application/json"}

Answer = HttpResponse | errors.BrokerError


@dataclass(frozen=True, kw_only=True)
class Case:
    """One dialogue: the call and its intent, what must go out, what comes back, what must be made of it."""

    name: str
    call: str
    intent: Intent | None
    requests: tuple[Mapping[str, Any], ...]
    answers: tuple[Answer, ...]
    report: Any
    error: Mapping[str, Any] | None
    word_fields: tuple[str, ...]
    questions: frozenset[int] = frozenset()
    """The answers, by their place, with which the broker asks before it does anything."""

    @property
    def is_write(self) -> bool:
        """Return whether the call changes something at the broker."""
        return self.call in WRITES

    @property
    def succeeds(self) -> bool:
        """Return whether the call is expected to return."""
        return self.error is None

    def with_answer(self, index: int, answer: Answer) -> "Case":
        """Return the case with one of its answers replaced."""
        return replace(self, answers=(*self.answers[:index], answer, *self.answers[index + 1 :]))


class UnexpectedCall(BaseException):
    """The adapter sent a request that the sample does not have (no `except Exception` may swallow it)."""


class Script:
    """A `send` that plays the broker's side of one case and remembers what was sent."""

    def __init__(self, answers: tuple[Answer, ...]) -> None:
        self.answers = list(answers)
        self.sent: list[HttpRequest] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        if not self.answers:
            raise UnexpectedCall(f"request {len(self.sent)} is not in the sample: {request!r}")
        answer = self.answers.pop(0)
        if isinstance(answer, errors.BrokerError):
            raise answer
        return answer


def load_cases(folder: Path) -> tuple[Case, ...]:
    """Return every case of `folder`/*.json (files whose name starts with _ are not cases)."""
    files = sorted(path for path in folder.glob("*.json") if not path.name.startswith("_"))
    return tuple(case for path in files for case in _cases_of(path))


def _cases_of(path: Path) -> list[Case]:
    document = strict_json(path.read_bytes())
    if not document.get("source"):
        raise ValueError(f"{path.name} cites no source: vendor page and date")
    cases = document["cases"]
    return [_case(f"{path.stem}-{name}", _resolved(cases, name), path.parent) for name in cases]


def _resolved(cases: dict[str, Any], name: str) -> dict[str, Any]:
    fields: dict[str, Any] = cases[name]
    unknown = fields.keys() - CASE_KEYS
    if unknown:
        raise ValueError(f"case {name} has unknown keys: {', '.join(sorted(unknown))}")
    if "like" not in fields:
        return dict(fields)
    base = _resolved(cases, fields["like"])
    if "error" in fields or "report" in fields:
        base = {key: value for key, value in base.items() if key not in {"error", "report"}}
    return base | fields


def _case(name: str, fields: dict[str, Any], folder: Path) -> Case:
    if ("report" in fields) == ("error" in fields):
        raise ValueError(f"case {name} needs either a report or an error")
    return Case(
        name=name,
        call=fields["call"],
        intent=read_intent(fields["call"], fields.get("intent")),
        requests=tuple(fields["requests"]),
        answers=tuple(_answer(answer, folder) for answer in fields["responses"]),
        report=fields.get("report"),
        error=fields.get("error"),
        word_fields=tuple(fields.get("word_fields", ())),
        questions=frozenset(
            place for place, answer in enumerate(fields["responses"]) if answer.get("is_question", False)
        ),
    )


def _answer(fields: dict[str, Any], folder: Path) -> Answer:
    if "raises" in fields:
        failure: type[errors.BrokerError] = getattr(errors, fields["raises"])
        return failure("the sample's send failed")
    return HttpResponse(
        status=fields["status"], headers=fields.get("headers", JSON_HEADERS), body=_body(fields, folder)
    )


def _body(fields: dict[str, Any], folder: Path) -> bytes:
    if "file" in fields:
        return folder.joinpath(str(fields["file"])).read_bytes()
    text: str = dump_json(fields["json"]) if "json" in fields else fields["body"]
    return text.encode()
