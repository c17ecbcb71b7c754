"""What the services need from the world, each part built from the environment when it is first asked for, and kept."""

from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from order_router import logs
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.listings import Listings, NoListings
from order_router.adapter.session import Surroundings
from order_router.aws.breakers_table import BreakersTable
from order_router.aws.change_log import ChangeLogTable
from order_router.aws.clients import (
    make_client,
    make_hasty_client,
    make_patient_client,
    make_steady_client,
)
from order_router.aws.dead_letters import DeadLettersTable
from order_router.aws.environment import Environment
from order_router.aws.listings_table import ListingsTable
from order_router.aws.notice_queue import QueueNotifier, SqsNoticeQueue
from order_router.aws.orders_table import OrdersTable
from order_router.aws.queues import SqsOrderQueue, SqsReconcileQueue
from order_router.aws.refresh_queue import SqsRefreshQueue
from order_router.aws.renewer import LambdaSessionRenewer
from order_router.aws.sessions import Addresses, SecretCredentials, SecretSessions
from order_router.aws.settings_table import SettingsTable
from order_router.brokers.registry import (
    load_broker,
    load_finder,
)
from order_router.domain.account import Account
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing
from order_router.domain.trading_calendar import NO_CALENDAR, TradingCalendar, parse_calendar
from order_router.ports import (
    Breakers,
    Clock,
    CredentialStore,
    DeadLetters,
    Metrics,
    Notifier,
    OrderStore,
    ReconcileQueue,
    SessionRenewer,
    Sessions,
    Settings,
    Transport,
)
from order_router.service.finding import FoundOnUse
from order_router.service.notifying import EachNotifier
from order_router.transport.clock import SystemClock
from order_router.transport.http_transport import HttpTransport
from order_router.transport.local import LocalTransport, RoutingTransport

if TYPE_CHECKING:
    from order_router.aws.audit_archive import AuditBucket
    from order_router.aws.kill_queue import SqsKillQueue
    from order_router.aws.kill_tables import KillSwitchesTable
    from order_router.paper.exchange import PaperExchange

PAPER_ENDPOINT = "paper://exchange"


