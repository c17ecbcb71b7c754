"""Let ICICI's own client (breeze-connect) make the calls that are asked for, all at one address.

When it is imported it downloads the list of instruments and makes a folder `logs` in the working directory: both
happen here as it wants them, from the recorder and in the empty folder that it runs in. Its addresses stand in a
module that it calls `config` and takes from its own folder, so they are changed there before it is loaded. Each of
`asked` is the name of a method of `BreezeConnect` and its arguments by name.
"""

import json
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def load_client(url: str) -> Any:
    """Import the vendor's client with every address that it has pointing here."""
    package = find_spec("breeze_connect")
    assert package is not None
    sys.path.insert(0, str(Path(str(package.origin)).parent))
    config: Any = import_module("config")  # the vendor's own, found in its folder
    del sys.path[0]
    config.API_URL = f"{url}/breezeapi/api/v1/"
    config.BREEZE_NEW_URL = f"{url}/api/v2/"
    config.SECURITY_MASTER_URL = f"{url}/SecurityMaster.zip"
    config.STOCK_SCRIPT_CSV_URL = f"{url}/StockScriptNew.csv"
    for stream in ("LIVE_FEEDS_URL", "LIVE_STREAM_URL", "LIVE_OHLC_STREAM_URL"):
        setattr(config, stream, url)
    return import_module("breeze_connect").BreezeConnect  # it downloads when it is imported


def main() -> None:
    """Log in as the client does, make every call, and tell what came of each."""
    told = json.load(sys.stdin)
    asked = told["asked"]
    client = load_client(told["url"])(api_key=asked["api_key"])
    client.generate_session(api_secret=asked["secret_key"], session_token=asked["api_session"])
    returned = [str(getattr(client, call)(**arguments)) for call, arguments in asked["calls"]]
    print(json.dumps({"returned": returned, "has_logs": Path("logs").is_dir()}))


main()
