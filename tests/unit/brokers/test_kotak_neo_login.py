"""Kotak's login beyond its samples: codes, ends of sessions, addresses, and what never shows."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.login import CodeRefused, Credentials, CredentialsRefused, LoginFailed, LoginUnclear
from order_router.adapter.session import Secret, Surroundings
from order_router.brokers.kotak_neo.login import log_in
from order_router.brokers.kotak_neo.profile import profile

NOW = datetime(2026, 11, 20, 4, 32, 11, tzinfo=UTC)
OPAQUE = "opaque"
HOST = "https://cis.kotaksecurities.com"
STORED = {
    "access_token": "5c1f-token",
    "mobile_number": "+919812345678",
    "ucc": "AB1CD",
    "totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
    "mpin": "735914",
}


class Host:
    """A login host that lets everybody in."""

    def __init__(self, base_url: str = HOST, trade_token: str = OPAQUE) -> None:
        self.trade = {"token": trade_token, "sid": "sid-2", "baseUrl": base_url}
        self.sent: list[HttpRequest] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        data = self.trade if request.url.endswith("Validate") else {"token": "view", "sid": "sid-1"}
        return HttpResponse(status=200, body=json.dumps({"data": data}).encode())

    @property
    def code(self) -> str:
        return str(json.loads(self.sent[0].body)["totp"])


def credentials(now: datetime = NOW, *, endpoint: str = profile.endpoint, **changes: Any) -> Credentials:
    secrets = {name: Secret(text) for name, text in (STORED | changes).items()}
    around = Surroundings(now=lambda: now)
    return Credentials(account="main", endpoint=endpoint, secrets=secrets, around=around)


def token(claims: Any) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.c2ln"


@pytest.mark.parametrize(
    ("at", "code"),
    # RFC 6238, appendix B, the last six digits
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (2000000000, "279037")],
)
def test_a_code_is_that_of_the_standard_at_the_present_that_is_handed_in(at: int, code: str) -> None:
    host = Host()

    log_in(host, credentials(datetime.fromtimestamp(at, UTC)))

    assert host.code == code


@pytest.mark.parametrize(
    "spelt",
    [
        "gezdgnbvgy3tqojqgezdgnbvgy3tqojq",
        "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ",
    ],
)
def test_a_secret_counts_however_the_page_spelt_it(spelt: str) -> None:
    hosts = Host(), Host()

    log_in(hosts[0], credentials())
    log_in(hosts[1], credentials(totp_secret=spelt))

    assert hosts[0].code == hosts[1].code


def test_a_short_secret_gives_codes_too() -> None:
    """80 bits, which many issuers give: how long it is, is not ours to judge."""
    host = Host()

    log_in(host, credentials(totp_secret="JBSWY3DPEHPK3PXP"))

    assert host.code.isdigit()


@pytest.mark.parametrize("name", sorted(STORED))
def test_a_credential_that_is_missing_is_named_before_anything_is_sent(name: str) -> None:
    host, full = Host(), credentials()
    secrets = {one: secret for one, secret in full.secrets.items() if one != name}

    with pytest.raises(CredentialsRefused, match=name) as raised:
        log_in(host, Credentials(account="main", endpoint=full.endpoint, secrets=secrets, around=full.around))

    assert (raised.value.code, host.sent) == ("CREDENTIALS_MISSING", [])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("totp_secret", "123456"),
        ("totp_secret", "JBSWY3DPEHPK3PX1"),
        # of the right letters, and still no base32
        ("totp_secret", "JBSWY3DPEHPK3PXPA"),
        ("mpin", "73591"),
        ("mobile_number", "9812345670"),
        ("ucc", "ab1cd"),
        ("access_token", "Bearer 5c1f"),
    ],
)
def test_a_credential_of_the_wrong_shape_is_named_and_not_shown(name: str, wrong: str) -> None:
    host, changes = Host(), dict[str, Any]({name: wrong})

    with pytest.raises(CredentialsRefused, match=name) as raised:
        log_in(host, credentials(**changes))

    assert host.sent == []
    assert wrong not in f"{raised.value!r} {raised.value.__context__!r} {raised.value.__cause__!r}"


MIDNIGHT = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("trade_token", "expires_at"),
    [
        (token({"exp": int((NOW + timedelta(hours=3)).timestamp())}), NOW + timedelta(hours=3)),
        (token({"exp": int((NOW + timedelta(days=3)).timestamp())}), MIDNIGHT),
        (token({"exp": 10**30}), MIDNIGHT),
        (token({"exp": -1}), MIDNIGHT),
        (token({"exp": True}), MIDNIGHT),
        (token({"exp": "soon"}), MIDNIGHT),
        (token({}), MIDNIGHT),
        (token([]), MIDNIGHT),
        ("e30.%%%.c2ln", MIDNIGHT),
        ("e30.eyJ", MIDNIGHT),
        ("opaque", MIDNIGHT),
    ],
)
def test_a_session_ends_as_its_token_says_and_at_the_latest_with_the_day(
    trade_token: str, expires_at: datetime
) -> None:
    assert log_in(Host(trade_token=trade_token), credentials()).expires_at == expires_at


def test_a_login_just_before_midnight_in_kolkata_lasts_until_midnight() -> None:
    late = datetime(2026, 11, 20, 18, 29, 59, tzinfo=UTC)

    assert log_in(Host(), credentials(late)).expires_at == MIDNIGHT


@pytest.mark.parametrize(
    "base_url",
    [
        "http://cis.kotaksecurities.com",
        "https://kotaksecurities.com.example.org",
        "https://example.org/cis.kotaksecurities.com",
        "https://example.org#.kotaksecurities.com",
        "https://example.org?.kotaksecurities.com",
        "https://cis.kotaksecurities.com@example.org",
        "https://user@cis.kotaksecurities.com",
        "https://cis.kotaksecurities.com:8443",
        "https://cis.kotaksecurities.com/path",
        "https://notkotaksecurities.com",
        "https://CIS.kotaksecurities.com",
        "https://a b.kotaksecurities.com",
        "https://[::1",
        "https://127.0.0.1",
        "//cis.kotaksecurities.com",
        "",
    ],
)
def test_orders_go_to_no_address_that_is_not_kotaks(base_url: str) -> None:
    with pytest.raises(LoginUnclear):
        log_in(Host(base_url), credentials())


@pytest.mark.parametrize("base_url", [HOST, "https://e41.kotaksecurities.com", f"{HOST}/"])
def test_orders_go_to_the_address_that_kotak_names(base_url: str) -> None:
    assert log_in(Host(base_url), credentials()).endpoint == base_url.rstrip("/")


def test_orders_go_to_the_address_that_the_deployer_set_if_it_names_itself() -> None:
    ours = "http://127.0.0.1:8080"

    assert log_in(Host(ours), credentials(endpoint=ours)).endpoint == ours
    with pytest.raises(LoginUnclear):
        log_in(Host("http://127.0.0.1:8081"), credentials(endpoint=ours))


def test_both_steps_are_sent_once_each() -> None:
    host = Host()

    log_in(host, credentials())

    assert [request.url.rpartition("/")[2] for request in host.sent] == [
        "tradeApiLogin",
        "tradeApiValidate",
    ]


@pytest.mark.parametrize(
    ("words", "failure"),
    [
        ("Request unsuccessful, please try again later", LoginUnclear),
        ("Service not successful", LoginUnclear),
        ("Request blocked, retry", LoginUnclear),
        ("Invalid UCC", CredentialsRefused),
        ("ucc: not known", CredentialsRefused),
        ("Invalid MPIN.", CredentialsRefused),
        ("Your account is locked", CredentialsRefused),
        ("Missing required field 'Ucc'", CredentialsRefused),
        ("Invalid credentials or TOTP.", CodeRefused),
    ],
)
def test_a_passing_fault_is_no_refusal_of_what_is_stored(words: str, failure: type[LoginFailed]) -> None:
    body = {"status": "error", "message": words, "errorCode": "400"}
    answer = HttpResponse(status=400, body=json.dumps(body).encode())

    with pytest.raises(LoginFailed) as raised:
        log_in(lambda _: answer, credentials())

    assert type(raised.value) is failure
