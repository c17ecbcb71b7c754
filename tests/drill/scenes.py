"""The scenes of a drill: each plays a trouble, waits for what must come of it, and leaves the desk as it found it."""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from tests.brokers.browser import Browser
from tests.drill.desk import ACCOUNT, INSTRUMENT, LOST, STRATEGY, Desk
from tests.drill.timeline import Timeline
from tests.system.client import Client, Reply

DOWN = ["reset_after_body", "status_5xx", "html_page"]
ALERTS = 6
LINK = re.compile(r"https?://\S+")
ALARM = "order-queue-age"


def broker_down(desk: Desk, time_line: Timeline) -> None:
    """Let the broker fail: its circuit opens, the trader is told, a read closes it, the lost orders are found."""
    time_line.scene("The broker goes down")
    _place_one(desk, time_line)
    desk.broker.plan(faults=DOWN, on="both", rate=1.0, seed=1)
    time_line.say("broker", "answers nothing but resets, 5xx and HTML")
    placed = [desk.api.place(desk.order(instrument=LOST)) for _ in range(3)]
    for reply in placed:
        time_line.say("order", f"{reply.status} {_state(reply)}")
    stopped = time_line.wait("order", "refused: BROKER_CIRCUIT_OPEN", lambda: _refused(desk), within_s=60)
    time_line.say("order", stopped.content["detail"])
    time_line.wait("trader", "told that the circuit is open", lambda: desk.hear("circuit open"), within_s=60)
    desk.look()
    time_line.say("broker", "is up again")
    desk.broker.plan()
    time_line.wait("breaker", "half-open, one read answered, closed", lambda: _closed(desk), within_s=150)
    time_line.wait("trader", "told that it is closed", lambda: desk.hear("circuit closed"), within_s=60)
    for reply in placed:
        _settle(desk, time_line, reply)
    _place_one(desk, time_line)


def _place_one(desk: Desk, time_line: Timeline) -> None:
    """Place an order that must come to rest; the first of a cold stack starts its workers."""

    def place() -> Reply | None:
        reply = desk.api.place(desk.order())
        return reply if reply.status == 201 else None

    placed = time_line.wait("order", "placed", place, within_s=60)
    time_line.say("order", f"{placed.status} {_state(placed)}")


def _state(reply: Reply) -> str:
    content = reply.content
    order = content if "state" in content else content.get("order", {})
    return " ".join(str(word) for word in (order.get("state"), content.get("code")) if word)


def _refused(desk: Desk) -> Reply | None:
    reply = desk.api.place(desk.order())
    return reply if reply.status == 422 and reply.code == "BROKER_CIRCUIT_OPEN" else None


def _closed(desk: Desk) -> bool | None:
    desk.look()
    time.sleep(2)
    (breaker,) = desk.api.get("/v1/breakers", account=ACCOUNT).order(200)["breakers"]
    return True if breaker["state"] == "closed" else None


def _settle(desk: Desk, time_line: Timeline, reply: Reply) -> None:
    content = reply.content
    order_id = str(content.get("client_order_id") or content["order"]["client_order_id"])

    def look() -> str | None:
        desk.look()
        state = str(desk.api.read(order_id).order(200)["state"])
        return None if state in {"unknown", "submitting"} and _is_at_broker(desk, order_id) else state

    state = time_line.wait("order", f"{order_id} settled by the broker's book", look, within_s=60)
    at_broker = "at the broker" if _is_at_broker(desk, order_id) else "not at the broker"
    time_line.say("order", f"{order_id} {state}, {at_broker}")


def _is_at_broker(desk: Desk, order_id: str) -> bool:
    return any(row.get("tag") == order_id for row in desk.broker.ledger()["held"])


def queue_backs_up(desk: Desk, time_line: Timeline) -> None:
    """Stop what serves the queue: the alarm tells; what is too old by then is stale, and told."""
    time_line.scene("The queue backs up")
    held = desk.broker.ledger()["held"]
    mapping = _serve_queue(desk, enabled=False)
    time_line.say("queue", "nobody serves it")
    for number in range(ALERTS):
        answer = _alert(desk, number)
        assert answer.status == 202, answer
    time_line.say("alert", f"{ALERTS} alerts taken, 202 each")
    began = time.monotonic()
    _until_older(began, 21)
    _report_age(desk, began)
    time_line.wait(
        "trader", "told by the alarm of the queue's age", lambda: desk.hear("Alarm", ALARM), within_s=120
    )
    _until_older(began, 31)
    _serve_queue(desk, enabled=True, mapping=mapping)
    time_line.say("queue", "is served again; every alert is past its 30 s by now")

    def all_stale() -> int | None:
        orders = desk.api.orders(account=ACCOUNT, limit=100)
        states = [one["state"] for one in orders if one["strategy"] == STRATEGY]
        return len(states) if states.count("stale") == ALERTS else None

    time_line.wait("orders", f"{ALERTS} stale, none at the broker", all_stale, within_s=120)
    assert len(desk.broker.ledger()["held"]) == len(held), "a stale alert is at the broker"
    time_line.wait("trader", "told of a stale one", lambda: desk.hear("too old, not sent"), within_s=60)


