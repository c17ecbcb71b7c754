"""Answers that no vendor documents: broken, huge, misspelt, of the wrong type, or repeating our secrets."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from order_router.adapter.decode import strict_json
from order_router.adapter.http import HttpResponse
from tests.depth import IS_WHOLE
from tests.exact_json import dump_json

HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
DEEP = 20_000
WRONG_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    Decimal("0.5"),
    Decimal("1E+400"),
    Decimal("-0.00001"),
    "",
    " ",
    "NaN",
    "Infinity",
    "1_000",
    "\u0661\u0662",
    "\ud800",
    "0001-01-01 00:00:00",
    "9999-12-31 23:59:59",
    "../../x?y=1#z",
    "A NEW WORD",
    "__class__",
    [],
    {},
    [None],
    {"a": [1]},
)
WRONG_TEXTS = tuple((repr(wrong), dump_json(wrong)) for wrong in WRONG_VALUES)
THIRD = 3
PLACEHOLDER = "here goes a wrong value"
PLACEHOLDER_TEXT = dump_json(PLACEHOLDER)
UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \r\n",
    "html": HTML,
    "null": b"null",
    "list": b"[]",
    "object": b"{}",
    "text": b'"ok"',
    "number": b"1",
    "not utf-8": b'{"status":"\xff\xfe"}',
    "nan": b'{"status":"success","data":NaN}',
    "infinity": b'{"status":"success","data":{"order_id":-Infinity}}',
    "duplicate keys": b'{"status":"success","status":"success","data":{"order_id":"1","order_id":"2"}}',
    "deep list": b"[" * DEEP + b"]" * DEEP,
    "deep object": b'{"data":' * DEEP + b"1" + b"}" * DEEP,
    "huge exponent": b'{"status":"success","data":{"order_id":1e999999999999999999999}}',
    "huge integer": b'{"status":"success","data":{"order_id":' + b"9" * 6000 + b"}}",
    "bytes": bytes(range(256)),
}
SERVER_FAULTS = (500, 502, 503, 504)

_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.decimals(allow_nan=False, allow_infinity=False)
)
random_json = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def truncated(body: bytes) -> Iterator[bytes]:
    """Yield the body cut off at several places, each no longer JSON."""
    for tenth in range(1, 10):
        yield body[: max(1, len(body) * tenth // 10)]
    yield body[:-1]


def mutations(answer: HttpResponse) -> Iterator[tuple[str, HttpResponse]]:
    """Yield the answer with one value at a time of a wrong type or left out (of each list its first).

    Unless the run is whole, each value takes one wrong value of three: the same field comes in many answers, each time
    with another third.
    """
    value = parsed(answer)
    if value is None:
        return
    value = _with_short_lists(value)
    step = 1 if IS_WHOLE else THIRD
    for place, path in enumerate(_paths(value), start=len(answer.body)):
        name = ".".join(map(str, path))
        yield f"{name} left out", _with_body(answer, _without(value, path))
        body = dump_json(_replaced(value, path, PLACEHOLDER))
        for wrong, text in WRONG_TEXTS[place % step :: step]:
            yield f"{name} = {wrong}", _with_text(answer, body.replace(PLACEHOLDER_TEXT, text, 1))


def with_word(answer: HttpResponse, field: str, word: str) -> HttpResponse | None:
    """Return the answer with every value of this field replaced by a word, None if it has no such field."""
    value = parsed(answer)
    paths = [path for path in _paths(value) if path and path[-1] == field]
    for path in paths:
        value = _replaced(value, path, word)
    return _with_body(answer, value) if paths else None


def repeating(answer: HttpResponse, text: str, *, but: tuple[str, ...]) -> Iterator[HttpResponse]:
    """Yield the answer with this text in its prose (not in the fields named): whole, cut off, and broken."""
    value = parsed(answer)
    for path in _paths(value):
        found = _at(value, path)
        if isinstance(found, str) and " " in found and not found[0].isdigit() and path[-1] not in but:
            value = _replaced(value, path, f"{found} {text}")
    whole = _with_body(answer, value)
    yield whole
    for body in (whole.body[:-1], b'{"' + text.encode() + b'\xff"}', b"<p>" + text.encode() + b"</p>"):
        for kind in ("application/json", "text/html"):
            yield HttpResponse(status=answer.status, headers={"content-type": kind}, body=body)


def parsed(answer: HttpResponse) -> Any:
    """Return the answer's JSON, None where it has none."""
    try:
        return strict_json(answer.body)
    except ValueError:
        return None


def shape(answer: object) -> Any:
    """Return an answer's status and where it has values: of each list its first."""
    if not isinstance(answer, HttpResponse) or parsed(answer) is None:
        return repr(answer)
    return answer.status, list(_paths(_with_short_lists(parsed(answer))))


def _with_short_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_short_lists(item) for name, item in value.items()}
    return [_with_short_lists(item) for item in value[:1]] if isinstance(value, list) else value


def _with_body(answer: HttpResponse, value: object) -> HttpResponse:
    return _with_text(answer, dump_json(value))


def _with_text(answer: HttpResponse, text: str) -> HttpResponse:
    return HttpResponse(status=answer.status, headers=answer.headers, body=text.encode())


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for step in _steps(value):
        yield (*path, step)
        yield from _paths(value[step], (*path, step))


def _steps(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return list(value)
    return range(len(value)) if isinstance(value, list) else ()


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _replaced(value: Any, path: tuple[str | int, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], wrong)
    return copy


def _without(value: Any, path: tuple[str | int, ...]) -> Any:
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = _without(value[path[0]], path[1:])
    return copy
