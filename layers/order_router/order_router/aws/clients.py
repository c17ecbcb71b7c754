"""AWS clients: botocore's own, without boto3's layer over it, with short timeouts and few retries."""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=1,
    read_timeout=2,
    tcp_keepalive=True,
)


def make_client(service: str) -> Any:  # noqa: ANN401 - botocore makes its clients at run time
    """Return a low-level client of the service; region, keys and endpoint come from the environment."""
    return _session().create_client(service, config=CONFIG)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()
