"""What the template tells a function, read when it is asked for."""

import os
from collections.abc import Mapping
from datetime import date

from order_router.domain.errors import RouterError
from order_router.domain.trading_calendar import Hours, in_order, parse_hours
from order_router.domain.vocabulary import Exchange


class EnvironmentIncomplete(RouterError):
    """The function's environment lacks a name that it needs."""

    code = "ENVIRONMENT_INCOMPLETE"


class Environment:
    """The environment variables of a function, by what they mean."""

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        self._variables = variables

    def require(self, name: str) -> str:
        """Return the variable; EnvironmentIncomplete names it if it is absent or empty."""
        value = self._variables.get(name, "")
        if not value:
            raise EnvironmentIncomplete(f"the environment variable {name} is not set")
        return value

    def optional(self, name: str) -> str:
        """Return the variable, or empty text."""
        return self._variables.get(name, "")

    def is_true(self, name: str) -> bool:
        """Return whether the variable says true; EnvironmentIncomplete if it says neither true nor false."""
        word = self._variables.get(name, "") or "false"
        if word not in {"true", "false"}:
            raise EnvironmentIncomplete(f"{name} must be true or false")
        return word == "true"

    def tradingview_addresses(self) -> frozenset[str]:
        """Return the addresses that alerts may come from; none means any."""
        words = self._variables.get("TRADINGVIEW_ADDRESSES", "").split(",")
        return frozenset(word.strip() for word in words if word.strip())

    def alarms_that_kill(self) -> frozenset[str]:
        """Return the alarms that stop everything, by their names without the stack's."""
        words = self._variables.get("ALARMS_THAT_KILL", "").split(",")
        return frozenset(word.strip() for word in words if word.strip())

    def trading_holidays(self) -> frozenset[date]:
        """Return the days without trading that the deployer named; EnvironmentIncomplete if one is no date."""
        words = self._variables.get("TRADING_HOLIDAYS", "").split(",")
        try:
            return frozenset(date.fromisoformat(word.strip()) for word in words if word.strip())
        except ValueError:
            raise EnvironmentIncomplete(
                "TRADING_HOLIDAYS must be dates such as 2026-11-24, with commas"
            ) from None

    def trading_days(self) -> dict[date, tuple[Hours, ...]]:
        """Return the days that the deployer knows better: holidays, and sessions such as 2026-11-08=17:45-19:10.

        A day that is named more than once has all the sessions that are named for it.
        """
        days: dict[date, tuple[Hours, ...]] = dict.fromkeys(self.trading_holidays(), ())
        words = self._variables.get("TRADING_SESSIONS", "").split(",")
        try:
            for day, _, hours in (word.strip().partition("=") for word in words if word.strip()):
                named = date.fromisoformat(day)
                days[named] = in_order((*days.get(named, ()), parse_hours(hours)))
        except ValueError:
            raise EnvironmentIncomplete(
                "TRADING_SESSIONS must be such as 2026-11-08=17:45-19:10, with commas"
            ) from None
        return days

    def keeps_market_hours(self) -> bool:
        """Return whether orders outside the exchanges' hours are refused; EnvironmentIncomplete if that is not said."""
        said = self._variables.get("MARKET_HOURS") or "kept"
        if said not in {"kept", "ignored"}:
            raise EnvironmentIncomplete("MARKET_HOURS must be kept or ignored")
        return said == "kept"

    def instrument_floors(self) -> dict[Exchange, int]:
        """Return the fewest rows that a whole list has of an exchange; EnvironmentIncomplete if one is not readable."""
        words = self._variables.get("INSTRUMENT_FLOORS", "").split()
        try:
            pairs = [word.split("=") for word in words]
            return {Exchange(exchange): int(count) for exchange, count in pairs}
        except ValueError:
            raise EnvironmentIncomplete("INSTRUMENT_FLOORS must be such as NSE=1000 NFO=5000") from None

    def broker_endpoint(self, broker: str) -> str | None:
        """Return the endpoint that whoever deployed the stack set for a broker."""
        return self._variables.get(f"BROKER_ENDPOINT_{broker.upper()}", "").rstrip("/") or None
