"""The place function of this checkout, in this process, with its real wiring and every departure noted."""

import importlib.util
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from order_router import parts, wiring
from order_router.aws.clients import make_client
from order_router.logs import ROOT
from order_router.ports import Clock
from order_router.transport.clock import SystemClock
from tests.bench.journal import Journal, NotingTransport
from tests.bench.seeds import order_body
from tests.unit.api.events import ADMIN, event

APP = Path(__file__).parents[2] / "functions" / "place" / "app.py"

MakeClient = Callable[[str], Any]


@dataclass(frozen=True)
class PlaceFunction:
    """The loaded handler, the world behind it, and the journal of what it sends."""

    handler: Any
    world: wiring.World
    journal: Journal
    clock: Clock

    def place(self, account: str, key: str) -> dict[str, Any]:
        """Place an order as API Gateway would ask for it, and return the whole answer."""
        answer: dict[str, Any] = self.handler(order_event(account, key, self.clock.now()), None)
        return answer


def order_event(account: str, key: str, at: datetime | None = None) -> dict[str, Any]:
    """Return the gateway's event of a market order, received then, or now."""
    return event(
        "POST /v1/orders",
        order_body(account),
        at=at or datetime.now(UTC),
        headers={"Idempotency-Key": key, "Content-Type": "application/json"},
        caller=ADMIN,
    )


@contextmanager
def loaded(
    environment: Mapping[str, str], make: MakeClient = make_client, clock: Clock | None = None
) -> Iterator[PlaceFunction]:
    """Load the function with this environment, these clients and this clock, or the machine's own.

    Its log lines are formatted and go nowhere.
    """
    journal, clock = Journal(), clock or SystemClock()
    wiring.world.cache_clear()
    with (
        _log_to_nowhere(),
        mock.patch.dict(os.environ, environment),
        mock.patch.object(parts, "make_client", journal.watching(make)),
        mock.patch.object(wiring, "World", partial(wiring.World, clock=clock)),
    ):
        world = wiring.world()
        world.transport = NotingTransport(world.transport, journal)
        yield PlaceFunction(_load().handler, world, journal, clock)
    wiring.world.cache_clear()


@contextmanager
def _log_to_nowhere() -> Iterator[None]:
    logger = logging.getLogger(ROOT)
    before = vars(logger) | {"handlers": [*logger.handlers]}
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield
    vars(logger).clear()
    vars(logger).update(before)
    logger.setLevel(logger.level)


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("bench_place_app", APP)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(APP)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
