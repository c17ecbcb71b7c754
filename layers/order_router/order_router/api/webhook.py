"""Who sent an alert: the strategy's token decides, the sender's address only narrows it."""

import hashlib
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from order_router.api.alert import parse_alert
from order_router.api.http import ApiRequest, BodyUnreadable, Forbidden, Unauthenticated
from order_router.api.problems import problem_of_validation
from order_router.domain.account import Strategy
from order_router.domain.alert import Alert
from order_router.domain.errors import MAX_WORDS, OrderDenied, SettingUnreadable
from order_router.domain.notices import Notice
from order_router.ports import Notifier, Settings, StoreUnavailable

logger = logging.getLogger(__name__)
MIN_TOKEN = 32
MAX_TOKEN = 128
SHOWN_OF_FIELD = 40
SHOWN_OF_TOKEN = 8
"""So much of a token tells nobody the rest, and tells us that words have it in them."""


def check_address(request: ApiRequest, allowed: Collection[str]) -> None:
    """Raise Forbidden unless the sender's address is allowed (none named: every address is)."""
    if allowed and request.source_ip not in allowed:
        raise Forbidden(
            f"address {request.source_ip} is not one that alerts come from", code="ADDRESS_FORBIDDEN"
        )


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose alert a request is: the strategy that its token opens. `fields` of a body that had to be read for that."""

    strategy: Strategy
    token: str = field(repr=False)
    fields: dict[str, Any] | None = field(repr=False)


def sender_of(request: ApiRequest, settings: Settings) -> Sender:
    """Return who sent an alert, before anything else of it is judged.

    The token is looked for in the path, then in the body. Raises Unauthenticated, or BodyUnreadable for such a body.
    """
    path_token = request.path.get("token")
    fields = request.json_object() if path_token is None else None
    token = path_token if fields is None else fields.get("token")
    return Sender(_strategy(token, settings), str(token), fields)


def alert_of(request: ApiRequest, sender: Sender) -> Alert:
    """Return the sender's alert; BodyUnreadable, Unauthenticated, or a ValidationError that names the bad fields."""
    fields = request.json_object() if sender.fields is None else sender.fields
    named = fields.get("strategy")
    if named is not None and named != sender.strategy.name:
        raise Unauthenticated("this token does not open the named strategy", code="WEBHOOK_TOKEN_UNKNOWN")
    return parse_alert(fields).to_alert()


@contextmanager
def outages_logged() -> Iterator[None]:
    """Log, as an error that an alarm counts, that an alert could not be taken for the moment.

    TradingView sends it again, three times within 15 s: what lasts longer loses it, and nobody else would tell.
    """
    try:
        yield
    except StoreUnavailable as error:
        logger.exception("an alert was not taken", extra={"code": error.code})
        raise


@contextmanager
def unreadable_told(notifier: Notifier) -> Iterator[None]:
    """Tell the trader of an alert whose strategy is stored as this release cannot read it.

    The alert comes again, but not for long, and all of that strategy's do as this one.
    """
    try:
        yield
    except SettingUnreadable as error:
        words = f"an alert became no order: {error.code}: {error.message[:MAX_WORDS]}"
        notifier.tell(Notice(kind="alert_refused", account="*", message=words))
        raise


@contextmanager
def refusals_told(notifier: Notifier, request: ApiRequest, sender: Sender) -> Iterator[None]:
    """Tell the trader of an alert of his that becomes no order: TradingView shows nobody what we answer.

    One that may come again (a store that fails) is not told, nor one that opens another strategy.
    """
    try:
        yield
    except ValidationError as error:
        told = problem_of_validation(error).content
        notifier.tell(_refusal(request, sender, f"{told['code']}: {told['detail']}"))
        raise
    except (OrderDenied, BodyUnreadable) as error:
        notifier.tell(_refusal(request, sender, f"{error.code}: {error.message}"))
        raise


def _refusal(request: ApiRequest, sender: Sender, words: str) -> Notice:
    strategy, said = sender.strategy, f"{_asked(request)}{words[:MAX_WORDS]}"
    if sender.token[:SHOWN_OF_TOKEN] in said:
        # whoever puts the token into another field must not find it in a message or a log
        said = words.partition(":")[0]
    return Notice(
        kind="alert_refused",
        account=strategy.accounts[0] if len(strategy.accounts) == 1 else "*",
        message=f"an alert of strategy {strategy.name} became no order: {said}",
        subject=f"{strategy.name} {_sent(request)}",
    )


def _sent(request: ApiRequest) -> str:
    """Return what tells an alert from the next one that is refused in the same words: its exit may follow, too."""
    return f"{hashlib.sha256(request.body).hexdigest()} {request.received_at:%Y-%m-%dT%H:%M}"


def _asked(request: ApiRequest) -> str:
    """Return what the alert is about, as far as that can be read."""
    try:
        fields = request.json_object()
    except BodyUnreadable:
        return ""
    said = [
        fields[name][:SHOWN_OF_FIELD] for name in ("action", "ticker") if isinstance(fields.get(name), str)
    ]
    return f"{' '.join(said)}: " if said else ""


def _strategy(token: object, settings: Settings) -> Strategy:
    well_formed = isinstance(token, str) and MIN_TOKEN <= len(token) <= MAX_TOKEN and token.isascii()
    strategy = settings.strategy_of_token(token) if isinstance(token, str) and well_formed else None
    if strategy is None:
        raise Unauthenticated("send the strategy's token", code="WEBHOOK_TOKEN_UNKNOWN")
    return strategy
