"""Let Kotak's own client (kotakneoapi, `neo_api_client`) make the calls that are asked for, all at one address.

Each of `asked` is the name of a method of `NeoAPI` and its arguments by name. The client hides its errors in what it
returns, so nothing is judged here: what counts is what went over the wire.
"""

import json
import sys

from neo_api_client import NeoAPI
from neo_api_client.utils import neo_utility

CONSUMER_KEY = "consumer-key-of-the-app"


def main() -> None:
    told = json.load(sys.stdin)
    # the addresses stand in its code; the one of orders is told by the login, as it is to us
    for name in ("PROD_BASE_URL", "SESSION_PROD_BASE_URL", "CONFIG_SERVICE_URL_PROD"):
        setattr(neo_utility, name, told["url"])
    client = NeoAPI(consumer_key=CONSUMER_KEY, environment="prod", http2=False)
    returned = [str(getattr(client, call)(**arguments)) for call, arguments in told["asked"]]
    print(json.dumps(returned))


main()
