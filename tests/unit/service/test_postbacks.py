"""A broker's own word: believed once it proves itself, recorded once, harmless late, twice or out of order."""

import hashlib
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from order_router.adapter.login import Credentials, CredentialsRefused
from order_router.adapter.port import Broker
from order_router.adapter.postback import PostbackRefused
from order_router.adapter.profile import Feature, TagRule
from order_router.brokers import paper
from order_router.domain.account import Account
from order_router.domain.audit import lines_of
from order_router.domain.instrument import parse_instrument
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.reports import OrderReport, ReportedState
from order_router.domain.vocabulary import OrderType, Product, Side
from order_router.service.follow_up import AT_ONCE
from order_router.service.postbacks import (
    NoPostbacks,
    Postback,
    PostbackDesk,
    Taken,
    TokenUnknown,
    take_postback,
)
from tests.fakes.sessions import MemorySecrets, MemoryStrays
from tests.fakes.told import told_of_write
from tests.fakes.transport import Fault
from tests.fakes.world import World

TOKEN = "t" * 43
SIGNED = b"canary-signature"


class Mailroom:
    """The account `paper` at a broker that sends postbacks: the report that the next one holds is `says`."""

    def __init__(self) -> None:
        self.world = World()
        self.secrets = MemorySecrets("paper://exchange")
        self.secrets.put_credentials("paper", {"api_secret": SIGNED.decode()})
        self.strays = MemoryStrays()
        self.profile = replace(paper.profile, features=frozenset({Feature.POSTBACK}))
        self.says: OrderReport | Exception = PostbackRefused("nothing")

    def read_postback(self, credentials: Credentials, _headers: object, body: bytes) -> OrderReport:
        if body != credentials.secret("api_secret").encode():
            raise PostbackRefused("the checksum is wrong")
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    @property
    def desk(self) -> PostbackDesk:
        desk = self.world.desk
        return PostbackDesk(
            store=desk.store,
            settings=desk.settings,
            clock=desk.clock,
            notifier=desk.notifier,
            credentials=self.secrets,
            broker_of=lambda _: cast("Broker", SimpleNamespace(profile=self.profile)),
            postbacks_of=lambda _: self,
            reconcile=desk.reconcile,
            strays=self.strays,
        )

    def take(self, report: OrderReport, **changes: Any) -> Taken:
        self.says = report
        usual: dict[str, Any] = {"broker": "paper", "account": "paper", "headers": {}, "body": SIGNED}
        return take_postback(self.desk, Postback(**usual | changes))

    def order(self, order: Order) -> Order:
        found = self.world.store.get(order.client_order_id)
        assert found is not None
        return found

    def told(self) -> list[str]:
        return [notice.kind for notice in self.world.notifier.notices]


@pytest.fixture
def mail() -> Mailroom:
    return Mailroom()


def resting(mail: Mailroom, key: str = "k-1") -> Order:
    order = mail.world.place(key, limit_price="1400").order
    assert order.state is State.OPEN
    return order


def report_of(order: Order, state: ReportedState = ReportedState.OPEN, **changes: Any) -> OrderReport:
    usual: dict[str, Any] = {
        "broker_order_id": order.broker_order_id or "B-1",
        "state": state,
        "status": str(state).upper(),
        "instrument": order.request.instrument,
        "side": order.request.side,
        "quantity": order.request.quantity,
        "filled_quantity": order.request.quantity if state is ReportedState.FILLED else 0,
        "order_type": OrderType.LIMIT,
        "product": Product.CNC,
        "limit_price": Decimal(1400),
        "client_tag": order.client_order_id,
    }
    return OrderReport(**usual | changes)


