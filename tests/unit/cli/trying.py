"""The command in this process: a stack of fakes, an API that answers as told, a terminal that types as told."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request

import pytest

from infra.cli.__main__ import main
from infra.cli.api import Api, Reply
from infra.cli.work import Choice, Work
from infra.operate import Target
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.secretsmanager import FakeSecretsManager

API_URL = "http://127.0.0.1:4566/api"
OUTPUTS = {
    name: name.removesuffix("Name") for name in ("SettingsTableName", "GateTableName", "PaperTableName")
}


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code and its two streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def line(self) -> str:
        """The one line of a failure."""
        assert self.err.count("\n") == 1, self.err
        return self.err.strip()


@dataclass
class Answers:
    """An API that gives these answers in turn, and keeps what it was asked."""

    replies: list[Reply | Exception] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        self.asked.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def will(self, content: object, status: int = 200) -> None:
        self.replies.append(Reply(status, json.dumps(content)))

    @property
    def last(self) -> Request:
        return self.asked[-1]

    @property
    def body(self) -> Any:
        """What was sent last."""
        data = self.last.data
        assert isinstance(data, bytes)
        return json.loads(data)


@dataclass
class Typist:
    """A terminal at which these lines are typed; what it was asked and told is kept."""

    lines: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def require(self) -> None:
        pass

    def ask(self, label: str) -> str:
        self.asked.append(label)
        return self._next()

    def ask_hidden(self, label: str) -> str:
        self.hidden.append(label)
        return self._next()

    def tell(self, line: str) -> None:
        self.told.append(line)

    def _next(self) -> str:
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)


@dataclass
class Stack:
    """One stack of fakes; each command comes as a process of its own would, with nothing remembered."""

    capsys: pytest.CaptureFixture[str]
    dynamodb: FakeDynamoDB = field(default_factory=lambda: FakeDynamoDB(template_tables()))
    secrets: FakeSecretsManager = field(default_factory=FakeSecretsManager)
    answers: Answers = field(default_factory=Answers)
    typist: Typist = field(default_factory=Typist)
    clock: FakeClock = field(default_factory=lambda: FakeClock(MONDAY_MORNING))
    environment: dict[str, str] = field(default_factory=dict)
    name: str = "stack"

    @property
    def target(self) -> Target:
        return Target(
            dynamodb=self.dynamodb, secretsmanager=self.secrets, stack_name=self.name, outputs=OUTPUTS
        )

    def work(self, **made: object) -> Work:
        work = Work(Choice(home=Path("nowhere")), environment=self.environment)
        api = Api(url=API_URL, key="or_key", send=self.answers)
        usual = {"target": self.target, "api": api, "terminal": self.typist, "clock": self.clock}
        vars(work).update(usual | made)
        return work

    def run(self, *arguments: str | Path) -> Ran:
        code = main([str(one) for one in arguments], self.work())
        out, err = self.capsys.readouterr()
        return Ran(code, out, err)

    def ok(self, *arguments: str | Path) -> Ran:
        """Run a command that must do what it is asked."""
        ran = self.run(*arguments)
        assert ran.code == 0, ran
        return ran

    def json(self, *arguments: str | Path) -> Any:
        return self.ok(*arguments, "--json").json


Run = Callable[..., Ran]
