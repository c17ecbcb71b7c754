"""The twenty faults, as one table: what happens, what must hold of the router, and how it is played."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

from order_router.adapter.http import HttpResponse
from tests.exact_json import dump_json
from tests.simulators.chaos_dialect import Kind, Row, Verdict, parse
from tests.simulators.chaos_talk import Ending, Talk, answer, true_answer

Play = Callable[[Talk], Ending]
TEXT_FIELD = re.compile(rb'"(\w+)":"([^"]*)"')
FIRST_KEY = re.compile(rb'^(\[?\{)("\w+"):')
HTML = b"<html><body><h1>We are down for maintenance</h1></body></html>"
UNKNOWN = "unknown, never sent again; the book tells by the tag"


def true(talk: Talk) -> Ending:
    """No fault: the true answer."""
    return Ending(Verdict.ANSWERED, partial(talk.send, true_answer(talk.take())))


def _reset_before_body(talk: Talk) -> Ending:
    return Ending(Verdict.LOST, talk.reset)


def _reset_after_body(talk: Talk) -> Ending:
    _ = talk.request
    talk.take_or_lose()
    return Ending(Verdict.LOST, talk.reset)


def _lose_answer(talk: Talk) -> Ending:
    talk.take()
    return Ending(Verdict.LOST, talk.reset)


def _half_open(talk: Talk) -> Ending:
    return Ending(Verdict.LOST, talk.hold)


def _slow_drip(talk: Talk) -> Ending:
    return Ending(Verdict.LOST, partial(talk.drip, true_answer(talk.take())))


def _status_1xx(talk: Talk) -> Ending:
    if talk.dice.random() < 0.5:
        whole = b"HTTP/1.1 100 Continue\r\n\r\n" + true_answer(talk.take())
        return Ending(Verdict.ANSWERED, partial(talk.send, whole))
    talk.take_or_lose()
    first = talk.dice.choice(
        [b"103 Early Hints\r\nLink: </a>", b"101 Switching Protocols", b"102 Processing"]
    )
    return Ending(Verdict.LOST, partial(talk.send_and_close, b"HTTP/1.1 " + first + b"\r\n\r\n"))


def _status_3xx(talk: Talk) -> Ending:
    body, status = HTML, talk.dice.choice([301, 302, 303, 307, 308])
    kind = "text/html"
    if talk.dice.random() < 0.5:
        body, kind = talk.take().body, "application/json"
    else:
        talk.take_or_lose()
    location = f"Location: {talk.head.target}?{STRAY}"
    return Ending(Verdict.LOST, partial(talk.send, answer(status, body, kind, location)))


def _status_4xx(talk: Talk) -> Ending:
    refusal = talk.dice.choice(talk.dialect.refusals_of(talk.kind))
    if refusal.verdict is Verdict.LOST:
        talk.take_or_lose()
    body = talk.dialect.render(refusal.code, refusal.message).encode()
    return Ending(refusal.verdict, partial(talk.send, answer(refusal.status, body)))


def _status_5xx(talk: Talk) -> Ending:
    talk.take_or_lose()
    status, code, message = talk.dice.choice(talk.dialect.failures)
    body = talk.dialect.render(code, message).encode()
    return Ending(Verdict.LOST, partial(talk.send, answer(status, body)))


def _html_page(talk: Talk) -> Ending:
    talk.take_or_lose()
    status = talk.dice.choice([200, 201, 403, 404, 429, 502, 503])
    return Ending(Verdict.LOST, partial(talk.send, answer(status, HTML, "text/html; charset=utf-8")))


def _truncated_json(talk: Talk) -> Ending:
    response = talk.take()
    cut = response.body[: talk.dice.randrange(len(response.body))]
    if talk.dice.random() < 0.5:
        return Ending(Verdict.LOST, partial(talk.send, true_answer(_with_body(response, cut))))
    head = true_answer(response).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    return Ending(Verdict.LOST, partial(talk.send_and_close, head + cut))


def _duplicate_keys(talk: Talk) -> Ending:
    response = talk.take()
    pairs = list(TEXT_FIELD.finditer(response.body))
    if pairs and talk.dice.random() < 0.8:
        found = talk.dice.choice(pairs)
        twice = b'"%b":"7%b",%b' % (found[1], found[2], found[0])
        body = response.body[: found.start()] + twice + response.body[found.end() :]
    else:
        body = FIRST_KEY.sub(rb"\1\2:null,\2:", response.body)
    if body == response.body:
        # what names no key cannot name one twice
        return Ending(Verdict.ANSWERED, partial(talk.send, true_answer(response)))
    return Ending(Verdict.LOST, partial(talk.send, true_answer(_with_body(response, body))))


def _accept_then_timeout(talk: Talk) -> Ending:
    talk.take()
    return Ending(Verdict.LOST, talk.hold)


def _accepted_late(talk: Talk) -> Ending:
    assert talk.write is not None
    talk.broker.accept_later(talk.request, talk.write, talk.dice.uniform(*talk.broker.plan.late_s))
    body = talk.dialect.render("Gateway", "timed out").encode()
    silent = partial(talk.send, answer(504, body))
    return Ending(Verdict.LOST, silent if talk.dice.random() < 0.5 else talk.reset)


def _lagging(talk: Talk) -> Ending:
    lag_s = talk.dice.uniform(*talk.broker.plan.lag_s)
    response = talk.take()
    if talk.kind is Kind.ONE_ORDER:
        if talk.broker.age_s(talk.head.path.rpartition("/")[2]) >= lag_s:
            return Ending(Verdict.ANSWERED, partial(talk.send, true_answer(response)))
        unseen = next(one for one in talk.dialect.refusals if one.names_an_order)
        body = talk.dialect.render(unseen.code, unseen.message).encode()
        return Ending(Verdict.ANSWERED, partial(talk.send, answer(unseen.status, body)))
    kept = talk.broker.book_of(talk.broker.now() - timedelta(seconds=lag_s))
    body = _young_rows_removed(talk, response.body, lag_s) if kept is None else _what_is_asked(talk, kept)
    return Ending(Verdict.ANSWERED, partial(talk.send, true_answer(_with_body(response, body))))


def _young_rows_removed(talk: Talk, body: bytes, lag_s: float) -> bytes:
    content = parse(body)
    rows = talk.dialect.rows(content)
    rows[:] = [row for row in rows if talk.broker.age_s(row[talk.dialect.row_id]) >= lag_s]
    return dump_json(content).encode()


def _what_is_asked(talk: Talk, book: bytes) -> bytes:
    """Return of a whole book what the request is about: some brokers' books are read in parts."""
    content = parse(book)
    rows = talk.dialect.rows(content)
    rows[:] = [row for row in rows if talk.dialect.is_asked(talk.request, row)]
    return dump_json(content).encode()


