"""Set what is counted of an account to what its broker says it holds, and tell of limits that come near."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from order_router.adapter.errors import BrokerError, Unsupported
from order_router.adapter.profile import Profile
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.domain.exchange_time import exchange_day, is_before_trading, is_time_for_first_look
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.limits import OrderLimits
from order_router.domain.meter import (
    BASED_AT,
    CODES,
    GROSS,
    LOSS,
    NET,
    NET_IF_SOLD,
    NET_RESERVED,
    RESERVED,
    Counted,
    base_of,
    carried_of,
    code_of,
)
from order_router.domain.reports import Position, PositionBook
from order_router.domain.vocabulary import Exchange
from order_router.ports import Notice, StoreUnavailable
from order_router.service.asking import TimedTransport, ask
from order_router.service.desk import Desk
from order_router.service.needed_reads import ReadTime, ask_before
from order_router.service.pricing import PRICE_LIFE
from order_router.service.reading_books import note_kept_out, require_let_in
from order_router.service.timing import PASS_TIME

logger = logging.getLogger(__name__)

BASE_LIFE = timedelta(minutes=10)
"""How long what a broker said of positions may be counted on: reconcile asks each minute."""

BASE_AGAIN = timedelta(seconds=55)
TRIES = 3
NEAR = Decimal("0.8")


def oldest_base(at: datetime) -> datetime:
    """Return when positions must have been read that are still counted on now."""
    return at - BASE_LIFE


def rebase(
    desk: Desk, account: Account, day: date, *, known_since: datetime, within: ReadTime | None = None
) -> Mapping[str, Decimal]:
    """Read the account's positions, unless somebody has since then, and return what is counted by them that day.

    Raises the broker's error, NotReadYet if that may pass in the time that there is, if any is told, or
    StoreUnavailable where orders kept coming between.
    """
    name = Counted("account", account.name).item_of(day)
    for _ in range(TRIES):
        seen, at = desk.meters.read(name), desk.clock.now()
        if _is_known(seen, known_since):
            return seen
        book = _positions(desk, account, within)
        positions = book.positions
        if BASED_AT not in seen:
            seen = {**seen, **_carried(desk, account, positions, day, at)}
        amounts = base_of(_but_sold_holdings(desk, account, positions), seen, book.realised_elsewhere)
        if day > exchange_day(at):
            # today's loss is none of a later day's
            amounts[LOSS] = Decimal(0)
        if desk.meters.rebase(name, amounts, seen=seen, at=at):
            _keep_prices(desk, account, positions, at)
            return {**seen, **amounts}
    raise StoreUnavailable("setting what is counted: orders kept coming")


def _positions(desk: Desk, account: Account, within: ReadTime | None) -> PositionBook:
    """Read the account's positions; Unsupported names one that cannot be read, for what it is worth is not known."""
    book = ask_before(
        desk, account, lambda broker, send, session: broker.read_positions(send, session), within
    )
    if book.unreadable:
        raise Unsupported(f"a position cannot be read: {book.unreadable[0]}")
    return book


def _carried(
    desk: Desk, account: Account, positions: Iterable[Position], day: date, at: datetime
) -> dict[str, Decimal]:
    """Return what the day's first reading found made before the day; what may have traded today is left out."""
    if not desk.broker_of(account.broker).profile.exchange_closes:
        return {}
    return carried_of(one for one in positions if is_before_trading(one.instrument.exchange, day, at))


def _but_sold_holdings(desk: Desk, account: Account, positions: Iterable[Position]) -> tuple[Position, ...]:
    """Leave out what was sold out of holdings: it is no short position, and its price since is nobody's loss."""
    profile = desk.broker_of(account.broker).profile
    return tuple(one for one in positions if not profile.is_sale_of_holdings(one))


def _keep_prices(desk: Desk, account: Account, positions: Iterable[Position], at: datetime) -> None:
    prices = {one.instrument: one.last_price for one in positions if one.last_price}
    if prices:
        desk.prices.keep(account.broker, prices, at)


