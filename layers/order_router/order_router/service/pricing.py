"""What an instrument trades at: as kept for the gate, else as the broker says now."""

from datetime import datetime, timedelta
from decimal import Decimal

from order_router.adapter.errors import BrokerError
from order_router.adapter.http import Send
from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.gate import KeptPrice
from order_router.domain.instrument import Instrument
from order_router.domain.protection import PriceUnknown
from order_router.domain.reports import Quote
from order_router.service.desk import Desk
from order_router.service.needed_reads import ReadTime, ask_before

PRICE_LIFE = timedelta(minutes=2)
"""How old a kept price may be that an order is judged by: reconcile keeps those in use fresh each minute."""

REFUSAL_LIFE = timedelta(seconds=5)
"""How old a kept price may be that an order is refused by: the market may have moved to where the order is."""


def oldest_price(at: datetime) -> datetime:
    """Return when a price must have been seen that is still good now."""
    return at - PRICE_LIFE


def last_quote(
    desk: Desk, account: Account, broker: Broker, instrument: Instrument, within: ReadTime | None
) -> Quote:
    """Return what the broker quotes now.

    PriceUnknown if it does not; NotReadYet if it may in the time that there is, if any is told.
    """

    def read(_: Broker, send: Send, session: BrokerSession) -> tuple[Quote, ...]:
        return broker.read_quotes(send, session, (instrument,))

    try:
        quotes = ask_before(desk, account, read, within)
    except BrokerError as error:
        raise PriceUnknown(f"no price of {instrument}: {error.reason.message}") from error
    found = next((quote for quote in quotes if quote.instrument == instrument), None)
    if found is None:
        raise PriceUnknown(f"{broker.profile.title} quotes no price of {instrument}")
    return found


def price_of(
    desk: Desk,
    account: Account,
    broker: Broker,
    instrument: Instrument,
    within: ReadTime | None = None,
) -> Decimal:
    """Return a price that is good now, and keep it for the next order.

    Raises PriceUnknown, StoreUnavailable, or NotReadYet if the broker may say it in the time that there is.
    """
    now = desk.clock.now()
    kept = desk.prices.recent(account.broker, instrument, oldest=oldest_price(now))
    if kept is not None:
        return kept.last
    return new_price(desk, account, broker, instrument, within)


def new_price(
    desk: Desk,
    account: Account,
    broker: Broker,
    instrument: Instrument,
    within: ReadTime | None = None,
) -> Decimal:
    """Return the price that the broker quotes now, and keep it; raises what `price_of` does."""
    price = last_quote(desk, account, broker, instrument, within).last_price
    if price <= 0:
        raise PriceUnknown(f"the last price of {instrument} is {price}")
    desk.prices.keep(account.broker, {instrument: price}, desk.clock.now())
    return price


def refuses(kept: KeptPrice | None, at: datetime) -> bool:
    """Return whether the price is new enough that an order may be refused by it without another question."""
    return kept is not None and kept.at >= at - REFUSAL_LIFE
