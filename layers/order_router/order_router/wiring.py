"""The one place that chooses: each part built from the environment when it is first asked for, and kept."""

import os
import secrets
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from order_router import logs
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.listings import Listings, NoListings
from order_router.adapter.session import Surroundings
from order_router.aws.breakers_table import BreakersTable
from order_router.aws.clients import (
    make_client,
    make_hasty_client,
    make_patient_client,
    make_steady_client,
)
from order_router.aws.dead_letters import DeadLettersTable
from order_router.aws.environment import Environment
from order_router.aws.instrument_lists import InstrumentListsTable
from order_router.aws.kill_queue import SqsKillQueue
from order_router.aws.kill_tables import KillSwitchesTable, KillTicketsTable, KillWorksTable
from order_router.aws.listings_search import ListingsSearch
from order_router.aws.listings_table import ListingsTable
from order_router.aws.meters import MetersTable, PricesTable
from order_router.aws.notice_queue import QueueNotifier, SqsNoticeQueue
from order_router.aws.orders_table import OrdersTable
from order_router.aws.probe import is_active
from order_router.aws.queues import SqsOrderQueue, SqsReconcileQueue
from order_router.aws.refresh_queue import SqsRefreshQueue
from order_router.aws.renewer import LambdaSessionRenewer
from order_router.aws.seen_alerts import SeenAlertsTable
from order_router.aws.session_table import LoginTicketsTable, SessionRecordsTable, StrayPostbacksTable
from order_router.aws.sessions import Addresses, SecretCredentials, SecretSessions, SecretVault
from order_router.aws.settings_table import SettingsTable
from order_router.brokers.registry import (
    BROKERS,
    load_broker,
    load_finder,
    load_login,
    load_master,
    load_postbacks,
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
    Notifier,
    OrderStore,
    ReconcileQueue,
    SessionRenewer,
    Sessions,
    Settings,
    Transport,
)
from order_router.service.breaker import BreakerDesk
from order_router.service.kill_desk import KillDesk, KillWorkDesk
from order_router.service.kill_links import KillLinks
from order_router.service.desk import Desk, ReadingDesk, RecordDesk
from order_router.service.egress import seen_address
from order_router.service.finding import FoundOnUse
from order_router.service.instruments import InstrumentsDesk, SearchDesk
from order_router.service.notifying import EachNotifier
from order_router.service.postbacks import PostbackDesk
from order_router.service.session_desk import SessionDesk
from order_router.service.signals import Intake
from order_router.transport.clock import SystemClock
from order_router.transport.download import HttpDownload
from order_router.transport.http_transport import HttpTransport
from order_router.transport.local import LocalTransport, RoutingTransport

if TYPE_CHECKING:
    from order_router.aws.audit_archive import AuditBucket
    from order_router.paper.exchange import PaperExchange
    from order_router.service.channels import Say
    from order_router.service.telling import TellingDesk

PAPER_ENDPOINT = "paper://exchange"