def test_what_a_broker_says_of_an_order_is_recorded(mail: Mailroom) -> None:
    order = resting(mail)
    mail.world.reconcile.asked.clear()

    taken = mail.take(report_of(order, ReportedState.FILLED, average_price=Decimal("1399.95")))

    after = mail.order(order)
    assert taken is Taken.RECORDED
    assert (after.state, after.filled_quantity, after.average_price) == (
        State.FILLED,
        5,
        Decimal("1399.95"),
    )
    assert (mail.told(), mail.world.reconcile.asked) == ([], [])


def test_a_postback_that_comes_twice_is_recorded_once(mail: Mailroom) -> None:
    order = resting(mail)
    partly = report_of(order, ReportedState.PARTIALLY_FILLED, filled_quantity=2)

    assert [mail.take(partly) for _ in range(3)] == [
        Taken.RECORDED,
        Taken.NOTHING_NEW,
        Taken.NOTHING_NEW,
    ]
    kinds = [step.event.kind for step in mail.order(order).history]
    assert kinds.count(EventKind.PARTIALLY_FILLED) == 1


def test_postbacks_out_of_order_do_no_harm(mail: Mailroom) -> None:
    order = resting(mail)
    reports = [
        report_of(order, ReportedState.PARTIALLY_FILLED, filled_quantity=3),
        report_of(order, ReportedState.PARTIALLY_FILLED, filled_quantity=2),
        report_of(order, ReportedState.FILLED),
        report_of(order, ReportedState.OPEN),
        report_of(order, ReportedState.CANCELLED),
        report_of(order, ReportedState.REJECTED),
    ]
    filled = []
    for report in reports:
        mail.take(report)
        filled.append(mail.order(order).filled_quantity)

    assert filled == [3, 3, 5, 5, 5, 5]
    assert mail.order(order).state is State.FILLED


def test_a_late_fill_corrects_a_cancelled_order_of_today(mail: Mailroom) -> None:
    order = resting(mail)
    mail.take(report_of(order, ReportedState.CANCELLED))

    assert mail.take(report_of(order, ReportedState.CANCELLED, filled_quantity=2)) is Taken.RECORDED
    assert (mail.order(order).state, mail.order(order).filled_quantity) == (State.CANCELLED, 2)


def test_a_postback_settles_an_order_whose_answer_was_lost(mail: Mailroom) -> None:
    mail.world.transport.writes = [Fault.ANSWER_LOST]
    order = mail.world.place(limit_price="1400", strategy="demo").order
    assert order.state is State.UNKNOWN
    mail.world.reconcile.asked.clear()
    (row,) = mail.world.at_broker()

    mail.take(report_of(order, broker_order_id=row.broker_order_id))

    after = mail.order(order)
    assert (after.state, after.broker_order_id) == (State.OPEN, row.broker_order_id)
    assert mail.world.reconcile.asked == [("paper", 0)]
    assert mail.world.reconcile.looks[-1] == AT_ONCE
    assert mail.world.place("k-2", strategy="demo").order.state is not State.REFUSED


def test_a_queue_that_is_down_does_not_hide_what_was_recorded(mail: Mailroom) -> None:
    mail.world.transport.writes = [Fault.ANSWER_LOST]
    order = mail.world.place(limit_price="1400").order
    mail.world.reconcile.is_down = True

    assert mail.take(report_of(order)) is Taken.RECORDED


@pytest.mark.parametrize(
    "rule",
    [
        TagRule(max_length=32, is_echoed=True),
        TagRule(max_length=20, is_echoed=True),
        TagRule(max_length=8, is_echoed=True),
        TagRule(max_length=20, is_echoed=False),
        TagRule(max_length=0, is_echoed=False),
    ],
    ids=str,
)
def test_an_order_is_found_by_what_its_broker_brings_back(mail: Mailroom, rule: TagRule) -> None:
    mail.profile = replace(mail.profile, tag=rule)
    orders = [resting(mail, f"k-{turn}") for turn in range(3)]
    tag = orders[1].client_order_id[: rule.max_length] if rule.is_echoed else None

    taken = mail.take(report_of(orders[1], ReportedState.FILLED, client_tag=tag))

    assert taken is Taken.RECORDED
    assert [mail.order(order).state for order in orders] == [State.OPEN, State.FILLED, State.OPEN]


