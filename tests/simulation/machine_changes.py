"""Calls that place, alert, change and cancel, right and wrong, each with what its answer may be."""

from typing import Any, NamedTuple

from order_router.domain.lifecycle import State
from order_router.domain.order import Order
from order_router.domain.request import dump_request
from order_router.service.changeable import is_being_modified, may_have_other_terms
from tests.simulation.machine_contract import Reply
from tests.simulation.machine_driver import PAPER_ONLY, PLACE, READER, WRONG_TOKEN, shown_in
from tests.simulation.machine_flaws import Flaw
from tests.simulation.machine_gates import LIMIT_CODES, stops
from tests.simulation.machine_inputs import LIMIT_ORDER, AlertBody, Terms, alert_terms
from tests.simulation.machine_reads import ROUTES, Reading
from tests.simulation.machine_trouble import Named
from tests.simulation.stack import KEY, TOKENS

CANCEL_ALL = "POST /v1/orders/cancel-all"
SETTLE = "POST /v1/orders/{client_order_id}/settle"
LIES: tuple[dict[str, Any], ...] = (
    {"outcome": "placed", "broker_order_id": "no-such-order"},
    {"outcome": "ended", "broker_order_id": "no-such-order", "filled_quantity": 0},
)
ALERT = "POST /v1/webhooks/tradingview"
ALERT_WITH_TOKEN = f"{ALERT}/{{token}}"
ACCOUNTS = {"demo": ("paper", "kite"), "swing": ("kite",)}
OUTCOMES = {"already_final", "failed", "not_tried", "unresolved", *State}
GOOD_ALERT = {"ticker": "INFY", "exchange": "NSE", "action": "buy", "contracts": "5", "price": "1450"}


class Sent(NamedTuple):
    """What it takes to send an alert again."""

    strategy: str
    body: str
    has_time: bool
    in_path: bool


class Placed(NamedTuple):
    """What it takes to place an order again."""

    key: str
    terms: Terms


