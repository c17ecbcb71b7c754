"""How deep a run goes: what repeats itself most runs in part at each commit, and whole where SWEEPS=whole."""

import os

IS_WHOLE = os.environ.get("SWEEPS") == "whole"
"""As `make prove` sets it."""