@pytest.mark.parametrize("length", [20, 8])
def test_an_order_is_found_by_its_tag_before_its_broker_id_is_known(mail: Mailroom, length: int) -> None:
    mail.profile = replace(mail.profile, tag=TagRule(max_length=length, is_echoed=True))
    mail.world.transport.writes = [Fault.ANSWER_LOST]
    order = mail.world.place(limit_price="1400").order

    taken = mail.take(report_of(order, broker_order_id="B-7", client_tag=order.client_order_id[:length]))

    assert taken is Taken.RECORDED
    assert mail.order(order).broker_order_id == "B-7"


@pytest.mark.parametrize("length", [20, 8])
def test_an_order_is_found_by_the_broker_s_id_where_the_tag_did_not_come_back(
    mail: Mailroom, length: int
) -> None:
    mail.profile = replace(mail.profile, tag=TagRule(max_length=length, is_echoed=True))
    order = resting(mail)

    assert mail.take(report_of(order, ReportedState.FILLED, client_tag=None)) is Taken.RECORDED
    assert mail.order(order).state is State.FILLED


@pytest.mark.parametrize(
    "rule", [TagRule(max_length=20, is_echoed=False), TagRule(max_length=8, is_echoed=False)]
)
def test_a_tag_at_a_broker_that_brings_none_back_proves_nothing(mail: Mailroom, rule: TagRule) -> None:
    mail.profile = replace(mail.profile, tag=rule)
    mail.world.transport.writes = [Fault.ANSWER_LOST]
    order = mail.world.place(limit_price="1400").order
    tag = order.client_order_id[: rule.max_length]

    assert mail.take(report_of(order, broker_order_id="B-7", client_tag=tag)) is Taken.UNKNOWN_ORDER
    assert mail.order(order).state is State.UNKNOWN


def test_an_empty_tag_is_nobody_s(mail: Mailroom) -> None:
    mail.profile = replace(mail.profile, tag=TagRule(max_length=0, is_echoed=True))
    mail.world.transport.writes = [Fault.ANSWER_LOST]
    order = mail.world.place(limit_price="1400").order

    assert mail.take(report_of(order, broker_order_id="B-7", client_tag="")) is Taken.UNKNOWN_ORDER


@pytest.mark.parametrize("length", [20, 8])
def test_an_unsettled_order_of_another_day_is_found(mail: Mailroom, length: int) -> None:
    mail.profile = replace(mail.profile, tag=TagRule(max_length=length, is_echoed=True))
    mail.world.transport.writes = [Fault.ANSWER_LOST]
    order = mail.world.place(limit_price="1400").order
    mail.world.clock.advance(86_400)

    taken = mail.take(report_of(order, broker_order_id="B-7", client_tag=order.client_order_id[:length]))

    assert taken is Taken.RECORDED
    assert mail.order(order).broker_order_id == "B-7"


def test_an_ended_order_of_another_day_is_known_as_ours_by_its_whole_id(mail: Mailroom) -> None:
    mail.profile = replace(mail.profile, tag=TagRule(max_length=20, is_echoed=True))
    order = resting(mail)
    mail.take(report_of(order, ReportedState.CANCELLED))
    mail.world.clock.advance(86_400)

    assert mail.take(report_of(order, ReportedState.CANCELLED)) is Taken.NOTHING_NEW
    assert mail.told() == []


