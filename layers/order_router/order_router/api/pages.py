"""Small pages for a person with a telephone: no script, nothing from elsewhere, every word escaped."""

import base64
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from urllib.parse import parse_qsl

from order_router.api.endpoint import log_refusal
from order_router.api.http import Answer, ApiRequest
from order_router.api.problems import problem_of
from order_router.domain.errors import RouterError

logger = logging.getLogger(__name__)

STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;margin:15vh auto;max-width:30rem;padding:0 1.5rem}"
    "h1{font-size:1.5rem}code{color:#666}"
    "button{font:inherit;padding:1rem 2rem;border:0;border-radius:.5rem;background:#b00020;color:#fff}"
)
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
WITH_BUTTON = {
    **HEADERS,
    "content-security-policy": HEADERS["content-security-policy"].replace(
        "form-action 'none'", "form-action 'self'"
    ),
}


@dataclass(frozen=True, slots=True)
class Button:
    """One button that posts these fields to where its page came from, without the address's query."""

    words: str
    fields: Mapping[str, str] = field(repr=False)


def page(
    status: int, title: str, words: str, code: str | None = None, *, button: Button | None = None
) -> Answer:
    """Return a page with a heading, a sentence, perhaps a code to search for, perhaps a button."""
    note = "" if code is None else f"<p><code>{escape(code)}</code></p>"
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1><p>{escape(words)}</p>{note}{_form(button)}</main></body></html>"
    )
    headers = HEADERS if button is None else WITH_BUTTON
    return Answer(status=status, text=text, headers=headers, content_type="text/html; charset=utf-8")


def or_page(
    answer: Callable[[], Answer],
    *,
    failed: str,
    refused: str,
    unexpected: tuple[str, str],
    unsure: tuple[type[RouterError], ...] = (),
) -> Answer:
    """Return the answer, or a page that says what is wrong.

    `failed` is what the log calls a refusal, `refused` what its page does; `unexpected` are the title and words of a
    failure that nobody foresaw, and of an error after which what was asked for may be done (`unsure`).
    """
    try:
        return answer()
    except RouterError as error:
        log_refusal(failed, error)
        title, words = unexpected if isinstance(error, unsure) else (refused, error.message)
        return page(problem_of(error).status, title, words, error.code)
    except Exception:  # the edge: a person gets a page, and the log the trace
        logger.exception("unexpected error")
        return page(500, *unexpected, "INTERNAL_ERROR")


def sent_form(request: ApiRequest, *, max_fields: int) -> Mapping[str, str]:
    """Return the fields that a page's form sent; none if they are not to be read or too many."""
    try:
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=max_fields))
    except ValueError:
        return {}


def _form(button: Button | None) -> str:
    if button is None:
        return ""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in button.fields.items()
    )
    return f'<form method="post" action="?">{hidden}<button>{escape(button.words)}</button></form>'