class Parts:
    """The ports, each made when it is first asked for and then kept."""

    def __init__(
        self,
        environment: Environment | None = None,
        *,
        clock: Clock | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        self._environment = Environment() if environment is None else environment
        self._clock: Clock = SystemClock() if clock is None else clock
        self._notifier: Notifier = self._usual_notifier() if notifier is None else notifier

    def _usual_notifier(self) -> Notifier:
        """Return the log, and the queue of notices where the function is told of one."""
        url, make_sqs = self._environment.optional("NOTICE_QUEUE_URL"), partial(make_hasty_client, "sqs")
        told = (QueueNotifier(cache(make_sqs), url, self._clock),) if url else ()
        return EachNotifier((logs.LogNotifier(), *told))

    @property
    def notifier(self) -> Notifier:
        """Who tells the trader."""
        return self._notifier

    @cached_property
    def dynamodb(self) -> Any:  # noqa: ANN401 - botocore's clients have no type
        """The DynamoDB client that all tables share."""
        return make_client("dynamodb")

    @cached_property
    def sqs(self) -> Any:  # noqa: ANN401 - botocore's clients have no type
        """The SQS client that both queues share."""
        return make_client("sqs")

    @cached_property
    def secretsmanager(self) -> Any:  # noqa: ANN401 - botocore's clients have no type
        """The Secrets Manager client, made when a broker first needs a secret."""
        return make_client("secretsmanager")

    @cached_property
    def store(self) -> OrderStore:
        """The orders and their gate (a function that only reads has no gate)."""
        orders, gates = self._environment.require("ORDERS_TABLE"), self._environment.optional("GATE_TABLE")
        return OrdersTable(self.dynamodb, self._clock, orders=orders, gates=gates)

    @cached_property
    def settings(self) -> Settings:
        """Accounts, strategies and keys."""
        return SettingsTable(self.dynamodb, self._environment.require("SETTINGS_TABLE"), self._clock)

    @cached_property
    def order_queue(self) -> SqsOrderQueue:
        """The queue before the order path."""
        return SqsOrderQueue(lambda: self.sqs, lambda: self._environment.require("ORDER_QUEUE_URL"))

    @cached_property
    def reconcile_queue(self) -> ReconcileQueue:
        """The queue that asks for a look at an account."""
        return SqsReconcileQueue(lambda: self.sqs, self._environment.require("RECONCILE_QUEUE_URL"))

    @cached_property
    def transport(self) -> Transport:
        """Sockets to brokers, and the paper exchange in this process."""
        over_http = HttpTransport(self._clock)
        paper = LocalTransport(self._clock, {PAPER_ENDPOINT: self._answer_paper})
        return RoutingTransport({"https": over_http, "http": over_http, "paper": paper})

    def _answer_paper(self, request: HttpRequest) -> HttpResponse:
        return self.paper_exchange.handle(request)

    @cached_property
    def paper_exchange(self) -> "PaperExchange":
        """The paper broker's side: imported only where an account is at the paper broker."""
        from order_router.aws.paper_table import PaperTable  # noqa: PLC0415 - 30 ms that live accounts need not pay
        from order_router.paper.exchange import PaperExchange  # noqa: PLC0415 - the same

        return PaperExchange(PaperTable(self.dynamodb, self._environment.require("PAPER_TABLE")), self._clock)

    @cached_property
    def addresses(self) -> Addresses:
        """Where the accounts' secrets and their brokers are."""
        return Addresses(
            self._environment.require("SECRETS_PREFIX"),
            lambda name: load_broker(name).profile,
            self._environment.broker_endpoint,
            self._surroundings,
        )

    def _surroundings(self, account: Account) -> Surroundings:
        return Surroundings(now=self._clock.now, listings=self._listings_of(account))

    def _listings_of(self, account: Account) -> Listings:
        profile = load_broker(account.broker).profile
        # a function that is not told of the table asks brokers nothing that needs an instrument
        if not self._environment.optional("INSTRUMENTS_TABLE"):
            return NoListings()
        if profile.finds_listings:
            find = partial(self._find_listing, account)
            return FoundOnUse(self.listings.at(account.broker), find, self._clock)
        return self.listings.at(account.broker) if profile.has_master else NoListings()

    def _find_listing(self, account: Account, instrument: Instrument) -> Listing | None:
        session = self.sessions.session(account)
        send = self.transport.sender(session.endpoint, not_after=None)
        return load_finder(account.broker).find_listing(send, session, instrument)

    @cached_property
    def sessions(self) -> Sessions:
        """The accounts' broker sessions."""
        return SecretSessions(lambda: self.secretsmanager, self.addresses, self._clock)

    @cached_property
    def credentials(self) -> CredentialStore:
        """What the accounts have stored to log in with."""
        return SecretCredentials(lambda: self.secretsmanager, self.addresses)

    @cached_property
    def renewer(self) -> SessionRenewer:
        """Who sees to dead sessions: the function that may log in."""
        return LambdaSessionRenewer(
            lambda wait_s: make_patient_client("lambda", wait_s),
            lambda: self._environment.require("SESSION_FUNCTION"),
            self._clock,
        )

    @cached_property
    def kill_queue(self) -> "SqsKillQueue":
        """The queue that asks for what a kill switch was asked to do."""
        from order_router.aws.kill_queue import SqsKillQueue  # noqa: PLC0415 - no order pays for it

        return SqsKillQueue(lambda: self.sqs, lambda: self._environment.require("KILL_QUEUE_URL"))

    @cached_property
    def kill_switches(self) -> "KillSwitchesTable":
        """The kill switches in the gate."""
        from order_router.aws.kill_tables import KillSwitchesTable  # noqa: PLC0415 - the same

        return KillSwitchesTable(self.dynamodb, self._environment.require("GATE_TABLE"), self._clock)

    @cached_property
    def calendar(self) -> TradingCalendar:
        """The hours of the exchanges, with what the deployer knows better; none where they do not matter."""
        if not self._environment.keeps_market_hours():
            return NO_CALENDAR
        kept = Path(__file__).with_name("trading_calendar.json").read_text(encoding="utf-8")
        return parse_calendar(kept).changed(self._environment.trading_days())

    @cached_property
    def notice_queue(self) -> SqsNoticeQueue:
        """The queue of what is to be told."""
        return SqsNoticeQueue(lambda: self.sqs, self._environment.require("NOTICE_QUEUE_URL"))

    @cached_property
    def listings(self) -> ListingsTable:
        """The brokers' instruments."""
        return ListingsTable(self.dynamodb, self._environment.require("INSTRUMENTS_TABLE"), self._clock)

    @cached_property
    def refresh_queue(self) -> SqsRefreshQueue:
        """The queue that asks for a broker's instruments to be loaded anew."""
        return SqsRefreshQueue(lambda: self.sqs, self._environment.require("REFRESH_QUEUE_URL"))

    def _endpoint_of(self, broker: str) -> str:
        return self._environment.broker_endpoint(broker) or load_broker(broker).profile.endpoint

    @cached_property
    def metrics(self) -> Metrics:
        """Where what is measured goes."""
        return logs.LogMetrics(self._environment.optional("STACK_NAME"), self._clock)

    @cached_property
    def breakers(self) -> Breakers:
        """The accounts' circuit breakers."""
        return BreakersTable(self.dynamodb, self._environment.require("GATE_TABLE"), self._clock)

    @cached_property
    def change_log(self) -> ChangeLogTable:
        """What is kept of changes of breakers and limits."""
        return ChangeLogTable(self.dynamodb, self._environment.require("GATE_TABLE"), self._clock)

    @cached_property
    def audit_bucket(self) -> "AuditBucket":
        """Where every version of every order is kept."""
        from order_router.aws.audit_archive import AuditBucket  # noqa: PLC0415 - only who archives pays for it

        return AuditBucket(make_steady_client("s3"), self._environment.require("AUDIT_BUCKET"))

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Where the bodies of messages are kept that the queue gave up on."""
        return DeadLettersTable(self.dynamodb, self._environment.require("GATE_TABLE"))