def test_an_index_that_lags_behind_makes_no_order_a_stranger_s(
    mail: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail.profile = replace(mail.profile, tag=TagRule(max_length=8, is_echoed=True))
    order = resting(mail)
    as_it_came = replace(order, state=State.RECEIVED, broker_order_id=None, version=1)
    monkeypatch.setattr(mail.world.store, "list_unsettled", lambda _: (as_it_came,))

    taken = mail.take(report_of(order, ReportedState.FILLED, client_tag=order.client_order_id[:8]))

    assert (taken, mail.told()) == (Taken.RECORDED, [])


def test_an_ended_order_is_found_among_the_day_s_many(mail: Mailroom) -> None:
    mail.profile = replace(mail.profile, tag=TagRule(max_length=8, is_echoed=True))
    first = resting(mail, "first")
    mail.take(report_of(first, ReportedState.CANCELLED, client_tag=None))
    for turn in range(201):
        mail.world.clock.advance(1.1)
        resting(mail, f"k-{turn}")

    late = report_of(first, ReportedState.CANCELLED, filled_quantity=1, client_tag=None)

    assert mail.take(late) is Taken.RECORDED
    assert mail.order(first).filled_quantity == 1


def test_an_order_that_is_none_of_ours_is_kept_apart_and_told_once(mail: Mailroom) -> None:
    order = resting(mail)
    by_hand = report_of(order, broker_order_id="HAND-1", client_tag="mine")

    for state in (ReportedState.OPEN, ReportedState.OPEN, ReportedState.CANCELLED):
        assert mail.take(replace(by_hand, state=state)) is Taken.UNKNOWN_ORDER

    assert mail.told() == ["stray"]
    assert "HAND-1" in mail.world.notifier.notices[0].message
    assert list(mail.strays.kept) == [("paper", "HAND-1")]
    assert mail.order(order) == order


@pytest.mark.parametrize(
    "changes",
    [
        {"broker_order_id": "ANOTHER"},
        {"side": Side.SELL, "broker_order_id": "ANOTHER"},
        {"instrument": parse_instrument("NSE:TCS")},
        {"client_tag": "A" * 20, "broker_order_id": "ANOTHER"},
    ],
)
def test_a_copied_tag_makes_no_order_ours(mail: Mailroom, changes: dict[str, Any]) -> None:
    mail.world.transport.writes = [Fault.ANSWER_LOST] if "instrument" in changes else []
    order = mail.world.place(limit_price="1400").order
    stood = mail.order(order)

    taken = mail.take(report_of(order, ReportedState.FILLED, **changes))

    assert taken is Taken.UNKNOWN_ORDER
    assert mail.order(order) == stood


def test_an_order_of_another_account_is_not_this_one_s(mail: Mailroom) -> None:
    order = resting(mail)
    mail.world.settings.put_account(Account(name="second", broker="paper"))
    mail.secrets.put_credentials("second", {"api_secret": SIGNED.decode()})

    taken = mail.take(report_of(order, ReportedState.FILLED), account="second")

    assert taken is Taken.UNKNOWN_ORDER
    assert mail.order(order).state is State.OPEN


def test_an_order_that_never_left_by_our_record_is_told_when_its_broker_has_it(mail: Mailroom) -> None:
    mail.world.store.set_switch("kill#global", engaged=True)
    order = mail.world.place().order
    assert order.state is State.REFUSED

    assert mail.take(report_of(order)) is Taken.UNKNOWN_ORDER
    assert mail.told() == ["stray"]


@pytest.mark.parametrize(
    ("state", "filled", "kind", "told"),
    [
        (ReportedState.FILLED, 5, EventKind.LATE_FILL, "late_fill"),
        (ReportedState.OPEN, 0, EventKind.PERSON_TOLD, "unknown"),
    ],
)
def test_an_order_that_was_refused_is_told_and_noted_when_its_broker_has_it(
    mail: Mailroom, state: ReportedState, filled: int, kind: EventKind, told: str
) -> None:
    order = mail.world.place(quantity=100_000).order
    assert order.state is State.REJECTED
    says = report_of(order, state, filled_quantity=filled)

    assert [mail.take(says), mail.take(says)] == [Taken.RECORDED, Taken.NOTHING_NEW]

    after = mail.order(order)
    assert (after.state, after.filled_quantity, after.broker_order_id) == (State.REJECTED, filled, "B-1")
    assert [(after.last, notice.kind) for notice in told_of_write(after, order)] == [(kind, told)]
    line = lines_of(after)[-1]
    assert (line["broker_order_id"], line["evidence"]) == ("B-1", {"seen_in": "the broker's postback"})


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"body": b"forged"}, PostbackRefused, "POSTBACK_REFUSED"),
        ({"body": b""}, PostbackRefused, "POSTBACK_REFUSED"),
        ({"broker": "zerodha"}, NoPostbacks, "POSTBACK_ADDRESS_UNKNOWN"),
        ({"account": "nobody"}, NoPostbacks, "POSTBACK_ADDRESS_UNKNOWN"),
        ({"account": ""}, NoPostbacks, "POSTBACK_ADDRESS_UNKNOWN"),
        ({"token": TOKEN}, TokenUnknown, "POSTBACK_TOKEN_UNKNOWN"),
    ],
)
def test_what_does_not_prove_itself_changes_nothing(
    mail: Mailroom, changes: dict[str, Any], error: type[Exception], code: str
) -> None:
    order = resting(mail)

    with pytest.raises(error) as caught:
        mail.take(report_of(order, ReportedState.FILLED), **changes)

    assert caught.value.code == code  # type: ignore[attr-defined]
    assert mail.order(order) == order
    assert (mail.told(), mail.strays.kept) == ([], {})


