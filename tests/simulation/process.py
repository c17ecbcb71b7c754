"""The functions as processes: the shipped `app.py` of each over the shipped wiring, warm, cold, dead or frozen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from types import CodeType
from typing import Any

from order_router import wiring
from order_router.aws.environment import Environment
from order_router.aws.notice_queue import QueueNotifier
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.domain.trading_calendar import TradingCalendar
from order_router.ports import Clock, Notifier, RenewalPending, Transport
from order_router.service.notifying import EachNotifier
from tests.architecture import template
from tests.fakes.metrics import MemoryMetrics
from tests.fakes.sqs import ADDRESS
from tests.fakes.sqs_definitions import template_queues
from tests.simulation.clients import Around, FaultyClient
from tests.simulation.hub import Hub, Killed, Task
from tests.simulation.trouble import ANYWHERE, DIES, FREEZES, Trouble

REPOSITORY = Path(__file__).resolve().parents[2]
LATENCY = 30_000
FROZEN = 60_000_000
COLD_START = 400_000
CRASHED: dict[str, Any] = {"crashed": True}


@dataclass(frozen=True)
class Function:
    """What the template says of a function: its code, its environment, its timeout in microseconds."""

    name: str
    code: CodeType
    environment: Mapping[str, str]
    timeout: int


@cache
def function(name: str) -> Function:
    """Return the function whose folder has this name."""
    path = REPOSITORY / "functions" / name / "app.py"
    seconds = template.functions()[name].get("Timeout", template.template()["Globals"]["Function"]["Timeout"])
    variables = {key: _resolved(value) for key, value in template.environment(name).items()}
    return Function(name, compile(path.read_text(), path, "exec"), variables, int(seconds) * 1_000_000)


def _resolved(value: Any) -> str:
    """Return a variable's value: a resource is known by its logical name, parameters have none here."""
    if isinstance(value, str):
        return value.replace("${AWS::StackName}", "stack")
    if "Fn::If" in value:
        return _resolved(value["Fn::If"][1])
    if "Fn::Sub" in value:
        return _resolved(value["Fn::Sub"])
    name = str(value["Ref"])
    if name in template_queues():
        return ADDRESS + template_queues()[name].name
    return name if name in template.template()["Resources"] else ""


@dataclass(frozen=True)
class Surroundings:
    """What all processes of a stack share."""

    hub: Hub
    trouble: Trouble
    clients: Mapping[str, Any]
    network: Callable[["Process"], Transport]
    lagging: Callable[[Any, Mapping[str, Any]], Any]


class Process:
    """One warm worker of a function: its own World, with the clients and the network of the simulation."""

    def __init__(self, around: Surroundings, name: str) -> None:
        self.around = around
        self.function = function(name)
        self.world = _World(self)
        scope: dict[str, Any] = {"__name__": f"functions.{name}"}
        module: Any = wiring
        shipped, module.world = module.world, lambda: self.world
        try:
            exec(self.function.code, scope)  # noqa: S102 - the shipped function
        finally:
            module.world = shipped
        self.handler: Callable[[Mapping[str, Any], object], dict[str, Any]] = scope["handler"]

    def step(self, point: str, kinds: tuple[str, ...] = ANYWHERE) -> str | None:
        """Let time pass before an outside call, perhaps the last of this process; return what goes wrong with it."""
        hub, trouble = self.around.hub, self.around.trouble
        random = trouble.random
        hub.pause(int(LATENCY * random.random() ** 2))
        kind = trouble.at(f"{self.function.name}: {point}", kinds)
        if kind == DIES:
            raise Killed
        if kind == FREEZES:
            hub.freeze(int(FROZEN * random.random() ** 2))
            return None
        return kind

    def miss(self, point: str, kind: str) -> None:
        """Take back what `step` said would go wrong: it changed nothing."""
        self.around.trouble.miss(f"{self.function.name}: {point}", kind)


class _World(wiring.World):
    def __init__(self, process: Process) -> None:
        around, environment = process.around, Environment(process.function.environment)
        super().__init__(
            environment, clock=around.hub, notifier=self._queueing_notifier(environment, around.hub)
        )
        calls = Around(process.step, process.miss, around.hub.pause, around.lagging)
        for service, inner in around.clients.items():
            # in place of what the cached properties would make
            self.__dict__[service] = FaultyClient(inner, service, calls)
        self.__dict__["transport"] = around.network(process)
        self.__dict__["renewer"] = _Renewer(process)
        self.__dict__["metrics"] = MemoryMetrics()
        self._function = process.function.name

    def _queueing_notifier(self, environment: Environment, clock: Clock) -> Notifier:
        """Return the shipped notifier without its log, over the queues of the simulation."""
        url = environment.optional("NOTICE_QUEUE_URL")
        return QueueNotifier(lambda: self.sqs, url, clock) if url else EachNotifier(())

    @cached_property
    def calendar(self) -> TradingCalendar:
        """The one that it reads itself, which is the same for every process of its function."""
        if self._function not in _CALENDARS:
            _CALENDARS[self._function] = super().calendar
        return _CALENDARS[self._function]


_CALENDARS: dict[str, TradingCalendar] = {}


@dataclass(frozen=True)
class _Renewer:
    """The way to the session function, which does nothing here: the day's logins and lost sessions are trouble."""

    process: Process

    def renew(self, account: Account, *, refused: str | None, until: datetime) -> None:
        self.process.step("renew a session")
        raise RenewalPending(f"nobody renews the session of {account.name}")

    def report(self, account: Account, *, refused: str | None) -> None:
        self.process.step("report a dead session")


class Fleet:
    """All processes of a stack: calls go to an idle one, or to a new one."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._idle: dict[str, list[Process]] = {}
        self.started = 0

    def invoke(self, name: str, event: Mapping[str, Any], *, patience: int) -> dict[str, Any] | None:
        """Call a function and wait for it: its answer, CRASHED, or None if that takes longer than `patience`."""
        hub = self._around.hub
        caller, answers = hub.task, list[dict[str, Any]]()
        hub.spawn(name, lambda: self._run(name, event, answers, caller))
        hub.pause(patience)
        return answers[0] if answers else None

    def replace_all(self) -> None:
        """Deploy anew: every process that is idle is gone, the others end with their call."""
        self._idle = {}

    def _run(self, name: str, event: Mapping[str, Any], answers: list[dict[str, Any]], caller: Task) -> None:
        hub = self._around.hub
        hub.limit(function(name).timeout)
        home = self._idle
        try:
            process = self._ready(name)
            answers.append(self._handled(process, event))
            home.setdefault(name, []).append(process)
        except Killed:
            answers.append(CRASHED)
        hub.wake(caller)

    def _handled(self, process: Process, event: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = process.handler(event, None)
        except RouterError:
            # the runtime answers with an error, and the process lives on
            answer = CRASHED
        process.step("answer")
        return answer

    def _ready(self, name: str) -> Process:
        idle = self._idle.get(name)
        if idle:
            return idle.pop()
        self.started += 1
        return Process(self._around, name)