def _serve_queue(desk: Desk, *, enabled: bool, mapping: str | None = None) -> str:
    client = desk.stack.client("lambda")
    if mapping is None:
        url = desk.target.outputs["OrderQueueUrl"]
        asked = desk.stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = asked["Attributes"]["QueueArn"]
        (found,) = client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
        mapping = str(found["UUID"])
    client.update_event_source_mapping(UUID=mapping, Enabled=enabled)
    return mapping


def _alert(desk: Desk, number: int) -> Reply:
    address = urlsplit(desk.webhook_url)
    body = {
        "strategy": STRATEGY,
        "token": desk.token,
        "ticker": "INFY",
        "exchange": "NSE",
        "action": "buy",
        "contracts": "1",
        "position_size": str(number + 1),
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    api = Client(f"{address.scheme}://{address.netloc}", None)
    return api.send("POST", address.path, json.dumps(body), {"Content-Type": "text/plain"})


def _until_older(began: float, seconds: float) -> None:
    time.sleep(max(0.0, began + seconds - time.monotonic()))


def _report_age(desk: Desk, began: float) -> None:
    """Say what AWS's queue says of itself each minute: the emulator measures no queue."""
    name = desk.target.outputs["OrderQueueUrl"].rpartition("/")[2]
    desk.stack.client("cloudwatch").put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [{"Name": "QueueName", "Value": name}],
                "Value": time.monotonic() - began,
                "Unit": "Seconds",
            }
        ],
    )


def session_dies(desk: Desk, time_line: Timeline) -> None:
    """Let the broker forget the session: the order is refused, the trader logs in by the link that he is sent."""
    time_line.scene("A session dies")
    desk.broker.tell_kite(session={"access_token": None})
    time_line.say("broker", "knows no session any more")
    refused = desk.api.place(desk.order())
    assert refused.code == "BROKER_SESSION_EXPIRED", refused
    time_line.say("order", f"{refused.status} {_state(refused)}")
    text = time_line.wait(
        "trader", "told to log in, with a link", lambda: desk.hear("Log in", "http"), within_s=60
    )
    found = LINK.search(text)
    assert found is not None, text
    url = found[0]
    desk.broker.tell_kite(login={"redirect_url": url.partition("/login?")[0] + "/callback"})
    status, page = Browser().open(url)
    assert status == 200, page
    assert "is logged in" in page, page
    time_line.say("trader", "taps the link, logs in at the broker's page: done")

    _place_one(desk, time_line)


def kill_switch(desk: Desk, time_line: Timeline) -> None:
    """Stop everything with orders at rest and a position open: cancelled, closed, told; then let go, with a reason."""
    time_line.scene("The kill switch")
    desk.api.cancel_all(ACCOUNT)
    bought = desk.api.place(desk.order(order_type="MARKET", limit_price=None, quantity=5)).order(201)
    time_line.say("order", f"bought 5 {INSTRUMENT}: {bought['state']}")
    resting = [desk.api.place(desk.order()).order(201)["client_order_id"] for _ in range(3)]
    time_line.say("orders", f"{len(resting)} at rest")
    wanted = {"scope": "global", "reason": "drill", "close_positions": True, "confirm": True}
    began = time.monotonic()
    answer = desk.api.send("POST", "/v1/kill-switch", wanted)
    assert answer.status in {200, 202}, answer
    time_line.took.append(("kill switch answered", time.monotonic() - began))
    time_line.say(
        "switch", f"{answer.status} after {time.monotonic() - began:.1f} s: from here on no new order leaves"
    )
    stopped = desk.api.place(desk.order())
    assert stopped.code == "KILL_SWITCH_ON", stopped
    time_line.say("order", f"{stopped.status} {_state(stopped)}")
    time_line.wait("trader", "told that it is on", lambda: desk.hear("Kill switch on"), within_s=60)
    time_line.wait("orders", "all at rest are cancelled", lambda: _all_cancelled(desk, resting), within_s=150)
    time_line.wait("position", "closed at the market", lambda: _is_flat(desk), within_s=150)
    time_line.wait(
        "trader", "told what became of each", lambda: desk.hear("Kill switch: what became"), within_s=60
    )
    without = desk.api.send("DELETE", "/v1/kill-switch", {"scope": "global"})
    assert without.status == 422, without
    time_line.say("switch", "cannot be turned off without a reason: 422")
    off = desk.api.send("DELETE", "/v1/kill-switch", {"scope": "global", "reason": "the drill is over"})
    assert off.status == 200, off
    time_line.wait("trader", "told that it is off", lambda: desk.hear("Kill switch off"), within_s=60)
    _place_one(desk, time_line)


def _all_cancelled(desk: Desk, orders: list[str]) -> bool | None:
    states = {desk.api.read(one).order(200)["state"] for one in orders}
    return True if states == {"cancelled"} else None


def _is_flat(desk: Desk) -> bool | None:
    positions = desk.api.portfolio("positions", ACCOUNT)
    return True if all(row["quantity"] == 0 for row in positions) else None


Scene = Callable[[Desk, Timeline], None]
SCENES: dict[str, Scene] = {
    "broker": broker_down,
    "queue": queue_backs_up,
    "session": session_dies,
    "kill": kill_switch,
}
