"""Every broker's pages as the chaos layer knows them, by the broker's name."""

from collections.abc import Mapping

from tests.simulators.chaos_dialect import KITE, PAPER, Dialect
from tests.simulators.ibkr_dialect import IBKR
from tests.simulators.icici_breeze_dialect import ICICI_BREEZE
from tests.simulators.kotak_neo_dialect import KOTAK_NEO

DIALECTS: Mapping[str, Dialect] = {
    "ibkr": IBKR,
    "icici_breeze": ICICI_BREEZE,
    "kotak_neo": KOTAK_NEO,
    "paper": PAPER,
    "zerodha": KITE,
}
