"""A caller of one simulated stack: makes calls, and judges each answer by what its caller may rely on."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from random import Random
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine

from order_router.aws.settings_table import SettingsTable
from order_router.domain.account import Caller, Scope
from order_router.domain.lifecycle import State
from tests.simulation.machine_contract import PASSING, Canaries, Reply, read_page, read_reply
from tests.simulation.machine_gates import LIMIT_CODES, SWITCHES, beyond, stops
from tests.simulation.machine_inputs import SPELLINGS, Terms, is_same, is_unsupported, misfit
from tests.simulation.machine_model import NOT_PLACED, UNSETTLED, Model
from tests.simulation.machine_trouble import NamedTrouble
from tests.simulation.stack import KEY, MINUTE, TOKENS, Stack, seeded

SECOND = 1_000_000
LAST_TRAVEL = 11
BUSY, BUSY_FOR = 4, 10 * SECOND
CALM_AFTER = 2 * MINUTE
"""A frozen worker, or one whose calls wait for a silent AWS, is gone by then."""

ACCESS_TOKEN = "canary-access-token-of-kite"
READER, PAPER_ONLY, PAPER_ADMIN, STRANGER = "r" * 40, "p" * 40, "a" * 40, "u" * 40
WRONG_TOKEN = "w" * 40
SECRETS = (KEY, *TOKENS.values(), ACCESS_TOKEN, READER, PAPER_ONLY, PAPER_ADMIN, STRANGER, WRONG_TOKEN)
PLACE = "POST /v1/orders"
LIMITS_KNOWN_AFTER = 16 * SECOND
"""A worker remembers limits for 15 s."""


class Driver(RuleBasedStateMachine):
    """One stack, driven call by call; what each call may answer is judged as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self._entered = ExitStack()
        self.canaries = self._entered.enter_context(Canaries(*SECRETS))

    def begin(self, seed: int) -> None:
        """Set up the stack whose latencies this seed draws."""
        random = Random(seed)  # noqa: S311 - a schedule, not a secret
        self.stack = Stack(random)
        self._entered.enter_context(seeded(random))
        self._entered.callback(self.stack.hub.close)
        self.stack.trouble = self.trouble = NamedTrouble(random, elapsed=lambda: self.stack.hub.elapsed)
        self.model = Model(self.stack.judge)
        # the model itself holds each change against what was asked for
        self.stack.judge.wants.is_whole = False
        settings = SettingsTable(self.stack.dynamodb, "SettingsTable", self.stack.hub)
        settings.put_caller(READER, Caller(key_id="reader", scopes=frozenset({Scope.READ})))
        paper = Caller(key_id="paper", scopes=frozenset({Scope.TRADE}), accounts=frozenset({"paper"}))
        settings.put_caller(PAPER_ONLY, paper)
        admin = Caller(key_id="paper-admin", scopes=frozenset({Scope.ADMIN}), accounts=frozenset({"paper"}))
        settings.put_caller(PAPER_ADMIN, admin)
        self.stack.log_in(ACCESS_TOKEN)
        self.stack.start()
        self.is_logged_in, self.numbers, self.calls_at = True, 0, list[int]()
        self.limits_at, self.are_limits_set = -LIMITS_KNOWN_AFTER, False

    # ------------------------------------------------------------ calling
    @property
    def hits(self) -> int:
        """How often trouble came so far."""
        return sum(self.trouble.hits.values())

    def number(self) -> int:
        """Return a number that was not given yet."""
        self.numbers += 1
        return self.numbers

    def run(self, task: Callable[[], None]) -> None:
        """Run one task of a client to its end, with whatever else is due meanwhile."""
        self.stack.hub.run_through(self.stack.hub.spawn("client", task))

    def ask(self, function: str, route: str, body: object = None, **more: Any) -> Reply:
        """Call a route and return its answer, checked for what holds for each."""
        return self.ask_at_once(1, function, route, body, **more)[0]

    def ask_at_once(
        self, times: int, function: str, route: str, body: object = None, **more: Any
    ) -> list[Reply]:
        """Send the same call so many times at once."""
        before = self.hits
        raw: list[dict[str, Any] | None] = []
        call = partial(self.stack.gateway.exchange, function, route, body, **more)
        tasks = [self.stack.hub.spawn("client", lambda: raw.append(call())) for _ in range(times)]
        for task in tasks:
            self.stack.hub.run_through(task)
        replies = [read_reply(route, one) for one in raw]
        for reply in replies:
            self.canaries.check(f"{reply.content} {reply.headers}", f"the answer of {route}")
            assert reply.is_ours or self.hits > before, f"{route} did not answer, and nothing went wrong"
        return replies

    def page(self, function: str, route: str, body: object = None, **more: Any) -> tuple[int | None, str]:
        """Call a route that answers people with a page; return its status, None if none came, and its text."""
        before, raw = self.hits, list[dict[str, Any] | None]()
        self.run(lambda: raw.append(self.stack.gateway.exchange(function, route, body, **more)))
        status, text = read_page(raw[0])
        self.canaries.check(text, f"the page of {route}")
        assert status is not None or self.hits > before, f"{route} did not answer, and nothing went wrong"
        return status, text

    def went_wrong(self, since: int) -> bool:
        """Return whether trouble came since, or a broker is out of reach."""
        return self.hits > since or bool(self.trouble.out_of_reach)

    def require(self, reply: Reply, *codes: str, since: int) -> None:
        """Require one of these codes, or one that a fault brings if one came since."""
        allowed = {*codes} | (PASSING | {"NONE"} if self.went_wrong(since) else set())
        assert reply.code in allowed, f"{reply.code} is none of {sorted(allowed)}: {reply.content}"

    def busy(self) -> tuple[str, ...]:
        """Return the code of a pace that is used up, if that may be."""
        recent = [at for at in self.calls_at if at >= self.stack.hub.elapsed - BUSY_FOR]
        return ("RATE_LIMITED",) if len(recent) >= BUSY else ()

    def count_calls(self, number: int = 1) -> None:
        """Note calls that use up the pace."""
        self.calls_at += [self.stack.hub.elapsed] * number

    def expired(self, account: str) -> tuple[str, ...]:
        """Return the code of a session that the broker does not take, if that may be."""
        return ("BROKER_SESSION_EXPIRED",) if account == "kite" and not self.is_logged_in else ()

    def is_calm(self) -> bool:
        """Return whether nothing went wrong for so long that nobody is at work any more whom it hit."""
        is_long_ago = self.stack.hub.elapsed - self.trouble.last_hit_at > CALM_AFTER
        return is_long_ago and not self.trouble.out_of_reach

    # ------------------------------------------------------------ placing
    def place(self, key: str | None, terms: Terms, spelling: str = "plain", *, times: int = 1) -> str | None:
        """Place an order as somebody who may, so many times at once, and return its id if one was told."""
        name, *_ = [self.model.ask(key, terms) for _ in range(times)]
        before, owner, since = self.model.stored(name), self.model.owner(name), self.hits
        was = self.refused_by(terms)
        self.count_calls(times)
        headers = {} if key is None else {"idempotency-key": key}
        replies = self.ask_at_once(
            times, "place", PLACE, SPELLINGS[spelling](terms), key=KEY, headers=headers
        )
        for reply in replies:
            if before is None:
                self._judge_new(reply, terms, was, since, is_alone=times == 1)
            elif owner is not None and not is_same(owner, terms):
                self.require(reply, "IDEMPOTENCY_KEY_REUSED", since=since)
                assert "order" not in reply.content
            else:
                self._judge_again(reply, terms, since)
            self._note_placed(reply, key, terms)
        shown = [one["client_order_id"] for one in map(shown_in, replies) if one is not None]
        return shown[0] if shown else None

    def refused_by(self, terms: Terms) -> set[str]:
        """Return the codes of what refuses these terms now, whatever they are."""
        return stops(self.stack, terms) | beyond(self.stack, terms)

    def are_limits_known(self) -> bool:
        """Return whether every worker knows the limits as they are stored."""
        return self.is_calm() and self.stack.hub.elapsed - self.limits_at > LIMITS_KNOWN_AFTER

    def may_refuse(self, was: set[str], now: set[str]) -> set[str]:
        """Return the codes that may come where these stood before a call and stand after it."""
        return was | now | (set() if self.are_limits_known() else LIMIT_CODES)

    def _judge_new(self, reply: Reply, terms: Terms, was: set[str], since: int, *, is_alone: bool) -> None:
        expired = self.expired(terms["account"])
        does_not_fit, now = misfit(terms), self.refused_by(terms)
        stands = was & now - (set() if self.are_limits_known() else LIMIT_CODES)
        if is_unsupported(terms):
            codes: tuple[str, ...] = ("UNSUPPORTED",)
        elif does_not_fit is not None:
            codes = (does_not_fit,)
        elif stands:
            codes = ()
        elif self._is_held(terms):
            codes = ("ENTRY_HELD",)
        else:
            codes = expired or ("OK", "ORDER_REJECTED")
        passing = () if self.is_calm() else ("ORDER_IN_PROGRESS", "OK", "ORDER_REJECTED", "ENTRY_HELD")
        self.require(reply, *codes, *self.may_refuse(was, now), *self.busy(), *passing, since=since)
        if reply.is_success and is_alone and self.is_calm():
            assert reply.status == 201, f"a new order was answered with {reply.status}"
            assert "idempotent-replayed" not in reply.headers

    def _judge_again(self, reply: Reply, terms: Terms, since: int) -> None:
        """Judge the answer to a body that was placed with this key before."""
        shown = shown_in(reply)
        if shown is None:
            held = ("ENTRY_HELD",) if self._is_held(terms) else ()
            self.require(reply, "ORDER_IN_PROGRESS", *held, *self.busy(), since=since)
            return
        assert reply.headers.get("idempotent-replayed") == "true", "a repeat was not called one"
        assert reply.status != 201, "a repeat was answered as a new order"

    def _is_held(self, terms: Terms) -> bool:
        if "strategy" not in terms or terms.get("position_effect") == "CLOSE":
            return False
        starts = f"{terms['account']}#"
        ends = f" {{'S': '{terms['strategy']}'}} {{'S': '{terms['instrument']}'}}"
        unknown = self.stack.judge.unknown.values()
        return any(lane.startswith(starts) and lane.endswith(ends) for lane in unknown)

    def _note_placed(self, reply: Reply, key: str | None, terms: Terms) -> None:
        shown = shown_in(reply)
        if shown is None:
            return
        name = shown["client_order_id"]
        self.model.accepted.add(name)
        if key is not None:
            self.model.note_placed(terms["account"], key, name)
            assert reply.headers["idempotency-key"] == key
        self._judge_shown(reply, shown)

    def _judge_shown(self, reply: Reply, shown: dict[str, Any]) -> None:
        """Require that a yes stands for an order that is, or may be, there, and that a no says why."""
        self.model.check_order(shown)
        state = State(shown["state"])
        if reply.is_success:
            assert state not in NOT_PLACED, f"an order that is {state} was answered with {reply.status}"
            assert (reply.status == 202) == (state in UNSETTLED), f"{state} was answered with {reply.status}"
        else:
            assert state in NOT_PLACED
            assert shown["reason"]["code"] == reply.code

    # ------------------------------------------------------------ the end
    def settle(self) -> None:
        """Let all trouble end, and time pass until nothing is under way any more."""
        self.trouble.end()
        self.stack.log_in(ACCESS_TOKEN)
        self.stack.judge.stopped.clear()
        for switch in SWITCHES:
            self.run(partial(self.stack.switches.set, switch.key, engaged=False))
        for _ in range(LAST_TRAVEL):
            self.stack.run_for(MINUTE)
            if not self._is_under_way():
                break
        self.stack.run_for(MINUTE + 10 * SECOND)

    def _is_under_way(self) -> bool:
        queues = [self.stack.sqs.url(name) for name in ("OrderQueue", "OrderDeadLetters")]
        names = ("client", "network accepted late", "place", "modify", "cancel")
        return any(map(self.stack.sqs.messages, queues)) or self.stack.hub.is_busy(*names)

    def judge_end(self) -> None:
        """Require that every order that somebody was told of is accounted for, and no secret was kept."""
        judge, stack = self.stack.judge, self.stack
        judge.judge_end(stack.held())
        judge.require(self.model.accepted <= set(judge.items), "an accepted order was lost")
        for name in ("OrderQueue", "OrderDeadLetters"):
            judge.require(not stack.sqs.messages(stack.sqs.url(name)), f"messages were left in {name}")
        if not any(hit.startswith("reconcile") for hit in self.trouble.hits):
            judge.judge_told()
        judge.raise_broken()
        self.model.check()
        self.canaries.check_log()
        for table in ("OrdersTable", "GateTable"):
            self.canaries.check_kept(str(stack.dynamodb.items(table)), table)
        self.canaries.check_kept(str([message["MessageBody"] for message in stack.sent]), "a message")


def shown_in(reply: Reply) -> dict[str, Any] | None:
    """Return the order that the answer to a placement or a change shows."""
    shown = reply.content if reply.is_success else reply.content.get("order")
    return None if shown is None else dict(shown)
