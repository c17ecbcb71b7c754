"""The questions that a placement or a change may be answered with: nothing is done until one is answered.

A question is answered with yes only where the answer can cost nobody money that the order itself does not. Those that
guard against a wrong price, size or value are never: their order is refused in the question's words, and the question,
left unanswered, lapses with the next request.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from order_router.adapter.decode import read_list, read_object, read_text
from order_router.adapter.errors import InvalidOrder, OutcomeUnknown
from order_router.adapter.http import Send
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr.session import Ask, call, cleaned, secrets_of

ANSWERED_YES = ("o354", "o10151", "o10152", "o10153", "o10331")
"""No market data; what a market order is; what a stop order is; the cap on a market order's price; stop order risks.

Never o163 (price), o382 (tick), o383 and o10138 (size), o451 (value), o403 (a stop that triggers at once), p6, p12.
"""

MAX_QUESTIONS = 5
QUESTION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
MESSAGE_ID = re.compile(r"[op][0-9]{1,6}")
ORDER_ID = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Question:
    """What the vendor asks before it does anything."""

    reply_id: str
    message_ids: tuple[str, ...]
    words: str

    @property
    def is_answered_yes(self) -> bool:
        """Return whether all that it asks is on the list."""
        return all(one in ANSWERED_YES for one in self.message_ids)


def write_and_answer(send: Send, session: BrokerSession, ask: Ask) -> str:
    """Make a write, answer what may be answered, and return the order id of the acknowledgement.

    InvalidOrder: a question that is not answered with yes, and nothing was done.
    """
    for _ in range(MAX_QUESTIONS + 1):
        found = read_answer(call(send, session, ask), secrets_of(session))
        if isinstance(found, str):
            return found
        if not found.is_answered_yes:
            raise InvalidOrder(found.words, broker_code=" ".join(found.message_ids))
        path = f"/iserver/reply/{found.reply_id}"
        ask = Ask(method="POST", path=path, content={"confirmed": True}, is_write=True)
    raise OutcomeUnknown(f"Interactive Brokers went on asking after {MAX_QUESTIONS} answers")


def read_answer(content: Any, secrets: Iterable[str]) -> str | Question:  # noqa: ANN401
    """Return the order id of an acknowledgement, or the question; OutcomeUnknown for all else."""
    row = _only_row(content)
    if "id" in row:
        return _question(row, secrets)
    return read_order_id(row, "order_id")


def read_order_id(row: dict[str, Any], name: str) -> str:
    """Return a field that must be an order id, digits alone (-1 would mean every order)."""
    broker_order_id = read_text(row, name)
    if not ORDER_ID.fullmatch(broker_order_id):
        raise OutcomeUnknown(f"expected an order id in {name}")
    return broker_order_id


def _only_row(content: Any) -> dict[str, Any]:  # noqa: ANN401
    # a further question has been seen without its list; a server's prompt, which says nothing sure, has no id
    is_bare_question = isinstance(content, dict) and "id" in content
    rows = [content] if is_bare_question else read_list(content, "an acknowledgement")
    if len(rows) != 1:
        raise OutcomeUnknown(f"expected one acknowledgement, received {len(rows)}")
    return read_object(rows[0], "an acknowledgement")


def _question(row: dict[str, Any], secrets: Iterable[str]) -> Question:
    reply_id = read_text(row, "id")
    ids = tuple(one for one in read_list(row.get("messageIds"), "messageIds") if isinstance(one, str))
    if not QUESTION_ID.fullmatch(reply_id) or not ids or len(ids) != len(row["messageIds"]):
        raise OutcomeUnknown("Interactive Brokers asked a question without a readable id")
    if not all(MESSAGE_ID.fullmatch(one) for one in ids):
        raise OutcomeUnknown("Interactive Brokers asked a question of no known kind")
    words = (one for one in read_list(row.get("message"), "message") if isinstance(one, str))
    return Question(reply_id, ids, cleaned(" ".join(words), secrets))
