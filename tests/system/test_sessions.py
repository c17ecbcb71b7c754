"""Sessions and order updates on the deployed stack: a person on Kite's page, and postbacks of Kite's own making."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from infra import operate
from infra.local.stack import Stack
from infra.operate import Target
from order_router.aws.sessions import Addresses, SecretCredentials
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from tests.simulators.kite import API_KEY, API_SECRET
from tests.system.client import Client, Order, Reply, eventually
from tests.system.conftest import LocalStack
from tests.system.kite import KiteProcess
from tests.system.trader import new_key, unique

LIMIT = {
    "instrument": "NSE:INFY",
    "side": "BUY",
    "quantity": 5,
    "order_type": "LIMIT",
    "limit_price": "1400",
    "product": "CNC",
}


@dataclass(frozen=True)
class Person:
    """A trader at Kite with credentials and no session yet; `heard` is every answer so far."""

    target: Target
    api: Client
    kite: KiteProcess
    account: str = field(default_factory=lambda: f"p-{unique()}")
    heard: list[Reply] = field(default_factory=list)

    def __post_init__(self) -> None:
        operate.add_account(self.target, Account(name=self.account, broker="zerodha"))
        self.put_credentials(api_secret=API_SECRET)

    def put_credentials(self, api_secret: str) -> None:
        prefix = f"{self.target.stack_name}/accounts"
        addresses = Addresses(prefix, lambda name: load_broker(name).profile, lambda _: None)
        store = SecretCredentials(lambda: self.target.secretsmanager, addresses)
        account = Account(name=self.account, broker="zerodha")
        store.put(account, {"api_key": API_KEY, "api_secret": api_secret})

    def hear(self, reply: Reply) -> Reply:
        self.heard.append(reply)
        return reply

    @property
    def path(self) -> str:
        return f"/v1/sessions/{self.account}"

    def session(self) -> dict[str, Any]:
        (one,) = self.hear(self.api.get("/v1/sessions", account=self.account)).content["sessions"]
        return dict(one)

    def token(self) -> str:
        """Ask for a link and return its token."""
        reply = self.hear(self.api.send("POST", self.path))
        return parse_qs(urlsplit(reply.order(200)["login_url"]).query)["token"][0]

    def tap(self, token: str) -> Reply:
        """Open the link as a browser does: without a key."""
        nobody = Client(self.api.api_url, None)
        return self.hear(nobody.get(f"{self.path}/login", token=token))

    def kite_sends_back(self, token: str) -> str:
        """Log in on Kite's page and return the query that it sends the browser back with."""
        page = urlsplit(self.tap(token).headers["location"])
        kite = Client(f"{page.scheme}://{page.netloc}", None)
        back = self.hear(kite.send("GET", f"{page.path}?{page.query}"))
        return urlsplit(back.headers["location"]).query

    def come_back(self, query: str) -> Reply:
        return self.hear(Client(self.api.api_url, None).send("GET", f"{self.path}/callback?{query}"))

    def log_in(self) -> None:
        assert self.come_back(self.kite_sends_back(self.token())).status == 200

    def place(self, **changes: Any) -> Reply:
        return self.hear(self.api.place({"account": self.account, **LIMIT, **changes}))

    def postbacks(self) -> None:
        """Let Kite send this account's order updates to the stack."""
        url = f"{self.api.api_url}/v1/postbacks/zerodha/{self.account}"
        self.kite.tell(postbacks={"url": url, "api_secret": API_SECRET})


@pytest.fixture
def person(target: Target, admin: Client, kite: KiteProcess) -> Person:
    return Person(target, admin, kite)


