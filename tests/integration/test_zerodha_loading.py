"""How the vendor's client is loaded: in an interpreter of its own, for what is loaded stays."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import order_router

IN_A_FRESH_INTERPRETER = """
import json, sys
{before}
import order_router.brokers.zerodha
roots = ("kiteconnect", "twisted", "autobahn")
loaded = sorted(name for name in sys.modules if name.partition(".")[0] in roots)
import kiteconnect
from order_router.brokers.zerodha.session import _KiteConnect
print(json.dumps([loaded, kiteconnect.KiteConnect is _KiteConnect, hasattr(kiteconnect, "KiteTicker")]))
"""


@pytest.mark.parametrize("before", ["", "import kiteconnect"])
def test_loading_the_adapter_loads_no_ticker_and_disturbs_no_other_use_of_the_client(before: str) -> None:
    code = IN_A_FRESH_INTERPRETER.format(before=before)
    layer = str(Path(order_router.__path__[0]).parent)
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": layer},
        capture_output=True,
        text=True,
        check=True,
    )

    loaded, is_shared, has_ticker = json.loads(run.stdout)

    assert not before or "kiteconnect.ticker" in loaded
    assert before or loaded == []
    assert (is_shared, has_ticker) == (False, True)
