"""The chaos layer itself: each fault is on the wire what its name says, by seed, and the ledger tells it truly."""

import http.client
import socket
import ssl
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.fakes.world import World
from tests.faults.certificates import trusting
from tests.faults.chaos_floors import FLOORS
from tests.faults.chaos_run import Certificates, trouble
from tests.faults.floor import Floor
from tests.simulators.chaos import ChaosServer, chaos
from tests.simulators.chaos_faults import FAULTS
from tests.simulators.chaos_plan import Plan, read_plan
from tests.simulators.chaos_process import ChaosProcess
from tests.simulators.kite import ACCESS_TOKEN, API_KEY

TAG = "ORD7K2M4QX5ZB3TDLW6A"
FORM = (
    "exchange=NSE&tradingsymbol=INFY&transaction_type=BUY&quantity=5&product=MIS"
    f"&order_type=LIMIT&price=1400&validity=DAY&tag={TAG}"
)
HEADERS = f"X-Kite-Version: 3\r\nAuthorization: token {API_KEY}:{ACCESS_TOKEN}\r\nHost: kite\r\n"
PLACE = (
    f"POST /orders/regular HTTP/1.1\r\n{HEADERS}"
    f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(FORM)}\r\n\r\n{FORM}"
)
BOOK = f"GET /orders HTTP/1.1\r\n{HEADERS}\r\n"
PATIENCE_S = 5.0
IMPATIENCE_S = 0.5


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.made_in(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def floor(world: World) -> Iterator[Floor]:
    with FLOORS["zerodha"](world) as floor:
        yield floor


@pytest.fixture
def server(world: World, floor: Floor) -> Iterator[ChaosServer]:
    with chaos(floor.simulator, now=world.clock.now) as server:
        yield server


def heard(
    server: ChaosServer, request: str, tls: ssl.SSLContext | None = None, *, patience_s: float = PATIENCE_S
) -> tuple[str, bytes]:
    """Send a request; return how it ended (kept, closed, reset, silent) and what came."""
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=patience_s)
    ends_at = time.monotonic() + patience_s
    with closing(raw if tls is None else tls.wrap_socket(raw, server_hostname="127.0.0.1")) as connection:
        connection.sendall(request.encode())
        data = b""
        try:
            while piece := connection.recv(65536):
                data += piece
                if is_whole(data):
                    return "kept", data
                connection.settimeout(max(0.001, ends_at - time.monotonic()))
        except TimeoutError:
            return "silent", data
        except (ConnectionResetError, ssl.SSLEOFError):
            return "reset", data
        return "closed", data


