"""What Kotak Neo can do over its trade API, and what its logins need (sources and dates: README.md)."""

from datetime import time

from order_router.adapter.login import CredentialField, LoginKind
from order_router.adapter.profile import CheckedCall, Feature, Profile, TagRule
from order_router.domain.vocabulary import Exchange, OrderType, Product, Validity

CREDENTIALS = (
    CredentialField(
        name="access_token",
        title="Access token of the application",
        pattern=r"[\x21-\x7e]{8,2000}",
        expected="the token that Neo shows under More, Trade API, without blanks",
    ),
    CredentialField(
        name="mobile_number",
        title="Mobile number",
        pattern=r"\+[0-9]{10,15}",
        expected="the registered number with its country code, such as +919812345678",
    ),
    CredentialField(
        name="ucc",
        title="Client code (UCC)",
        pattern=r"[A-Z0-9]{3,12}",
        expected="3 to 12 capital letters and digits, as Neo shows it under Profile",
        is_secret=False,
    ),
    CredentialField(
        name="totp_secret",
        title="TOTP secret",
        pattern=r"[A-Za-z2-7][A-Za-z2-7 ]{14,126}[A-Za-z2-7]=*",
        expected="the setup key shown at the TOTP registration: letters and the digits 2 to 7, no six-digit code",
    ),
    CredentialField(name="mpin", title="MPIN", pattern=r"[0-9]{6}", expected="six digits"),
)

profile = Profile(
    name="kotak_neo",
    title="Kotak Neo",
    # the host of logins; each session is told where its orders go
    endpoint="https://mis.kotaksecurities.com",
    session_fields=("access_token", "trade_token", "sid"),
    # MCX: no page says whether its quantities are units or lots
    exchanges=frozenset({Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO}),
    # SL-M is refused live: "Market order with Algo Id not allowed"
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.SL}),
    products=frozenset({Product.CNC, Product.MIS, Product.NRML, Product.MTF}),
    validities=frozenset({Validity.DAY, Validity.IOC}),
    takes_disclosed_quantity=True,
    tag=TagRule(max_length=20, is_echoed=True),
    is_idempotent=False,
    rejects_after_acknowledging=True,
    # ten a second; whether they are counted by exchange no page says
    order_calls_per_second=9,
    paces_whole_account=True,
    tells_realised_pnl=True,
    has_master=True,
    takes_after_market=True,
    features=frozenset({Feature.QUOTES, Feature.OPTION_CHAIN, Feature.ORDER_MARGIN}),
    checks_address=frozenset({CheckedCall.ORDERS, CheckedCall.LOGINS}),
    login=LoginKind.UNATTENDED,
    credentials=CREDENTIALS,
    session_ends_at=time(0, 0),
)
