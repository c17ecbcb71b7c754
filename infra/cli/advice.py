"""What to do about what goes wrong between a stack and its broker, by the stable code of the error."""

from collections.abc import Iterator
from contextlib import contextmanager

from infra.cli.asking import ApiRefused
from infra.cli.refusal import Refusal
from order_router.domain.errors import RouterError

ADVICE: dict[str, str] = {
    "CREDENTIALS_MISSING": "store them: router credentials set {account}",
    "CREDENTIALS_REFUSED": (
        "the broker does not take what is stored: compare it with the broker's own page, then"
        " router credentials set {account}"
    ),
    "TOTP_REFUSED": (
        "the stored TOTP secret is wrong or a clock is off: check the time here, wait for the next code, then"
        " router credentials set {account}"
    ),
    "ADDRESS_NOT_REGISTERED": "register the address that the stack's calls come from on the broker's page",
    "LOGIN_UNCLEAR": "the broker did not answer as it documents: try again in a minute",
    "LOGIN_PENDING": "another login of this account is under way: try again in a minute",
    "LOGIN_FAILED": "log in again: router login {account}",
    "LOGIN_RESTING": "the last login failed: mend that first, then router login {account}",
    "BROKER_SESSION_EXPIRED": "log in: router login {account}",
    "BROKER_UNREACHABLE": "the broker does not answer: is it closed for maintenance, is the stack's network up?",
    "BROKER_RATE_LIMITED": "the broker asks for fewer calls: try again in a minute",
    "BROKER_OUTCOME_UNKNOWN": "the broker's answer was lost or unreadable: try again in a minute",
    "BROKER_NOT_READ": "the broker did not say what the order needs to know: try again in a few seconds",
    "SECRET_UNAVAILABLE": "Secrets Manager refuses or does not answer: may you, and may the stack, read this secret?",
    "STORE_UNAVAILABLE": "the stack's tables do not answer: is the stack up (make up)?",
    "API_KEY_UNKNOWN": "the API key is not one of this stack: router key create makes one, ROUTER_API_KEY names it",
    "SCOPE_MISSING": "the API key may not do this: router key create --scope read makes one that may",
    "ACCOUNT_FORBIDDEN": "the API key is for other accounts: router key create --account {account} makes one",
}


def advice_for(code: str, account: str) -> str:
    """Return what to do about an error; empty where its own words must do."""
    return ADVICE.get(code, "").format(account=account)


@contextmanager
def advised(account: str) -> Iterator[None]:
    """Have an error of ours say what to do about it."""
    try:
        yield
    except RouterError as error:
        advice = advice_for(error.code, account)
        if not advice:
            raise
        words = error.problem.get("detail", "") if isinstance(error, ApiRefused) else error.reason.message
        raise Refusal(f"{words.rstrip('.')}; {advice}", code=error.code) from None
