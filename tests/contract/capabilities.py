"""Write the table of capabilities in brokers/README.md from the profiles."""

import sys
from collections.abc import Callable
from datetime import time
from pathlib import Path

import order_router.brokers
from order_router.adapter.profile import Feature, Profile
from order_router.brokers.registry import BROKERS, load_broker
from order_router.domain.vocabulary import Exchange

BEGIN = "<!-- capabilities: written by python -m tests.contract.capabilities -->"
END = "<!-- end of capabilities -->"
PAGE = Path(order_router.brokers.__path__[0]) / "README.md"
ROWS: dict[str, Callable[[Profile], str]] = {
    "exchanges": lambda profile: _words(profile.exchanges),
    "order types": lambda profile: _words(profile.order_types),
    "products": lambda profile: _words(profile.products),
    "validities": lambda profile: _words(profile.validities),
    "disclosed quantity": lambda profile: _claim(profile.takes_disclosed_quantity),
    "after-market orders": lambda profile: _claim(profile.takes_after_market),
    "positions include holdings": lambda profile: _claim(profile.positions_include_holdings),
    "tag, characters": lambda profile: str(profile.tag.max_length) if profile.tag.max_length else "no",
    "tag comes back in the book": lambda profile: _claim(profile.tag.is_echoed),
    "same tag twice is one order": lambda profile: _claim(profile.is_idempotent),
    "may reject after acknowledging": lambda profile: _claim(profile.rejects_after_acknowledging),
    "order calls a second": lambda profile: str(profile.order_calls_per_second),
    "counted for": lambda profile: "the account" if profile.paces_whole_account else "each exchange",
    "order calls a minute": lambda profile: _or_unknown(profile.order_calls_per_minute),
    "order calls a day": lambda profile: _or_unknown(profile.order_calls_per_day),
    "positions say what was realised": lambda profile: _claim(profile.tells_realised_pnl),
    "quotes": lambda profile: _claim(Feature.QUOTES in profile.features),
    "option chain": lambda profile: _claim(Feature.OPTION_CHAIN in profile.features),
    "margin of an order": lambda profile: _claim(Feature.ORDER_MARGIN in profile.features),
    "sends order updates": lambda profile: _claim(Feature.POSTBACK in profile.features),
    "takes an algo id": lambda profile: _claim(profile.takes_algo_id),
    "only from registered addresses": lambda profile: _words(profile.checks_address) or "nothing",
    "combinations of legs": lambda profile: _claim(Exchange.COMBO in profile.exchanges),
    "list of instruments": lambda profile: _claim(profile.has_master),
    "login": lambda profile: str(profile.login),
    "credentials": lambda profile: ", ".join(one.name for one in profile.credentials) or "nothing",
    "session ends at": lambda profile: _clock(profile.session_ends_at),
    "session holds": lambda profile: ", ".join(profile.session_fields) or "nothing",
}


def table(profiles: list[Profile]) -> str:
    """Return the table as Markdown: a row a capability, a column a broker."""
    heads = ["", *(profile.title for profile in profiles)]
    rows = [[name, *(cell(profile) for profile in profiles)] for name, cell in ROWS.items()]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page_with_table(page: str, profiles: list[Profile]) -> str:
    """Return the page with the table between its two marks replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(profiles)}\n{END}{after}"


def registered_profiles() -> list[Profile]:
    """Return the profile of every broker of the registry, by name."""
    return [load_broker(name).profile for name in sorted(BROKERS)]


def _words(values: frozenset[str]) -> str:
    return " ".join(sorted(values))


def _claim(holds: bool) -> str:
    return "yes" if holds else "no"


def _or_unknown(calls: int | None) -> str:
    return "not said" if calls is None else str(calls)


def _clock(at: time | None) -> str:
    return "never" if at is None else f"{at:%H:%M} IST"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text(), registered_profiles()))
    sys.stdout.write(f"{PAGE.name}: {', '.join(sorted(BROKERS))}\n")
