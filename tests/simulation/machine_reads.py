"""Calls that read: each answer is what is there, and nothing for those who may not see it."""

from typing import Any

from tests.simulation.machine_contract import moment
from tests.simulation.machine_driver import PAPER_ONLY, Driver
from tests.simulation.stack import KEY

ROUTE = "/v1/orders/{client_order_id}"
ROUTES = {"modify": f"PATCH {ROUTE}", "cancel": f"DELETE {ROUTE}", "orders": f"GET {ROUTE}"}


class Reading(Driver):
    """Reads, and calls that their callers may not make."""

    def require_none(self, code: str, function: str, route: str, body: object = None, **more: Any) -> None:
        """Require that a call that its caller may not make is refused, and shows nothing."""
        since = self.hits
        reply = self.ask(function, route, body, **more)
        if self.hits == since or reply.is_ours:
            assert reply.code in {code, *(("STORE_UNAVAILABLE",) if self.hits > since else ())}, reply
            assert not reply.content.keys() - {"type", "title", "status", "code", "detail"}

    # ------------------------------------------------------------ reads
    def read(self, name: str, who: str) -> None:
        """Read an order: it is shown as it is stored, to those who may see its account."""
        since, before = self.hits, self.model.stored(name)
        reply = self.ask("orders", ROUTES["orders"], key=who, path={"client_order_id": name})
        after = self.model.stored(name)
        if after is None or (who == PAPER_ONLY and after.request.account != "paper"):
            codes: tuple[str, ...] = ("ORDER_NOT_FOUND",)
        else:
            codes = ("OK",) if before is not None else ("OK", "ORDER_NOT_FOUND")
        self.require(reply, *codes, since=since)
        if reply.is_success:
            assert reply.content["client_order_id"] == name
            self.model.check_order(dict(reply.content))

    def ask_for_unknown(self, name: str) -> None:
        """Read, change and cancel an order that is not there."""
        for function, body in (("orders", None), ("modify", {"quantity": 3}), ("cancel", None)):
            path = {"client_order_id": name}
            since = self.hits
            reply = self.ask(function, ROUTES[function], body, key=KEY, path=path)
            self.require(reply, "ORDER_NOT_FOUND", since=since)

    def list_pages(self, wanted: dict[str, str | None]) -> None:
        """Read a list to its end: complete, nothing twice, newest first in each account."""
        since = self.hits
        query = {name: value for name, value in wanted.items() if value is not None}
        there = self._there(query)
        shown: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            reply = self.ask("orders", "GET /v1/orders", key=KEY, query=query | more)
            self.require(reply, "OK", since=since)
            if not reply.is_success:
                return
            assert len(reply.content["orders"]) <= int(query.get("limit", "50"))
            shown += reply.content["orders"]
            assert len({one["client_order_id"] for one in shown}) == len(shown), "an order is listed twice"
            cursor = reply.content["next_cursor"]
            if cursor is None:
                break
        self._judge_list(
            shown, there, self._there(query), is_whole=self.hits == since and "state" not in query
        )

    def _there(self, query: dict[str, str]) -> set[str]:
        account = query.get("account")
        items = self.stack.judge.items
        return {
            name for name, item in items.items() if account in {None, item["request"]["M"]["account"]["S"]}
        }

    def _judge_list(
        self, shown: list[dict[str, Any]], before: set[str], after: set[str], *, is_whole: bool
    ) -> None:
        names = [one["client_order_id"] for one in shown]
        assert set(names) <= after
        if is_whole:
            assert before <= set(names), f"{before - set(names)} are not listed"
        for account in ("paper", "kite"):
            times = [moment(one["created_at"]) for one in shown if one["account"] == account]
            assert times == sorted(times, reverse=True)
        if is_whole:
            for one in shown:
                self.model.check_order(one)

    def list_with_bad_query(self, code: str, query: dict[str, str]) -> None:
        """Ask for a list in a way that cannot be answered."""
        since = self.hits
        reply = self.ask("orders", "GET /v1/orders", key=KEY, query=query)
        self.require(reply, code, since=since)

    def check_health(self) -> None:
        """Ask whether the stack is there."""
        since = self.hits
        reply = self.ask("health", "GET /v1/health")
        assert reply.status == 200 or self.hits > since

    def portfolio(self, what: str, account: str | None) -> None:
        """Read positions, holdings or funds: each account's rows, or why there are none."""
        since, query = self.hits, {} if account is None else {"account": account}
        reply = self.ask("positions", f"GET /v1/{what}", key=KEY, query=query)
        self.require(reply, "OK", since=since)
        for one in reply.content["accounts"] if reply.is_success else ():
            code = one["error"]["code"] if "error" in one else "OK"
            may = {"OK", *self.expired(one["account"])}
            assert self.went_wrong(since) or code in may, one
            assert ("error" in one) != (what in one)
