"""The one place that chooses: what each function works with, put together from the parts."""

import os
import secrets
from functools import cache, cached_property
from typing import TYPE_CHECKING

from order_router import logs
from order_router.aws.book_turns import BookTurnsTable
from order_router.aws.clients import (
    make_client,
    make_steady_client,
)
from order_router.aws.instrument_lists import InstrumentListsTable
from order_router.aws.listings_search import ListingsSearch
from order_router.aws.look_marks import LookMarksTable
from order_router.aws.meters import MetersTable, PricesTable
from order_router.aws.probe import is_active
from order_router.aws.seen_alerts import SeenAlertsTable
from order_router.aws.session_table import LoginTicketsTable, SessionRecordsTable, StrayPostbacksTable
from order_router.aws.sessions import SecretVault
from order_router.aws.settings_table import SettingsTable
from order_router.brokers.registry import (
    BROKERS,
    load_broker,
    load_combiner,
    load_login,
    load_master,
    load_postbacks,
)
from order_router.parts import Parts
from order_router.service.alarms import AlarmDesk
from order_router.service.breaker import BreakerDesk
from order_router.service.combinations import CombinationDesk
from order_router.service.desk import Desk, ReadingDesk, RecordDesk
from order_router.service.egress import seen_address
from order_router.service.instruments import InstrumentsDesk, SearchDesk
from order_router.service.limit_settings import LimitsDesk
from order_router.service.postbacks import PostbackDesk
from order_router.service.session_desk import SessionDesk
from order_router.service.signals import Intake
from order_router.transport.download import HttpDownload

if TYPE_CHECKING:
    from order_router.service.channels import Say
    from order_router.service.kill_desk import KillDesk, KillWorkDesk
    from order_router.service.kill_links import KillLinks
    from order_router.service.telling import TellingDesk

PAPER_ENDPOINT = "paper://exchange"


class World(Parts):
    """Everything a function may need, each desk made when it is first asked for and then kept."""

    @cached_property
    def intake(self) -> Intake:
        """Where alerts go."""
        seen = SeenAlertsTable(self.dynamodb, self._environment.require("GATE_TABLE"))
        return Intake(self.order_queue, seen)

    @cached_property
    def limits_desk(self) -> LimitsDesk:
        """What showing and setting limits works with."""
        return LimitsDesk(
            settings=SettingsTable(
                self.dynamodb, self._environment.require("SETTINGS_TABLE"), self._clock, self.change_log
            ),
            meters=MetersTable(self.dynamodb, self._environment.require("GATE_TABLE")),
            clock=self._clock,
            profile_of=lambda name: load_broker(name).profile,
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
            calendar=lambda: self.calendar,
        )

    @cached_property
    def kill_desk(self) -> "KillDesk":
        """What turning the kill switch works with."""
        from order_router.aws.kill_tables import KillTicketsTable, KillWorksTable  # noqa: PLC0415 - no order pays for it
        from order_router.service.kill_desk import KillDesk  # noqa: PLC0415 - the same

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
    def kill_work_desk(self) -> "KillWorkDesk":
        """What the work of the kill switch works with."""
        from order_router.aws.kill_tables import KillWorksTable  # noqa: PLC0415 - no order pays for it
        from order_router.service.kill_desk import KillWorkDesk  # noqa: PLC0415 - the same

        return KillWorkDesk(
            orders=self.desk,
            switches=self.kill_switches,
            works=KillWorksTable(self.dynamodb, self._environment.require("GATE_TABLE")),
            queue=self.kill_queue,
        )

    @cached_property
    def kill_links(self) -> "KillLinks":
        """Who makes one-tap links to the kill switch, for notices."""
        from order_router.aws.kill_tables import KillTicketsTable  # noqa: PLC0415 - no order pays for it
        from order_router.service.kill_links import KillLinks  # noqa: PLC0415 - the same

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
    def telling_desk(self) -> "TellingDesk":
        """What telling the trader works with: its channels are imported by nobody else."""
        from order_router.aws.channels_table import ChannelsTable  # noqa: PLC0415 - no order pays for it
        from order_router.aws.notice_memory import NoticeMemoryTable  # noqa: PLC0415 - the same
        from order_router.service.channels import SpokenChannels  # noqa: PLC0415 - the same
        from order_router.service.telling import TellingDesk  # noqa: PLC0415 - the same

        channels = ChannelsTable(self.dynamodb, self._environment.require("SETTINGS_TABLE"))
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
        kept = ChannelSecrets(lambda: self.secretsmanager, require("CHANNEL_SECRETS_PREFIX"))
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
            calendar=lambda: self.calendar,
        )

    @cached_property
    def reading_desk(self) -> ReadingDesk:
        """What the services work with that only ask brokers."""
        return ReadingDesk(
            sessions=self.sessions, broker_of=load_broker, transport=self.transport, clock=self._clock
        )

    @cached_property
    def combination_desk(self) -> CombinationDesk:
        """What defining combinations works with."""
        return CombinationDesk(
            reading=self.reading_desk, combiner_of=load_combiner, definitions=self.listings.at
        )

    @cached_property
    def record_desk(self) -> RecordDesk:
        """What the services work with that only keep records."""
        return RecordDesk(
            store=self.store, settings=self.settings, clock=self._clock, notifier=self._notifier
        )

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
            looks=LookMarksTable(self.dynamodb, self._environment.require("GATE_TABLE")),
            turns=BookTurnsTable(self.dynamodb, self._environment.require("GATE_TABLE")),
            order_queue=self.order_queue,
            breakers=self.breakers,
            metrics=self.metrics,
            listings=lambda broker: self.listings.at(broker),  # noqa: PLW0108 - no table until it is asked for
            calendar=lambda: self.calendar,
            nonce=lambda: secrets.token_hex(8),
        )

    @cached_property
    def alarm_desk(self) -> AlarmDesk:
        """What acting on alarms works with."""
        return AlarmDesk(
            breakers=self.breaker_desk, stop=self._stop_everything, kills=self._environment.alarms_that_kill()
        )

    def _stop_everything(self, by: str, reason: str, change: str | None) -> bool:
        from order_router.domain.kill_switch import EVERYTHING  # noqa: PLC0415 - no order pays for it
        from order_router.service.kill_switch import Engage, engage, engage_once  # noqa: PLC0415 - the same

        command = Engage(switch=EVERYTHING, by=by, reason=reason)
        if change is None:
            return engage(self.kill_desk, command).is_told
        return engage_once(self.kill_desk, command, change)

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
    made = World()
    logs.set_up(made.metrics)
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        made.warm_up()
    return made
