"""Small pages for a person with a telephone: no script, nothing from elsewhere, every word escaped."""

import base64
import hashlib
from html import escape

from order_router.api.http import Answer

STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;margin:15vh auto;max-width:30rem;padding:0 1.5rem}"
    "h1{font-size:1.5rem}code{color:#666}"
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


def page(status: int, title: str, words: str, code: str | None = None) -> Answer:
    """Return a page with a heading, a sentence and perhaps a code to search for."""
    note = "" if code is None else f"<p><code>{escape(code)}</code></p>"
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1><p>{escape(words)}</p>{note}</main></body></html>"
    )
    return Answer(status=status, text=text, headers=HEADERS, content_type="text/html; charset=utf-8")
