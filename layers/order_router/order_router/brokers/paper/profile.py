"""What the paper broker can do."""

from order_router.adapter.profile import Feature, Profile, TagRule
from order_router.domain.vocabulary import INDIAN, OrderType, Product, Validity

profile = Profile(
    name="paper",
    title="Paper",
    endpoint="paper://exchange",
    session_fields=(),
    exchanges=INDIAN,
    order_types=frozenset(OrderType),
    products=frozenset({Product.CNC, Product.MIS, Product.NRML}),
    validities=frozenset(Validity),
    takes_disclosed_quantity=True,
    tag=TagRule(max_length=32, is_echoed=True),
    is_idempotent=False,
    rejects_after_acknowledging=False,
    order_calls_per_second=9,
    paces_whole_account=False,
    tells_realised_pnl=True,
    exchange_closes=False,
    features=frozenset({Feature.QUOTES}),
)