Spoil = Callable[[Talk, list[Row]], None]


def _spoiled(spoil: Spoil, talk: Talk) -> Ending:
    response = talk.take()
    body = response.body
    if response.status == 200:
        content: Any = parse(body)
        spoil(talk, talk.dialect.rows(content))
        body = dump_json(content).encode()
    return Ending(Verdict.ANSWERED, partial(talk.send, true_answer(_with_body(response, body))))


def _retag(change: Callable[[str, Random], str | None], talk: Talk, rows: list[Row]) -> None:
    for row in rows:
        tag = talk.dialect.shown_tag(row)
        if tag:
            dice = talk.broker.plan.dice(tag)  # each read shows an order the same way
            talk.dialect.set_tag(row, change(tag, dice))


def _shuffle(talk: Talk, rows: list[Row]) -> None:
    talk.dice.shuffle(rows)


def _with_body(response: HttpResponse, body: bytes) -> HttpResponse:
    return HttpResponse(status=response.status, headers=response.headers, body=body)


def _cut_by_tls(talk: Talk) -> Ending:
    whole = true_answer(talk.take())
    lines = [
        line for line in whole.partition(b"\r\n\r\n")[0].split(b"\r\n") if not line.startswith(b"Content-Len")
    ]
    body = whole.partition(b"\r\n\r\n")[2]
    # without a length the answer ends where the connection does: only TLS's goodbye could say that it is whole
    length = len(body) if talk.dice.random() < 0.5 else talk.dice.randrange(len(body))
    sent = b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body[:length]
    return Ending(Verdict.LOST, partial(talk.send_and_close, sent))


