"""Calls that stop and let go: kill switch, one-tap links, breakers, limits; each with what it may answer."""

from typing import Any
from urllib.parse import quote

from order_router.aws.kill_tables import KillTicketsTable
from order_router.domain.kill_switch import KillSwitch
from order_router.domain.meter import Counted
from order_router.service.kill_links import KillLinks
from tests.simulation.machine_changes import Changing
from tests.simulation.machine_gates import BROKERS, is_engaged, limits_of
from tests.simulation.stack import KEY

SWITCH = "/v1/kill-switch"
LINK = f"{SWITCH}/link"
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Stopping(Changing):
    """What the operator calls, and whoever got a link.

    `pressed` are the links that were used for sure, `doubtful` those that may be. `is_loose`: a call was
    given up that may yet let exits through.
    """

    def begin(self, seed: int) -> None:
        """Set up, with no link given."""
        super().begin(seed)
        self.pressed, self.doubtful = set[str](), set[str]()
        self.is_loose = False

    # ------------------------------------------------------------ the kill switch
    def engage(self, switch: KillSwitch, lets_exits: bool | None) -> None:
        """Stop: from the answer on nothing may begin but exits that are let through."""
        since = self.hits
        self._loosen(switch, lets_exits)
        asked = {**_named(switch), "lets_exits": lets_exits, "reason": "enough"}
        body = {name: value for name, value in asked.items() if value is not None}
        reply = self.ask("kill_switch", f"POST {SWITCH}", body, key=KEY)
        self.require(reply, "OK", since=since)
        self.is_loose |= not reply.is_ours and lets_exits is not False
        if reply.is_success:
            shown = reply.content
            assert (shown["is_on"], shown["turned_by"], shown["reason"]) == (True, "trader", "enough"), shown
            assert lets_exits in {None, shown["lets_exits"]}, shown
            self._note_stop(switch, lets_exits=shown["lets_exits"])

    def _loosen(self, switch: KillSwitch, lets_exits: bool | None) -> None:
        """Expect less of a switch that is on while somebody asks that exits pass."""
        stopped = self.stack.judge.stopped
        self.is_loose = self.is_loose and not self.is_calm()
        if switch.key in stopped and lets_exits is not False:
            stopped[switch.key] = True

    def _note_stop(self, switch: KillSwitch, *, lets_exits: bool) -> None:
        assert is_engaged(self.stack, switch.key), f"{switch.key} was answered to be on, and is not"
        self.stack.judge.stopped[switch.key] = lets_exits or self.is_loose

    def release(self, switch: KillSwitch) -> None:
        """Let go."""
        since = self.hits
        self.stack.judge.stopped.pop(switch.key, None)
        body = {**_named(switch), "reason": "all is well"}
        reply = self.ask("kill_switch", f"DELETE {SWITCH}", body, key=KEY)
        self.require(reply, "OK", *(() if self.is_calm() else ("CONFLICT",)), since=since)
        if reply.is_success:
            assert reply.content["is_on"] is False
            is_off = not is_engaged(self.stack, switch.key)
            assert is_off or not self.is_calm(), f"{switch.key} was answered to be off, and is on"

    def show_switches(self, who: str, *, with_history: bool) -> None:
        """Look at how the switches stand."""
        since, query = self.hits, {"history": "true"} if with_history else {}
        reply = self.ask("kill_switch", f"GET {SWITCH}", key=who, query=query)
        self.require(reply, "OK", since=since)
        for one in reply.content["switches"] if reply.is_success else ():
            name = "#".join(("kill", *filter(None, (one["scope"], one["name"]))))
            is_on = is_engaged(self.stack, name)
            assert one["is_on"] == is_on or self.hits > since or not self.is_calm(), one
            assert who == KEY or one["name"] in {None, "paper"}, f"{who} sees {one}"
            assert ("history" in one) == with_history

    # ------------------------------------------------------------ the one-tap link
    def issue_link(self, switch: KillSwitch) -> str:
        """Return the token of a new link, as a notice would have it."""
        tickets, token = (
            KillTicketsTable(self.stack.dynamodb, "GateTable"),
            f"canary-of-link-{self.number()}-",
        )
        links = KillLinks(
            tickets=tickets, clock=self.stack.hub, nonce=lambda: token, address=lambda: "https://api.example"
        )
        self.canaries.hidden.append(token)
        assert links.issue(switch) == f"https://api.example{LINK}?token={token}"
        return token

    def open_link(self, token: str) -> None:
        """Look at a link's page, as mail scanners do: nothing happens by that."""
        since, before = self.hits, self._kept_of_stops()
        status, text = self.page("kill_switch", f"GET {LINK}", query={"token": token})
        if self.hits == since:
            assert (status == 200) == ("<button" in text), text
            assert token in self.doubtful or status == (200 if self._is_good(token) else 403), text
        assert before == self._kept_of_stops() or not self.is_calm(), "looking at a link changed something"

    def _kept_of_stops(self) -> list[str]:
        items = self.stack.dynamodb.items("GateTable")
        return sorted(str(item) for item in items if item["gate"]["S"].startswith("kill"))

    def press_link(self, token: str, switch: KillSwitch | None) -> None:
        """Press a link's button; `switch` None: the token was never given."""
        since, is_good = self.hits, self._is_good(token)
        if switch is not None:
            self._loosen(switch, None)
        body = f"token={quote(token)}"
        status, text = self.page("kill_switch", f"POST {LINK}", body, headers=FORM)
        self.is_loose |= status is None
        if self.hits == since:
            assert token in self.doubtful or status == (200 if is_good else 403), text
        elif status != 200:
            self.doubtful.add(token)
        if status == 200:
            assert switch is not None, f"a link that nobody gave was taken: {text}"
            assert is_good, f"a link was taken twice: {text}"
            self.pressed.add(token)
            self._note_stop(switch, lets_exits=self._lets_exits(switch))

    def _lets_exits(self, switch: KillSwitch) -> bool:
        key = {"gate": {"S": switch.key}}
        item = self.stack.dynamodb.get_item(TableName="GateTable", Key=key)["Item"]
        return bool(item["lets_exits"]["BOOL"])

    def _is_good(self, token: str) -> bool:
        return token in self.canaries.hidden and token not in self.pressed

    # ------------------------------------------------------------ the breakers
    def show_breakers(self) -> None:
        """Look at how the breakers stand."""
        since = self.hits
        reply = self.ask("alarm", "GET /v1/breakers", key=KEY)
        self.require(reply, "OK", since=since)
        for one in reply.content["breakers"] if reply.is_success else ():
            is_open = is_engaged(self.stack, f"breaker#{one['broker']}#{one['account']}")
            assert (one["state"] != "closed") == is_open or not self.is_calm(), one

    def close_breaker(self, account: str) -> None:
        """Close a breaker by hand."""
        since = self.hits
        reply = self.ask("alarm", "DELETE /v1/breakers/{account}", key=KEY, path={"account": account})
        self.require(reply, "OK", *(() if self.is_calm() else ("CONFLICT",)), since=since)
        if reply.is_success:
            assert reply.content["state"] == "closed"
            is_open = is_engaged(self.stack, f"breaker#{BROKERS[account]}#{account}")
            assert not is_open or not self.is_calm(), f"the breaker of {account} was answered to be closed"

    # ------------------------------------------------------------ limits
    def put_limits(self, owner: Counted, limits: dict[str, Any], *, is_stale: bool = False) -> None:
        """Replace limits; `is_stale`: as somebody who read another version."""
        since, before = self.hits, limits_of(self.stack, owner)
        headers = {"if-match": '"another"'} if is_stale else {}
        query = {owner.kind: owner.owner}
        reply = self.ask("limits", "PUT /v1/limits", limits, key=KEY, query=query, headers=headers)
        self.require(reply, "CONFLICT" if is_stale else "OK", since=since)
        if is_stale:
            assert limits_of(self.stack, owner) == before or not self.is_calm(), "an old version was replaced"
            return
        self.limits_at, self.are_limits_set = self.stack.hub.elapsed, True
        if reply.is_success:
            self._judge_limits(reply.content, owner)
            now = limits_of(self.stack, owner).model_dump(mode="json", include=set(limits))
            assert now == limits or not self.is_calm(), f"{limits} was answered, {now} is stored"

    def show_limits(self, owner: Counted) -> None:
        """Look at limits."""
        since = self.hits
        reply = self.ask("limits", "GET /v1/limits", key=KEY, query={owner.kind: owner.owner})
        self.require(reply, "OK", since=since)
        if reply.is_success:
            self._judge_limits(reply.content, owner)

    def _judge_limits(self, content: Any, owner: Counted) -> None:
        assert content[owner.kind] == owner.owner
        stored = limits_of(self.stack, owner).model_dump(mode="json")
        shown = content["limits"]
        same = {name: sorted(value) if isinstance(value, list) else value for name, value in stored.items()}
        assert shown == same or not self.is_calm(), f"{owner} has {stored}, {shown} is shown"


def _named(switch: KillSwitch) -> dict[str, str]:
    scope = {"scope": str(switch.scope)}
    return scope if switch.name is None else {**scope, "name": switch.name}
