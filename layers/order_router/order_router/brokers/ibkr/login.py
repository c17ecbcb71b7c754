"""The unattended login: a live session token by Diffie-Hellman, then a brokerage session (sources: README.md).

`cryptography` is imported here alone: an order costs no RSA.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from order_router.adapter.decode import read_integer, read_list, read_object, read_text
from order_router.adapter.errors import BrokerError, OutcomeUnknown, SessionExpired
from order_router.adapter.http import HttpResponse, Send
from order_router.adapter.login import Credentials, CredentialsRefused, LoginUnclear, NewSession
from order_router.adapter.session import BrokerSession, Secret
from order_router.brokers.ibkr.questions import ANSWERED_YES
from order_router.brokers.ibkr.selection import ACCOUNTS
from order_router.brokers.ibkr.session import DEAD, Ask, call, read_content, signed_request
from order_router.brokers.ibkr.signing import HEADER_TEXT, base_string, header, oauth_parameters

TOKEN = Ask(method="POST", path="/oauth/live_session_token")
BEGIN = Ask(method="POST", path="/iserver/auth/ssodh/init", content={"publish": True, "compete": True})
PORTFOLIOS = Ask(method="GET", path="/portfolio/accounts")
SUPPRESS = Ask(method="POST", path="/iserver/questions/suppress", content={"messageIds": list(ANSWERED_YES)})
TICKLE = Ask(method="POST", path="/tickle")

GENERATOR = 2
SEQUENCE, INTEGER = 0x30, 0x02
HEX = re.compile(r"[0-9A-Fa-f]+")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What is stored, as numbers and keys. `prepend` is the access token's secret, decrypted, in hexadecimal."""

    consumer_key: str
    access_token: str
    prepend: str
    signature_key: RSAPrivateKey
    prime: int
    generator: int


@dataclass(frozen=True, slots=True)
class LiveToken:
    """The key that signs a day's requests, in base64, and when it ends."""

    text: str
    expires_at: datetime


def log_in(send: Send, credentials: Credentials) -> NewSession:
    """Begin a session: a live session token for 24 hours and a brokerage session, taken from whoever holds it.

    The accounts are read and the questions on our list suppressed because the vendor wants that once a session.
    """
    keys = _keys(credentials)
    token = _live_token(send, credentials, keys)
    secrets = {
        "consumer_key": Secret(keys.consumer_key),
        "access_token": Secret(keys.access_token),
        "live_session_token": Secret(token.text),
        "account_id": Secret(credentials.secret("account_id")),
    }
    session = BrokerSession(credentials.account, credentials.endpoint, secrets, credentials.around)
    _begin(send, session)
    return NewSession(secrets=secrets, expires_at=token.expires_at)


def keep_alive(send: Send, session: BrokerSession) -> None:
    """Keep the brokerage session, which dies after some five minutes without a call; SessionExpired if it is dead."""
    content = read_object(call(send, session, TICKLE), "a tickle")
    status = read_object(read_object(content.get("iserver"), "iserver").get("authStatus"), "authStatus")
    lacking = _lacking(status, ("authenticated", "connected"))
    if lacking is not None:
        raise SessionExpired(f"the brokerage session is dead: {lacking}")


def _begin(send: Send, session: BrokerSession) -> None:
    status = read_object(_asked(send, session, BEGIN), "a brokerage session")
    lacking = _lacking(status, ("authenticated", "connected", "established"))
    if lacking is not None:
        raise LoginUnclear(f"no brokerage session: {lacking}")
    held = read_object(_asked(send, session, ACCOUNTS), "the accounts").get("accounts")
    if session.secret("account_id") not in _listed(held):
        raise CredentialsRefused("the stored account_id is none of the accounts of this login")
    _asked(send, session, PORTFOLIOS)
    _asked(send, session, SUPPRESS)


def _lacking(status: Mapping[str, Any], wanted: tuple[str, ...]) -> str | None:
    """Return what an authentication status lacks in words, None if it is whole."""
    if status.get("competing") is not False:
        return "another login of this username holds it"
    return next((f"{name} is not true" for name in wanted if status.get(name) is not True), None)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401
    try:
        return read_list(value, "accounts")
    except OutcomeUnknown as error:
        raise LoginUnclear(error.message) from error


def _asked(send: Send, session: BrokerSession, ask: Ask) -> Any:  # noqa: ANN401
    """Make one call of the login; what the transport raises goes through, all else is LoginUnclear."""
    answered: list[HttpResponse] = []

    def noted(request: Any) -> HttpResponse:  # noqa: ANN401
        answered.append(send(request))
        return answered[-1]

    try:
        content = call(noted, session, ask)
        return content if ask is PORTFOLIOS else read_object(content, "an answer")
    except BrokerError as error:
        if not answered:
            raise
        raise LoginUnclear(f"{ask.path}: {error.message}", broker_code=error.broker_code) from error


