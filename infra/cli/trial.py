"""Tries an account: what is stored, a session, a look at the money; and says in words what is wrong and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from infra.cli.advice import advice_for
from infra.cli.asking import ApiRefused
from infra.cli.changed import changed_at
from infra.cli.command import Result
from infra.cli.desk import credential_store
from infra.cli.fields import standing, wrong
from infra.cli.sessions import begin_session
from infra.cli.times import at_exchange, read_time
from infra.cli.work import Work
from infra.operate import account_of
from order_router.adapter.errors import SessionExpired
from order_router.adapter.login import CredentialsRefused, LoginKind
from order_router.api.answers import time_text
from order_router.domain.account import Account
from order_router.domain.broker_session import SessionState
from order_router.domain.errors import RouterError
from order_router.service.session_desk import SessionDesk
from order_router.service.sessions import SessionStatus, status


class NotGood(RouterError):
    """A step went wrong; the message says what, and `advice` what to do."""

    def __init__(self, message: str, *, code: str, advice: str) -> None:
        super().__init__(message, code=code)
        self.advice = advice


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the trial, and what was found."""

    name: str
    is_good: bool
    words: str
    code: str | None = None
    advice: str | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The step as JSON values."""
        line = {"step": self.name, "ok": self.is_good, "message": self.words}
        return line if self.is_good else {**line, "code": self.code, "advice": self.advice}

    @property
    def line(self) -> str:
        """The step as a person reads it."""
        told = f"{'ok' if self.is_good else 'WRONG':<6}{self.name:<13}{self.words}"
        return f"{told}\n{'':6}{'what to do':<13}{self.advice}" if self.advice else told


def try_account(work: Work, name: str) -> Result:
    """Go through the steps until one goes wrong."""
    trial = _Trial(work, account_of(work.target, name), work.desk)
    steps: list[Step] = []
    for step, run in (("credentials", trial.credentials), ("session", trial.session), ("funds", trial.funds)):
        steps.append(_run(name, step, run))
        if not steps[-1].is_good:
            break
    is_good = all(step.is_good for step in steps)
    document = {
        "account": name,
        "broker": trial.account.broker,
        "ok": is_good,
        "steps": [step.document for step in steps],
    }
    shown = "\n".join(step.line for step in steps)
    return Result(document=document, shown=shown, exit_code=0 if is_good else 1)


def _run(account: str, name: str, run: Any) -> Step:  # noqa: ANN401 - a method without arguments
    try:
        return Step(name=name, is_good=True, words=run())
    except NotGood as error:
        return Step(name=name, is_good=False, words=error.message, code=error.code, advice=error.advice)
    except RouterError as error:
        advice = advice_for(error.code, account) or None
        return Step(name=name, is_good=False, words=error.reason.message, code=error.code, advice=advice)


@dataclass(frozen=True, slots=True)
class _Trial:
    """One account, tried on one stack."""

    work: Work
    account: Account
    desk: SessionDesk

    def credentials(self) -> str:
        """Look at what is stored."""
        profile = self.desk.profile(self.account)
        if not profile.credentials:
            return f"{profile.title} needs none"
        found = standing(profile.credentials, credential_store(self.work.target).stored(self.account))
        if not any(state != "missing" for state in found.values()):
            raise CredentialsRefused("none are stored", code="CREDENTIALS_MISSING")
        missing = [name for name, state in found.items() if state == "missing"]
        if missing:
            raise CredentialsRefused(f"{', '.join(missing)} missing", code="CREDENTIALS_MISSING")
        bad = [wrong(field) for field in profile.credentials if found[field.name] == "malformed"]
        if bad:
            raise CredentialsRefused("; ".join(bad), code="CREDENTIALS_MISSING")
        return f"{', '.join(found)} are stored, and formed as {profile.title} expects"

    def session(self) -> str:
        """See that there is a session; log in where that is unattended."""
        profile = self.desk.profile(self.account)
        if profile.login is LoginKind.UNATTENDED:
            return self._log_in()
        if not profile.session_fields:
            return f"{profile.title} needs none"
        found = status(self.desk, self.account)
        if found.state is not SessionState.VALID:
            by_hand = f"store one: router session set {self.account.name}"
            advice = advice_for("BROKER_SESSION_EXPIRED", self.account.name)
            raise NotGood(
                _why_none(found),
                code=SessionExpired.code,
                advice=advice if profile.login is LoginKind.BROWSER else by_hand,
            )
        return f"the stored one is good{_until(found.expires_at)}"

    def _log_in(self) -> str:
        """Log in, unless the session that stands was begun with what is stored now: another may kill it."""
        before = status(self.desk, self.account)
        changed = changed_at(self.work, self.account)
        is_older = changed is None or before.last_login_at is None or before.last_login_at < changed
        with _as_not_good(self.account.name):
            after = begin_session(self.work, self.account.name, force=is_older)
        began = "" if before.last_login_at is None else time_text(before.last_login_at)
        words = "the stored one is good" if after["last_login_at"] == began else "logged in"
        return words + _until(read_time(after["expires_at"]))

    def funds(self) -> str:
        """Ask the stack for the account's money: what answers is what trades, from its own address."""
        entry = self._ask_funds()
        if entry.get("error", {}).get("code") == SessionExpired.code:
            # a worker that had the old session has forgotten it now
            entry = self._ask_funds()
        if "error" in entry:
            error = entry["error"]
            code = str(error["code"])
            raise NotGood(str(error["detail"]), code=code, advice=advice_for(code, self.account.name))
        parts = [f"{row['segment']} {_money(row['available'])} available" for row in entry["funds"]]
        return ", ".join(parts) or "the broker shows none"

    def _ask_funds(self) -> dict[str, Any]:
        with _as_not_good(self.account.name):
            answer = self.work.api.call("GET", "/v1/funds", query={"account": self.account.name})
        (entry,) = answer["accounts"]
        return dict(entry)


@contextmanager
def _as_not_good(account: str) -> Iterator[None]:
    """Have the API's refusal say what to do."""
    try:
        yield
    except ApiRefused as error:
        words = str(error.problem.get("detail") or error.message)
        raise NotGood(words, code=error.code, advice=advice_for(error.code, account)) from None


def _money(text: str) -> str:
    return f"{Decimal(text):,}"


def _until(moment: datetime | None) -> str:
    return "" if moment is None else f" until {at_exchange(moment)}"


def _why_none(found: SessionStatus) -> str:
    if found.last_error is not None:
        return f"the last login failed: {found.last_error.message}"
    if found.state is SessionState.NEVER:
        return "there is none yet"
    ended = "" if found.expires_at is None else f": it ended {at_exchange(found.expires_at)}"
    return f"there is none that is good{ended}"