STRAY = "followed"
WRITES = frozenset({Kind.PLACE, Kind.MODIFY, Kind.CANCEL})
BOOKS = frozenset({Kind.BOOK, Kind.ONE_ORDER})
EVERY = frozenset(Kind)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault. `what` happens, `holds` of an order write that meets it; `plays` says what on which requests.

    `on` are the plans that can play it; `is_slow` where the client must give up; `hides_tag` where the book cannot
    tell whose an order is; `needs_tls`; `at_connection` where no request is ever read.
    """

    what: str
    holds: str
    plays: tuple[tuple[frozenset[Kind], Play], ...]
    on: tuple[str, ...] = ("writes", "reads", "both")
    is_slow: bool = False
    hides_tag: bool = False
    needs_tls: bool = False
    at_connection: bool = False

    def play(self, kind: Kind) -> Play | None:
        """Return how a request of this kind meets the fault."""
        return next((play for kinds, play in self.plays if kind in kinds), None)


def _everywhere(play: Play) -> tuple[tuple[frozenset[Kind], Play], ...]:
    return ((EVERY, play),)


def _in_the_book(play: Play) -> tuple[tuple[frozenset[Kind], Play], ...]:
    return ((BOOKS, play), (WRITES, _lose_answer))


TAG_HIDDEN = (
    "unknown and told while the tag is hidden; never claimed by likeness, never closed in the session"
)

FAULTS: dict[str, Fault] = {
    "reset_before_body": Fault(
        what="reset when the head was read, the body not; nothing is done",
        holds=UNKNOWN,
        plays=_everywhere(_reset_before_body),
    ),
    "reset_after_body": Fault(
        what="reset when all was read; done or not",
        holds=UNKNOWN,
        plays=_everywhere(_reset_after_body),
    ),
    "half_open": Fault(
        what="the connection is accepted and never answered; nothing is done",
        holds="given up at the deadline of the answer; " + UNKNOWN,
        plays=_everywhere(_half_open),
        is_slow=True,
    ),
    "slow_drip": Fault(
        what="done; the answer comes byte by byte, slower than the client waits",
        holds="the deadline is that of the whole answer; " + UNKNOWN,
        plays=_everywhere(_slow_drip),
        is_slow=True,
    ),
    "status_1xx": Fault(
        what="100 and then the true answer; or only 101, 102, 103 and a close, done or not",
        holds="100 is skipped; else " + UNKNOWN,
        plays=_everywhere(_status_1xx),
    ),
    "status_3xx": Fault(
        what="a redirect to the same page, with HTML or with the true answer's JSON; done or not",
        holds="never followed; " + UNKNOWN,
        plays=_everywhere(_status_3xx),
    ),
    "status_4xx": Fault(
        what="one of the broker's documented error answers; done or not where it is ambiguous",
        holds="rejected, sent again, or unknown, as the broker documents that answer",
        plays=_everywhere(_status_4xx),
    ),
    "status_5xx": Fault(
        what="500, 502, 503, 504 with the words of a refusal; done or not",
        holds=UNKNOWN,
        plays=_everywhere(_status_5xx),
    ),
    "html_page": Fault(
        what="an HTML page with 200, 201, 403, 404, 429, 502 or 503; done or not",
        holds=UNKNOWN,
        plays=_everywhere(_html_page),
    ),
    "truncated_json": Fault(
        what="done; the answer is cut, with its length said rightly or not",
        holds=UNKNOWN,
        plays=_everywhere(_truncated_json),
    ),
    "duplicate_keys": Fault(
        what="done; the answer names a JSON key twice with two values",
        holds=UNKNOWN,
        plays=_everywhere(_duplicate_keys),
    ),
    "accept_then_timeout": Fault(
        what="done; then silence",
        holds=UNKNOWN,
        plays=_everywhere(_accept_then_timeout),
        is_slow=True,
    ),
    "accepted_late": Fault(
        what="lost or 504, and done 1 to 600 s later",
        holds="unknown and told; found when it appears, however late in the session",
        plays=((WRITES, _accepted_late),),
        on=("writes",),
    ),
    "book_lag": Fault(
        what="the book and single orders are 0 to 60 s old; on writes the answer is lost",
        holds="an old book takes nothing back: no fill shrinks, no end is undone",
        plays=_in_the_book(_lagging),
        on=("reads", "both"),
    ),
    "book_without_tag": Fault(
        what="the book shows no tags; on writes the answer is lost",
        holds=TAG_HIDDEN,
        plays=_in_the_book(partial(_spoiled, partial(_retag, lambda tag, dice: None))),
        on=("reads", "both"),
        hides_tag=True,
    ),
    "tag_truncated": Fault(
        what="the book shows the start of each tag; on writes the answer is lost",
        holds=TAG_HIDDEN,
        plays=_in_the_book(
            partial(_spoiled, partial(_retag, lambda tag, dice: tag[: dice.randrange(1, 20)]))
        ),
        on=("reads", "both"),
        hides_tag=True,
    ),
    "tag_case_changed": Fault(
        what="the book shows each tag in lower case; on writes the answer is lost",
        holds=TAG_HIDDEN,
        plays=_in_the_book(partial(_spoiled, partial(_retag, lambda tag, dice: tag.lower()))),
        on=("reads", "both"),
        hides_tag=True,
    ),
    "rows_reordered": Fault(
        what="the rows of the book and of histories come in another order each time; on writes the answer is lost",
        holds="found whatever the order of the rows",
        plays=_in_the_book(partial(_spoiled, _shuffle)),
        on=("reads", "both"),
    ),
    "tls_handshake": Fault(
        what="TLS fails: closed at the hello, a certificate nobody trusts, plain text in its place",
        holds="never sent; tried again inside the deadline, then refused or stale; nothing at the broker",
        plays=(),
        on=("both",),
        needs_tls=True,
        at_connection=True,
    ),
    "tls_cut": Fault(
        what="done; the connection ends inside TLS without its goodbye, even if all of the answer had come",
        holds=UNKNOWN,
        plays=_everywhere(_cut_by_tls),
        needs_tls=True,
    ),
}
