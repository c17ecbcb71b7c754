"""What a broker's answer to a write proves, as the judge reads it: by the brokers' pages, not by our adapters."""

import json
from enum import Enum, auto

from order_router.adapter.http import HttpResponse
from tests.simulators.kite_behaviours import TIMED_OUT


class Proof(Enum):
    """What is known once the answer is there."""

    NEVER_SENT = auto()
    """Refused before the order system: the write may be made again."""
    NO = auto()
    """A definite refusal: what was asked for was not done."""
    NOTHING = auto()


BEFORE_THE_ORDER_SYSTEM = {(429, "NetworkException"), (403, "TokenException"), (429, "BUSY")}
PROVES_NOTHING = {408, 429}


def proof_of(answer: HttpResponse) -> Proof:
    """Return what the answer proves: neither a yes nor what cannot be read proves that nothing was done."""
    if not 400 <= answer.status < 500:
        return Proof.NOTHING
    word = _word(answer.body)
    if (answer.status, word) in BEFORE_THE_ORDER_SYSTEM:
        return Proof.NEVER_SENT
    is_clear = word and answer.status not in PROVES_NOTHING and TIMED_OUT.encode() not in answer.body
    return Proof.NO if is_clear else Proof.NOTHING


def _word(body: bytes) -> str:
    """Return the error's word: Kite's `error_type`, the paper broker's `error.code`; empty if it has none."""
    try:
        content = json.loads(body)
        return str(content["error_type"] if "error_type" in content else content["error"]["code"])
    except (ValueError, LookupError, TypeError):
        return ""