class Changing(Reading):
    """Each call with what its answer may be."""

    def put(self, queue: str, body: str, group: str) -> None:
        """Put a message into a queue as nobody's call did."""
        self.stack.sqs.send_message(
            QueueUrl=self.stack.sqs.url(queue),
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=f"put-{self.number()}",
        )

    def arm(self, trouble: Named | None) -> None:
        """Let this go wrong soon."""
        if trouble is not None:
            self.trouble.arm(trouble)

    # ------------------------------------------------------------ placing
    def place_in(
        self, trouble: Named | None, placed: Placed, spelling: str = "plain", *, times: int = 1
    ) -> Placed:
        """Place an order while this goes wrong."""
        self.arm(trouble)
        self.place(placed.key, placed.terms, spelling, times=times)
        return placed

    def names_of(self, known: Placed | Sent | str) -> tuple[str, ...]:
        """Return the ids that somebody was told who did this."""
        if isinstance(known, Placed):
            name = self.model.placed_by.get((known.terms["account"], known.key))
            return () if name is None else (name,)
        if isinstance(known, Sent):
            found = self.model.alerted.get((known.body, known.strategy), [])
            return found[-1][1] if found else ()
        return (known,)

    def place_with_flaw(self, flaw: Flaw, *, key: str) -> None:
        """Place an order that is wrong in one way."""
        is_hidden = flaw.code == "ACCOUNT_UNKNOWN" and key == PAPER_ONLY
        since, headers = self.hits, {"idempotency-key": f"flawed-{self.number()}"}
        body = flaw.spoil(LIMIT_ORDER)
        reply = self.ask("place", PLACE, body, key=key, headers=headers, is_base64=flaw.is_base64)
        self.require(reply, "ACCOUNT_FORBIDDEN" if is_hidden else flaw.code, since=since)
        self.require_named(reply, flaw)

    def place_with_bad_key(self, key: str) -> None:
        """Place an order under a key that is none."""
        since, headers = self.hits, {"idempotency-key": key}
        reply = self.ask("place", PLACE, LIMIT_ORDER, key=KEY, headers=headers)
        self.require(reply, "IDEMPOTENCY_KEY_INVALID", since=since)

    def place_as(self, who: str) -> None:
        """Place an order that this caller may not place."""
        code = {READER: "SCOPE_MISSING", PAPER_ONLY: "ACCOUNT_FORBIDDEN"}.get(who, "API_KEY_UNKNOWN")
        headers = {"idempotency-key": f"nobody-{self.number()}"}
        self.require_none(code, "place", PLACE, {**LIMIT_ORDER, "account": "kite"}, key=who, headers=headers)

    def require_named(self, reply: Reply, flaw: Flaw) -> None:
        """Require that a refusal of fields names the field that is wrong."""
        if reply.code == "INVALID_REQUEST" and flaw.field is not None:
            named = {one["field"].partition(".")[0] for one in reply.content["errors"]}
            wrong = flaw.named or flaw.field
            assert wrong in named, f"{wrong} is wrong, the answer names {named}"

    # ------------------------------------------------------------ alerts
    def alert(self, alert: AlertBody, *, in_path: bool) -> Sent:
        """Send an alert as its strategy's owner, and return what it takes to send it again."""
        time = f"{self.stack.hub.now():%Y-%m-%dT%H:%M:%SZ}"
        body = alert.text(None if in_path else TOKENS[alert.strategy], time)
        sent = Sent(alert.strategy, body, alert.has_time, in_path)
        self.alert_bytes(sent)
        return sent

    def alert_bytes(self, sent: Sent) -> None:
        """Send these bytes as the strategy's owner."""
        strategy, body, has_time, in_path = sent
        now, since = self.stack.hub.now(), self.hits
        received_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        orders = [one for account in ACCOUNTS[strategy] for one in alert_terms(strategy, account, body)]
        self.model.ask_by_alert(body, strategy, orders, None if has_time else received_at)
        self.count_calls(len(ACCOUNTS[strategy]))
        reply = self._send(body, TOKENS[strategy] if in_path else None)
        self.require(reply, "OK", since=since)
        if not reply.is_success:
            return
        names = tuple(reply.content["client_order_ids"])
        assert reply.content["status"] == "queued"
        assert len(names) == len(ACCOUNTS[strategy]), f"{len(names)} orders of an alert of {strategy}"
        there = self.stack.judge.queued.keys()
        assert there >= set(names), f"taken with {reply.status}, and not in the queue"
        self.model.accepted.update(names)
        self.model.note_alerted((body, strategy), received_at, names, has_time=has_time)

    def _send(self, body: str, path_token: str | None, *, is_base64: bool = False) -> Reply:
        if path_token is None:
            return self.ask("webhook", ALERT, body, is_base64=is_base64)
        return self.ask("webhook", ALERT_WITH_TOKEN, body, path={"token": path_token}, is_base64=is_base64)

    def alert_with_flaw(self, flaw: Flaw, *, in_path: bool) -> None:
        """Send an alert that is wrong in one way."""
        since, fields = self.hits, GOOD_ALERT if in_path else {**GOOD_ALERT, "token": TOKENS["swing"]}
        token = TOKENS["swing"] if in_path else None
        reply = self._send(flaw.spoil(fields), token, is_base64=flaw.is_base64)
        self.require(reply, flaw.code, since=since)
        self.require_named(reply, flaw)

    def alert_as_nobody(self, alert: AlertBody, how: str, *, in_path: bool) -> None:
        """Send an alert with no token, a wrong one, or one of another strategy than it names."""
        token = {"wrong": WRONG_TOKEN, "none": None, "another's": TOKENS["swing"]}[how]
        fields = dict(alert.fields) | ({"strategy": "demo"} if how == "another's" else {})
        body: dict[str, Any] = fields if in_path or token is None else {**fields, "token": token}
        path = {} if not in_path else {"token": token or "none"}
        route = ALERT_WITH_TOKEN if in_path else ALERT
        self.require_none("WEBHOOK_TOKEN_UNKNOWN", "webhook", route, body, path=path)

    # ------------------------------------------------------------ changes
    def modify(self, name: str, changes: dict[str, Any]) -> None:
        """Change an order."""
        self.model.changes[f"{name} modify"] += 1
        refusals = ("INVALID_REQUEST", "ORDER_REJECTED", "UNSUPPORTED", "WRONG_TICK_SIZE")
        self._change(name, "modify", changes, refusals)

    def cancel(self, name: str) -> None:
        """Cancel an order: no switch stops it."""
        self.model.changes[f"{name} cancel"] += 1
        self._change(name, "cancel", None, ("OK", "ORDER_REJECTED"))

    def _stop_codes(self, was: set[str], order: Order) -> tuple[str, ...]:
        """Return how switches, breakers and limits may answer a change of this order, OK only where none stops it."""
        now = stops(self.stack, dump_request(order.request))
        limits = set() if self.are_limits_known() and not self.are_limits_set else LIMIT_CODES
        return (*was, *now, *limits, *(() if was & now else ("OK",)))

    def _change(self, name: str, function: str, body: object, codes: tuple[str, ...]) -> None:
        before, since = self.model.stored(name), self.hits
        was = set() if before is None else stops(self.stack, dump_request(before.request))
        # a worker that died as it modified the order keeps it for as long as one may live, and what it did must be read
        is_kept = before is not None and (
            is_being_modified(before, self.stack.hub.now()) or may_have_other_terms(before)
        )
        dead = ("CHANGE_IN_PROGRESS",) if is_kept else ()
        self.count_calls()
        reply = self.ask(function, ROUTES[function], body, key=KEY, path={"client_order_id": name})
        after = self.model.stored(name)
        if function == "modify" and after is not None:
            codes = (*codes, *dead, *self._stop_codes(was, after))
        if after is None:
            self.require(reply, "ORDER_NOT_FOUND", since=since)
        elif before is None:
            self.require(
                reply, "ORDER_NOT_FOUND", "ORDER_NOT_OPEN", "ORDER_ALREADY_FINAL", *codes, since=since
            )
        elif before.state.is_final:
            self.require(reply, "ORDER_ALREADY_FINAL", since=since)
        elif not before.state.is_working and before.state is after.state:
            self.require(reply, "ORDER_NOT_OPEN", since=since)
        else:
            ended = ("ORDER_ALREADY_FINAL",) if after.state.is_final else ()
            unsettled = () if before.state.is_working else ("ORDER_NOT_OPEN",)
            may = (*codes, *ended, *unsettled, *self.busy(), *self.expired(before.request.account))
            self.require(reply, *may, since=since)
        shown = shown_in(reply)
        if shown is not None:
            self.model.check_order(shown)

    def modify_with_flaw(self, name: str, flaw: Flaw) -> None:
        """Ask for a change that is none."""
        since, before = self.hits, self.model.stored(name)
        more = {"path": {"client_order_id": name}, "is_base64": flaw.is_base64}
        reply = self.ask("modify", ROUTES["modify"], flaw.spoil({}), key=KEY, **more)
        hidden = ("ORDER_NOT_FOUND",) if before is None else ()
        self.require(reply, flaw.code, *hidden, since=since)

    def misstate(self, name: str, lie: dict[str, Any]) -> None:
        """Say of an order what is not so: nothing is believed that the broker's book does not show."""
        since, before = self.hits, self.model.stored(name)
        body = {**lie, "reason": "somebody is mistaken"}
        reply = self.ask("modify", SETTLE, body, key=KEY, path={"client_order_id": name})
        hidden = ("ORDER_NOT_FOUND",) if before is None else self.expired(before.request.account)
        codes = ("STATEMENT_REFUSED", "ORDER_NOT_UNKNOWN", "ORDER_ALREADY_FINAL", *hidden)
        self.require(reply, *codes, since=since)

    def cancel_all(self, account: str) -> None:
        """Cancel whatever rests in an account."""
        since = self.hits
        reply = self.ask("cancel", CANCEL_ALL, {"account": account}, key=KEY)
        for name in self.stack.judge.items:
            self.model.changes[f"{name} cancel"] += 1
        if not reply.is_ours:
            # a frozen worker may look for what to cancel later
            self.model.late_cancels += 1
        self.require(reply, "OK", since=since)
        if not reply.is_success:
            return
        self.count_calls(len(reply.content["results"]))
        for line in reply.content["results"]:
            assert line["outcome"] in OUTCOMES
            assert line["order"]["account"] == account
            self.model.check_order(line["order"])

    def meddle(self, name: str, who: str) -> None:
        """Try to change or read an order without the right to."""
        path = {"client_order_id": name}
        code = "SCOPE_MISSING" if who == READER else "API_KEY_UNKNOWN"
        self.require_none(code, "modify", ROUTES["modify"], {"quantity": 3}, key=who, path=path)
        self.require_none(code, "cancel", ROUTES["cancel"], key=who, path=path)
        word = {"outcome": "not_placed", "reason": "nobody asked"}
        self.require_none(code, "modify", SETTLE, word, key=who, path=path)
        if who != READER:
            self.require_none(code, "orders", ROUTES["orders"], key=who, path=path)

    def look_around(self, who: str) -> None:
        """Try to read what an account has, and to cancel all of it, as nobody."""
        self.require_none("API_KEY_UNKNOWN", "cancel", CANCEL_ALL, {"account": "kite"}, key=who)
        self.require_none("API_KEY_UNKNOWN", "orders", "GET /v1/orders", key=who)
        for what in ("positions", "holdings", "funds"):
            self.require_none("API_KEY_UNKNOWN", "positions", f"GET /v1/{what}", key=who)
