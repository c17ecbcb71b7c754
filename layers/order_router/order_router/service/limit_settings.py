"""Show and replace the limits of an account or a strategy, with what is counted of it today."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from order_router.adapter.profile import Profile
from order_router.domain.account import Account, Strategy
from order_router.domain.errors import RouterError
from order_router.domain.exchange_time import exchange_day
from order_router.domain.limits import Limits, OrderLimits
from order_router.domain.meter import Counted
from order_router.domain.vocabulary import INDIAN
from order_router.ports import Clock, LimitedSettings, Meters, StoredSetting

TRIES = 5


class LimitsOwnerUnknown(RouterError):
    """There is no account or strategy of this name."""

    def __init__(self, counted: Counted) -> None:
        code = "ACCOUNT_UNKNOWN" if counted.kind == "account" else "STRATEGY_UNKNOWN"
        super().__init__(f"there is no {counted}", code=code)


class LimitsChanged(RouterError):
    """Somebody else changed the setting meanwhile: nothing was stored."""

    code = "CONFLICT"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsDesk:
    """The ports of who shows and sets limits; `profile_of` gives a broker's profile by its name."""

    settings: LimitedSettings
    meters: Meters
    clock: Clock
    profile_of: Callable[[str], Profile]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsFound:
    """The limits of one `counted` as stored, whose they are, and what is counted on `day`.

    `warnings`: what a limit does not hold, in words.
    """

    counted: Counted
    setting: Account | Strategy
    version: str
    day: date
    amounts: Mapping[str, Decimal]
    warnings: tuple[str, ...] = ()

    @property
    def limits(self) -> OrderLimits:
        """Return the limits."""
        return self.setting.limits


Change = Callable[[OrderLimits], OrderLimits]


def show_limits(desk: LimitsDesk, counted: Counted) -> LimitsFound:
    """Return the limits as they are stored, past every cache; LimitsOwnerUnknown or StoreUnavailable."""
    return _found(desk, counted, _stored(desk, counted))


def change_limits(
    desk: LimitsDesk, counted: Counted, change: Change, *, by: str, version: str | None = None
) -> LimitsFound:
    """Store the changed limits, and leave everything else of the setting as another writer may have made it.

    Who set them is kept with what they were and are.
    `version`: only if the setting is still this one. Raises LimitsOwnerUnknown, LimitsChanged or StoreUnavailable.
    """
    for _ in range(TRIES):
        stored = _stored(desk, counted)
        if version is not None and stored.version != version:
            raise LimitsChanged(f"the setting of {counted} was changed meanwhile: read it again")
        changed = change(stored.setting.limits)
        if desk.settings.replace(stored, stored.setting.model_copy(update={"limits": changed}), by=by):
            return show_limits(desk, counted)
    raise LimitsChanged(f"the setting of {counted} keeps being changed: try again")


def model_of(counted: Counted) -> type[OrderLimits]:
    """Return what the limits of an account or a strategy are made of."""
    return Limits if counted.kind == "account" else OrderLimits


def _stored(desk: LimitsDesk, counted: Counted) -> StoredSetting:
    stored = desk.settings.stored(counted)
    if stored is None:
        raise LimitsOwnerUnknown(counted)
    return stored


def _found(desk: LimitsDesk, counted: Counted, stored: StoredSetting) -> LimitsFound:
    today = exchange_day(desk.clock.now())
    return LimitsFound(
        counted=counted,
        setting=stored.setting,
        version=stored.version,
        day=today,
        amounts=desk.meters.read(counted.item_of(today)),
        warnings=_warnings(desk, stored.setting),
    )


def _warnings(desk: LimitsDesk, setting: Account | Strategy) -> tuple[str, ...]:
    if not isinstance(setting, Account):
        return ()
    try:
        profile = desk.profile_of(setting.broker)
    except RouterError:  # of another release: what its limits are can be read and set all the same
        return ()
    limits, title = setting.limits, profile.title
    warnings = []
    if limits.max_daily_loss is not None and not profile.tells_realised_pnl:
        words = "does not say what was realised, so what is lost in positions that were closed is not counted"
        warnings.append(f"max_daily_loss: {title} {words}")
    money = limits.set_in_money
    if money and not profile.exchanges <= INDIAN:
        words = "has each instrument's money in its own currency, and the limit's figure is held against it as it is"
        warnings.append(f"{', '.join(money)}: {title} {words}")
    return tuple(warnings)
