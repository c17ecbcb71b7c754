"""Times as the exchange's clock shows them."""

from datetime import datetime


def at_exchange(moment: datetime | None) -> str:
    """Return a time as the exchange's clock shows it."""
    from order_router.domain.exchange_time import IST  # noqa: PLC0415 - a fast start

    return "" if moment is None else f"{moment.astimezone(IST):%d %b %H:%M} IST"


def read_time(text: str | None) -> datetime | None:
    """Return a time of the API's, None if there is none."""
    return None if text is None else datetime.fromisoformat(text)
