"""Small pages for a person with a telephone: no script, nothing from elsewhere, every word escaped."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from order_router.api.http import Answer

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


def _form(button: Button | None) -> str:
    if button is None:
        return ""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in button.fields.items()
    )
    return f'<form method="post" action="?">{hidden}<button>{escape(button.words)}</button></form>'
