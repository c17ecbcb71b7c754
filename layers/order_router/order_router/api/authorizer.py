"""Who holds an API key: found by the key's hash, told to the functions as the authorizer's context."""

from collections.abc import Mapping
from typing import Any

from order_router.ports import Settings

MAX_KEY = 128


def decision(event: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return an HTTP API authorizer's simple response.

    An unknown key goes through as nobody: the function then answers 401 as a problem with a code, where the gateway's
    own refusal would be a bare 403. No function does anything for nobody.
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    key = headers.get("x-api-key", "")
    caller = settings.caller(key) if key and len(key) <= MAX_KEY and key.isascii() else None
    if caller is None:
        return {"isAuthorized": True, "context": {"key_id": ""}}
    return {
        "isAuthorized": True,
        "context": {
            "key_id": caller.key_id,
            "scopes": " ".join(sorted(caller.scopes)),
            "accounts": " ".join(sorted(caller.accounts)),
        },
    }
