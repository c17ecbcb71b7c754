"""What Interactive Brokers can do over the Web API v1 with OAuth 1.0a (sources and dates: README.md)."""

from order_router.adapter.login import CredentialField, LoginKind
from order_router.adapter.profile import Feature, Profile, TagRule
from order_router.domain.vocabulary import INDIAN, Exchange, OrderType, Product, Validity

_BASE64 = r"[A-Za-z0-9+/]{40,4096}={0,2}"
_KEY_FILE = r"\s*-----BEGIN (RSA )?PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END (RSA )?PRIVATE KEY-----\s*"
_PARAMETERS = r"\s*-----BEGIN DH PARAMETERS-----[A-Za-z0-9+/=\s]+-----END DH PARAMETERS-----\s*"
_KEY_EXPECTED = "a private RSA key as a PEM file without a passphrase"

profile = Profile(
    name="ibkr",
    title="Interactive Brokers",
    endpoint="https://api.ibkr.com/v1/api",
    session_fields=("consumer_key", "access_token", "live_session_token", "account_id"),
    # combinations among them; of India NSE's shares alone: codes and symbols of its other venues are unconfirmed
    exchanges=frozenset(Exchange) - INDIAN | {Exchange.NSE},
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.SL, OrderType.SL_M}),
    products=frozenset({Product.CNC, Product.NRML}),
    validities=frozenset({Validity.DAY, Validity.IOC}),
    takes_disclosed_quantity=False,
    tag=TagRule(max_length=30, is_echoed=True),
    is_idempotent=True,
    rejects_after_acknowledging=True,
    asks_back=True,
    # ten requests a second of one username: an order is read back, and a book is up to four
    order_calls_per_second=3,
    paces_whole_account=True,
    tells_realised_pnl=True,
    reads_per_second=5,
    # live orders and trades once in five seconds each
    book_every_s=6,
    user_fields=("consumer_key", "access_token"),
    finds_listings=True,
    positions_include_holdings=True,
    features=frozenset({Feature.QUOTES, Feature.OPTION_CHAIN, Feature.ORDER_MARGIN}),
    login=LoginKind.UNATTENDED,
    credentials=(
        CredentialField(
            name="account_id",
            title="Account",
            pattern=r"[A-Z]{1,3}[0-9]{5,9}",
            expected="the account as Client Portal shows it, such as U1234567, a paper one such as DU1234567",
            is_secret=False,
        ),
        CredentialField(
            name="consumer_key",
            title="Consumer key",
            pattern=r"[A-Z]{8,9}",
            expected="the nine letters chosen at the OAuth page",
        ),
        CredentialField(
            name="access_token",
            title="Access token",
            pattern=r"[A-Za-z0-9]{8,64}",
            expected="the access token that the OAuth page generated",
        ),
        CredentialField(
            name="access_token_secret",
            title="Access token secret",
            pattern=_BASE64,
            expected="the access token secret that the OAuth page generated: encrypted, in base64",
        ),
        CredentialField(
            name="encryption_key",
            title="Private encryption key",
            pattern=_KEY_FILE,
            expected=_KEY_EXPECTED,
            is_multiline=True,
        ),
        CredentialField(
            name="signature_key",
            title="Private signature key",
            pattern=_KEY_FILE,
            expected=_KEY_EXPECTED,
            is_multiline=True,
        ),
        CredentialField(
            name="dh_prime",
            title="Diffie-Hellman parameters",
            pattern=rf"[0-9A-Fa-f]{{256,1024}}|{_PARAMETERS}",
            expected="the parameters as a PEM file, or their prime in hexadecimal digits",
            is_multiline=True,
        ),
    ),
    keep_alive_s=60,
)