def with_token(mail: Mailroom) -> None:
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    mail.world.settings.put_account(Account(name="paper", broker="paper", postback_digest=digest))


@pytest.mark.parametrize("signs", [True, False])
def test_an_account_with_a_secret_in_its_address_needs_it(mail: Mailroom, signs: bool) -> None:
    mail.profile = replace(mail.profile, signs_postbacks=signs)
    order = resting(mail)
    with_token(mail)

    for token in (None, "", "x" * 43):
        with pytest.raises(TokenUnknown):
            mail.take(report_of(order, ReportedState.FILLED), token=token)
    assert mail.take(report_of(order, ReportedState.FILLED), token=TOKEN) is Taken.RECORDED


def test_a_broker_that_signs_nothing_is_not_believed_without_a_secret(mail: Mailroom) -> None:
    mail.profile = replace(mail.profile, signs_postbacks=False)
    order = resting(mail)

    for token in (None, "", TOKEN):
        with pytest.raises(TokenUnknown):
            mail.take(report_of(order, ReportedState.FILLED), token=token)


def test_a_broker_without_postbacks_has_no_address_for_them(mail: Mailroom) -> None:
    mail.profile = replace(mail.profile, features=frozenset())

    with pytest.raises(NoPostbacks):
        mail.take(report_of(resting(mail)))


def test_without_credentials_nothing_can_be_proved(mail: Mailroom) -> None:
    mail.secrets = MemorySecrets("paper://exchange")

    with pytest.raises(CredentialsRefused) as caught:
        mail.take(report_of(resting(mail)))
    assert caught.value.code == "CREDENTIALS_MISSING"


@pytest.mark.parametrize("defect", [KeyError("canary-signature"), CredentialsRefused("canary-signature")])
def test_whatever_a_reader_raises_is_a_refusal_that_shows_nothing(
    mail: Mailroom, defect: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    mail.says = defect
    with pytest.raises(PostbackRefused) as caught:
        take_postback(mail.desk, Postback(broker="paper", account="paper", headers={}, body=SIGNED))

    assert "canary" not in repr([caught.value, caught.value.__context__, caplog.text])


def test_a_postback_shows_nothing_of_itself() -> None:
    postback = Postback(broker="b", account="a", token="canary", headers={"x": "canary"}, body=b"canary")

    assert "canary" not in repr(postback)