def watch_accounts(desk: Desk, accounts: Iterable[Account], *, until: datetime) -> None:
    """Watch each account in turn, each for a few seconds at most; no read of a broker is begun after `until`."""
    for account in accounts:
        now = desk.clock.now()
        if now > until:
            logger.warning("not every account was watched", extra={"next": account.name})
            return
        transport = TimedTransport(desk.transport, desk.clock, min(until, now + PASS_TIME))
        watch_account(replace(desk, transport=transport), account)


def watch_account(desk: Desk, account: Account) -> None:
    """Keep the account's base and the prices of what it has at risk fresh, and tell of a limit that is near.

    The broker is asked while one of its venues may be open, and once before that for what is carried into the day.
    Never raises: what fails here leaves the gate with what it knows, and it is asked again in a minute. What is known
    is told all the same.
    """
    counted = Counted("account", account.name)
    try:
        now = desk.clock.now()
        amounts = desk.meters.read(counted.item_of(exchange_day(now)))
        if _may_be_open(desk, account, now) or _begins_the_day(desk, account, amounts, now):
            amounts = _refreshed(desk, account, amounts, now)
        _tell_near(desk, counted, account.limits, amounts)
    except StoreUnavailable as error:
        _log_unknown(account, error)
    except Exception:  # a defect in watching must not keep orders from being settled
        logger.exception("exposure not known", extra={"account": account.name})


def _log_unknown(account: Account, error: RouterError) -> None:
    logger.warning("exposure not known", extra={"account": account.name, "reason": error.code})


def _is_known(counted: Mapping[str, Decimal], since: datetime) -> bool:
    return BASED_AT in counted and counted[BASED_AT] >= int(since.timestamp())


def _may_be_open(desk: Desk, account: Account, at: datetime) -> bool:
    profile = desk.broker_of(account.broker).profile
    return not profile.exchange_closes or desk.calendar().may_be_open(profile.exchanges, at)


def _begins_the_day(desk: Desk, account: Account, counted: Mapping[str, Decimal], at: datetime) -> bool:
    exchanges = desk.broker_of(account.broker).profile.exchanges - {Exchange.COMBO}
    is_first = account.limits.need_positions and BASED_AT not in counted
    return is_first and any(is_time_for_first_look(one, at) for one in exchanges)


def _refreshed(
    desk: Desk, account: Account, counted: Mapping[str, Decimal], now: datetime
) -> Mapping[str, Decimal]:
    """Read what the account's limits are by, as far as the broker says it, and return what is counted then."""
    limits = account.limits
    try:
        require_let_in(desk, account)
        if limits.need_positions:
            counted = rebase(desk, account, exchange_day(now), known_since=now - BASE_AGAIN)
            desk.metrics.put({"gross_exposure": int(counted.get(GROSS, 0))}, {"account": account.name})
        if limits.need_price or limits.price_band_percent is not None:
            _refresh_prices(desk, account, _at_risk(counted))
    except BrokerError as error:
        note_kept_out(desk, account, error)
        _log_unknown(account, error)
    except StoreUnavailable as error:
        _log_unknown(account, error)
    return counted


def _refresh_prices(desk: Desk, account: Account, instruments: Iterable[Instrument]) -> None:
    """Keep new prices of these, but of those that came with positions or from somebody else a moment ago.

    Where the broker quotes one instrument a call and bounds its calls, each has its turn less often; where that would
    be too seldom to be of use nothing is quoted, and an order asks for itself.
    """
    profile = desk.broker_of(account.broker).profile
    # no broker is asked for quotes of combinations, and the others must get theirs
    quoted = [one for one in instruments if one.exchange is not Exchange.COMBO]
    wanted = _older(desk, account, quoted, BASE_AGAIN)
    again = _quotes_again(profile, len(wanted))
    if not wanted or again > PRICE_LIFE:
        return
    due = wanted if again == BASE_AGAIN else _older(desk, account, wanted, again)
    batches = [due] if profile.watch_quotes_per_hour is None else [(one,) for one in due]
    for batch in batches:
        _quote(desk, account, batch)


