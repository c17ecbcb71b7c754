"""Who sent an alert: the strategy's token decides, the sender's address only narrows it."""

from collections.abc import Collection

from order_router.api.alert import parse_alert
from order_router.api.http import ApiRequest, Forbidden, Unauthenticated
from order_router.domain.account import Strategy
from order_router.domain.alert import Alert
from order_router.ports import Settings

MIN_TOKEN = 32
MAX_TOKEN = 128


def check_address(request: ApiRequest, allowed: Collection[str]) -> None:
    """Raise Forbidden unless the sender's address is allowed (none named: every address is)."""
    if allowed and request.source_ip not in allowed:
        raise Forbidden(
            f"address {request.source_ip} is not one that alerts come from", code="ADDRESS_FORBIDDEN"
        )


def authenticated_alert(request: ApiRequest, settings: Settings) -> tuple[Alert, Strategy]:
    """Return the alert and the strategy that its token opens.

    The token is looked for in the path, then in the body. Raises Unauthenticated (nothing of the alert is judged
    before that), BodyUnreadable, or a ValidationError that names the bad fields.
    """
    path_token = request.path.get("token")
    fields = request.json_object() if path_token is None else None
    strategy = _strategy(path_token if fields is None else fields.get("token"), settings)
    fields = request.json_object() if fields is None else fields
    named = fields.get("strategy")
    if named is not None and named != strategy.name:
        raise Unauthenticated("this token does not open the named strategy", code="WEBHOOK_TOKEN_UNKNOWN")
    return parse_alert(fields).to_alert(), strategy


def _strategy(token: object, settings: Settings) -> Strategy:
    well_formed = isinstance(token, str) and MIN_TOKEN <= len(token) <= MAX_TOKEN and token.isascii()
    strategy = settings.strategy_of_token(token) if isinstance(token, str) and well_formed else None
    if strategy is None:
        raise Unauthenticated("send the strategy's token", code="WEBHOOK_TOKEN_UNKNOWN")
    return strategy
