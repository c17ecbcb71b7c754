"""The place function of this checkout, in this process, with its real wiring and every departure noted."""

import importlib.util
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from order_router import parts, wiring
from order_router.aws.clients import make_client
from order_router.logs import ROOT
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

    def place(self, account: str, key: str) -> dict[str, Any]:
        """Place an order as API Gateway would ask for it, and return the whole answer."""
        answer: dict[str, Any] = self.handler(order_event(account, key), None)
        return answer


def order_event(account: str, key: str) -> dict[str, Any]:
    """Return the gateway's event of a market order, received now."""
    return event(
        "POST /v1/orders",
        order_body(account),
        at=datetime.now(UTC),
        headers={"Idempotency-Key": key, "Content-Type": "application/json"},
        caller=ADMIN,
    )


@contextmanager
def loaded(environment: Mapping[str, str], make: MakeClient = make_client) -> Iterator[PlaceFunction]:
    """Load the function with this environment and these clients; its log lines are formatted and go nowhere."""
    journal = Journal()
    wiring.world.cache_clear()
    with (
        _log_to_nowhere(),
        mock.patch.dict(os.environ, environment),
        mock.patch.object(parts, "make_client", journal.watching(make)),
    ):
        world = wiring.world()
        world.transport = NotingTransport(world.transport, journal)
        yield PlaceFunction(_load().handler, world, journal)
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