def _quotes_again(profile: Profile, instruments: int) -> timedelta:
    """Return how old a price of so many instruments gets before it is asked for again."""
    calls = profile.watch_quotes_per_hour
    return BASE_AGAIN if calls is None else max(BASE_AGAIN, timedelta(hours=1) * instruments / calls)


def _older(
    desk: Desk, account: Account, instruments: Iterable[Instrument], age: timedelta
) -> tuple[Instrument, ...]:
    """Return the instruments of which no price is kept that is as young as this."""
    oldest = desk.clock.now() - age
    return tuple(one for one in instruments if desk.prices.recent(account.broker, one, oldest=oldest) is None)


def _quote(desk: Desk, account: Account, instruments: tuple[Instrument, ...]) -> None:
    quotes = ask(desk, account, lambda broker, send, session: broker.read_quotes(send, session, instruments))
    prices = {quote.instrument: quote.last_price for quote in quotes if quote.last_price > 0}
    desk.prices.keep(account.broker, prices, desk.clock.now())


def _at_risk(counted: Mapping[str, Decimal]) -> tuple[Instrument, ...]:
    """Return what the account holds, has orders resting in, or bought and sold where no position says what is left."""
    named = (name.partition("@") for name, amount in counted.items() if amount)
    names = {instrument for attribute, _, instrument in named if instrument and attribute in AT_RISK}
    return tuple(parse_instrument(name) for name in sorted(names))


def watch_strategies(desk: Desk) -> None:
    """Tell of each strategy whose limits come near; never raises."""
    try:
        for strategy in desk.settings.strategies():
            if any(_bounds(strategy.limits, {})):
                counted = Counted("strategy", strategy.name)
                amounts = desk.meters.read(counted.item_of(exchange_day(desk.clock.now())))
                _tell_near(desk, counted, strategy.limits, amounts)
    except StoreUnavailable as error:
        logger.warning("strategies not watched", extra={"reason": error.code})
    except Exception:  # a defect in watching must not keep orders from being settled
        logger.exception("strategies not watched")


def _tell_near(desk: Desk, counted: Counted, limits: OrderLimits, amounts: Mapping[str, Decimal]) -> None:
    """Tell once a day of each limit of which four fifths are used, and of the day's loss once it stops what opens."""
    for attribute, limit in _bounds(limits, amounts):
        found = amounts.get(attribute, Decimal(0))
        used = -found if attribute.partition("@")[0] == NET_IF_SOLD else found
        if used >= NEAR * limit:
            stops = attribute == LOSS and used > limit
            notice = Notice(
                kind="limit_reached" if stops else "limit_near",
                account=counted.owner if counted.kind == "account" else EVERY_ACCOUNT,
                message=f"{attribute} of {counted} is {found}: its limit is {limit}{STOPS if stops else ''}",
                # another limit of the same is another one to come near to
                subject=f"{counted}#{attribute}#{limit}#{exchange_day(desk.clock.now())}",
            )
            desk.notifier.tell(notice)


def _bounds(limits: OrderLimits, amounts: Mapping[str, Decimal]) -> Iterator[tuple[str, Decimal]]:
    """Yield what has a limit, with it: of the account or strategy, and of each instrument that is counted."""
    of_instruments = sorted(name for name in amounts if "".join(name.partition("@")[:2]) in PER_INSTRUMENT)
    for attribute in (*OF_ALL, *of_instruments):
        _, rule = code_of(attribute)
        limit = getattr(limits, rule, None)
        if limit is not None:
            yield attribute, Decimal(limit)


PER_INSTRUMENT = {attribute for attribute in CODES if "@" in attribute}
OF_ALL = [attribute for attribute in CODES if "@" not in attribute]
STOPS = ". Until the day is over no order passes that opens a position; exits and cancels do"
AT_RISK = {GROSS, NET, RESERVED, NET_RESERVED}
EVERY_ACCOUNT = "*"
