"""What ICICI Breeze can do (sources and dates: README.md)."""

from datetime import time

from order_router.adapter.login import CredentialField, LoginKind
from order_router.adapter.profile import CheckedCall, Feature, Profile, TagRule
from order_router.domain.vocabulary import Exchange, OrderType, Product, Validity

profile = Profile(
    name="icici_breeze",
    title="ICICI Breeze",
    endpoint="https://api.icicidirect.com",
    session_fields=("api_key", "secret_key", "session_token"),
    # orders on MCX and NDX need a segment of their own and are unconfirmed
    exchanges=frozenset({Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO}),
    # market orders are not permitted on the API since 1 April 2026
    order_types=frozenset({OrderType.LIMIT, OrderType.SL}),
    # intraday in shares ("Margin") is banned on the API
    products=frozenset({Product.CNC, Product.NRML, Product.MTF}),
    validities=frozenset({Validity.DAY, Validity.IOC}),
    takes_disclosed_quantity=True,
    # the remark is sent, and has been seen to come back or not: an order is found again by its attributes
    tag=TagRule(max_length=20, is_echoed=False),
    is_idempotent=False,
    rejects_after_acknowledging=True,
    order_calls_per_second=9,
    paces_whole_account=True,
    tells_realised_pnl=False,
    # its 100 calls a minute and 5000 a day are of all kinds: README.md divides them
    order_calls_per_minute=30,
    order_calls_per_day=1000,
    watch_quotes_per_hour=40,
    has_master=True,
    features=frozenset({Feature.QUOTES, Feature.OPTION_CHAIN, Feature.ORDER_MARGIN}),
    # whether its reads are held against it is unconfirmed
    checks_address=frozenset({CheckedCall.ORDERS}),
    login=LoginKind.BROWSER,
    credentials=(
        CredentialField(
            name="api_key",
            title="API key",
            pattern=r"[\x21-\x7e]{8,128}",
            expected="the API key (AppKey) of your app: 8 to 128 characters without blanks",
        ),
        CredentialField(
            name="secret_key",
            title="Secret key",
            pattern=r"[\x21-\x7e]{8,128}",
            expected="the secret key of your app: 8 to 128 characters without blanks",
        ),
    ),
    session_ends_at=time(0, 0),
)
