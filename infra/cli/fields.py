"""Held against a broker's profile: the fields that a trader stores. No message repeats what it judges."""

import re
from collections.abc import Iterable, Mapping

from infra.cli.refusal import Misuse
from order_router.adapter.login import CredentialField
from order_router.adapter.profile import Profile


def fits(field: CredentialField, text: str) -> bool:
    """Return whether the whole text is what the broker expects of this field."""
    return re.fullmatch(field.pattern, text, re.DOTALL if field.is_multiline else re.NOFLAG) is not None


def wrong(field: CredentialField) -> str:
    """Return what is said of a text that does not fit."""
    return f"{field.name}: expected {field.expected}"


def judged(profile: Profile, given: Mapping[str, object]) -> dict[str, str]:
    """Return the given fields as texts; Misuse names each that the broker does not expect so."""
    known = {field.name: field for field in profile.credentials}
    unknown = len(set(given) - set(known))
    if unknown:
        # a name may be a secret that slipped into the wrong place: it is counted, not repeated
        raise Misuse(f"{unknown} field that {profile.title} does not know; it takes {', '.join(known)}")
    texts = {name: value.strip() for name, value in given.items() if isinstance(value, str)}
    bad = [wrong(known[name]) for name in given if name not in texts or not fits(known[name], texts[name])]
    if bad:
        raise Misuse("; ".join(bad))
    return texts


def require_all(profile: Profile, texts: Mapping[str, str]) -> None:
    """Raise Misuse unless every field is there."""
    missing = [field.name for field in profile.credentials if not texts.get(field.name)]
    if missing:
        raise Misuse(f"{profile.title} also needs {', '.join(missing)}")


def standing(fields: Iterable[CredentialField], stored: Mapping[str, str] | None) -> dict[str, str]:
    """Return for each field whether it is set, missing, or not as expected."""
    texts = stored or {}
    return {field.name: _standing(field, texts.get(field.name)) for field in fields}


def _standing(field: CredentialField, text: str | None) -> str:
    if not text:
        return "missing"
    return "set" if fits(field, text) else "malformed"
