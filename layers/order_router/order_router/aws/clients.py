"""AWS clients: botocore's own, without boto3's layer over it, with short timeouts and few retries."""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=1,
    # TradingView waits 3 s: the answer to one lost answer, asked for again, must still reach it
    read_timeout=1,
    tcp_keepalive=True,
)


SERVICES = ("dynamodb", "lambda", "s3", "secretsmanager", "sns", "sqs")


def make_client(service: str) -> Any:  # noqa: ANN401 - botocore makes its clients at run time
    """Return a low-level client of the service; region, keys and endpoint come from the environment."""
    return _session().create_client(service, config=CONFIG)


def make_patient_client(service: str, wait_s: float) -> Any:  # noqa: ANN401 - botocore makes its clients at run time
    """Return a client that waits this long for an answer, and asks once."""
    once = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=wait_s)
    return _session().create_client(service, config=CONFIG.merge(once))


def make_hasty_client(service: str) -> Any:  # noqa: ANN401 - botocore makes its clients at run time
    """Return a client for what must not keep its caller: it asks once, and waits a second."""
    once = Config(retries={"mode": "standard", "total_max_attempts": 1})
    return _session().create_client(service, config=CONFIG.merge(once))


def make_steady_client(service: str) -> Any:  # noqa: ANN401 - botocore makes its clients at run time
    """Return a client for work that nobody waits for: it waits ten seconds for an answer, and asks five times."""
    steady = Config(retries={"mode": "standard", "total_max_attempts": 5}, read_timeout=10)
    return _session().create_client(service, config=CONFIG.merge(steady))


class _Loader(Loader):
    """Knows which services there are; botocore would list the folders of all 400, twice (15 ms of a cold start)."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - each of ours has every type
        return list(SERVICES)


@cache
def _session() -> botocore.session.Session:
    session = botocore.session.get_session()
    session.register_component("data_loader", _Loader())
    return session
