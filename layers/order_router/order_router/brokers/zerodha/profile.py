"""What Zerodha can do over Kite Connect v3 (sources and dates: README.md)."""

from order_router.adapter.profile import Profile, TagRule
from order_router.domain.vocabulary import Exchange, OrderType, Product, Validity

profile = Profile(
    name="zerodha",
    title="Zerodha",
    endpoint="https://api.kite.trade",
    session_fields=("api_key", "access_token"),
    # MCX, CDS and BCD count quantities in lots: claimed once lots can be turned into units
    exchanges=frozenset({Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO}),
    order_types=frozenset(OrderType),
    products=frozenset(Product),
    validities=frozenset(Validity),
    takes_disclosed_quantity=True,
    tag=TagRule(max_length=20, is_echoed=True),
    is_idempotent=False,
    rejects_after_acknowledging=True,
    order_calls_per_second=9,
)
