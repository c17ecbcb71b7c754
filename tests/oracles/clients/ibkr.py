"""Let `ibind` make the calls that are asked for at one address.

Its environment keeps it from writing logs and from logging everybody out at its end. Each of `calls` is the name of a
method of `IbkrClient` and its arguments by name, an order's fields as `order_request`; `logs_in` lets it log in first.
Its errors are not judged here: what counts is what went over the wire.
"""

import json
import os
import sys
from typing import Any

os.environ |= {
    "IBIND_LOG_TO_FILE": "false",
    "IBIND_AUTO_REGISTER_SHUTDOWN": "false",
    "IBIND_SHUTDOWN_OAUTH": "false",
    "IBIND_MAINTAIN_OAUTH": "false",
}

from ibind import IbkrClient
from ibind.client.ibkr_utils import OrderRequest
from ibind.oauth.oauth1a import OAuth1aConfig
from ibind.support.errors import ExternalBrokerError

KEYS = ("consumer_key", "access_token", "access_token_secret", "encryption_key", "signature_key", "dh_prime")


def main() -> None:
    told = json.load(sys.stdin)
    asked, stored = told["asked"], told["asked"]["credentials"]
    config = OAuth1aConfig(
        oauth_rest_url=told["url"],
        init_oauth=asked["logs_in"],
        init_brokerage_session=asked["logs_in"],
        maintain_oauth=False,
        shutdown_oauth=False,
        **{name: stored[name] for name in KEYS},
    )
    client = IbkrClient(
        account_id=stored["account_id"], use_oauth=True, oauth_config=config, max_retries=0, timeout=10
    )
    if not asked["logs_in"]:
        client.live_session_token = asked["live_session_token"]
    print(json.dumps([outcome(client, call, arguments) for call, arguments in asked["calls"]]))


def outcome(client: IbkrClient, call: str, arguments: dict[str, Any]) -> str:
    if "order_request" in arguments:
        arguments["order_request"] = OrderRequest(**arguments["order_request"])
    try:
        return str(getattr(client, call)(**arguments))
    except (ExternalBrokerError, KeyError) as error:
        return type(error).__name__


main()