def _live_token(send: Send, credentials: Credentials, keys: Keys) -> LiveToken:
    """Agree on a live session token, and check that the vendor came to the same one."""
    exponent = int(credentials.around.nonce() + credentials.around.nonce(), 16)
    authorized = _token_header(credentials, keys, exponent)
    response = send(signed_request(authorized, credentials.endpoint + TOKEN.path, TOKEN))
    if response.status in DEAD:
        raise CredentialsRefused(
            "Interactive Brokers takes neither consumer key, access token nor signature;"
            " a new registration takes a day to two weeks to be activated",
            broker_code=str(response.status),
        )
    secrets = tuple(secret.reveal() for secret in credentials.secrets.values())
    try:
        answer = read_object(read_content(response, TOKEN, secrets), "a live session token")
        return _checked_token(answer, keys, exponent)
    except CredentialsRefused:
        raise
    except BrokerError as error:
        raise LoginUnclear(error.message, broker_code=error.broker_code) from error


def _token_header(credentials: Credentials, keys: Keys, exponent: int) -> str:
    parameters = oauth_parameters(keys.consumer_key, keys.access_token, "RSA-SHA256", credentials.around)
    parameters["diffie_hellman_challenge"] = f"{pow(keys.generator, exponent, keys.prime):x}"
    signed = base_string("POST", credentials.endpoint + TOKEN.path, parameters, prepend=keys.prepend)
    return header(parameters, keys.signature_key.sign(signed, PKCS1v15(), SHA256()))


def _checked_token(answer: dict[str, Any], keys: Keys, exponent: int) -> LiveToken:
    theirs = read_text(answer, "diffie_hellman_response")
    if not HEX.fullmatch(theirs) or not 1 < int(theirs, 16) < keys.prime - 1:
        raise OutcomeUnknown("expected a number of the group in diffie_hellman_response")
    shared = _as_bytes(pow(int(theirs, 16), exponent, keys.prime))
    token = hmac.digest(shared, bytes.fromhex(keys.prepend), hashlib.sha1)
    proof = hmac.digest(token, keys.consumer_key.encode(), hashlib.sha1).hex()
    if not hmac.compare_digest(proof.encode(), read_text(answer, "live_session_token_signature").encode()):
        raise CredentialsRefused(
            "the live session token does not agree with Interactive Brokers':"
            " check dh_prime, access_token_secret and encryption_key"
        )
    return LiveToken(base64.b64encode(token).decode(), _expiry(answer))


def _expiry(answer: dict[str, Any]) -> datetime:
    try:
        return EPOCH + timedelta(milliseconds=read_integer(answer, "live_session_token_expiration"))
    except OverflowError as error:
        raise OutcomeUnknown("expected a time in live_session_token_expiration") from error


def _as_bytes(number: int) -> bytes:
    """Return the number as Java writes one: big-endian, with a leading zero where the first bit is set."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _keys(credentials: Credentials) -> Keys:
    texts = {name: credentials.secret(name) for name in ("consumer_key", "access_token")}
    for name, text in texts.items():
        if not HEADER_TEXT.fullmatch(text):
            raise _unusable(credentials, name)
    prime, generator = _group(credentials)
    return Keys(
        **texts,
        prepend=_prepend(credentials),
        signature_key=_key(credentials, "signature_key"),
        prime=prime,
        generator=generator,
    )


def _prepend(credentials: Credentials) -> str:
    """Decrypt the access token's secret."""
    key = _key(credentials, "encryption_key")
    try:
        encrypted = base64.b64decode(credentials.secret("access_token_secret"), validate=True)
        return key.decrypt(encrypted, PKCS1v15()).hex()
    except (binascii.Error, ValueError):
        pass
    raise _unusable(credentials, "access_token_secret")


def _key(credentials: Credentials, name: str) -> RSAPrivateKey:
    text = credentials.secret(name).strip().encode()
    try:
        # the trader's own file: proving its primes anew at each login would take a third of a second
        key = load_pem_private_key(text, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise _unusable(credentials, name)
    return key


def _group(credentials: Credentials) -> tuple[int, int]:
    """Return the prime and the generator, from a PEM file or from the prime in hexadecimal digits."""
    text = credentials.secret("dh_prime").strip()
    if HEX.fullmatch(text):
        return int(text, 16), GENERATOR
    lines = text.splitlines()
    try:
        content = base64.b64decode("".join(lines[1:-1]), validate=True)
        prime, rest = _integer(_content(content, SEQUENCE)[0])
        return prime, _integer(rest)[0]
    except (binascii.Error, ValueError, IndexError):
        pass
    raise _unusable(credentials, "dh_prime")


def _integer(content: bytes) -> tuple[int, bytes]:
    value, rest = _content(content, INTEGER)
    return int.from_bytes(value, "big"), rest


def _content(encoded: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return what a DER element of this tag holds, and what follows it (`cryptography` is giving these files up)."""
    if encoded[0] != tag:
        raise ValueError("expected another element")
    long_form = encoded[1] & 0x7F if encoded[1] & 0x80 else 0
    length = int.from_bytes(encoded[2 : 2 + long_form], "big") if long_form else encoded[1]
    start = 2 + long_form
    if len(encoded) < start + length:
        raise ValueError("the element is cut off")
    return encoded[start : start + length], encoded[start + length :]


def _unusable(credentials: Credentials, name: str) -> CredentialsRefused:
    return CredentialsRefused(f"account {credentials.account} has an unusable {name} stored")
