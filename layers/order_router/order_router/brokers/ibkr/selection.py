"""Which of a username's accounts the vendor's reads are of: the selected one (sources and dates: README.md)."""

from enum import Enum
from typing import Any

from order_router.adapter.decode import read_list, read_object
from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import Send
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr.session import ACCOUNT_ID, Ask, account_id, call

ACCOUNTS = Ask(method="GET", path="/iserver/accounts")
SET_ALREADY = "Account already set"


class Selected(Enum):
    """How our account comes to be the one that is selected."""

    ALONE = "the username has no other"
    BEFORE = "it was when we asked"
    BY_US = "we switched to it"


def select_account(send: Send, session: BrokerSession) -> Selected:
    """Have the account selected, by a switch where it is not; OutcomeUnknown where it may not be.

    A switch is no write of an order: to ask for it twice does nothing more.
    """
    ours = account_id(session)
    content = read_object(call(send, session, ACCOUNTS), "the accounts")
    held = read_list(content.get("accounts"), "accounts")
    if ours not in held:
        raise OutcomeUnknown("Interactive Brokers does not name the account among those of its username")
    if content.get("selectedAccount") == ours:
        return Selected.ALONE if held == [ours] else Selected.BEFORE
    _switch(send, session, ours)
    return Selected.BY_US


def was_selected(send: Send, session: BrokerSession, selected: Selected) -> bool:
    """Return whether what was read since is surely of our account: another worker may have switched meanwhile.

    Right after a switch of our own it is not: whether the first read then is a whole one no page says.
    """
    if selected is not Selected.BEFORE:
        return selected is Selected.ALONE
    content = read_object(call(send, session, ACCOUNTS), "the accounts")
    return bool(content.get("selectedAccount") == account_id(session))


def of_account(path: str, session: BrokerSession) -> Ask:
    """Return the reading of a page of the account."""
    return Ask(method="GET", path=f"{path}?accountId={account_id(session)}")


def is_of_another(row: Any, session: BrokerSession, name: str) -> bool:  # noqa: ANN401
    """Return whether a row names another account of the same username."""
    account = row.get(name) if isinstance(row, dict) else None
    return isinstance(account, str) and bool(ACCOUNT_ID.fullmatch(account)) and account != account_id(session)


def _switch(send: Send, session: BrokerSession, ours: str) -> None:
    ask = Ask(method="POST", path="/iserver/account", content={"acctId": ours})
    answer = read_object(call(send, session, ask), "a switch of the account")
    is_set = answer.get("set") is True and answer.get("acctId") == ours
    if not is_set and answer.get("success") != SET_ALREADY:
        raise OutcomeUnknown("Interactive Brokers did not say that it switched to the account")
