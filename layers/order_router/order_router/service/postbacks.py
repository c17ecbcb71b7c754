"""Take a broker's own word that an order changed: late, twice or out of order it does no harm.

What it is about is found by our tag, which is the start of the client order id: where a broker takes the whole id, that
is one read; elsewhere among the account's unsettled orders, then among the day's. An order that is none of ours is kept
apart and told once.
"""

import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from order_router.adapter.errors import BrokerError
from order_router.adapter.port import Broker
from order_router.adapter.postback import PostbackRefused, Postbacks
from order_router.adapter.profile import Feature
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.domain.exchange_time import exchange_day
from order_router.domain.identity import CLIENT_ORDER_ID_LENGTH
from order_router.domain.lifecycle import State
from order_router.domain.order import Order
from order_router.domain.reports import OrderReport
from order_router.ports import (
    CredentialStore,
    ReconcileQueue,
    StrayPostback,
    StrayPostbacks,
)
from order_router.service.day_orders import pages_of_day
from order_router.service.desk import RecordDesk
from order_router.service.follow_up import look_at_once, tell
from order_router.service.recording import Seen, record_report

logger = logging.getLogger(__name__)
NEVER_LEFT = {State.RECEIVED, State.REFUSED, State.STALE}
"""An order that is none of ours by our own record: what the broker says of it must not be lost in it."""

OUR_ID = re.compile(rf"[A-Z2-7]{{{CLIENT_ORDER_ID_LENGTH}}}")


class NoPostbacks(RouterError):
    """There is no such account, or its broker sends no postbacks."""

    code = "POSTBACK_ADDRESS_UNKNOWN"


class TokenUnknown(RouterError):
    """The address lacks the secret that stands for a signature, or has another."""

    code = "POSTBACK_TOKEN_UNKNOWN"


class Taken(StrEnum):
    """What became of a postback."""

    RECORDED = "recorded"
    NOTHING_NEW = "nothing_new"
    UNKNOWN_ORDER = "unknown_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostbackDesk(RecordDesk):
    """The ports of the service that takes postbacks."""

    credentials: CredentialStore
    broker_of: Callable[[str], Broker]
    postbacks_of: Callable[[str], Postbacks]
    reconcile: ReconcileQueue
    strays: StrayPostbacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Postback:
    """A message as it came in: for whom by its address, the address's secret, headers (lower case) and body."""

    broker: str
    account: str
    token: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def take_postback(desk: PostbackDesk, postback: Postback) -> Taken:
    """Check that the broker sent it, and record what it says.

    Raises NoPostbacks, TokenUnknown, PostbackRefused, CredentialsRefused, a NotSent on a passing fault, or
    StoreUnavailable.
    """
    account, broker = _addressee(desk, postback)
    report = _read(desk, account, postback)
    order = _find(desk, account, broker, report)
    if order is None or order.state in NEVER_LEFT:
        return _keep_apart(desk, account, report)
    after = record_report(desk, order, Seen(report, "the broker's postback", is_late=True))
    if order.state is State.UNKNOWN and after.state is not State.UNKNOWN:
        look_at_once(desk.reconcile, account.name)
    return Taken.RECORDED if after.version != order.version else Taken.NOTHING_NEW


def _addressee(desk: PostbackDesk, postback: Postback) -> tuple[Account, Broker]:
    account = desk.settings.account(postback.account)
    if account is None or account.broker != postback.broker:
        raise NoPostbacks("nothing takes postbacks at this address")
    broker = desk.broker_of(account.broker)
    if Feature.POSTBACK not in broker.profile.features:
        raise NoPostbacks("nothing takes postbacks at this address")
    has_secret = postback.token is not None or account.postback_digest is not None
    if (has_secret or not broker.profile.signs_postbacks) and not _opens(account, postback.token or ""):
        raise TokenUnknown("this address does not end in the account's secret")
    return account, broker


def _opens(account: Account, token: str) -> bool:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return account.postback_digest is not None and hmac.compare_digest(account.postback_digest, digest)


def _read(desk: PostbackDesk, account: Account, postback: Postback) -> OrderReport:
    credentials = desk.credentials.credentials(account)
    try:
        return desk.postbacks_of(account.broker).read_postback(credentials, postback.headers, postback.body)
    except PostbackRefused:
        raise
    except BrokerError as error:
        why = error.code
    except Exception as error:  # noqa: BLE001 - a stranger's bytes met a defect, and its words may hold a secret
        why = type(error).__name__
        logger.warning("adapter defect", extra={"account": account.name, "error": why})
    # raised out here: what the adapter raised may hold what it was given
    raise PostbackRefused(f"the postback is not readable ({why})")


def _find(desk: PostbackDesk, account: Account, broker: Broker, report: OrderReport) -> Order | None:
    tag, rule = report.client_tag, broker.profile.tag
    if rule.is_echoed and rule.max_length >= CLIENT_ORDER_ID_LENGTH:
        named = desk.store.get(tag) if tag is not None and OUR_ID.fullmatch(tag) else None
        if named is not None and named.request.account == account.name and _fits(named, report):
            return named
    for orders in _pages(desk, account):
        found = next((order for order in orders if _is_about(order, broker, report)), None)
        if found is not None:
            # an index may lag behind: the order as it stands decides
            return desk.store.get(found.client_order_id) or found
    return None


def _pages(desk: PostbackDesk, account: Account) -> Iterable[tuple[Order, ...]]:
    """Yield the account's unsettled orders, then today's, page by page."""
    yield desk.store.list_unsettled(account.name)
    yield from pages_of_day(desk.store, account.name, exchange_day(desk.clock.now()))


def _is_about(order: Order, broker: Broker, report: OrderReport) -> bool:
    if order.broker_order_id is not None:
        return order.broker_order_id == report.broker_order_id
    rule = broker.profile.tag
    has_our_tag = rule.is_echoed and rule.max_length > 0 and report.client_tag is not None
    return has_our_tag and rule.tag(order.client_order_id) == report.client_tag and _fits(order, report)


def _fits(order: Order, report: OrderReport) -> bool:
    """Return whether the report can be of this order: a tag alone could be a copy of it."""
    is_same_order = order.broker_order_id in {None, report.broker_order_id}
    wanted = (order.request.instrument, order.request.side)
    return is_same_order and wanted == (report.instrument, report.side)


def _keep_apart(desk: PostbackDesk, account: Account, report: OrderReport) -> Taken:
    if desk.strays.keep(StrayPostback(account.name, report), desk.clock.now()):
        words = (
            f"the broker tells of an order that is none of ours: {report.broker_order_id},"
            f" {report.side} {report.quantity} {report.instrument} is {report.state}"
        )
        tell(desk, "stray", account.name, words)
    return Taken.UNKNOWN_ORDER
