"""The transcript in infra/cli/README.md, made by running the command on a terminal, against a stack and a simulator.

python -m tests.system.router_transcript     makes both, runs the commands, and writes the page anew
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.simulators import kotak_neo_login as kotak
from tests.simulators.kite_login import API_KEY, API_SECRET
from tests.system.client import Client, eventually
from tests.system.conftest import REPOSITORY, LocalStack
from tests.unit.cli.screen import Answer, Typed, screen_of

PAGE = REPOSITORY / "infra" / "cli" / "README.md"
BEGIN, END = (
    "<!-- transcript: written by python -m tests.system.router_transcript -->",
    "<!-- end of transcript -->",
)
PAGED, UNATTENDED = "mine", "neo"
WRONG_SECRET = "not-the-secret"
SIX_DIGITS = "735915"
CANARIES = (
    *(API_KEY, API_SECRET, WRONG_SECRET, "request0000", "access0000"),
    *(kotak.ACCESS_TOKEN, kotak.MOBILE_NUMBER, kotak.MPIN, kotak.TOTP_SECRET, SIX_DIGITS),
)

KEEPS = ", Enter keeps it"
KEY, SECRET = "API key (api_key)", "API secret (api_secret)"
PASTE = "the address that the browser shows after the login (not shown here)"

Command = tuple[str, tuple[Answer, ...]]


@dataclass(frozen=True)
class Ports:
    """Where the simulators are."""

    kite: int
    kotak: int

    @property
    def parameters(self) -> dict[str, str]:
        """The template's parameters that lead there."""
        return {
            "ZerodhaEndpoint": f"http://127.0.0.1:{self.kite}",
            "KotakNeoEndpoint": f"http://127.0.0.1:{self.kotak}",
        }


def typed(label: str, line: Typed) -> Answer:
    """What is typed at a prompt."""
    return Answer(f"{label}: ", line)


def commands(ports: Ports) -> Iterator[Command]:
    """What is typed, and what is answered."""
    yield from _on_a_page(ports)
    yield from _by_itself()
    yield "credentials status", ()


def _on_a_page(ports: Ports) -> Iterator[Command]:
    log_in = typed(PASTE, lambda screen: logged_in_at(ports.kite, screen))
    yield f"account add {PAGED} --broker zerodha", ()
    secrets = (typed(KEY, API_KEY), typed(SECRET, "a secret with blanks"), typed(SECRET, API_SECRET))
    yield f"credentials set {PAGED}", secrets
    yield "credentials status", ()
    yield f"credentials test {PAGED}", ()
    yield f"login {PAGED} --paste", (log_in,)
    yield f"credentials test {PAGED}", ()
    yield f"credentials set {PAGED}", (typed(KEY + KEEPS, ""), typed(SECRET + KEEPS, WRONG_SECRET))
    yield f"login {PAGED} --paste", (log_in,)


def _by_itself() -> Iterator[Command]:
    totp = "TOTP secret (totp_secret)"
    yield f"account add {UNATTENDED} --broker kotak_neo", ()
    yield (
        f"credentials set {UNATTENDED}",
        (
            typed("Access token of the application (access_token)", kotak.ACCESS_TOKEN),
            typed("Mobile number (mobile_number)", kotak.MOBILE_NUMBER),
            typed("Client code (UCC) (ucc)", kotak.UCC),
            typed(totp, SIX_DIGITS),
            typed(totp, kotak.TOTP_SECRET),
            typed("MPIN (mpin)", kotak.MPIN),
        ),
    )
    yield f"credentials test {UNATTENDED}", ()


def logged_in_at(kite_port: int, screen: str) -> str:
    """Log in on the simulator's page as a person does, and return the address that the browser then shows."""
    link = screen.rpartition("log in here: ")[2].split()[0]
    state = parse_qs(urlsplit(link).query)["token"][0]
    query = urlencode({"v": "3", "api_key": API_KEY, "redirect_params": urlencode({"state": state})})
    page = HTTPConnection("127.0.0.1", kite_port, timeout=10)
    page.request("GET", f"/connect/login?{query}")
    answer = page.getresponse()
    page.close()
    location = answer.getheader("location")
    assert location is not None
    return location


@dataclass(frozen=True)
class Transcript:
    """What was typed and shown, and the screens as they were."""

    text: str
    screen: str = field(repr=False)


def record(stack: LocalStack, ports: Ports) -> Transcript:
    """Run the commands on a terminal, one after another."""
    lines, screens = [], []
    for words, answers in commands(ports):
        line = [str(REPOSITORY / "infra/cli/router"), "--home", str(stack.home), *words.split()]
        screen, _ = screen_of(line, answers, environment())
        screens.append(screen)
        lines += [f"$ router {words}", *(shown.rstrip() for shown in screen.splitlines())]
    return Transcript(masked("\n".join(lines)), "".join(screens))


def environment() -> dict[str, str]:
    """A terminal without colours and an operator without settings of their own."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"HOME": "/nowhere", "TERM": "dumb", "NO_COLOR": "1"}


def masked(text: str) -> str:
    """Return the text with what differs from run to run in one form."""
    text = re.sub(r"https?://\S+?/v1/", "https://YOUR-API/v1/", text)
    text = re.sub(r"token=\S+", "token=...", text)
    return re.sub(r"\d\d [A-Z][a-z]{2} \d\d:\d\d IST", "21 Nov 09:05 IST", text)


def written() -> str:
    """Return the transcript that the page holds."""
    page = PAGE.read_text(encoding="utf-8")
    return (
        page[page.index(BEGIN) + len(BEGIN) : page.index(END)]
        .strip()
        .removeprefix("```console\n")
        .removesuffix("\n```")
    )


def write(transcript: Transcript) -> None:
    """Put the transcript into the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, after = page[: page.index(BEGIN)], page[page.index(END) :]
    PAGE.write_text(f"{before}{BEGIN}\n```console\n{transcript.text}\n```\n{after}", encoding="utf-8")


class Simulator:
    """A simulator in a process of its own."""

    def __init__(self, module: str, port: int) -> None:
        command = [sys.executable, "-m", module, "--port", str(port)]
        self._process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL)
        client = Client(f"http://127.0.0.1:{port}", None)

        def answers() -> bool | None:
            try:
                return client.get("/_control/requests").status == 200 or None
            except OSError:
                return None

        eventually(answers, f"{module} answers")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)


@contextmanager
def simulators(ports: Ports) -> Iterator[None]:
    """Run both brokers for as long as the block lasts."""
    with ExitStack() as running:
        for module, port in (("kite", ports.kite), ("kotak_neo", ports.kotak)):
            running.callback(Simulator(f"tests.simulators.{module}", port).stop)
        yield


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Write the page anew."""
    ports = Ports(kite=free_port(), kotak=free_port())
    with tempfile.TemporaryDirectory() as folder, simulators(ports):
        stack = LocalStack(home=Path(folder), parameters=ports.parameters)
        try:
            stack.up()
            write(record(stack, ports))
        finally:
            stack.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
