"""Calls the local stack as a caller would: real HTTP, to 127.0.0.1 and nowhere else."""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

# the emulator starts a worker for each parallel call: on two busy cores 20 of them take their time
TIMEOUT_S = 60
PATIENCE_S = 30
POLL_S = 0.05

Order = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """One answer: header names in lower case, the body as it came and as JSON."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def content(self) -> dict[str, Any]:
        return dict(json.loads(self.text))

    @property
    def code(self) -> str:
        """The code of a problem; it must be one by its content type."""
        assert self.headers["content-type"] == "application/problem+json", self
        assert self.content["status"] == self.status
        return str(self.content["code"])

    def order(self, *statuses: int) -> Order:
        """The order of an answer that has one of these statuses."""
        assert self.status in statuses, self
        return self.content


@dataclass(frozen=True)
class Client:
    """The API under one key; None sends no key at all."""

    api_url: str
    key: str | None = field(repr=False)

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request: a text or bytes body as it is, anything else as JSON."""
        address = urlsplit(self.api_url)
        assert address.hostname == "127.0.0.1"
        raw = body if body is None or isinstance(body, str | bytes) else json.dumps(body)
        sent = dict(headers or {}) if self.key is None else {"X-API-Key": self.key, **(headers or {})}
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, address.path + path, body=raw, headers=sent)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, named, answer.read().decode())
        finally:
            connection.close()

    def place(self, order: Order, key: str | None = None) -> Reply:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.send("POST", "/v1/orders", order, headers)

    def place_together(self, order: Order, key: str, *, times: int) -> list[Reply]:
        """Send the same order that many times at once."""
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(lambda _: self.place(order, key), range(times)))

    def modify(self, client_order_id: str, **changes: object) -> Reply:
        return self.send("PATCH", f"/v1/orders/{client_order_id}", changes)

    def cancel(self, client_order_id: str) -> Reply:
        return self.send("DELETE", f"/v1/orders/{client_order_id}")

    def cancel_all(self, account: str) -> list[dict[str, Any]]:
        reply = self.send("POST", "/v1/orders/cancel-all", {"account": account})
        assert reply.status == 200, reply
        return list(reply.content["results"])

    def get(self, path: str, **query: str | int) -> Reply:
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path)

    def read(self, client_order_id: str) -> Reply:
        return self.get(f"/v1/orders/{client_order_id}")

    def orders(self, **query: str | int) -> list[Order]:
        """One page of orders that must be the only one."""
        page = self.get("/v1/orders", **query).order(200)
        assert page["next_cursor"] is None
        return list(page["orders"])

    def portfolio(self, what: str, account: str) -> list[dict[str, Any]]:
        """An account's positions, holdings or funds."""
        (entry,) = self.get(f"/v1/{what}", account=account).order(200)["accounts"]
        assert entry["account"] == account
        return list(entry[what])

    def set_price(self, instrument: str, last_price: str) -> Reply:
        path = f"/v1/paper/prices/{quote(instrument, safe='')}"
        return self.send("PUT", path, {"last_price": last_price})

    def settled(self, client_order_id: str, *states: str, within_s: float = PATIENCE_S) -> Order:
        """The order once it is in one of these states; an alert's order may not be there yet."""

        def look() -> Order | None:
            reply = self.read(client_order_id)
            return reply.content if reply.status == 200 and reply.content["state"] in states else None

        return eventually(look, f"{client_order_id} in {states}", within_s=within_s)


def eventually[T](look: Callable[[], T | None], what: str, *, within_s: float = PATIENCE_S) -> T:
    """Return what a look gives once it gives something; fail when that takes too long."""
    give_up = time.monotonic() + within_s
    while (found := look()) is None:
        assert time.monotonic() < give_up, f"not within {within_s} s: {what}"
        time.sleep(POLL_S)
    return found