def test_one_tap_leads_to_the_broker_s_page_and_back_to_orders(person: Person) -> None:
    assert person.session()["state"] == "never"
    refused = person.place()

    done = person.come_back(person.kite_sends_back(person.token()))

    assert (refused.status, refused.code) == (503, "BROKER_SESSION_EXPIRED")
    assert (done.status, done.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "is logged in" in done.text
    assert "default-src 'none'" in done.headers["content-security-policy"]
    assert person.session()["state"] == "valid"
    assert person.place().order(201)["state"] == "open"


def test_a_callback_is_taken_once_and_a_forged_one_never(person: Person) -> None:
    back = person.kite_sends_back(person.token())
    forged = re.sub("state=[^&]*", "state=forged", back)

    answers = [person.come_back(query) for query in (forged, back, back)]

    assert [reply.status for reply in answers] == [403, 200, 403]
    assert all("LOGIN_LINK_INVALID" in answers[turn].text for turn in (0, 2))
    assert person.session()["state"] == "valid"


def test_a_link_opens_no_other_account(person: Person, target: Target, admin: Client) -> None:
    other = Person(target, admin, person.kite)

    assert other.tap(person.token()).status == 403
    assert other.come_back(urlencode({"state": person.token(), "request_token": "x"})).status == 403


def test_a_wrong_secret_is_a_page_and_a_record_that_say_so(person: Person) -> None:
    person.put_credentials(api_secret="canary-wrong-secret")

    reply = person.come_back(person.kite_sends_back(person.token()))

    assert (reply.status, "CREDENTIALS_REFUSED" in reply.text) == (422, True)
    assert person.session()["last_error"]["code"] == "CREDENTIALS_REFUSED"
    assert "canary" not in repr([(one.headers, one.text) for one in person.heard])


def test_a_session_that_dies_is_noticed_by_an_order_and_replaced_by_a_tap(person: Person) -> None:
    person.log_in()
    person.kite.tell(session={"access_token": None})

    refused = person.place()
    eventually(lambda: person.session()["state"] == "login_needed" or None, "the dead session is noticed")
    person.log_in()

    assert refused.code == "BROKER_SESSION_EXPIRED"
    assert person.place().order(201)["state"] == "open"


def test_who_may_not_trade_begins_no_login(person: Person, target: Target) -> None:
    reader = Client(person.api.api_url, new_key(target, "read", person.account))
    other = Client(person.api.api_url, new_key(target, "trade", "paper"))
    nobody = Client(person.api.api_url, None)

    codes = [one.send("POST", person.path).code for one in (reader, other)]

    assert codes == ["SCOPE_MISSING", "ACCOUNT_FORBIDDEN"]
    # without the header the gateway itself refuses
    assert nobody.send("POST", person.path).status == 401
    (seen,) = reader.get("/v1/sessions").content["sessions"]
    assert seen["account"] == person.account


def test_a_postback_tells_of_a_fill_before_anybody_looks(person: Person) -> None:
    person.log_in()
    person.postbacks()
    order = person.place().order(201)

    person.kite.tell(fill={"order_id": order["broker_order_id"], "quantity": 2})
    partly = person.api.settled(order["client_order_id"], "partially_filled", within_s=20)
    person.kite.tell(fill={"order_id": order["broker_order_id"], "quantity": 3})
    filled = person.api.settled(order["client_order_id"], "filled", within_s=20)

    assert (partly["filled_quantity"], filled["filled_quantity"]) == (2, 5)


def test_postbacks_again_and_in_the_wrong_order_change_nothing(person: Person) -> None:
    person.log_in()
    person.postbacks()
    order = person.place().order(201)
    person.kite.tell(fill={"order_id": order["broker_order_id"], "quantity": 5})
    filled = person.api.settled(order["client_order_id"], "filled", within_s=20)
    before = len(person.kite.postbacks())

    person.kite.tell(postbacks_again=True)
    eventually(lambda: len(person.kite.postbacks()) >= 2 * before or None, "they were sent again")

    assert {one["status"] for one in person.kite.postbacks()} == {200}
    assert person.api.read(order["client_order_id"]).content == filled


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/postbacks/zerodha/{account}", 403, "POSTBACK_REFUSED"),
        ("/v1/postbacks/zerodha/{account}/a-token-that-nobody-gave", 401, "POSTBACK_TOKEN_UNKNOWN"),
        ("/v1/postbacks/kotak_neo/{account}", 404, "POSTBACK_ADDRESS_UNKNOWN"),
        ("/v1/postbacks/zerodha/nobody", 404, "POSTBACK_ADDRESS_UNKNOWN"),
        ("/v1/postbacks/paper/paper", 404, "POSTBACK_ADDRESS_UNKNOWN"),
    ],
)
def test_a_forged_postback_is_refused_by_name(person: Person, path: str, status: int, code: str) -> None:
    person.log_in()
    order = person.place().order(201)
    forged = forged_fill(order)

    reply = Client(person.api.api_url, None).send("POST", path.format(account=person.account), forged)

    assert (reply.status, reply.code) == (status, code)
    assert person.api.read(order["client_order_id"]).content["state"] == "open"


def forged_fill(order: Order) -> dict[str, Any]:
    return {
        "order_id": order["broker_order_id"],
        "order_timestamp": "2026-11-23 10:00:00",
        "status": "COMPLETE",
        "exchange": "NSE",
        "tradingsymbol": "INFY",
        "transaction_type": "BUY",
        "quantity": 5,
        "filled_quantity": 5,
        "order_type": "LIMIT",
        "product": "CNC",
        "validity": "DAY",
        "price": 1400,
        "trigger_price": 0,
        "average_price": 1400,
        "tag": order["client_order_id"],
        "checksum": "0" * 64,
    }


def test_no_log_answer_or_history_holds_what_logs_an_account_in(
    person: Person, stack: LocalStack, target: Target
) -> None:
    token = person.token()
    back = person.kite_sends_back(token)
    person.come_back(back)
    order = person.place().order(201)
    person.hear(person.api.read(order["client_order_id"]))
    secrets = {
        "the api_secret": API_SECRET,
        "the link's token": token,
        "the request token": parse_qs(back)["request_token"][0],
    }
    secret = target.secretsmanager.get_secret_value(
        SecretId=f"{target.stack_name}/accounts/{person.account}/session"
    )
    secrets["the access token"] = json.loads(secret["SecretString"])["access_token"]
    logs = Stack(stack.facts["endpoint_url"]).client("logs")

    def told() -> str | None:
        lines = "\n".join(log_lines(logs))
        return lines if order["client_order_id"] in lines else None

    text = eventually(told, "the logs tell of the order")

    answers = "".join(reply.text for reply in person.heard if "login_url" not in reply.text)
    items = "\n".join(
        str(page["Items"])
        for output, name in target.outputs.items()
        if output.endswith("TableName")
        for page in target.dynamodb.get_paginator("scan").paginate(TableName=name)
    )
    shown = {"a log": text, "an answer": answers, "a table": items}
    assert person.account in text
    assert [
        (name, where) for name, secret in secrets.items() for where, held in shown.items() if secret in held
    ] == []


def log_lines(logs: Any) -> Iterator[str]:
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            for events in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                yield from (event["message"] for event in events["events"])
