"""Limits are set beside other writers: none is undone, and who never gets his turn is told."""

from decimal import Decimal

import pytest

from order_router.adapter.profile import Profile
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account, Strategy
from order_router.domain.limits import Limits, OrderLimits
from order_router.domain.meter import Counted
from order_router.ports import StoredSetting
from order_router.service.limit_settings import LimitsChanged, LimitsDesk, LimitsFound, change_limits
from tests.fakes.clock import FakeClock
from tests.fakes.meters import MemoryMeters
from tests.fakes.order_store import Tables
from tests.fakes.settings import MemorySettings

PAPER = Counted("account", "paper")


def profile_of(broker: str) -> Profile:
    return load_broker(broker).profile


class Contended(MemorySettings):
    """Settings of an account that `others` writers change, each just before a write of ours."""

    def __init__(self, others: int) -> None:
        super().__init__()
        self.others = others
        self.put_account(Account(name="paper", broker="paper"))

    def replace(self, stored: StoredSetting, setting: Account | Strategy, *, by: str) -> bool:
        if self.others:
            self.others -= 1
            self.put_account(Account(name="paper", broker="paper", algo_id=f"algo{self.others}"))
        return super().replace(stored, setting, by=by)


def value_up(limits: OrderLimits) -> OrderLimits:
    return limits.model_copy(update={"max_order_value": Decimal(5)})


def change(settings: Contended) -> LimitsFound:
    desk = LimitsDesk(
        settings=settings, meters=MemoryMeters(Tables()), clock=FakeClock(), profile_of=profile_of
    )
    return change_limits(desk, PAPER, value_up, by="k-admin")


def test_limits_are_set_behind_four_other_writers_and_undo_none() -> None:
    settings = Contended(others=4)

    found = change(settings)

    assert found.limits == Limits(max_order_value=Decimal(5))
    assert settings.account("paper") == Account(
        name="paper", broker="paper", algo_id="algo0", limits=Limits(max_order_value=Decimal(5))
    )


def test_behind_a_fifth_writer_nothing_is_set_and_it_is_said() -> None:
    settings = Contended(others=5)

    with pytest.raises(LimitsChanged, match=r"^the setting of account paper keeps being changed: try again$"):
        change(settings)

    account = settings.account("paper")
    assert account is not None
    assert (account.algo_id, account.limits) == ("algo0", Limits())


def test_who_set_them_is_kept_with_what_they_were_and_are() -> None:
    settings = Contended(others=1)

    change(settings)

    (kept,) = settings.changes
    assert (kept.by, kept.whose) == ("k-admin", PAPER)
    assert (kept.before.get("max_order_value"), kept.after["max_order_value"]) == (None, "5")
