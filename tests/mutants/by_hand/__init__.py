"""Every mutant by hand, by what it endangers."""

from tests.mutants.by_hand import (
    after_market,
    alerts,
    answers,
    breaker,
    changes,
    claim,
    combinations,
    fitting,
    holds,
    kill_switch,
    lifecycle,
    limits,
    reconcile,
    secrecy,
    sending,
    sessions,
    slots,
    store,
    telling,
    wire,
)
from tests.mutants.mutant import Mutant

THEMES = {
    "The intent comes first, and one worker owns it": claim.MUTANTS,
    "An order fits its broker before it is written": fitting.MUTANTS,
    "Combinations: one name, one meaning": combinations.MUTANTS,
    "One send, in time": sending.MUTANTS,
    "What a failure proves": answers.MUTANTS,
    "The store and its gate": store.MUTANTS,
    "A call leaves while it is good, or takes another": slots.MUTANTS,
    "The life of an order": lifecycle.MUTANTS,
    "Reconcile: the book decides, absence does not": reconcile.MUTANTS,
    "After the market: the day is the session's": after_market.MUTANTS,
    "Holds: entries wait for what is unknown, exits do not": holds.MUTANTS,
    "Limits: what one order may, and all of them together": limits.MUTANTS,
    "Stop means stop: the kill switch and its work": kill_switch.MUTANTS,
    "The circuit breaker and its alarms": breaker.MUTANTS,
    "The trader is told": telling.MUTANTS,
    "Modify and cancel": changes.MUTANTS,
    "Sockets and the vendor's dialect": wire.MUTANTS,
    "Alerts, queues and dead letters": alerts.MUTANTS,
    "Sessions, logins and postbacks": sessions.MUTANTS,
    "Secrets and money": secrecy.MUTANTS,
}
MUTANTS: tuple[Mutant, ...] = tuple(mutant for theme in THEMES.values() for mutant in theme)
PROTOCOL: tuple[Mutant, ...] = (
    *claim.MUTANTS,
    *sending.MUTANTS,
    *answers.MUTANTS,
    *store.MUTANTS,
    *reconcile.MUTANTS,
)
"""Those by which an order is lost or placed twice: run at each commit, the others where a run is whole."""
