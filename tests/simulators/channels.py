"""A socket server that plays Telegram's Bot API and somebody's webhook.

    python -m tests.simulators.channels --port 0 --print-port

`POST /bot<TOKEN>/sendMessage` is Telegram: it knows one bot and the chats 4711 and -1001. Any other POST is a webhook
that takes what is signed with `SIGNING_SECRET` within five minutes, as Standard Webhooks has it, and answers 401 to the
rest. `POST /_control` tells it how to behave:

    {"behave": "too_many", "on": "telegram", "times": 2}      times 0: until it is told otherwise
    {"reset": true}

`GET /_control/messages` lists what it took, `GET /_control/requests` every request that came: `on` and its headers.
"""

import base64
import hashlib
import hmac
import json
import re
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, cast

from tests.simulators.serving import LocalServer, QuietHandler, serve_until_stopped, serving

TOKEN = "123456:simulated-bot-token-canary-0123456789"
SIGNING_SECRET = "whsec_" + base64.b64encode(b"simulated-signing-secret-canary-").decode()
CHATS = {"4711", "-1001"}
TELEGRAM, WEBHOOK = "telegram", "webhook"
BOT = re.compile(r"/bot([^/]+)/sendMessage")
HTML = "<html><body>Bad gateway</body></html>"
TOLERANCE_S = 300


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What goes wrong: whether the message is taken first, and what is answered (None: nothing)."""

    status: int | None = 200
    text: str = ""
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_taken: bool = False
    hangs: bool = False


def refusal(status: int, words: str, **more: Any) -> str:
    """Return Telegram's words for a refusal."""
    return json.dumps({"ok": False, "error_code": status, "description": words, **more})


BEHAVIOURS = {
    "server_error": Behaviour(status=500, text="{}"),
    "html": Behaviour(status=502, text=HTML, kind="text/html"),
    "html_as_success": Behaviour(status=200, text=HTML, kind="text/html"),
    "too_many": Behaviour(
        status=429,
        text=refusal(429, "Too Many Requests: retry after 7", parameters={"retry_after": 7}),
        headers={"Retry-After": "7"},
    ),
    "too_many_without_words": Behaviour(status=429, text=""),
    "hang": Behaviour(hangs=True),
    "drop": Behaviour(status=None),
    "take_then_drop": Behaviour(status=None, is_taken=True),
    "blocked": Behaviour(status=403, text=refusal(403, "Forbidden: bot was blocked by the user")),
    "redirect": Behaviour(status=302, headers={"Location": "http://127.0.0.1:9/elsewhere"}),
    "half_json": Behaviour(status=200, text='{"ok": tr'),
    "repeats_the_token": Behaviour(status=400, text=refusal(400, f"Bad Request: {TOKEN} is not it")),
}


class Channels:
    """What was taken and how to behave; shared by all connections."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.messages: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.told: dict[str, list[Any]] = {}

    def control(self, told: Mapping[str, Any]) -> None:
        """Do as told."""
        if told.get("reset"):
            self.reset()
        if "behave" in told:
            self.told[told["on"]] = [BEHAVIOURS[told["behave"]], told.get("times", 1)]

    def next_behaviour(self, on: str) -> Behaviour | None:
        """Return how to behave to this request."""
        if on not in self.told:
            return None
        behaviour, left = self.told[on]
        if left == 1:
            del self.told[on]
        elif left:
            self.told[on][1] = left - 1
        return cast("Behaviour", behaviour)

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Behaviour:
        """Take a message and return the answer."""
        bot = BOT.fullmatch(path)
        on = WEBHOOK if bot is None else TELEGRAM
        self.requests.append({"on": on, "headers": dict(headers)})
        planned = self.next_behaviour(on)
        if planned is not None and not planned.is_taken:
            return planned
        answer = self._webhook(headers, body) if bot is None else self._telegram(bot[1], json.loads(body))
        return answer if planned is None else planned

    def _telegram(self, token: str, message: Mapping[str, Any]) -> Behaviour:
        if token != TOKEN:
            return Behaviour(status=401, text=refusal(401, "Unauthorized"))
        if message["chat_id"] not in CHATS:
            return Behaviour(status=400, text=refusal(400, "Bad Request: chat not found"))
        if not 0 < len(message["text"]) <= 4096:
            return Behaviour(status=400, text=refusal(400, "Bad Request: message is too long"))
        self.messages.append({"on": TELEGRAM, **message})
        return Behaviour(text=json.dumps({"ok": True, "result": {"message_id": len(self.messages)}}))

    def _webhook(self, headers: Mapping[str, str], body: bytes) -> Behaviour:
        if not is_signed(headers, body):
            return Behaviour(status=401)
        self.messages.append({"on": WEBHOOK, "id": headers["webhook-id"], **json.loads(body)})
        return Behaviour(status=204)


def is_signed(headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether a request is one that Standard Webhooks lets through."""
    name, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not moment.isdigit() or abs(time.time() - int(moment)) > TOLERANCE_S:
        return False
    key = base64.b64decode(SIGNING_SECRET.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.digest(key, f"{name}.{moment}.".encode() + body, hashlib.sha256)).decode()
    given = [one.partition(",") for one in headers.get("webhook-signature", "").split()]
    return any(version == "v1" and hmac.compare_digest(wanted, text) for version, _, text in given)


class Handler(QuietHandler):
    """Reads a request, lets the channels take it, and answers, or does not."""

    def handle_request(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.startswith("/_control"):
            self._control(body)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self._channels.lock:
            behaviour = self._channels.take(self.path, headers, body)
        if behaviour.hangs:
            self._channels.stopping.wait(30)
        if behaviour.hangs or behaviour.status is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._respond(behaviour)

    do_GET = do_POST = handle_request  # noqa: N815 - the names of http.server

    def _control(self, body: bytes) -> None:
        channels = self._channels
        with channels.lock:
            if self.command == "POST":
                channels.control(json.loads(body))
            shown = {"/_control/messages": channels.messages, "/_control/requests": channels.requests}
            text = json.dumps(shown.get(self.path, []))
        self._respond(Behaviour(text=text))

    def _respond(self, behaviour: Behaviour) -> None:
        body = behaviour.text.encode()
        self.send_response(behaviour.status or 200)
        for name, value in behaviour.headers.items():
            self.send_header(name, value)
        if behaviour.status != 204:
            self.send_header("Content-Type", behaviour.kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if behaviour.status != 204:
            self.wfile.write(body)

    @property
    def _channels(self) -> Channels:
        return cast("ChannelsServer", self.server).channels


class ChannelsServer(LocalServer):
    """The stand-in on a port of this machine (0: any free one)."""

    def __init__(self, port: int = 0) -> None:
        self.channels = Channels()
        super().__init__(port, Handler, stopping=self.channels.stopping)


def running(port: int = 0) -> AbstractContextManager[ChannelsServer]:
    """Run it in a thread for as long as the context lasts."""
    return serving(ChannelsServer(port))


if __name__ == "__main__":
    serve_until_stopped(ChannelsServer, __doc__)
