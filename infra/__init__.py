"""What runs around the router: the local stack and the operator's command."""

import sys
from pathlib import Path

# The tools here write the router's own records, with its own code; the layer is not installed anywhere.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "layers" / "order_router"))