def is_whole(data: bytes) -> bool:
    if data.startswith(b"HTTP/1.1 100"):
        data = data.partition(b"\r\n\r\n")[2]
    head, end, body = data.partition(b"\r\n\r\n")
    lengths = [int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")]
    return bool(end) and bool(lengths) and len(body) >= lengths[0]


def status(data: bytes) -> int:
    return int(data.split(b" ", 2)[1])


SEEN: dict[str, Callable[[str, bytes], bool]] = {
    "reset_before_body": lambda end, data: (end, data) == ("reset", b""),
    "reset_after_body": lambda end, data: (end, data) == ("reset", b""),
    "half_open": lambda end, data: (end, data) == ("silent", b""),
    "slow_drip": lambda end, data: end == "silent" and 0 < len(data) < 20,
    "status_1xx": lambda end, data: 100 <= status(data) < 200,
    "status_3xx": lambda end, data: end == "kept" and 300 <= status(data) < 400 and b"Location" in data,
    "status_4xx": lambda end, data: end == "kept" and 400 <= status(data) < 500 and b"error_type" in data,
    "status_5xx": lambda end, data: end == "kept" and 500 <= status(data) < 600,
    "html_page": lambda end, data: end == "kept" and b"<html>" in data,
    "truncated_json": lambda end, data: not data.endswith(b"}"),
    "duplicate_keys": lambda end, data: (
        end == "kept" and data.count(b'"order_id":') + data.count(b'"status":') > 2
    ),
    "accept_then_timeout": lambda end, data: (end, data) == ("silent", b""),
    "accepted_late": lambda end, data: (end, data) == ("reset", b"") or status(data) == 504,
}
ON_THE_BOOK: dict[str, Callable[[bytes], bool]] = {
    "book_lag": lambda data: TAG.encode() not in data,
    "book_without_tag": lambda data: b'"tag":null,"tags":[]' in data,
    "tag_truncated": lambda data: TAG.encode() not in data and b'"tag":"O' in data,
    "tag_case_changed": lambda data: TAG.lower().encode() in data,
    "rows_reordered": lambda data: data.find(b"000001") > data.find(b"000008"),
}
TLS_ONLY = {"tls_handshake", "tls_cut"}


def test_every_fault_is_seen_somewhere_below() -> None:
    assert {*SEEN, *ON_THE_BOOK, *TLS_ONLY} == set(FAULTS)


@pytest.mark.parametrize("fault", SEEN)
def test_a_fault_is_on_the_wire_what_its_name_says(server: ChaosServer, fault: str) -> None:
    seeds = range(2 if FAULTS[fault].is_slow else 8)
    for seed in seeds:
        server.broker.plan = Plan(faults={fault: 1}, seed=seed)

        patience_s = IMPATIENCE_S if FAULTS[fault].is_slow else PATIENCE_S
        assert SEEN[fault](*heard(server, PLACE, patience_s=patience_s)), (seed, fault)

    writes = server.broker.ledger.writes
    assert [(write.tag, write.fault) for write in writes] == [(TAG, fault)] * len(seeds)


@pytest.mark.parametrize("fault", ON_THE_BOOK)
def test_a_fault_of_the_book_is_in_the_book_and_not_in_the_truth(
    server: ChaosServer, floor: Floor, world: World, fault: str
) -> None:
    server.broker.plan = Plan(faults={fault: 1}, on="reads", seed=3, lag_s=(30, 60))
    for _ in range(8):
        heard(server, PLACE)

    answers = [heard(server, BOOK)[1] for _ in range(4)]

    assert any(ON_THE_BOOK[fault](data) for data in answers)
    assert [order.tag for order in floor.held()] == [TAG] * 8
    world.clock.advance(61)
    server.broker.plan = Plan()
    assert TAG.encode() in heard(server, BOOK)[1]


def test_an_old_book_is_as_the_book_was_then(server: ChaosServer, floor: Floor, world: World) -> None:
    server.broker.plan = Plan(faults={"book_lag": 1}, on="reads", lag_s=(30, 30))
    heard(server, PLACE)
    world.clock.advance(20)
    order_id = floor.held()[0].broker_order_id
    heard(server, f"DELETE /orders/regular/{order_id} HTTP/1.1\r\n{HEADERS}\r\n")

    seen = []
    for _ in range(3):
        seen.append([word for word in (b"OPEN", b"CANCELLED") if word in heard(server, BOOK)[1]])
        world.clock.advance(16)

    assert seen == [[], [b"OPEN"], [b"CANCELLED"]]


def test_a_late_order_is_accepted_when_its_time_has_come(
    server: ChaosServer, floor: Floor, world: World
) -> None:
    server.broker.plan = Plan(faults={"accepted_late": 1}, late_s=(100, 100))
    heard(server, PLACE)

    world.clock.advance(99)
    assert (server.broker.tick(), floor.held()) == (1, [])

    world.clock.advance(1)
    assert (server.broker.tick(), len(floor.held())) == (0, 1)


@pytest.mark.parametrize("fault", sorted(TLS_ONLY))
def test_tls_fails_as_its_name_says(
    world: World, floor: Floor, certificates: Certificates, fault: str
) -> None:
    kinds = set()
    with chaos(floor.simulator, now=world.clock.now, tls=certificates.tls()) as server:
        for seed in range(12):
            server.broker.plan = Plan(faults={fault: 1}, seed=seed)
            try:
                end, _ = heard(server, PLACE, trusting(certificates.good))
                kinds.add(end)
            except (ssl.SSLError, OSError) as error:
                kinds.add(type(error).__name__)

    if fault == "tls_cut":
        assert kinds <= {"reset", "closed"}
        assert len(floor.held()) == 12
    else:
        assert "SSLCertVerificationError" in kinds
        assert len(kinds) >= 2
        assert floor.held() == []


@pytest.mark.parametrize("fault", ["reset_after_body", "status_4xx", "book_lag"])
def test_the_same_seed_plays_the_same_run(certificates: Certificates, fault: str) -> None:
    traces = []
    for _ in range(2):
        with trouble("zerodha", fault, 5, certificates) as one:
            one.run()
            traces.append(one.rules.trace)

    assert traces[0] == traces[1]
    assert len(traces[0]) > 10


@pytest.mark.parametrize(
    "told", [{"faults": ["nonsense"]}, {"on": "sundays"}, {"bogus": 1}, {"late_s": [1]}, {"rate": "often"}]
)
def test_a_plan_that_makes_no_sense_is_refused(told: dict[str, object]) -> None:
    with pytest.raises((ValueError, IndexError)):
        read_plan(told, FAULTS)


def test_it_runs_as_a_process_and_its_ledger_tells_what_happened() -> None:
    process = ChaosProcess()
    try:
        with pytest.raises(urllib.error.HTTPError):
            process.plan(faults=["nonsense"])
        process.plan(faults={"accepted_late": 1}, on="writes", rate=1, seed=7, late_s=[0.2, 0.3])
        assert placed_at(process) in {None, 504}
        assert process.ledger()["waiting"] == 1

        ends_at = time.monotonic() + 10
        while not process.ledger()["held"]:
            assert time.monotonic() < ends_at
            time.sleep(0.05)

        ledger = process.ledger()
        assert ledger["by_tag"] == {TAG: {"received": 1, "held": 1}}
        assert ledger["faults"] == {"accepted_late": 1}
        assert [(write["kind"], write["fault"], write["verdict"]) for write in ledger["writes"]] == [
            ("place", "accepted_late", "lost")
        ]
        assert process.plan(reset=True)["faults"] == {}
        assert process.ledger()["writes"] == []
    finally:
        process.stop()


def placed_at(process: ChaosProcess) -> int | None:
    """Place the order; return the answer's status, None if there was no answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", process.port, timeout=5)) as connection:
        try:
            connection.request("POST", "/orders/regular", FORM, dict(headers()))
            return connection.getresponse().status
        except OSError:
            return None


def headers() -> Iterator[tuple[str, str]]:
    for line in HEADERS.split("\r\n")[:2]:
        name, _, text = line.partition(": ")
        yield name, text
    yield "Content-Type", "application/x-www-form-urlencoded"
