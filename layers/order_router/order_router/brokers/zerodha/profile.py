"""What Zerodha can do over Kite Connect v3 (sources and dates: README.md)."""

from datetime import time

from order_router.adapter.login import CredentialField, LoginKind
from order_router.adapter.profile import CheckedCall, Feature, Profile, TagRule
from order_router.domain.vocabulary import Exchange, OrderType, Product, Validity

SESSION_ENDS_AT = time(6, 0)
"""When every access token dies, Asia/Kolkata (user page, read 2026-11-21)."""

_KEY = r"[A-Za-z0-9_-]{4,64}"
_KEY_EXPECTED = "4 to 64 letters, digits, - and _, as the developer console of Kite Connect shows it"

profile = Profile(
    name="zerodha",
    title="Zerodha",
    endpoint="https://api.kite.trade",
    session_fields=("api_key", "access_token"),
    # MCX, CDS and BCD count quantities in lots, and the dump does not say how large one is
    exchanges=frozenset({Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO}),
    order_types=frozenset(OrderType),
    products=frozenset(Product),
    validities=frozenset(Validity),
    takes_disclosed_quantity=True,
    tag=TagRule(max_length=20, is_echoed=True),
    is_idempotent=False,
    rejects_after_acknowledging=True,
    order_calls_per_second=9,
    paces_whole_account=True,
    tells_realised_pnl=True,
    order_calls_per_minute=400,
    order_calls_per_day=5000,
    has_master=True,
    features=frozenset({Feature.QUOTES, Feature.OPTION_CHAIN, Feature.ORDER_MARGIN, Feature.POSTBACK}),
    checks_address=frozenset({CheckedCall.ORDERS}),
    takes_algo_id=True,
    takes_after_market=True,
    login=LoginKind.BROWSER,
    credentials=(
        CredentialField(name="api_key", title="API key", pattern=_KEY, expected=_KEY_EXPECTED),
        CredentialField(name="api_secret", title="API secret", pattern=_KEY, expected=_KEY_EXPECTED),
    ),
    session_ends_at=SESSION_ENDS_AT,
)