class World:
    """Everything a function may need, each part made when it is first asked for and then kept."""

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
    def intake(self) -> Intake:
        """Where alerts go."""
        seen = SeenAlertsTable(self.dynamodb, self._environment.require("GATE_TABLE"))
        return Intake(self.order_queue, seen)

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
    def session_desk(self) -> SessionDesk:
        """What the services of sessions work with."""
        gates = self._environment.require("GATE_TABLE")
        return SessionDesk(
            settings=self.settings,
            sessions=self.sessions,
            credentials=self.credentials,
            vault=SecretVault(lambda: self.secretsmanager, self.addresses.prefix),
            records=SessionRecordsTable(self.dynamodb, gates),
            tickets=LoginTicketsTable(self.dynamodb, gates),
            broker_of=load_broker,
            login_of=load_login,
            transport=self.transport,
            clock=self._clock,
            notifier=self._notifier,
            nonce=lambda: secrets.token_urlsafe(32),
            holidays=self._environment.trading_holidays,
        )

    @cached_property
    def kill_queue(self) -> SqsKillQueue:
        """The queue that asks for what a kill switch was asked to do."""
        return SqsKillQueue(lambda: self.sqs, lambda: self._environment.require("KILL_QUEUE_URL"))

    @cached_property
    def kill_switches(self) -> KillSwitchesTable:
        """The kill switches in the gate."""
        return KillSwitchesTable(self.dynamodb, self._environment.require("GATE_TABLE"), self._clock)

    @cached_property
    def kill_desk(self) -> KillDesk:
        """What turning the kill switch works with."""
        gates = self._environment.require("GATE_TABLE")
        return KillDesk(
            settings=self.settings,
            clock=self._clock,
            notifier=self._notifier,
            switches=self.kill_switches,
            works=KillWorksTable(self.dynamodb, gates),
            queue=self.kill_queue,
            tickets=KillTicketsTable(self.dynamodb, gates),
            nonce=lambda: secrets.token_hex(8),
            lets_exits=lambda: self._environment.is_true("KILL_SWITCH_LETS_EXITS"),
        )

    @cached_property
    def kill_work_desk(self) -> KillWorkDesk:
        """What the work of the kill switch works with."""
        return KillWorkDesk(
            orders=self.desk,
            switches=self.kill_switches,
            works=KillWorksTable(self.dynamodb, self._environment.require("GATE_TABLE")),
            queue=self.kill_queue,
        )

    @cached_property
    def kill_links(self) -> KillLinks:
        """Who makes one-tap links to the kill switch, for notices."""
        gates = self._environment.require("GATE_TABLE")
        return KillLinks(
            tickets=KillTicketsTable(self.dynamodb, gates),
            clock=self._clock,
            nonce=lambda: secrets.token_urlsafe(32),
            address=LoginTicketsTable(self.dynamodb, gates).address,
        )

    @cached_property
    def postback_desk(self) -> PostbackDesk:
        """What the service of postbacks works with."""
        return PostbackDesk(
            store=self.store,
            settings=self.settings,
            clock=self._clock,
            notifier=self._notifier,
            credentials=self.credentials,
            broker_of=load_broker,
            postbacks_of=load_postbacks,
            reconcile=self.reconcile_queue,
            strays=StrayPostbacksTable(self.dynamodb, self._environment.require("GATE_TABLE")),
        )

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
    def telling_desk(self) -> "TellingDesk":
        """What telling the trader works with: its channels are imported by nobody else."""
        from order_router.aws.channels_table import ChannelsTable  # noqa: PLC0415 - no order pays for it
        from order_router.aws.notice_memory import NoticeMemoryTable  # noqa: PLC0415 - the same
        from order_router.service.channels import SpokenChannels  # noqa: PLC0415 - the same
        from order_router.service.telling import TellingDesk  # noqa: PLC0415 - the same

        channels = ChannelsTable(self.dynamodb, self._environment.require("SETTINGS_TABLE"), self._clock)
        return TellingDesk(
            queue=self.notice_queue,
            memory=NoticeMemoryTable(self.dynamodb, self._environment.require("GATE_TABLE")),
            channels=SpokenChannels(channels, self._speakers()),
            clock=self._clock,
            stop_link=self.kill_links.issue,
        )

    def _speakers(self) -> "dict[str, Say]":
        from order_router.aws.channel_secrets import ChannelSecrets  # noqa: PLC0415 - no order pays for it
        from order_router.aws.sns_mail import SnsMail  # noqa: PLC0415 - the same
        from order_router.transport.channels.speakers import HttpSpeakers  # noqa: PLC0415 - the same

        require, optional = self._environment.require, self._environment.optional
        kept = ChannelSecrets(lambda: self.secretsmanager, require("CHANNEL_SECRETS_PREFIX"), self._clock)
        http = HttpSpeakers(
            transport=self.transport,
            read_secret=kept.read,
            clock=self._clock,
            telegram=optional("TELEGRAM_ENDPOINT").rstrip("/"),
            allows_local=optional("LOCAL_WEBHOOKS") == "true",
        )
        mail = SnsMail(lambda: make_client("sns"), lambda: require("NOTICE_TOPIC_ARN"))
        return {**http.by_kind(), "email": mail.say}

    @cached_property
    def listings(self) -> ListingsTable:
        """The brokers' instruments."""
        return ListingsTable(self.dynamodb, self._environment.require("INSTRUMENTS_TABLE"), self._clock)

    @cached_property
    def refresh_queue(self) -> SqsRefreshQueue:
        """The queue that asks for a broker's instruments to be loaded anew."""
        return SqsRefreshQueue(lambda: self.sqs, self._environment.require("REFRESH_QUEUE_URL"))

    @cached_property
    def search_desk(self) -> SearchDesk:
        """What looking for instruments works with."""
        return SearchDesk(
            settings=self.settings,
            broker_of=load_broker,
            listings=self.listings.at,
            search=ListingsSearch(self.dynamodb, self._environment.require("INSTRUMENTS_TABLE")),
            queue=self.refresh_queue,
        )

    @cached_property
    def instruments_desk(self) -> InstrumentsDesk:
        """What refreshing instruments works with."""
        return InstrumentsDesk(
            settings=self.settings,
            sessions=self.sessions,
            broker_of=load_broker,
            master_of=load_master,
            endpoint_of=self._endpoint_of,
            download=HttpDownload(self._clock),
            lists=InstrumentListsTable(
                make_steady_client("dynamodb"), self._environment.require("INSTRUMENTS_TABLE"), self._clock
            ),
            clock=self._clock,
            notifier=self._notifier,
            nonce=lambda: secrets.token_hex(8),
            floors=self._environment.instrument_floors,
        )

    def _endpoint_of(self, broker: str) -> str:
        return self._environment.broker_endpoint(broker) or load_broker(broker).profile.endpoint

    @cached_property
    def reading_desk(self) -> ReadingDesk:
        """What the services work with that only ask brokers."""
        return ReadingDesk(
            sessions=self.sessions, broker_of=load_broker, transport=self.transport, clock=self._clock
        )

    @cached_property
    def record_desk(self) -> RecordDesk:
        """What the services work with that only keep records."""
        return RecordDesk(
            store=self.store, settings=self.settings, clock=self._clock, notifier=self._notifier
        )

    @cached_property
    def breakers(self) -> Breakers:
        """The accounts' circuit breakers."""
        return BreakersTable(self.dynamodb, self._environment.require("GATE_TABLE"), self._clock)

    @cached_property
    def breaker_desk(self) -> BreakerDesk:
        """What the services of breakers work with."""
        return BreakerDesk(
            settings=self.settings,
            breakers=self.breakers,
            clock=self._clock,
            notifier=self._notifier,
            reconcile=self.reconcile_queue,
        )

    @cached_property
    def audit_bucket(self) -> "AuditBucket":
        """Where every version of every order is kept."""
        from order_router.aws.audit_archive import AuditBucket  # noqa: PLC0415 - only who archives pays for it

        return AuditBucket(make_steady_client("s3"), self._environment.require("AUDIT_BUCKET"))

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Where the bodies of messages are kept that the queue gave up on."""
        return DeadLettersTable(self.dynamodb, self._environment.require("GATE_TABLE"))

    @cached_property
    def desk(self) -> Desk:
        """What the services work with."""
        return Desk(
            store=self.store,
            meters=MetersTable(self.dynamodb, self._environment.require("GATE_TABLE")),
            prices=PricesTable(self.dynamodb, self._environment.require("GATE_TABLE")),
            settings=self.settings,
            sessions=self.sessions,
            renewer=self.renewer,
            broker_of=load_broker,
            transport=self.transport,
            clock=self._clock,
            notifier=self._notifier,
            reconcile=self.reconcile_queue,
            order_queue=self.order_queue,
            breakers=self.breakers,
            listings=lambda broker: self.listings.at(broker),  # noqa: PLW0108 - no table until it is asked for
            calendar=lambda: self.calendar,
            nonce=lambda: secrets.token_hex(8),
        )

    @property
    def tradingview_addresses(self) -> frozenset[str]:
        """The addresses that alerts may come from; none means any."""
        return self._environment.tradingview_addresses()

    def seen_address(self) -> str:
        """Return the address that this function's calls come from."""
        return seen_address(self.transport, self._environment.require("EGRESS_ECHO").rstrip("/"))

    def is_reachable(self) -> bool:
        """Return whether the orders table answers."""
        return is_active(self.dynamodb, self._environment.require("ORDERS_TABLE"))

    def warm_up(self) -> None:
        """Make now what the first order would make: it then is in the snapshot that workers start from."""
        if self._environment.optional("SECRETS_PREFIX"):
            _ = self.secretsmanager
            for name in BROKERS:
                load_broker(name)


@cache
def world() -> World:
    """Return the world of this worker, its log set up."""
    logs.set_up()
    made = World()
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        made.warm_up()
    return made
